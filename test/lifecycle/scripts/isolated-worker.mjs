// A worker thread with an isolated engine that says how far it is, and is ended there.
import { parentPort, workerData } from "node:worker_threads";
import { loadRast } from "../../../dist/index.js";
import { isolatedTrio, prompt } from "./trio.mjs";

if (workerData === "loading") {
    void loadRast({ ...isolatedTrio, onProgress: () => parentPort.postMessage("loading") });
} else {
    const rast = await loadRast(isolatedTrio);
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
