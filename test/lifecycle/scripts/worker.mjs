// A worker thread that says how far it is, and is ended there.
import { parentPort, workerData } from "node:worker_threads";
import { loadRast } from "../../../dist/index.js";
import { prompt, trio } from "./trio.mjs";

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
        const { stopReason } = await rast.complete({ prompt, seed: 1, topP: 1 });
        if (workerData === "complete") await rast.dispose();
        parentPort.postMessage({ stopReason });
    }
}
