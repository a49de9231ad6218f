// Loads the models named on stdin, one a line, through the public API, and generates; prints what came of each.
import { createInterface } from "node:readline";
import { loadRast, RastError } from "../../../dist/index.js";

async function attempt(base) {
    try {
        const rast = await loadRast({ base, threads: 1, device: "cpu", contextSize: 128, tryModels: true });
        try {
            const tokens = [0, 1, 2].map((token) => Math.min(token, rast.info.vocabularySize - 1));
            await rast.complete({ tokens, maxTokens: 3, ignoreEos: true, temperature: 1, seed: 1, logprobs: 2 });
            await rast.complete({ prompt: "1+2", maxTokens: 2, seed: 1 });
        } finally {
            await rast.dispose();
        }
        return "fine";
    } catch (error) {
        return error instanceof RastError ? error.code : `untyped: ${error?.stack ?? error}`;
    }
}

for await (const base of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify({ base, came: await attempt(base) }));
}
