import { copyFileSync, linkSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

test("a trio file never takes the place of one of its models", async () => {
    const folder = mkdtempSync(join(tmpdir(), "rast-trio-"));
    try {
        const of = (name: string): string => join(folder, name);
        const demo = join(import.meta.dirname, "..", "..", "..", "models", "demo", "demo-base.gguf");
        for (const name of ["a.gguf", "b.gguf", "c.gguf"]) copyFileSync(demo, of(name));
        symlinkSync(of("b.gguf"), of("link.json"));
        linkSync(of("c.gguf"), of("hard.json"));
        const its = { base: of("a.gguf"), expert: of("b.gguf"), antiexpert: of("c.gguf"), replace: true };
        for (const out of ["a.gguf", "b.gguf", "link.json", "hard.json"]) {
            await expect(writeTrioFile({ ...its, out: of(out) })).rejects.toMatchObject({
                code: "ERR_INVALID_ARGUMENT"
            });
        }
        for (const name of ["a.gguf", "b.gguf", "c.gguf"]) {
            expect(readFileSync(of(name)).equals(readFileSync(demo))).toBe(true);
        }
        await writeTrioFile({ ...its, out: of("trio.json") });
        await expect(writeTrioFile({ ...its, replace: false, out: of("trio.json") })).rejects.toMatchObject({
            code: "ERR_FILE_UNWRITABLE"
        });
    } finally {
        rmSync(folder, { recursive: true });
    }
});
