import { expect, test } from "vitest";
import { planTrio } from "../../../src/planning/plan-trio.js";
import { writeTrioFile, type TrioFileOptions } from "../../../src/trio/write-trio.js";

const models = { base: "a.gguf", expert: "b.gguf", antiexpert: "c.gguf" };

test.each([
    [undefined, "ERR_INVALID_OPTION"],
    [{ ...models, base: 5 }, "ERR_INVALID_OPTION"],
    [{ ...models, out: 5 }, "ERR_INVALID_OPTION"],
    [{ ...models, replace: "yes" }, "ERR_INVALID_OPTION"],
    [{ ...models, ouput: "x" }, "ERR_UNKNOWN_OPTION"]
])("a trio file for %j is refused", async (options, code) => {
    await expect(writeTrioFile(options as unknown as TrioFileOptions)).rejects.toMatchObject({ code });
});

test("planning ends with its signal", async () => {
    await expect(planTrio({ trio: "demo", signal: AbortSignal.abort("enough") })).rejects.toMatchObject({
        code: "ERR_ABORTED",
        cause: "enough"
    });
});
