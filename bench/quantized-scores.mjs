// What quantization costs a trio in KL and agreement, beside bench/quantized-accuracy.mjs: all of its models in F16, made of the demo's
// own Q8_0, against the trio as it is and in other types, over the demo's problems worked out.
//
//   node bench/quantized-scores.mjs [--trio demo] [--types Q4_0] [--problems 120] [--window 128] [--text FILE]
//
// --text takes another text.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { perplexity } from "../dist/index.js";
import { markdownTable } from "../dist/report/tables.js";
import { comparisonTable } from "../dist/scoring/perplexity-text.js";
import { resolveTrio } from "../dist/trio/trio.js";
import { progress, quantizedTrio, readArguments } from "./support.mjs";

const {
    trio: name,
    types,
    problems,
    window,
    text: given
} = readArguments({ trio: "demo", types: ["Q4_0"], problems: 120, window: 128, text: "" });
const folder = mkdtempSync(join(tmpdir(), "rast-quantized-scores-"));

/** "S:34+17=51;51-42=9#9", as the demo's models write it. */
function workedOut(sum) {
    const [first, ...terms] = sum.match(/[+-]?\d+/g);
    let total = Number(first);
    const steps = terms.map((term) => {
        const before = total;
        total += Number(term);
        return `${before}${term}=${total}`;
    });
    return `S:${steps.join(";")}#${total}`;
}

try {
    const trio = await resolveTrio(name);
    const models = [await quantizedTrio(trio, "F16", folder), { trio: trio.file }];
    for (const type of types) models.push(await quantizedTrio(trio, type, folder));
    const text =
        given !== ""
            ? readFileSync(given, "utf8")
            : readFileSync(join(dirname(trio.file), "problems.jsonl"), "utf8")
                  .trim()
                  .split("\n")
                  .map((line) => JSON.parse(line))
                  .filter(({ prompt }) => /^\d/.test(prompt))
                  .slice(0, problems)
                  .map(({ prompt }) => `Q: ${prompt}?\n${workedOut(prompt)}\n`)
                  .join("");
    progress("scoring");
    const result = await perplexity({ text, window, models: models.map((model) => ({ ...model, threads: 1 })) });
    const names = [`${trio.name} F16`, `${trio.name} as it is`, ...types.map((type) => `${trio.name} ${type}`)];
    const { head, rows } = comparisonTable(result, names);
    const columns = head.map((column, index) => ({ name: column, align: index === 0 ? "left" : "right" }));
    process.stdout.write(markdownTable({ columns, rows }));
} finally {
    rmSync(folder, { recursive: true, force: true });
}
