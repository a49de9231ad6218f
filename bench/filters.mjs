// What every filter costs at a true vocabulary, on the CPU and, where there is one, on a device, beside a step of a trio
// of true dimensions on the same processor. Interleaved in one process per device.
//   node bench/filters.mjs [--record FILE] [--models FOLDER] [--vocab N] [--rounds N] [--base NAME] [--small NAME]
//       [--device NAME] [--device-rounds N]
// --device Vulkan0 uses Mesa's software device where there is no other.
import { loadRast } from "../dist/index.js";
import { findLibraries } from "../dist/native/libraries.js";
import {
    built,
    keepRecord,
    mean,
    progress,
    readArguments,
    recordHead,
    runNative,
    table,
    withModels
} from "./support.mjs";

const values = readArguments({
    models: undefined,
    vocab: 151936,
    rounds: 300,
    base: "qwen2.5-1.5b",
    small: "qwen2.5-0.5b",
    device: undefined,
    "device-rounds": 10
});

// Arguments and environment of the native program for a device.
async function placeOf(device) {
    if (device === "CPU") return { args: [], env: process.env };
    const { core, candidates } = await findLibraries();
    const kind = device.replace(/\d+$/, "").toLowerCase();
    const backend = candidates.find((candidate) => candidate.kind === kind);
    if (backend === undefined) throw new Error(`no library for ${device}`);
    const args = ["--device", device, "--backend", backend.path];
    if (kind !== "vulkan" || process.env.GGML_VK_VISIBLE_DEVICES !== undefined) return { args, env: process.env };
    const software = {
        GGML_VK_VISIBLE_DEVICES: "0", // software devices are passed over unless named
        RAST_GGML_BASE: core.ggmlBase,
        LD_PRELOAD: built("software_vulkan.so")
    };
    return { args, env: { ...process.env, ...software } };
}

async function filters(device, rounds) {
    progress(`filters on ${device}`);
    const { args, env } = await placeOf(device);
    return runNative("bench-filters", ["--vocab", values.vocab, "--rounds", rounds, ...args], env);
}

// Milliseconds of bare decodes of each model, on the CPU.
async function bareStep(trio) {
    progress("a step of the trio");
    const rast = await loadRast({ ...trio, contextSize: 256, device: "cpu", speculation: "off" });
    const step = { base: 0, expert: 0, antiexpert: 0 };
    for (const role of Object.keys(step)) {
        await rast.measureDecodes({ role, tokens: 4 });
        step[role] = mean(await rast.measureDecodes({ role, tokens: 24 }));
    }
    await rast.dispose();
    return { ...step, sum: step.base + step.expert + step.antiexpert };
}

const bareStepMs = await withModels(values, async (write) => bareStep(await write(0.8)));
const devices = [await filters("CPU", values.rounds)];
if (values.device !== undefined) devices.push(await filters(values.device, values["device-rounds"]));
const record = {
    ...recordHead(),
    trio: { base: values.base, small: values.small, type: "q4_0", bareStepMs },
    devices
};

const microsecondsOf = ({ kinds }, name) => kinds.find((one) => one.name === name);
const rows = [...new Set(devices.flatMap(({ kinds }) => kinds.map(({ name }) => name)))].map((name) => {
    const cells = devices.map((device) => {
        const kind = microsecondsOf(device, name);
        if (kind === undefined) return "";
        return `${(kind.median / 1000).toFixed(3)}${kind.finishedOnHost > 0 ? " *" : ""}`;
    });
    const onCpu = microsecondsOf(devices[0], name);
    return [name, ...cells, onCpu === undefined ? "" : `${(onCpu.median / 10 / bareStepMs.sum).toFixed(2)}%`];
});
process.stdout.write(
    `${record.cpu}, ${record.date}; one row of ${values.vocab} logits, three models fused; a bare step of ${values.base} + 2 x ` +
        `${values.small} (Q4_0) on the CPU takes ${bareStepMs.sum.toFixed(1)} ms\n\n` +
        table(["filter", ...devices.map(({ device }) => `ms, ${device}:`), "share of the step, CPU:"], rows) +
        "\n* the host finished the row, or some of the rows, as the 1,024 likeliest did not hold what was kept\n"
);
keepRecord(values.record, record);
