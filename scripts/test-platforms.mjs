// Runs the package on other platforms from this one: Linux arm64 under QEMU, Windows x64 under Wine. What each of test/platforms/cases.mjs
// sees must be what Linux x64 sees. Everything fetched or built is kept in build/platforms; what passed for the same files is not
// run again.
//
//   node scripts/test-platforms.mjs [--platform linux-arm64] [--again]
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { foreignNode, runForeign } from "./platforms/foreign-node.mjs";
import { npmPackage } from "./platforms/npm-package.mjs";
import { isOfTheseSources } from "./platforms/sources.mjs";
import { runTool, workFolder } from "./platforms/tools.mjs";
import { windowsLibraries } from "./platforms/windows-llama.mjs";
import { quantizeModel } from "../dist/index.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const programs = join(root, "test", "platforms");
const say = (line) => process.stdout.write(`${line}\n`);

/** The demo's models in F32: see test/platforms/cases.mjs. */
const wideModels = join(workFolder, "wide");

async function widenModels() {
    mkdirSync(wideModels, { recursive: true });
    for (const name of ["base", ...["weak", "strong"].flatMap((pair) => [`${pair}-expert`, `${pair}-antiexpert`])]) {
        const file = `demo-${name}.gguf`;
        const [input, output] = [join(root, "models", "demo", file), join(wideModels, file)];
        if (!existsSync(output)) await quantizeModel({ input, output, type: "F32" });
    }
}

/** A folder with an app that has installed the package for a platform, and what runs there. */
function appFor(platform) {
    const app = join(workFolder, "apps", platform);
    const modules = join(app, "node_modules");
    rmSync(app, { recursive: true, force: true });
    const main = join(modules, "rast-llama");
    for (const name of ["dist", "models/demo", "models/catalog.json", "package.json"])
        cpSync(join(root, name), join(main, name), { recursive: true });
    for (const name of ["@huggingface/jinja", "commander"])
        cpSync(join(root, "node_modules", name), join(modules, name), { recursive: true });
    const addon = join(root, "prebuilds", platform, "rast.node");
    if (!isOfTheseSources(platform)) {
        say(`${platform}: building the addon`);
        runTool(process.execPath, [join(root, "scripts", "prebuild.mjs"), "--platform", platform], {
            stdio: ["ignore", "pipe", "inherit"]
        });
    }
    const beside = join(modules, "@rast-llama", platform);
    cpSync(addon, join(beside, "rast.node"));
    writeFileSync(
        join(beside, "package.json"),
        JSON.stringify({ name: `@rast-llama/${platform}`, version: manifest.version })
    );
    for (const file of readdirSync(programs)) cpSync(join(programs, file), join(app, file));
    cpSync(wideModels, join(app, "wide"), { recursive: true });
    writeFileSync(join(app, "package.json"), '{ "type": "module" }');

    if (platform === "win32-x64") {
        const { folder, how } = windowsLibraries();
        return { app, how, libraries: folder };
    }
    const name = `@node-llama-cpp/${platform}`;
    const version = manifest.optionalDependencies[name];
    const here = join(root, "node_modules", name);
    cpSync(existsSync(here) ? here : npmPackage(name, version), join(modules, name), {
        recursive: true,
        dereference: true
    });
    return { app, how: `${name} ${version}`, libraries: undefined };
}

/** Of all that a run depends on. */
function hashOf(folder) {
    const hash = createHash("sha256");
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const file = join(entry.parentPath ?? entry.path, entry.name);
        hash.update(file.slice(folder.length)).update(readFileSync(file));
    }
    return hash.digest("hex");
}

// As cases.mjs has them: each in a process of its own.
const caseNames = [...readFileSync(join(programs, "cases.mjs"), "utf8").matchAll(/^    async (\w+)\(\) \{$/gm)].map(
    ([, name]) => name
);

const exits = {
    "in a load": 7,
    "in progress of a load": 7,
    "in a generation": 7,
    "with several at work": 7,
    "by an error nobody catches": 7,
    "at its end": 7,
    killed: null
};

async function seenOn(platform, again) {
    const node = foreignNode(platform);
    const { app, how, libraries } = appFor(platform);
    const record = join(workFolder, `trial-${platform}.json`);
    const hash = `${hashOf(app)} ${how}`;
    const old = existsSync(record) ? JSON.parse(readFileSync(record, "utf8")) : {};
    const seen = old.hash === hash && !again ? old : { hash, cases: {}, ends: {} };
    // After each, so that an interrupted run goes on where it was.
    const keep = () => writeFileSync(record, JSON.stringify(seen, null, 1));
    say(`${platform}: Node.js under ${node.how}; llama.cpp: ${how}`);
    const work = join(workFolder, "work", platform);
    mkdirSync(work, { recursive: true });
    const own = libraries === undefined ? {} : { RAST_LIBRARIES: node.path(libraries) };
    const env = { RAST_CACHE: "off", RAST_CONFIG: "", RAST_TRY_MODELS: "0", ...own };
    const options = { cwd: app, env, seconds: 900 };

    seen.cannot = node.cannot;
    for (const name of caseNames) {
        if (Object.hasOwn(node.cannot, name)) {
            say(`  ${name}: not tried: ${node.cannot[name]}`);
            delete seen.cases[name];
            continue;
        }
        if (seen.cases[name] !== undefined && seen.cases[name].error === undefined) continue;
        const results = join(work, "results.jsonl");
        rmSync(results, { force: true });
        const args = [node.path(join(app, "cases.mjs")), node.path(results), node.path(work), name];
        const { code, signal, isHung, output } = await runForeign(node, args, options);
        const lines = existsSync(results)
            ? readFileSync(results, "utf8")
                  .trim()
                  .split("\n")
                  .map((line) => JSON.parse(line))
            : [];
        const line = lines.find((one) => one.name === name);
        const isWhole = code === 0 && lines.at(-1).name === "end" && line?.error === undefined;
        const end = isHung ? "it hung" : `it ended with ${code ?? signal}`;
        seen.cases[name] = isWhole ? line.seen : { error: `${line?.error ?? ""} (${end}) ${output}` };
        keep();
        say(`  ${name}: ${isWhole ? "done" : `FAILED: ${seen.cases[name].error}`}`);
    }
    for (const [way, code] of Object.entries(exits)) {
        if (seen.ends[way] === "right") continue;
        const file = join(work, `exit ${way}`);
        rmSync(file, { force: true });
        const killed = code === null;
        const ended = await runForeign(node, [node.path(join(app, "exit.mjs")), way, node.path(file)], {
            ...options,
            seconds: 300,
            ...(killed ? { until: () => existsSync(file) } : {})
        });
        const isRight =
            !ended.isHung && existsSync(file) && (killed ? ended.signal === "SIGKILL" : ended.code === code);
        seen.ends[way] = isRight ? "right" : `${ended.isHung ? "hung" : (ended.code ?? ended.signal)} ${ended.output}`;
        keep();
        say(`  exit ${way}: ${seen.ends[way]}`);
    }
    if (seen.command?.code !== 0) {
        const program = node.path(join(app, "node_modules", "rast-llama", "dist", "cli", "main.js"));
        const { code } = await runForeign(node, [program, "demo"], options);
        seen.command = { code };
        keep();
        say(`  rast demo: exit code ${code}`);
    }
    return seen;
}

// Of models in Q8_0, in nats, for what is likelier than e^-8.
const bounds = { median: 0.1, worst: 0.5 };

function checkLogprobs(platform, seen, expected) {
    for (const [trio, all] of Object.entries(expected)) {
        assert.equal(seen[trio].length, all.length);
        const apart = all
            .map((logprob, index) => ({ logprob, distance: Math.abs(seen[trio][index] - logprob) }))
            .filter(({ logprob }) => logprob > -8)
            .map(({ distance }) => distance)
            .sort((a, b) => a - b);
        const [median, worst] = [apart[apart.length >> 1], apart.at(-1)];
        const figures = `median ${median.toFixed(4)}, worst ${worst.toFixed(4)} of ${apart.length}`;
        say(`  ${platform}, log-probabilities of ${trio} beside Linux x64's: ${figures}`);
        assert.ok(median <= bounds.median && worst <= bounds.worst, `${trio}: ${figures}`);
    }
}

const { values } = parseArgs({
    options: {
        platform: { type: "string", multiple: true, default: ["linux-arm64", "win32-x64"] },
        again: { type: "boolean", default: false }
    }
});
await widenModels();
const reference = await seenOn("linux-x64", values.again);
let faults = 0;
const fault = (line) => {
    faults++;
    say(`FAILED ${line}`);
};
const sane = (platform, { cases, ends, command, cannot }) => {
    for (const [name, seen] of Object.entries(cases))
        if (seen?.error !== undefined) fault(`${platform} ${name}: ${seen.error}`);
    for (const [way, seen] of Object.entries(ends)) if (seen !== "right") fault(`${platform} exit ${way}: ${seen}`);
    if (command.code !== 0) fault(`${platform} rast demo: exit code ${command.code}`);
    if (Object.keys({ ...cases, ...cannot }).length !== caseNames.length) fault(`${platform}: not all cases were run`);
};
sane("linux-x64", reference);
for (const platform of values.platform) {
    const seen = await seenOn(platform, values.again);
    sane(platform, seen);
    for (const [name, expected] of Object.entries(reference.cases)) {
        if (Object.hasOwn(seen.cannot, name)) continue;
        try {
            if (name === "logprobs") checkLogprobs(platform, seen.cases[name], expected);
            else assert.deepEqual(seen.cases[name], expected);
        } catch (error) {
            fault(`${platform} ${name}: not as on Linux x64: ${error.message}`);
        }
    }
}
say(faults === 0 ? "all as on Linux x64" : `${faults} faults`);
process.exitCode = faults === 0 ? 0 : 1;
