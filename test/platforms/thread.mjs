// An engine in a worker thread, of cases.mjs.
import { parentPort, workerData } from "node:worker_threads";
import { loadRast } from "rast-llama";

const { models, prompt, isEnded } = workerData;
const rast = await loadRast({ ...models, contextSize: 256, kvType: "f32", flashAttention: false });
if (isEnded) {
    const generation = rast.generate({ prompt, ignoreEos: true, maxTokens: 240 });
    for await (const part of generation) parentPort.postMessage(part.text);
} else {
    parentPort.postMessage((await rast.complete({ prompt, seed: 6, maxTokens: 20 })).text);
    await rast.dispose();
}
