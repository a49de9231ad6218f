// Writes a trio with the dimensions of real models and random weights, for timing. See --help.
import { parseArgs } from "node:util";
import { writeShapedTrio } from "../dist/gguf/shaped-trio.js";
import { knownShapes, parameterCounts } from "../dist/gguf/shapes.js";
import { RastError, errorCatalogue } from "../dist/errors.js";

const help = `node scripts/make-shaped-trio.mjs FOLDER [options]

Writes base, expert and antiexpert (GGUF) with the dimensions of real models and random weights, such that after every
token one other is likely. Files that are there are kept. Prints their paths as JSON.

  --base NAME         shape of the base (default llama-1.2b)
  --small NAME        shape of expert and antiexpert (default tiny-0.07b)
  --type TYPE         quantization, e.g. q4_0, q8_0, q4_k_m, q6_k, iq4_nl, f16 (default q4_0)
  --small-type TYPE   the same, of expert and antiexpert (default: --type)
  --agreement NUMBER  share of tokens after which expert and base have the same successor, 0 to 1 (default 1)
  --certainty NUMBER  logit of the successor over all others, up to 100 (default 16)
  --list              print the shapes
  --help              print this
`;

function refuse(what) {
    process.stderr.write(`make-shaped-trio: ${what}\n`);
    process.exit(2);
}

function readOptions() {
    try {
        return parseArgs({
            allowPositionals: true,
            options: {
                base: { type: "string", default: "llama-1.2b" },
                small: { type: "string", default: "tiny-0.07b" },
                type: { type: "string", default: "q4_0" },
                "small-type": { type: "string" },
                agreement: { type: "string", default: "1" },
                certainty: { type: "string", default: "16" },
                list: { type: "boolean", default: false },
                help: { type: "boolean", default: false }
            }
        });
    } catch (error) {
        return refuse(error.message);
    }
}

function list() {
    const millions = (count) => `${(count / 1e6).toFixed(0)} M`;
    const rows = Object.entries(knownShapes).map(([name, shape]) => {
        const { written, real } = parameterCounts(shape);
        const note = shape.tied ? `${millions(real)} in the real model, whose output layer is its embedding` : "";
        return [name, String(shape.width), String(shape.layers), String(shape.vocabulary), millions(written), note];
    });
    const table = [["shape", "width", "layers", "vocabulary", "parameters", ""], ...rows];
    const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
    const pad = (cell, column) => (column % 5 === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]));
    return table.map((row) => `${row.map(pad).join("  ").trimEnd()}\n`).join("");
}

// One line that is written over, at most ten times a second.
function progressLine(stream) {
    let shown = 0;
    return ({ file, step, fraction }) => {
        const isEnd = fraction === null || fraction === 1;
        if (!isEnd && Date.now() - shown < 100) return;
        shown = Date.now();
        const name = file.split(/[\\/]/).at(-1);
        const what = step === "quantize" ? "quantizing" : `writing ${Math.floor(fraction * 100)}%`;
        stream.write(`\r\x1b[K${name}: ${what}${fraction === 1 ? "\n" : ""}`);
    };
}

const { values, positionals } = readOptions();
const shape = (name) =>
    Object.hasOwn(knownShapes, name)
        ? knownShapes[name]
        : refuse(`no shape "${name}"; there are ${Object.keys(knownShapes).join(", ")}`);

function number(name, low, high) {
    const value = values[name].trim() === "" ? NaN : Number(values[name]);
    if (value >= low && value <= high) return value;
    return refuse(`expected a number from ${low} to ${high} for --${name}, received "${values[name]}"`);
}

if (values.help) process.stdout.write(help);
else if (values.list) process.stdout.write(list());
else {
    if (positionals.length !== 1) refuse("expected one folder; --help says more");
    const options = {
        base: shape(values.base),
        small: shape(values.small),
        type: values.type,
        smallType: values["small-type"],
        agreement: number("agreement", 0, 1),
        certainty: number("certainty", 0.1, 100)
    };
    const show = process.stderr.isTTY ? progressLine(process.stderr) : undefined;
    try {
        const paths = await writeShapedTrio(positionals[0], options, show);
        if (show) process.stderr.write("\r\x1b[K");
        process.stdout.write(`${JSON.stringify(paths)}\n`);
    } catch (error) {
        const isOurs = error instanceof RastError;
        process.stderr.write(`make-shaped-trio: ${error.message}\n`);
        process.exitCode = isOurs && errorCatalogue[error.code].byInput ? 2 : 1;
    }
}
