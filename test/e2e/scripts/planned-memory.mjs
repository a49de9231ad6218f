// Plans a trio, loads it as planned, and prints both: what was planned and what llama.cpp says it holds, by place, in bytes.
// argv[2]: JSON of { models: { base, expert, antiexpert }, vram, device, options }
import { loadRast, planTrio } from "../../../dist/index.js";

const { models, vram, device, options } = JSON.parse(process.argv[2]);
const plan = await planTrio({ ...models, ...options, vram, ram: 64 * 2 ** 30 });
const placed = Object.fromEntries(
    plan.models.map(({ role, gpuLayers }) => [
        role,
        { path: models[role], gpuLayers, device: gpuLayers > 0 ? device : "cpu" }
    ])
);
const rast = await loadRast({ ...placed, ...options, mmap: false, threads: 2, tryModels: false, learned: false });
const planned = { device: 0, host: 0 };
for (const { name, parts } of plan.places) {
    // copies of results grow when they are first needed, and are not in the log of a load
    planned[name === "main memory" ? "host" : "device"] += parts.weights + parts.cache + parts.compute + parts.sampler;
}
const measured = { device: 0, host: 0 };
const { base, pairs } = rast.info;
for (const { buffers, memory, device: output } of [base, pairs[0].expert, pairs[0].antiexpert]) {
    for (const { place, kind, bytes } of buffers) {
        if (kind !== "output") measured[place === device ? "device" : "host"] += bytes;
    }
    measured[output === device ? "device" : "host"] += memory.samplerBytes;
}
await rast.dispose();
console.log(
    JSON.stringify({ fit: plan.fit, layers: plan.models.map(({ gpuLayers }) => gpuLayers), planned, measured })
);
