// Figures of `rast perplexity` by other means, for test/support/scores-reference.json: node scripts/scores-reference/reference.mjs
// llama-perplexity itself, compiled from the source that node-llama-cpp ships and linked to the libraries that it ships; and, for
// ensembles, which llama-perplexity does not know, whole rows of logits of every model, summed in double precision. Needs g++ and git;
// `npm run setup` before. Prints the JSON.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadRast, quantizeModel } from "../../dist/index.js";
import { nodeLlamaCppFolder } from "../llama-headers.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const models = join(root, "models", "demo");
const libraries = join(root, "node_modules", "@node-llama-cpp", "linux-x64", "bins", "linux-x64");
const window = 128;
const problems = 120;
const work = mkdtempSync(join(tmpdir(), "rast-reference-"));
const run = (command, args, options = {}) =>
    execFileSync(command, args, { maxBuffer: 2 ** 30, stdio: ["pipe", "pipe", "inherit"], ...options });

/** "S:34+17=51;51-42=9#9", as the models write it. */
function workedOut(sum) {
    const [first, ...terms] = sum.match(/[+-]?\d+/g);
    let total = Number(first);
    const steps = terms.map((term) => {
        const step = `${total}${term}=${total + Number(term)}`;
        total += Number(term);
        return step;
    });
    return `S:${steps.join(";")}#${total}`;
}

try {
    const text = readFileSync(join(models, "problems.jsonl"), "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
        .filter(({ prompt }) => /^\d/.test(prompt))
        .slice(0, problems)
        .map(({ prompt }) => `Q: ${prompt}?\n${workedOut(prompt)}\n`)
        .join("");
    writeFileSync(join(work, "text.txt"), text);

    // llama-perplexity, and a program that writes rows
    const source = join(work, "llama.cpp");
    run("git", ["init", "-q", source]);
    run("git", [
        "-C",
        source,
        "fetch",
        "-q",
        "--depth=1",
        join(nodeLlamaCppFolder(), "llama", "gitRelease.bundle"),
        "HEAD"
    ]);
    run("git", [
        "-C",
        source,
        "checkout",
        "-q",
        "FETCH_HEAD",
        "--",
        "include",
        "ggml/include",
        "common",
        "tools/perplexity",
        "vendor"
    ]);
    const include = ["include", "ggml/include", "common", "vendor"].map((folder) => `-I${join(source, folder)}`);
    const names = ["libllama.v0.5.0.so", "libggml.v0.5.0.so", "libggml-base.so"].map((name) => join(libraries, name));
    const link = [...names, `-Wl,-rpath,${libraries}`, "-Wl,--allow-shlib-undefined", "-pthread"];
    const perplexity = join(work, "llama-perplexity");
    // llama.cpp's own main, but for lines that its logger still holds when the process ends.
    writeFileSync(
        join(work, "main.cpp"),
        `#include "log.h"
int llama_perplexity(int argc, char ** argv);
int main(int argc, char ** argv) {
    const int code = llama_perplexity(argc, argv);
    common_log_flush(common_log_main());
    return code;
}
`
    );
    run("g++", [
        "-O1",
        "-std=c++17",
        ...include,
        join(source, "tools/perplexity/perplexity.cpp"),
        join(work, "main.cpp"),
        join(libraries, "libllama-common.so"),
        ...link,
        "-o",
        perplexity
    ]);
    const rowsProgram = join(work, "window_logits");
    run("g++", ["-O1", "-std=c++17", ...include, join(here, "window_logits.cpp"), ...link, "-o", rowsProgram]);

    const quantized = {};
    for (const type of ["F16", "Q4_0"]) {
        const output = join(work, `base-${type}.gguf`);
        await quantizeModel({ input: join(models, "demo-base.gguf"), output, type });
        quantized[type] = output;
    }
    const file = (name) => join(models, `demo-${name}.gguf`);
    const llamaPerplexity = (model, ...more) => {
        const args = [
            "-m",
            model,
            "-f",
            join(work, "text.txt"),
            "-c",
            String(window),
            "-b",
            String(window),
            "-t",
            "1",
            ...["-ctk", "f32", "-ctv", "f32", "-fa", "off"],
            ...more
        ];
        const env = { ...process.env, GGML_BACKEND_PATH: "", LD_LIBRARY_PATH: libraries };
        const done = spawnSync(perplexity, args, { encoding: "utf8", env, cwd: libraries, maxBuffer: 2 ** 28 });
        if (done.status !== 0) throw new Error(done.stderr);
        return done.stdout + done.stderr;
    };
    const number = (output, pattern) => Number(pattern.exec(output)[1]);
    const perplexities = {};
    for (const name of ["base", "weak-expert", "weak-antiexpert"]) {
        const output = llamaPerplexity(file(name));
        const found = /Final estimate: PPL = ([\d.]+) \+\/- ([\d.]+)/.exec(output);
        if (found === null) throw new Error(`llama-perplexity says nothing of a perplexity:\n${output}`);
        const [, value, error] = found;
        perplexities[name] = { value: Number(value), error: Number(error) };
    }
    const saved = join(work, "f16.kld");
    llamaPerplexity(quantized.F16, "--kl-divergence-base", saved);
    const divergences = {};
    for (const [type, model] of [
        ["Q8_0", file("base")],
        ["Q4_0", quantized.Q4_0]
    ]) {
        const output = llamaPerplexity(model, "--kl-divergence", "--kl-divergence-base", saved);
        divergences[type] = {
            mean: number(output, /Mean {4}KLD: +([\d.-]+)/),
            maximum: number(output, /Maximum KLD: +([\d.-]+)/),
            sameTop: number(output, /Same top p: +([\d.]+)/) / 100,
            rms: number(output, /RMS Δp {4}: +([\d.]+)/) / 100
        };
    }

    // ensembles, from whole rows
    const rast = await loadRast({ trio: "demo" });
    const all = await rast.tokenize(text, { addSpecial: true, parseSpecial: false });
    const { bosToken, vocabularySize, drawableTokens } = rast.info;
    // As the product has it: padding of the vocabulary, which has no text, can never be drawn.
    const texts = await Promise.all(
        Array.from({ length: vocabularySize }, (_, id) => rast.detokenize([id], { showSpecial: true }))
    );
    const drawable = texts.flatMap((one, id) => (one === "" ? [] : [id]));
    if (drawable.length !== drawableTokens)
        throw new Error(`${drawable.length} tokens have a text, ${drawableTokens} may be drawn`);
    await rast.dispose();
    const windows = Math.floor(all.length / window);
    const tokens = Int32Array.from(all.slice(0, windows * window));
    for (let index = 0; index < windows; index++) tokens[index * window] = bosToken;
    const rowsOf = (model) => {
        const bytes = run(rowsProgram, [model, libraries, String(window)], { input: Buffer.from(tokens.buffer) });
        return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    };
    const base = rowsOf(file("base"));
    const pairs = Object.fromEntries(
        ["weak", "strong"].map((pair) => [pair, [rowsOf(file(`${pair}-expert`)), rowsOf(file(`${pair}-antiexpert`))]])
    );
    const logSoftmax = (row) => {
        const most = Math.max(...row);
        const sum = Math.log(row.reduce((total, one) => total + Math.exp(one - most), 0)) + most;
        return row.map((one) => one - sum);
    };
    const width = base.length / tokens.length;
    const ensemble = (pair, at) =>
        logSoftmax(
            drawable.map((id) => {
                const place = at * width + id;
                return pair === undefined ? base[place] : base[place] + pairs[pair][0][place] - pairs[pair][1][place];
            })
        );
    const kl = (p, q) => p.reduce((sum, one, id) => sum + Math.exp(one) * (one - q[id]), 0);
    const sums = { count: 0, weak: 0, strong: 0, between: 0, fromBase: 0, same: 0 };
    const likeliest = (row) => row.indexOf(Math.max(...row));
    for (let index = 0; index < windows; index++) {
        for (let place = Math.floor(window / 2); place + 1 < window; place++) {
            const at = index * window + place;
            const [alone, weak, strong] = [undefined, "weak", "strong"].map((pair) => ensemble(pair, at));
            const next = drawable.indexOf(tokens[at + 1]);
            sums.count++;
            sums.weak -= weak[next];
            sums.strong -= strong[next];
            sums.between += kl(weak, strong);
            sums.fromBase += kl(weak, alone);
            sums.same += likeliest(weak) === likeliest(strong) ? 1 : 0;
        }
    }
    const reference = {
        made: `scripts/scores-reference/reference.mjs, ${new Date().toISOString().slice(0, 10)}`,
        problems,
        window,
        windows,
        vocabularySize,
        tokens: sums.count,
        llamaPerplexity: perplexities,
        againstF16: divergences,
        ensembles: {
            demo: Math.exp(sums.weak / sums.count),
            "demo-strong": Math.exp(sums.strong / sums.count),
            divergenceFromBase: sums.fromBase / sums.count,
            divergence: sums.between / sums.count,
            sameTop: sums.same / sums.count
        }
    };
    process.stdout.write(`${JSON.stringify(reference, null, 4)}\n`);
} finally {
    rmSync(work, { recursive: true, force: true });
}
