// Fuzzing of what reads other people's bytes: node scripts/fuzz.mjs [TARGET...] [SECONDS] [--heavy]
//
// Needs clang with libFuzzer. The corpus in test/fuzz/corpus/TARGET is where it begins; what it adds is kept in
// build/fuzz-corpus/TARGET. A finding is written there too, as crash-*, and belongs into the corpus with its fix.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { buildWithAddressSanitizer, librariesFolder, root, runProgram, runs } from "./native-tests.mjs";

const targets = ["text", "gguf", "schema", "grammar", "state"];
const heavy = process.argv.includes("--heavy");
const asked = process.argv.slice(2).filter((argument) => argument !== "--heavy");
const seconds = Number(asked.find((argument) => /^\d+$/.test(argument)) ?? (heavy ? 300 : 15));
const names = asked.filter((argument) => !/^\d+$/.test(argument));
const unknown = names.find((name) => !targets.includes(name));
if (unknown !== undefined) {
    process.stderr.write(`No target ${unknown}; there are: ${targets.join(", ")}\n`);
    process.exit(2);
}

const cxx = process.env["RAST_CXX"] ?? "clang++";
if (!runs(cxx) || !/clang/.test(cxx)) {
    process.stderr.write(`Fuzzing needs clang with libFuzzer: ${cxx} is not there or none (RAST_CXX names another).\n`);
    process.exit(1);
}
const built = Date.now();
const folder = buildWithAddressSanitizer(["rast-fuzz"], cxx);
process.stdout.write(`fuzz: built with ${cxx} in ${((Date.now() - built) / 1000).toFixed(1)} s\n`);
const libraries = await librariesFolder();
for (const target of names.length > 0 ? names : targets) {
    const found = join(root, "build", "fuzz-corpus", target);
    mkdirSync(found, { recursive: true });
    const args = [
        ...[found, join(root, "test", "fuzz", "corpus", target)],
        `-max_total_time=${seconds}`,
        // per input; sanitized code on a busy machine is slow
        ...["-timeout=60", "-rss_limit_mb=2048", "-malloc_limit_mb=512", "-max_len=16384", "-seed=1"],
        ...[`-artifact_prefix=${found}/`, "-print_final_stats=1", "-verbosity=1"]
    ];
    const env = { RAST_FUZZ_TARGET: target, RAST_FUZZ_LIBRARIES: libraries, GGML_NO_BACKTRACE: "1" };
    const result = await runProgram(join(folder, "rast-fuzz"), args, { env, limitMs: (seconds + 300) * 1000 });
    const runs = /number_of_executed_units: (\d+)/.exec(result.output)?.[1] ?? "?";
    if (result.code === 0) {
        process.stdout.write(`${target}: ${runs} inputs in ${seconds} s, nothing found\n`);
    } else {
        process.exitCode = 1;
        process.stdout.write(`${target}: FAILED (${result.code ?? result.signal})\n${result.output.slice(-6000)}\n`);
    }
}
