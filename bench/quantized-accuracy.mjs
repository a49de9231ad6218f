// What quantization costs a trio in accuracy: the demo's models as they are (Q8_0), as F16 made of that, and in Q4_0, on the same problems with
// the same seeds, in one run.
//
//   node bench/quantized-accuracy.mjs [--trio demo] [--types F16,Q4_0] [--limit 100] [--samples 4] [--out FOLDER]
//
// --out keeps the models, the trio files and the evaluation's record there, so that a second run goes on.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evaluate } from "../dist/index.js";
import { printMarkdown } from "../dist/eval/print/report.js";
import { resolveTrio } from "../dist/trio/trio.js";
import { progress, quantizedTrio, readArguments } from "./support.mjs";

const {
    trio: name,
    types,
    limit,
    samples,
    out
} = readArguments({
    trio: "demo",
    types: ["F16", "Q4_0"],
    limit: 100,
    samples: 4,
    out: ""
});
const folder = out === "" ? mkdtempSync(join(tmpdir(), "rast-quantized-")) : out;
mkdirSync(folder, { recursive: true });
try {
    const trio = await resolveTrio(name);
    const models = [{ trio: trio.file }];
    for (const type of types) models.push(await quantizedTrio(trio, type, folder));
    progress("evaluating");
    const record = out === "" ? undefined : join(folder, "record.jsonl");
    process.stdout.write(printMarkdown(await evaluate({ models, limit, samples, lambda: 1, record })));
} finally {
    if (out === "") rmSync(folder, { recursive: true, force: true });
}
