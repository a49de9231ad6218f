// Loads models, draws, and prints what was drawn, and what of the base's weights lies where. argv[2]: JSON of { load, request }
import { loadRast } from "../../../dist/index.js";

const { load, request } = JSON.parse(process.argv[2]);
const rast = await loadRast({ threads: 2, tryModels: false, learned: false, ...load });
const { logprobs } = await rast.complete(request);
const { base } = rast.info;
const weights = {};
for (const { place, kind, bytes } of base.buffers) {
    if (kind === "model") weights[place] = (weights[place] ?? 0) + bytes;
}
await rast.dispose();
console.log(JSON.stringify({ logprobs, weights, layers: base.gpuLayers, cpuMoeLayers: base.cpuMoeLayers }));
