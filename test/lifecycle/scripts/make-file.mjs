// Makes one file, as told: a process for tests to kill. Says "ready" when the work begins, and, with `stopAt`, "stopped" at that
// report of progress, where it stands still; with `tellFrom` "late" from that one on.
import { writeFileSync } from "node:fs";
import { extractLora, graftModel, quantizeModel } from "../../../dist/index.js";
import { OutputFile } from "../../../dist/machine/output-file.js";

const kind = process.argv[2];
const { stopAt, tellFrom, ...options } = JSON.parse(process.argv[3]);
const say = (text) => writeFileSync(1, `${text}\n`);
let reports = 0;
function onProgress() {
    reports += 1;
    if (reports === tellFrom) say("late");
    if (reports !== stopAt) return;
    say("stopped");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
}

say("ready");
try {
    if (kind === "graft") await graftModel({ ...options, onProgress });
    else if (kind === "quantize") await quantizeModel({ ...options, onProgress });
    else if (kind === "extract") {
        const { output, ...others } = options;
        await extractLora({ ...others, out: output, onProgress });
    } else {
        const file = await OutputFile.open(options.output);
        for (let at = 0; at < options.bytes; at += 65_536) {
            await file.write(Buffer.alloc(65_536, 7), at);
            onProgress();
        }
        await file.commit();
    }
    say("done");
} catch (error) {
    say(JSON.stringify({ code: error.code, message: error.message }));
    process.exitCode = 1;
}
