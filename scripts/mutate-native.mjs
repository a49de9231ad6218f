// Mutations of the native code: each small wrong change of test/mutations/native.mjs is made in a copy of the tree, built,
// and run against the tests that should notice: node scripts/mutate-native.mjs [--only TEXT] [--without-addon] [--continue] [--check]
//
// --only takes those whose file or meaning holds the text, --without-addon those that native tests alone should notice.
// What came of each is written to build/mutation/native.json as it comes. --continue makes only those that are not noted
// there as noticed, for the same text of the file: where a run was stopped, and what has changed since.
// --check looks whether every change still fits its file, and builds nothing. Exit code 1 when one does not fit or
// compile, or when less than nine of ten are noticed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
    copyFileSync,
    cpSync,
    existsSync,
    mkdirSync,
    readFileSync,
    readdirSync,
    renameSync,
    rmSync,
    symlinkSync,
    writeFileSync
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { mutations } from "../test/mutations/native.mjs";
import { buildApart, compile, librariesFolder, root, runProgram } from "./native-tests.mjs";

const checkOnly = process.argv.includes("--check");
const only = process.argv.includes("--only") ? process.argv[process.argv.indexOf("--only") + 1] : "";
const least = 0.9;
const say = (line) => process.stdout.write(`${line}\n`);

const demo = (name) => join(root, "models", "demo", `demo-${name}.gguf`);
const models = {
    base: demo("base"),
    experts: demo("weak-expert"),
    antiexperts: demo("weak-antiexpert"),
    threads: 1
};
/** Options of the native cases. */
const cases = {
    exact: {},
    constrained: {},
    gbnf: {},
    memory: models,
    numbers: {},
    philox: {},
    text: {},
    row: { rounds: 600 },
    "token-figures": { rounds: 600 },
    scores: { ...models, texts: 2, tokens: 10, "max-draft": 3, within: 0.5, "logit-slack": 2 },
    reasoning: { rounds: 4000 },
    "draft-length": {},
    repeats: {},
    schedule: models,
    settings: models,
    parity: { ...models, requests: 8, tokens: 12 },
    // one at a time: who shares a batch with whom depends on the machine, and near-ties on that
    drafts: { ...models, requests: 16, tokens: 16, "max-draft": 4, slots: 1, lengths: "0,2", batch: 64 },
    starved: { ...models, slots: 3, "max-draft": 4, context: 128, batch: 40, reuse: 1, bursts: "1,3", every: 3 },
    soak: { ...models, slots: 4, "max-draft": 4, context: 128, batch: 40, cache: 200, reuse: 1, actions: 20 }
};

const entries = Object.entries(mutations).flatMap(([file, list]) =>
    list.map(([before, after, meaning, tests]) => ({ file, before, after, meaning, tests }))
);
let stale = 0;
for (const { file, before, meaning } of entries) {
    const times = readFileSync(join(root, file), "utf8").split(before).length - 1;
    if (times !== 1) {
        say(`stale: ${file}: "${meaning}" fits ${times} places`);
        stale += 1;
    }
}
for (const { file, meaning, tests } of entries) {
    for (const test of Array.isArray(tests) ? tests : []) {
        if (cases[test] === undefined) {
            if (test.includes(".test.ts") && existsSync(join(root, test.split("#")[0]))) continue;
            say(`stale: ${file}: "${meaning}" names the test ${test}, which there is not`);
            stale += 1;
        }
    }
}
if (stale > 0) process.exit(1);
if (checkOnly) {
    say(`${entries.length} mutations fit`);
    process.exit(0);
}

const withoutAddon = process.argv.includes("--without-addon");
const native = ({ tests }) => !Array.isArray(tests) || tests.every((test) => cases[test] !== undefined);
const chosen = entries.filter(
    (entry) => `${entry.file} ${entry.meaning}`.includes(only) && (!withoutAddon || native(entry))
);
const tests = new Set(chosen.flatMap(({ tests }) => (Array.isArray(tests) ? tests : [])));
const withAddon = [...tests].some((test) => cases[test] === undefined);

const tree = join(root, "build", "mutations");
mkdirSync(tree, { recursive: true });
const tracked = spawnSync("git", ["ls-files", ...(withAddon ? [] : ["CMakeLists.txt", "native"])], {
    cwd: root,
    encoding: "utf8"
});
const paths = tracked.stdout.split("\n").filter((line) => line !== "" && existsSync(join(root, line)));
mkdirSync(join(tree, "native"), { recursive: true });
for (const name of readdirSync(join(tree, "native"), { recursive: true })) {
    // moved since the last run: it would be compiled
    if (/\.(cpp|h)$/.test(name) && !name.startsWith("llama") && !paths.includes(`native/${name}`))
        rmSync(join(tree, "native", name));
}
for (const path of paths) {
    const text = readFileSync(join(root, path));
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    // what is the same keeps its time, so that it is not compiled again
    if (!existsSync(join(tree, path)) || !readFileSync(join(tree, path)).equals(text))
        writeFileSync(join(tree, path), text);
}
const headers = join("native", "llama", "include");
const libraries = await librariesFolder();
const require = createRequire(import.meta.url);
const addonDefines = withAddon
    ? [
          `-DNODE_ADDON_API_DIR=${require("node-addon-api").include_dir}`,
          `-DNODE_API_HEADERS_DIR=${require("node-api-headers").include_dir}`
      ]
    : [];

const targetsOf = (wanted) =>
    wanted.some((test) => cases[test] === undefined) ? ["rast-native-tests", "rast"] : ["rast-native-tests"];

/** Builds what the tests need; the addon and the native tests where the product's own tests look for them. */
function build(wanted) {
    const targets = targetsOf(wanted);
    compile(folder, targets);
    if (targets.includes("rast")) {
        mkdirSync(join(tree, "build", "Release"), { recursive: true });
        copyFileSync(join(folder, "rast.node"), join(tree, "build", "Release", "rast.node"));
        copyFileSync(join(folder, "rast-native-tests"), join(tree, "build", "rast-native-tests"));
    }
}

/** How long each test takes with nothing changed, in ms. */
const unchangedMs = new Map();

/** What a test says of the build: undefined when it passes. */
async function notices(test) {
    const limitMs = 10_000 + 5 * (unchangedMs.get(test) ?? 60_000);
    const result = await (cases[test] === undefined ? runFile(test, limitMs) : runCase(test, limitMs));
    if (result.passed && !unchangedMs.has(test)) unchangedMs.set(test, result.ms);
    return result.passed ? undefined : result;
}

async function runCase(test, limitMs) {
    const options = { libraries, ...cases[test] };
    const args = [test, ...Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)])];
    // memory without end is noticed too, before it is the machine's
    const limited = [
        "-c",
        'ulimit -v 6000000 2>/dev/null; exec "$@"',
        "sh",
        join(folder, "rast-native-tests"),
        ...args
    ];
    const result = await runProgram("sh", limited, { env: { GGML_NO_BACKTRACE: "1" }, limitMs, group: true });
    return { ...result, passed: result.code === 0 && /^ok/m.test(result.output) };
}

/** A file of tests, in the copy. */
async function runFile(test, limitMs) {
    const [file, name] = test.split("#");
    const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
    const args = [vitest, "run", file, "--bail", "1", ...(name === undefined ? [] : ["-t", name])];
    const env = { GGML_NO_BACKTRACE: "1", NO_COLOR: "1" };
    const result = await runProgram(process.execPath, args, { cwd: tree, env, limitMs, group: true });
    return { ...result, passed: result.code === 0 && /Tests .*passed/.test(result.output) };
}

cpSync(join(root, headers), join(tree, headers), { recursive: true, preserveTimestamps: true });
if (withAddon) {
    for (const path of ["node_modules", join("test", ".cache"), "dist"]) {
        mkdirSync(join(root, path), { recursive: true });
        if (path === "dist") cpSync(join(root, path), join(tree, path), { recursive: true });
        else if (!existsSync(join(tree, path))) symlinkSync(join(root, path), join(tree, path), "junction");
    }
}
// half the time of g++; without debugging information, as nobody looks at what is built
const folder = buildApart("plain", {
    source: tree,
    defines: addonDefines,
    flags: "-O1 -D_GLIBCXX_ASSERTIONS", // what is beyond a vector is noticed
    targets: targetsOf([...tests])
});
build([...tests]);
for (const test of tests) {
    const failure = await notices(test);
    if (failure !== undefined) {
        say(`the test ${test} fails without any mutation:\n${failure.output.slice(-3000)}`);
        process.exit(1);
    }
}

const recordFile = join(root, "build", "mutation", "native.json");
const record = existsSync(recordFile) ? JSON.parse(readFileSync(recordFile, "utf8")) : {};
function note(key, entry) {
    record[key] = entry;
    mkdirSync(dirname(recordFile), { recursive: true });
    writeFileSync(`${recordFile}.new`, `${JSON.stringify(record, null, 1)}\n`);
    renameSync(`${recordFile}.new`, recordFile);
}

async function make({ file, before, after, meaning, tests }) {
    const start = Date.now();
    const done = (outcome, by = "") => ({ file, meaning, outcome, by, seconds: (Date.now() - start) / 1000 });
    const path = join(tree, file);
    const text = readFileSync(path, "utf8");
    try {
        writeFileSync(
            path,
            text.replace(before, () => after)
        );
        try {
            build(tests);
        } catch (error) {
            return done("does not compile", String(error.message).slice(-2000));
        }
        for (const test of tests) {
            const failure = await notices(test);
            if (failure !== undefined)
                return done("noticed", failure.signal === "SIGKILL" ? `${test}, by its time` : test);
        }
        return done("unnoticed");
    } finally {
        writeFileSync(path, text);
    }
}

const goesOn = process.argv.includes("--continue");
const count = { noticed: 0, unnoticed: 0, "does not compile": 0 };
const equivalent = chosen.filter(({ tests }) => !Array.isArray(tests)).length;
// as it is compiled, nearly: a file that moves, or is told about in other words, is the same
const withoutWords = (text) => text.replace(/^#include .*|^\s*\/\/.*|\s+/gm, "");
const texts = new Map(chosen.map(({ file }) => [file, withoutWords(readFileSync(join(tree, file), "utf8"))]));
const start = Date.now();
let made = 0;
for (const entry of chosen.filter(({ tests }) => Array.isArray(tests))) {
    const { file, before, after, meaning, tests } = entry;
    const key = createHash("sha256")
        .update(JSON.stringify([texts.get(file), before, after, tests]))
        .digest("hex");
    const known = goesOn && record[key]?.outcome === "noticed" ? record[key] : undefined;
    const result = known ?? (await make(entry));
    count[result.outcome] += 1;
    if (known !== undefined) continue;
    made += 1;
    note(key, result);
    const by = result.by === "" ? "" : ` by ${result.by}`;
    say(`${result.outcome.toUpperCase()}${by} (${result.seconds.toFixed(1)} s): ${file}: ${meaning}`);
}
const all = count.noticed + count.unnoticed;
say(
    `${all} mutations, ${made} made now in ${((Date.now() - start) / 1000).toFixed(0)} s: ${count.noticed} noticed, ` +
        `${count.unnoticed} not; ${equivalent} more are argued to change nothing`
);
if (count["does not compile"] > 0) say(`${count["does not compile"]} do not compile`);
if (count["does not compile"] > 0 || count.noticed < least * all) process.exitCode = 1;
