// Writes the tables of docs/plan.md: every trio of the catalog on usual cards.
// node scripts/plan-tables.mjs [--check], after npm run setup
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { planCatalog } from "../dist/index.js";

const gib = 2 ** 30;
const machines = [
    { name: "8 GB", vram: [8 * gib], bandwidth: [360] },
    { name: "12 GB", vram: [12 * gib], bandwidth: [360] },
    { name: "16 GB", vram: [16 * gib], bandwidth: [500] },
    { name: "24 GB", vram: [24 * gib], bandwidth: [936] },
    { name: "2 x 24 GB", vram: [24 * gib, 24 * gib], bandwidth: [936] }
];
const file = join(import.meta.dirname, "..", "docs", "plan.md");
const mark = "<!-- tables -->";

const rate = (value) => value.toFixed(value < 10 ? 1 : 0);
const speed = ({ plain, drafted }) => (drafted === null ? rate(plain) : `${rate(plain)}, ${rate(drafted)}`);
function cell({ fit, chosen, models, speed: expected }) {
    if (fit === "no") return "does not fit";
    const names = `${chosen.base}, ${chosen.pair}`;
    if (fit === "devices") return `${names}: ${speed(expected)}`;
    const [base] = models;
    const where = fit === "host" ? "main memory" : `${base.gpuLayers} of ${base.layers} layers`;
    return fit === "disk" ? `${names}: too large` : `${names}, ${where}: ${speed(expected)}`;
}

const columns = [];
for (const { vram, bandwidth } of machines) columns.push(await planCatalog({ vram, bandwidth, ram: 32 * gib }));
const rows = columns[0].map(
    ({ name }, index) => `| ${[name, ...columns.map((plans) => cell(plans[index]))].join(" | ")} |`
);
const table = [
    `| trio | ${machines.map(({ name }) => name).join(" | ")} |`,
    `| --- |${machines.map(() => " --- |").join("")}`,
    ...rows
].join("\n");
const page = readFileSync(file, "utf8");
const written = `${page.slice(0, page.indexOf(mark) + mark.length)}\n\n${table}\n`;
if (process.argv.includes("--check")) {
    if (page !== written) {
        console.error("docs/plan.md is not what scripts/plan-tables.mjs writes");
        process.exitCode = 1;
    }
} else writeFileSync(file, written);
