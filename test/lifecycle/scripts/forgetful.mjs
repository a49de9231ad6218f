// A script that ends without disposing of its engine; the argument says when.
import { fileURLToPath } from "node:url";
import { loadRast } from "../../../dist/index.js";

const demo = (name) => fileURLToPath(new URL(`../../../models/demo/${name}.gguf`, import.meta.url));
const trio = {
    base: demo("demo-base"),
    expert: demo("demo-weak-expert"),
    antiexpert: demo("demo-weak-antiexpert"),
    gpuLayers: Number(process.env.RAST_TEST_GPU_LAYERS ?? 0),
    threads: 1
};
const prompt = "Q: 6+34+63+39?\n";
const ending = process.argv[2];

if (ending === "exit-loading") {
    await loadRast({ ...trio, onProgress: () => process.exit(3) });
}
const rast = await loadRast(trio);
if (ending === "idle") {
    await rast.complete({ prompt, maxTokens: 3 });
    console.log("done");
} else if (ending === "running") {
    // nobody waits for the result: the script goes on until it is there, and ends
    void rast.complete({ prompt, ignoreEos: true, maxTokens: 100 }).then(() => console.log("done"));
} else {
    for await (const part of rast.generate({ prompt, ignoreEos: true, maxTokens: 450 })) {
        if (part.tokens.length > 0) process.exit(3);
    }
}
