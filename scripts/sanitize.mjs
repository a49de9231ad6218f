// The engine under sanitizers, as a program of its own: node scripts/sanitize.mjs [asan] [tsan] [leak] [--heavy]
//
// asan   AddressSanitizer, UndefinedBehaviorSanitizer and LeakSanitizer: native units, an engine in the hands of several
//        threads, engines disposed of at random moments, damaged files
// tsan   ThreadSanitizer: the same engines
// leak   LeakSanitizer alone: load, generate, free, again and again
//
// llama.cpp's libraries are not instrumented. One thread computes: ggml's threads meet at barriers of atomics, which
// ThreadSanitizer does not see in them, so that every row that a second one draws would be called a race.
import { join } from "node:path";
import { buildApart, buildWithAddressSanitizer, compiler, librariesFolder, root, runProgram } from "./native-tests.mjs";

const known = ["asan", "tsan", "leak"];
const asked = process.argv.slice(2).filter((argument) => argument !== "--heavy");
const heavy = process.argv.includes("--heavy");
const unknown = asked.find((name) => !known.includes(name));
if (unknown !== undefined) {
    process.stderr.write(`No sanitizer ${unknown}; there are: ${known.join(", ")}\n`);
    process.exit(2);
}
const wanted = asked.length > 0 ? asked : known;

const demo = (name) => join(root, "models", "demo", `demo-${name}.gguf`);
const engine = {
    libraries: await librariesFolder(),
    base: demo("base"),
    experts: demo("weak-expert"),
    antiexperts: demo("weak-antiexpert"),
    threads: 1,
    slots: 4,
    "max-draft": 4,
    context: 128,
    batch: 40,
    cache: 200,
    reuse: 1
};
const seeds = (n) => Array.from({ length: n }, (_, i) => i + 1);

const units = [["row", { rounds: heavy ? 2000 : 160 }], ["text"], ["philox"], ["draft-length"]];
const engines = [
    ...seeds(heavy ? 40 : 3).map((seed) => ["soak", { ...engine, seed, actions: heavy ? 200 : 60 }]),
    // a cache for hardly more than one request: others give way
    ...seeds(heavy ? 20 : 2).map((seed) => [
        "soak",
        { ...engine, seed: 100 + seed, cache: 128, reuse: 0, clients: 4, actions: heavy ? 100 : 30 }
    ]),
    ...seeds(heavy ? 60 : 5).map((seed) => ["soak", { ...engine, seed, dispose: 1 }]),
    ["soak", { ...engine, sampler: "host", seed: 7 }],
    ["lives", { ...engine, cycles: heavy ? 150 : 24 }]
];
const plans = {
    asan: {
        faults: ["overflow", "undefined", "leak"],
        runs: [...units, ...engines, ["damaged", { ...engine, damages: heavy ? 2000 : 160 }]]
    },
    tsan: { sanitizer: "thread", faults: ["race"], runs: engines },
    leak: { sanitizer: "leak", faults: ["leak"], runs: [["lives", { ...engine, cycles: heavy ? 300 : 60 }]] }
};
const env = {
    GGML_NO_BACKTRACE: "1",
    ASAN_OPTIONS: "detect_leaks=1:detect_stack_use_after_return=1",
    UBSAN_OPTIONS: "print_stacktrace=1",
    // llama.cpp's own calls of memcpy and the like
    TSAN_OPTIONS: "ignore_noninstrumented_modules=1:second_deadlock_stack=1"
};

let failures = 0;
const say = (line) => process.stdout.write(`${line}\n`);
const secondsSince = (start) => ((Date.now() - start) / 1000).toFixed(1);

for (const name of wanted) {
    const plan = plans[name];
    const start = Date.now();
    const targets = ["rast-native-tests"];
    const folder =
        name === "asan"
            ? buildWithAddressSanitizer(targets)
            : buildApart(name, { defines: [`-DRAST_SANITIZE=${plan.sanitizer}`], targets });
    say(`${name}: built with ${compiler()} in ${secondsSince(start)} s`);
    const program = join(folder, "rast-native-tests");
    const runsFrom = Date.now();
    for (const kind of plan.faults) {
        const result = await runProgram(program, ["fault", "--kind", kind], { env });
        if (result.code === 0 || !/Sanitizer|runtime error/.test(result.output)) {
            say(`${name}: does not notice a fault of kind ${kind}: ${result.output}`);
            failures += 1;
        }
    }
    const figures = {};
    for (const [test, options = {}] of plan.runs) {
        const args = [test, ...Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)])];
        const result = await runProgram(program, args, { env });
        const line = /^ok.*$/m.exec(result.output)?.[0];
        if (result.code !== 0 || line === undefined || /Sanitizer|runtime error/.test(result.output)) {
            failures += 1;
            say(`${name}: FAILED (${result.code ?? result.signal}): rast-native-tests ${args.join(" ")}`);
            say(result.output.slice(0, 6000));
            continue;
        }
        for (const [, label, number] of line.matchAll(/(requests|tokens|restarts|lives|damaged files) (\d+)/g)) {
            figures[label] = (figures[label] ?? 0) + Number(number);
        }
    }
    if (plan.runs.includes(engines[0]) && !(figures.restarts > 0)) {
        say(`${name}: no request gave way to others`);
        failures += 1;
    }
    const counted = Object.entries(figures).map(([label, number]) => `${label} ${number}`);
    say(`${name}: ${plan.runs.length} runs in ${secondsSince(runsFrom)} s, ${counted.join(", ")}`);
}
say(failures === 0 ? "sanitizers: nothing found" : `sanitizers: ${failures} failures`);
process.exitCode = failures === 0 ? 0 : 1;
