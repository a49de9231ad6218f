import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { errorCatalogue } from "../../src/errors.js";
import { demo } from "../support/demo.js";
import { readGguf, writeGgufBytes } from "../support/header-edit.js";
import { mutate, writeTinyModel } from "../support/mutations.js";
import { root, run } from "../support/native.js";
import { size } from "../support/size.js";
import { recurrentModel } from "../support/test-models.js";

const folder = mkdtempSync(join(tmpdir(), "rast-mutations-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const batch = join(root, "test", "malformed", "scripts", "load-batch.mjs");

describe("changed headers", () => {
    it(
        "never end a process, hang it, or give an error without a code",
        { timeout: size(180_000, 3_600_000) },
        async () => {
            writeTinyModel(join(folder, "qwen2.gguf"), "qwen2");
            writeTinyModel(join(folder, "gemma3.gguf"), "gemma3");
            const originals = [
                demo.base,
                await recurrentModel(1),
                join(folder, "qwen2.gguf"),
                join(folder, "gemma3.gguf")
            ];
            const what = new Map(originals.map((path) => [path, "unchanged"]));
            for (let seed = 1; seed <= size(40, 500); ++seed) {
                const file = readGguf(originals[seed % originals.length]!);
                const change = mutate(file, seed);
                const path = join(folder, `${seed}.gguf`);
                writeFileSync(path, writeGgufBytes(file));
                what.set(path, change);
            }
            const env = { ...process.env, RAST_CACHE: join(folder, "cache"), RAST_BACKEND: "cpu" };
            const result = await run(process.execPath, [batch], { env, input: [...what.keys(), ""].join("\n") });
            const lines = result.stdout
                .trim()
                .split("\n")
                .map((line) => JSON.parse(line) as { base: string; came: string });
            const last = lines.at(-1);
            expect([result.signal, result.code, last], result.stderr).toEqual([null, 0, last]);
            expect(lines.map(({ base }) => base)).toEqual([...what.keys()]);
            const tally = new Map<string, number>();
            for (const { base, came } of lines) {
                expect([what.get(base), came === "fine" || came in errorCatalogue ? "typed" : came]).toEqual([
                    what.get(base),
                    "typed"
                ]);
                expect([what.get(base), came]).not.toEqual([what.get(base), "ERR_INTERNAL"]);
                if (originals.includes(base)) expect([base, came]).toEqual([base, "fine"]);
                tally.set(came, (tally.get(came) ?? 0) + 1);
            }
            // Both kinds occur, or the changes change nothing, or too much.
            expect(tally.get("fine")).toBeGreaterThan(originals.length);
            expect(tally.get("ERR_MODEL_INVALID")).toBeGreaterThan(2);
            console.log(Object.fromEntries(tally));
        }
    );
});
