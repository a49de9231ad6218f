// Writes a trio with the dimensions of real models and random weights, for timing:
// node scripts/make-shaped-trio.mjs FOLDER [--base NAME] [--small NAME] [--type q4_0|q8_0] [--agreement 0..1] [--certainty N]
import { parseArgs } from "node:util";
import { knownShapes, writeShapedTrio } from "../dist/bench/shaped-trio.js";

const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
        base: { type: "string", default: "llama-1.2b" },
        small: { type: "string", default: "tiny-0.07b" },
        type: { type: "string", default: "q4_0" },
        agreement: { type: "string", default: "1" },
        certainty: { type: "string", default: "16" }
    }
});

function refuse(what) {
    process.stderr.write(`make-shaped-trio: ${what}\n`);
    process.exit(2);
}

const shape = (name) =>
    knownShapes[name] ?? refuse(`no shape "${name}"; there are ${Object.keys(knownShapes).join(", ")}`);
const agreement = Number(values.agreement);
const certainty = Number(values.certainty);
if (positionals.length !== 1) refuse("expected one folder");
if (!["q4_0", "q8_0"].includes(values.type)) refuse(`expected q4_0 or q8_0 for --type, received "${values.type}"`);
if (!(agreement >= 0 && agreement <= 1)) refuse(`expected 0 to 1 for --agreement, received "${values.agreement}"`);
if (!(certainty > 0 && certainty <= 100)) refuse(`expected 0 to 100 for --certainty, received "${values.certainty}"`);
const options = { base: shape(values.base), small: shape(values.small), type: values.type, agreement, certainty };
process.stdout.write(`${JSON.stringify(writeShapedTrio(positionals[0], options))}\n`);
