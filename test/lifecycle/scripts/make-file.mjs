// Makes one file, as told: a process for tests to kill. Says "ready" when the work begins.
import { writeFileSync } from "node:fs";
import { graftModel, quantizeModel } from "../../../dist/index.js";
import { OutputFile } from "../../../dist/machine/output-file.js";

const [kind, options] = [process.argv[2], JSON.parse(process.argv[3])];
writeFileSync(1, "ready\n");
try {
    if (kind === "graft") await graftModel(options);
    else if (kind === "quantize") await quantizeModel(options);
    else {
        const file = await OutputFile.open(options.output);
        for (let at = 0; at < options.bytes; at += 65_536) await file.write(Buffer.alloc(65_536, 7), at);
        await file.commit();
    }
    writeFileSync(1, "done\n");
} catch (error) {
    writeFileSync(1, `${JSON.stringify({ code: error.code, message: error.message })}\n`);
    process.exitCode = 1;
}
