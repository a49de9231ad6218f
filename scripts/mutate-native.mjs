// Mutations of the native code: each small wrong change of test/mutations/native.mjs is made in a copy of the tree, built,
// and run against the tests that should notice: node scripts/mutate-native.mjs [--only TEXT] [--without-addon] [--check]
//
// --only takes those whose file or meaning holds the text, --without-addon those that native tests alone should notice.
// --check looks whether every change still fits its file, and builds nothing. Exit code 1 when one does not, or when
// less than nine of ten are noticed.
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { mutations } from "../test/mutations/native.mjs";
import { buildApart, librariesFolder, root, runProgram } from "./native-tests.mjs";

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
    "draft-length": {},
    schedule: models,
    settings: models,
    parity: { ...models, requests: 8, tokens: 12 },
    drafts: { ...models, requests: 16, tokens: 16, "max-draft": 4, slots: 2, lengths: "0,2", batch: 64 },
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
for (const path of tracked.stdout.split("\n").filter((line) => line !== "" && existsSync(join(root, line)))) {
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

/** Builds what the tests need; the addon and the native tests where the product's own tests look for them. */
function build(wanted) {
    const needsAddon = wanted.some((test) => cases[test] === undefined);
    const folder = buildApart("plain", {
        source: tree,
        defines: addonDefines,
        targets: needsAddon ? ["rast-native-tests", "rast"] : ["rast-native-tests"]
    });
    if (needsAddon) {
        mkdirSync(join(tree, "build", "Release"), { recursive: true });
        copyFileSync(join(folder, "rast.node"), join(tree, "build", "Release", "rast.node"));
        copyFileSync(join(folder, "rast-native-tests"), join(tree, "build", "rast-native-tests"));
    }
    return folder;
}

async function notices(program, test) {
    if (cases[test] === undefined) return fileNotices(test);
    const options = { libraries, ...cases[test] };
    const args = [test, ...Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)])];
    const result = await runProgram(program, args, { env: { GGML_NO_BACKTRACE: "1" }, limitMs: 180_000 });
    return result.code !== 0 || !/^ok/m.test(result.output);
}

/** A file of tests, in the copy. */
async function fileNotices(test) {
    const [file, name] = test.split("#");
    const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
    const args = [vitest, "run", file, ...(name === undefined ? [] : ["-t", name])];
    const result = await runProgram(process.execPath, args, {
        cwd: tree,
        env: { GGML_NO_BACKTRACE: "1" },
        limitMs: 300_000
    });
    return result.code !== 0 || !/Tests .*passed/.test(result.output);
}

cpSync(join(root, headers), join(tree, headers), { recursive: true, preserveTimestamps: true });
if (withAddon) {
    for (const path of ["node_modules", join("test", ".cache"), "dist"]) {
        mkdirSync(join(root, path), { recursive: true });
        if (path === "dist") cpSync(join(root, path), join(tree, path), { recursive: true });
        else if (!existsSync(join(tree, path))) symlinkSync(join(root, path), join(tree, path), "junction");
    }
}
const program = join(build([...tests]), "rast-native-tests");
for (const test of tests) {
    if (await notices(program, test)) {
        say(`the test ${test} fails without any mutation`);
        process.exit(1);
    }
}

const outcome = { caught: 0, survived: [], equivalent: 0 };
for (const { file, before, after, meaning, tests } of chosen) {
    if (!Array.isArray(tests)) {
        outcome.equivalent += 1;
        continue;
    }
    const path = join(tree, file);
    const text = readFileSync(path, "utf8");
    let noticedBy;
    try {
        writeFileSync(
            path,
            text.replace(before, () => after)
        );
        build(tests);
        for (const test of tests) {
            if (noticedBy === undefined && (await notices(program, test))) noticedBy = test;
        }
    } catch (error) {
        say(`does not compile: ${file}: ${meaning}\n${String(error.message).slice(-2000)}`);
        process.exitCode = 1;
        noticedBy = "the compiler";
    } finally {
        writeFileSync(path, text);
    }
    if (noticedBy === undefined) {
        outcome.survived.push(`${file}: ${meaning}`);
        say(`SURVIVED ${file}: ${meaning}`);
    } else {
        outcome.caught += 1;
        say(`caught by ${noticedBy}: ${file}: ${meaning}`);
    }
}
const made = outcome.caught + outcome.survived.length;
say(
    `${made} mutations made: ${outcome.caught} noticed, ${outcome.survived.length} not; ` +
        `${outcome.equivalent} more are argued to change nothing`
);
if (outcome.caught < least * made) process.exitCode = 1;
