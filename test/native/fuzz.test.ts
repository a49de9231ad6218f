import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { built, libraries, root, run } from "../support/native.js";

const corpus = join(root, "test", "fuzz", "corpus");

// What fuzzing begins with, and what it found: every input again, without a fuzzer.
describe("inputs of fuzzing", () => {
    it.each(readdirSync(corpus))("%s: every one is served or refused", async (target) => {
        const files = readdirSync(join(corpus, target)).map((name) => join(corpus, target, name));
        const env = { ...process.env, RAST_FUZZ_LIBRARIES: libraries.core.cpuFolder };
        const result = await run(built("rast-fuzz-replay"), [target, ...files], { env });
        expect(result.stderr.split("\n").slice(-3).join("\n") + result.stdout).toContain(`ok ${target} ${files.length}`);
    });
});
