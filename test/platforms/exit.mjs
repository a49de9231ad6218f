// Ends its process in the middle of something: exit.mjs HOW RESULTS. Code 7, or a kill from outside once RESULTS is there.
import { writeFileSync } from "node:fs";
import { loadRast } from "rast-llama";

const [how, results] = process.argv.slice(2);
const prompt = "Q: 6+34+63+39?\n";
const exit = (what = "at it") => {
    writeFileSync(results, `${what}`);
    process.exit(7);
};

const ways = {
    async "in a load"() {
        const loading = loadRast({ trio: "demo-strong" });
        setImmediate(() => exit());
        await loading;
    },
    async "in progress of a load"() {
        await loadRast({ trio: "demo-strong", onProgress: () => exit() });
    },
    async "in a generation"() {
        const rast = await loadRast({ trio: "demo-strong", contextSize: 256 });
        for await (const part of rast.generate({ prompt, ignoreEos: true, maxTokens: 240 })) exit(part.text);
    },
    async "with several at work"() {
        const rast = await loadRast({ trio: "demo-strong", contextSize: 512, parallel: 4 });
        const all = [1, 2, 3, 4].map((seed) => rast.complete({ prompt, seed, ignoreEos: true, maxTokens: 400 }));
        setTimeout(() => exit(), 30);
        await Promise.all(all);
    },
    async "by an error nobody catches"() {
        const rast = await loadRast({ trio: "demo-strong", contextSize: 256 });
        process.once("uncaughtException", () => exit());
        for await (const part of rast.generate({ prompt, ignoreEos: true, maxTokens: 240 })) {
            setImmediate(() => {
                throw new Error(`thrown on purpose after ${part.text}`);
            });
            break;
        }
    },
    async "at its end"() {
        const rast = await loadRast({ trio: "demo-strong", contextSize: 256 });
        await rast.complete({ prompt, maxTokens: 5 });
        writeFileSync(results, "at it");
        process.exitCode = 7;
    },
    async killed() {
        const rast = await loadRast({ trio: "demo-strong", contextSize: 512 });
        for (;;) {
            const generation = rast.generate({ prompt, ignoreEos: true, maxTokens: 400 });
            for await (const part of generation) writeFileSync(results, `${part.text}.`);
        }
    }
};
await ways[how]();
