// What sampling one token costs on one CPU core at a true vocabulary: this package's fused row against llama.cpp's own
// chains, interleaved in one process. Prints a table; `--record FILE` keeps the figures, `--vocab N`, `--rounds N`.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findLibraries } from "../dist/native/libraries.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
    options: {
        record: { type: "string" },
        vocab: { type: "string", default: "151936" },
        rounds: { type: "string", default: "1000" }
    }
});

const { core } = await findLibraries();
const program = [join(root, "build"), join(root, "build", "Release")]
    .map((folder) => join(folder, "rast-native-tests"))
    .find((path) => existsSync(path));
if (program === undefined) throw new Error("The native tests are not built: run `npm run bench`, which builds them.");
const args = ["bench-sampling", "--libraries", dirname(core.llama), "--vocab", values.vocab, "--rounds", values.rounds];
const result = spawnSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
if (result.status !== 0) process.exit(result.status ?? 1);
const { vocab, rounds, microseconds } = JSON.parse(result.stdout);

const versions = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const record = {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0].model,
    node: process.version,
    versions: { "rast-llama": versions.version, "node-llama-cpp": versions.dependencies["node-llama-cpp"] },
    command: `npm run bench -- --vocab ${vocab} --rounds ${rounds}`,
    vocab,
    rounds,
    microseconds
};
const rows = {
    ours_fused_greedy: "this package, three models fused, greedy",
    ours_base_paper: "this package, base alone, temperature 1, top-p 0.95",
    ours_fused_paper: "this package, three models fused, temperature 1, top-p 0.95",
    llama_base_greedy: "llama.cpp's chain, base alone, greedy",
    llama_base_paper: "llama.cpp's chain, base alone, temperature 1, top-p 0.95",
    llama_fused_paper: "llama.cpp's chain on a fused row, temperature 1, top-p 0.95"
};
const unit = microseconds.ours_fused_greedy.median;
process.stdout.write(
    `One row of ${vocab} logits on one core of ${record.cpu}, ${record.date}, median of ${rounds}:\n\n`
);
process.stdout.write("| sampler | ms a token | against greedy, fused |\n| --- | ---: | ---: |\n");
for (const [name, what] of Object.entries(rows)) {
    const { median } = microseconds[name];
    process.stdout.write(`| ${what} | ${(median / 1000).toFixed(3)} | ${(median / unit).toFixed(1)} |\n`);
}
if (values.record !== undefined) {
    mkdirSync(dirname(values.record), { recursive: true });
    writeFileSync(values.record, `${JSON.stringify(record, null, 4)}\n`);
}
