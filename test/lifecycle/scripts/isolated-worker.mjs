// A worker thread with an isolated engine that says how far it is, and is ended there.
import { parentPort, workerData } from "node:worker_threads";
import { fileURLToPath } from "node:url";
import { loadRast } from "../../../dist/index.js";

const demo = (name) => fileURLToPath(new URL(`../../../models/demo/${name}.gguf`, import.meta.url));
const trio = {
    base: demo("demo-base"),
    expert: demo("demo-weak-expert"),
    antiexpert: demo("demo-weak-antiexpert"),
    gpuLayers: 0,
    threads: 1,
    isolate: true
};
const prompt = "Q: 6+34+63+39?\n";

if (workerData === "loading") {
    void loadRast({ ...trio, onProgress: () => parentPort.postMessage("loading") });
} else {
    const rast = await loadRast(trio);
    if (workerData === "running") {
        let told = false;
        for await (const part of rast.generate({ prompt, ignoreEos: true, maxTokens: 450 })) {
            if (!told && part.tokens.length > 0) parentPort.postMessage("running");
            told = true;
        }
    } else {
        await rast.complete({ prompt, seed: 1, topP: 1 });
        parentPort.postMessage(workerData);
        // an engine at rest holds no thread; a listener does
        if (workerData === "finished") parentPort.on("message", () => undefined);
    }
}
