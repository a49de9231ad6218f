// What every filter costs at a true vocabulary, on the CPU and, where there is one, on a device, beside a step of a trio
// of true dimensions on the same processor. Interleaved in one process per device.
//   node bench/filters.mjs [--record FILE] [--models FOLDER] [--vocab N] [--rounds N] [--base NAME] [--small NAME]
//       [--device NAME] [--device-rounds N]
// --device Vulkan0 uses Mesa's software device where there is no other.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeShapedTrio } from "../dist/gguf/shaped-trio.js";
import { knownShapes } from "../dist/gguf/shapes.js";
import { loadRast } from "../dist/index.js";
import { findLibraries } from "../dist/native/libraries.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
    options: {
        record: { type: "string" },
        models: { type: "string" },
        vocab: { type: "string", default: "151936" },
        rounds: { type: "string", default: "300" },
        base: { type: "string", default: "qwen2.5-1.5b" },
        small: { type: "string", default: "qwen2.5-0.5b" },
        device: { type: "string" },
        "device-rounds": { type: "string", default: "10" }
    }
});
const built = (name) => {
    const found = [join(root, "build", name), join(root, "build", "Release", name)].find((path) => existsSync(path));
    if (found === undefined) throw new Error(`${name} is not built: run node scripts/setup.mjs --tests`);
    return found;
};
const { core, candidates } = await findLibraries();
const mean = (list) => list.reduce((a, b) => a + b) / list.length;

function filters(device, rounds) {
    const args = ["bench-filters", "--libraries", dirname(core.llama), "--vocab", values.vocab, "--rounds", rounds];
    const env = { ...process.env };
    if (device !== "CPU") {
        const kind = device.replace(/\d+$/, "").toLowerCase();
        const backend = candidates.find((candidate) => candidate.kind === kind);
        if (backend === undefined) throw new Error(`no library for ${device}`);
        args.push("--device", device, "--backend", backend.path);
        if (kind === "vulkan" && process.env.GGML_VK_VISIBLE_DEVICES === undefined) {
            env.GGML_VK_VISIBLE_DEVICES = "0"; // software devices are passed over unless named
            env.RAST_GGML_BASE = core.ggmlBase;
            env.LD_PRELOAD = built("software_vulkan.so");
        }
    }
    const result = spawnSync(built("rast-native-tests"), args, {
        encoding: "utf8",
        env,
        stdio: ["ignore", "pipe", "inherit"]
    });
    if (result.status !== 0) throw new Error(`bench-filters on ${device}: ${result.stdout}`);
    return JSON.parse(result.stdout.slice(result.stdout.indexOf("{")));
}

process.stderr.write("a step of the trio ...\n");
const folder = values.models ?? mkdtempSync(join(tmpdir(), "rast-filters-"));
const shapes = { base: knownShapes[values.base], small: knownShapes[values.small] };
const trio = await writeShapedTrio(folder, { ...shapes, type: "q4_0", agreement: 0.8, certainty: 16 });
const rast = await loadRast({ ...trio, contextSize: 256, device: "cpu", speculation: "off" });
const step = { base: 0, expert: 0, antiexpert: 0 };
for (const role of Object.keys(step)) {
    await rast.measureDecodes({ role, tokens: 4 });
    step[role] = mean(await rast.measureDecodes({ role, tokens: 24 }));
}
await rast.dispose();
if (values.models === undefined) rmSync(folder, { recursive: true, force: true });
const stepMs = step.base + step.expert + step.antiexpert;

const devices = [];
for (const device of ["CPU", ...(values.device === undefined ? [] : [values.device])]) {
    process.stderr.write(`filters on ${device} ...\n`);
    devices.push(filters(device, device === "CPU" ? values.rounds : values["device-rounds"]));
}

const versions = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const record = {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0].model,
    node: process.version,
    versions: { "rast-llama": versions.version, "node-llama-cpp": versions.dependencies["node-llama-cpp"] },
    command: `node bench/filters.mjs ${process.argv.slice(2).join(" ")}`.replace(/ ?--(record|models) \S+/g, "").trim(),
    trio: { base: values.base, small: values.small, type: "q4_0", bareStepMs: { ...step, sum: stepMs } },
    devices
};
process.stdout.write(
    `${record.cpu}, ${record.date}; one row of ${values.vocab} logits, three models fused; a bare step of ${values.base} + 2 x ` +
        `${values.small} (Q4_0) on the CPU takes ${stepMs.toFixed(1)} ms\n\n` +
        `| filter | ${devices.map(({ device }) => `ms, ${device}`).join(" | ")} | share of the step, CPU |\n` +
        `| --- | ${devices.map(() => "---:").join(" | ")} | ---: |\n`
);
const names = [...new Set(devices.flatMap(({ kinds }) => kinds.map(({ name }) => name)))];
for (const name of names) {
    const cells = devices.map(({ kinds }) => {
        const kind = kinds.find((one) => one.name === name);
        if (kind === undefined) return "";
        return `${(kind.median / 1000).toFixed(3)}${kind.finishedOnHost > 0 ? " *" : ""}`;
    });
    const onCpu = devices[0].kinds.find((one) => one.name === name);
    const share = onCpu === undefined ? "" : `${(onCpu.median / 10 / stepMs).toFixed(2)}%`;
    process.stdout.write(`| ${name} | ${cells.join(" | ")} | ${share} |\n`);
}
process.stdout.write(
    "\n* the host finished the row, or some of the rows, as the 1,024 likeliest did not hold what was kept\n"
);
if (values.record !== undefined) {
    mkdirSync(dirname(values.record), { recursive: true });
    writeFileSync(values.record, `${JSON.stringify(record, null, 4)}\n`);
}
