// Grafts against llama.cpp's own converter and against transformers, family by family. Where Python with its packages is:
// RAST_CHECKPOINT_FIXTURES names the folder that scripts/checkpoint-fixtures.py has filled.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { graftModel, loadRast } from "../../dist/index.js";
import { loadNative } from "../../dist/native/binding.js";

const fixtures = process.env["RAST_CHECKPOINT_FIXTURES"];
const families = fixtures === undefined ? [] : readdirSync(fixtures).sort();
/** Of log-probabilities at any token, against transformers in F32. ggml looks GELU, which Gemma has, up in a table of F16. */
const toleranceOf = (family: string): number => (family.startsWith("gemma") ? 2e-3 : 2e-4);

const folder = mkdtempSync(join(tmpdir(), "rast-families-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const { addon } = await loadNative();

async function tensorsOf(file: string): Promise<Record<string, string>> {
    const bytes = readFileSync(file);
    const { tensors } = await addon.layoutOf(file);
    const shown = tensors.map(({ name, type, shape, offset, bytes: size }): [string, string] => {
        const hash = createHash("sha256")
            .update(bytes.subarray(offset, offset + size))
            .digest("hex");
        return [name, `${type} [${shape.join(", ")}] ${hash}`];
    });
    return Object.fromEntries(shown.sort(([one], [other]) => (one < other ? -1 : 1)));
}

describe.runIf(families.length > 0)("grafts of every family", () => {
    const graft = async (family: string, type: string): Promise<string> => {
        const place = join(fixtures!, family);
        const output = join(folder, `${family}-${type}.gguf`);
        if (existsSync(output)) return output;
        const { notes } = await graftModel({
            template: join(place, "template-f32.gguf"),
            weights: join(place, "expert"),
            output,
            type
        });
        expect(notes.filter((note) => /differ|left out|zeros/.test(note))).toEqual([]);
        return output;
    };

    describe.each(families)("%s", (family) => {
        it.each(["f32", "f16", "bf16", "q8_0"])("has the converter's tensors bit for bit in %s", async (type) => {
            const expected = await tensorsOf(join(fixtures!, family, `expert-${type}.gguf`));
            expect(await tensorsOf(await graft(family, type))).toEqual(expected);
        });

        it("has transformers' log-probabilities", async () => {
            const { tokens, logprobs } = JSON.parse(readFileSync(join(fixtures!, family, "logits.json"), "utf8")) as {
                tokens: number[];
                logprobs: number[];
            };
            const base = await graft(family, "f32");
            const rast = await loadRast({
                base,
                contextSize: 64,
                threads: 1,
                gpuLayers: 0,
                kvType: "f32",
                flashAttention: false
            });
            const result = await rast.complete({ tokens, maxTokens: 1, temperature: 0, logprobs: 20, ignoreEos: true });
            await rast.dispose();
            const [drawn] = result.logprobs!;
            // padding is never drawn: what is compared is relative to what may be
            const drawable = logprobs.slice(0, rast.info.vocabularySize);
            const all = drawn!.top.map(({ token, logprob }) => [token, logprob, drawable[token]!] as const);
            const shift = all[0]![1] - all[0]![2];
            for (const [token, own, theirs] of all) {
                expect(Math.abs(own - theirs - shift), `token ${token}: ${own} and ${theirs}`).toBeLessThan(
                    toleranceOf(family)
                );
            }
        });
    });
});
