// The figures of docs/check.md: the bundled trios and wrong pairings of their files, each over the expert's own answers.
// node scripts/pairing-figures.mjs, after npm run setup
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkTrio } from "../dist/index.js";

const pairings = {
    demo: ["base", "weak-expert", "weak-antiexpert"],
    "demo-strong": ["base", "strong-expert", "strong-antiexpert"],
    "demo-seed2": ["base", "weak2-expert", "weak2-antiexpert"],
    "demo-chat": ["chat-base", "chat-expert", "chat-antiexpert"],
    "demo, expert and antiexpert swapped": ["base", "weak-antiexpert", "weak-expert"],
    "demo-strong, swapped": ["base", "strong-antiexpert", "strong-expert"],
    "demo-seed2, swapped": ["base", "weak2-antiexpert", "weak2-expert"],
    "demo-chat, swapped": ["chat-base", "chat-antiexpert", "chat-expert"],
    "weak expert, strong antiexpert": ["base", "weak-expert", "strong-antiexpert"],
    "strong expert, weak antiexpert": ["base", "strong-expert", "weak-antiexpert"],
    "weak expert, antiexpert of the other seed": ["base", "weak-expert", "weak2-antiexpert"],
    "expert of the other seed, weak antiexpert": ["base", "weak2-expert", "weak-antiexpert"]
};
const model = (name) => join(import.meta.dirname, "..", "models", "demo", `demo-${name}.gguf`);
const folder = mkdtempSync(join(tmpdir(), "rast-pairings-"));
const two = (value) => value.toFixed(2);
try {
    for (const [name, files] of Object.entries(pairings)) {
        const trio = join(folder, "trio.json");
        const [base, expert, antiexpert] = files.map(model);
        const promptTemplate = files[0] === "base" ? { promptTemplate: "Q: {prompt}?\n" } : {};
        writeFileSync(trio, JSON.stringify({ name, base, expert, antiexpert, ...promptTemplate }));
        const load = { gpuLayers: 0, threads: 1, tryModels: false };
        const { deep, findings } = await checkTrio({ trio, deep: { load } });
        const { agreement, divergence, coverage, entropy, logprob } = deep[0];
        const distance = (logprob.expert - logprob.antiexpert) / (logprob.expert - logprob.base);
        const shares = [coverage.top1, coverage.top5, coverage.top20].map(two).join(", ");
        const warned = [...new Set(findings.filter(({ level }) => level !== "note").map(({ kind }) => kind))].join(
            ", "
        );
        const cells = [name, two(agreement), two(divergence), two(distance), shares];
        console.log(`| ${[...cells, `${two(entropy.expert)}, ${two(entropy.antiexpert)}`, warned].join(" | ")} |`);
    }
} finally {
    rmSync(folder, { recursive: true, force: true });
}
