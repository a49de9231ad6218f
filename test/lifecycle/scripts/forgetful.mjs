// A script that ends without disposing of its engine; the argument says when.
import { loadRast } from "../../../dist/index.js";
import { prompt, trio } from "./trio.mjs";

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
