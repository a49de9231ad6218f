// An adapter made of two models: exact where the difference is of low rank, and told what it keeps where it is not.
import {
    copyFileSync,
    existsSync,
    mkdtempSync,
    readFileSync,
    readdirSync,
    rmSync,
    symlinkSync,
    writeFileSync
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { extractLora, loadRast, quantizeModel, type ExtractedLora, type ExtractLoraOptions } from "../../dist/index.js";
import { demo } from "../support/demo.js";
import { readGguf, writeGgufBytes } from "../support/header-edit.js";
import { numbersOf, randomLora, writeMerged } from "../support/lora.js";
import { run } from "../support/native.js";
import { heavy } from "../support/size.js";
import { tinyTrio, tinyTrioOf } from "../support/test-models.js";

const folder = mkdtempSync(join(tmpdir(), "rast-extract-"));
beforeAll(() => void (process.env["RAST_CACHE"] = join(folder, "cache")));
afterAll(() => {
    delete process.env["RAST_CACHE"];
    rmSync(folder, { recursive: true, force: true });
});
let count = 0;
const fresh = (name: string): string => join(folder, `${++count}-${name}`);

const extract = (options: Omit<ExtractLoraOptions, "out">): Promise<ExtractedLora> =>
    extractLora({ out: fresh("lora.gguf"), measure: false, threads: 2, ...options });

const rejected = async (options: Omit<ExtractLoraOptions, "out"> & { out?: string }): Promise<unknown> => {
    const out = options.out ?? fresh("lora.gguf");
    const error = await extractLora({ measure: false, ...options, out }).catch((one: unknown) => one);
    expect(error).toBeInstanceOf(Error);
    if (options.out === undefined) expect(existsSync(out)).toBe(false);
    return error;
};

// The largest difference of two models' numbers, tensor by tensor.
function largestDifference(one: string, other: string): number {
    const [first, second] = [readGguf(one), readGguf(other)];
    let largest = 0;
    for (const { name } of first.tensors) {
        const [a, b] = [numbersOf(first, name).data, numbersOf(second, name).data];
        for (let i = 0; i < a.length; ++i) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
    }
    return largest;
}

describe("a difference of low rank", () => {
    it.each(["llama", "qwen3moe", "phi3"] as const)("is held whole: %s", async (kind) => {
        const { antiexpert } = await tinyTrioOf("llama", kind);
        const lora = randomLora(antiexpert, { rank: 4, alpha: 4 });
        const expert = writeMerged(fresh("expert.gguf"), antiexpert, [{ lora, scale: 1 }]);
        const made = await extract({ expert, antiexpert, rank: 4, type: "f32" });
        expect(made.lost).toEqual([]);
        expect(made.tensors.length).toBe(lora.tensors.length / 2);
        for (const { keptShare, rank } of made.tensors) {
            expect(keptShare).toBeGreaterThan(1 - 1e-6);
            expect(rank).toBe(4);
        }
        const adapter = readGguf(made.path);
        const again = writeMerged(fresh("again.gguf"), antiexpert, [{ lora: adapter, scale: 1 }]);
        expect(largestDifference(again, expert)).toBeLessThan(1e-5);
        expect(largestDifference(antiexpert, expert)).toBeGreaterThan(1e-2);
        expect(made.bytes).toBe(readFileSync(made.path).length);
    });

    it("of an embedding, too, and ranks beyond what a matrix has", async () => {
        const { antiexpert } = await tinyTrio();
        const lora = randomLora(antiexpert, { rank: 2, alpha: 2, targets: () => true });
        const expert = writeMerged(fresh("expert.gguf"), antiexpert, [{ lora, scale: 1 }]);
        const made = await extract({ expert, antiexpert, rank: 1000, type: "f32" });
        expect(made.keptShare).toBeGreaterThan(1 - 1e-6);
        expect(new Set(made.tensors.map(({ rank }) => rank))).toEqual(new Set([32]));
        expect(made.rank).toBe(32);
        expect(made.tensors.map(({ name }) => name)).toContain("token_embd.weight");
        const again = writeMerged(fresh("again.gguf"), antiexpert, [{ lora: readGguf(made.path), scale: 1 }]);
        expect(largestDifference(again, expert)).toBeLessThan(1e-5);
    });
});

describe("the demo's pair", () => {
    it("is kept the better the higher the rank, and the same on every run and on any number of threads", async () => {
        const [expert, antiexpert] = [demo.expert, demo.antiexpert];
        const results: ExtractedLora[] = [];
        for (const rank of heavy ? [2, 8, 32] : [2, 32])
            results.push(await extract({ expert, antiexpert, rank, measure: true }));
        for (const [index, { keptShare, effect, bytes }] of results.entries()) {
            expect(effect!.positions).toBeGreaterThan(50);
            if (index === 0) continue;
            expect(keptShare).toBeGreaterThan(results[index - 1]!.keptShare);
            expect(bytes).toBeGreaterThan(results[index - 1]!.bytes);
            expect(effect!.withAdapter.divergence).toBeLessThan(results[index - 1]!.effect!.withAdapter.divergence);
        }
        const { effect, tensors, lost } = results.at(-1)!;
        expect(effect!.keptShare).toBeGreaterThan(0.9);
        expect(effect!.withAdapter.agreement).toBeGreaterThan(effect!.antiexpert.agreement);
        expect(tensors.every(({ keptShare }) => keptShare > 0.9)).toBe(true);
        expect(lost.map(({ name }) => name)).toContain("output_norm.weight");
        const again = await extract({ expert, antiexpert, rank: 32, threads: 1 });
        expect(readFileSync(again.path)).toEqual(readFileSync(results.at(-1)!.path));
    });

    it("runs as an expert without weights of its own", async () => {
        const made = await extract({ expert: demo.expert, antiexpert: demo.antiexpert, rank: 32 });
        const rast = await loadRast({
            base: demo.base,
            expert: { path: demo.antiexpert, lora: made.path },
            antiexpert: demo.antiexpert
        });
        const { text } = await rast.complete({ prompt: "Q: 6+34?\n", maxTokens: 4, temperature: 0 });
        expect(text.length).toBeGreaterThan(0);
        expect(rast.info.pairs[0]!.antiexpert.sharesWeights).toBe(true);
        await rast.dispose();
    });

    it("is printed, with what is lost, and as JSON", async () => {
        const args = ["dist/cli/main.js", "lora", "extract", demo.expert, demo.antiexpert, "--rank", "8"];
        const out = fresh("lora.gguf");
        const plain = await run(process.execPath, [...args, "--out", out]);
        expect([plain.code, plain.stderr]).toEqual([0, ""]);
        expect(plain.stdout).toMatch(/^blk\.0\.attn_q\.weight +8 +\d+\.\d% +\d+\.\d%$/m);
        expect(plain.stdout).toMatch(/^output_norm\.weight +lost +\d+\.\d% {2}it is a vector/m);
        expect(plain.stdout).toMatch(/KL\(expert \|\| antiexpert\) \d\.\d+ nats, with the adapter \d\.\d+/);
        const json = await run(process.execPath, [...args, "--out", out, "--no-measure", "--json"]);
        expect(JSON.parse(json.stdout)).toMatchObject({ path: out, rank: 8, type: "f16", effect: null });
        const wrong = await run(process.execPath, [...args.slice(0, 4), "--out", out]);
        expect([wrong.code, wrong.stdout]).toEqual([2, ""]);
    });
});

describe("models in any type", () => {
    it("quantized ones are subtracted as the numbers that they are", async () => {
        const { antiexpert } = await tinyTrioOf("llama", "qwen3");
        const expert = writeMerged(fresh("expert.gguf"), antiexpert, [
            { lora: randomLora(antiexpert, { rank: 4, alpha: 4 }), scale: 1 }
        ]);
        const plain = await extract({ expert, antiexpert, rank: 64 });
        for (const type of heavy ? ["Q8_0", "F16", "BF16", "Q4_K_M"] : ["Q8_0", "BF16"]) {
            const [one, other] = [fresh("expert.gguf"), fresh("antiexpert.gguf")];
            await quantizeModel({ input: expert, output: one, type, threads: 1 });
            await quantizeModel({ input: antiexpert, output: other, type, threads: 1 });
            const made = await extract({ expert: one, antiexpert: other, rank: 64 });
            const [exact, found] = [plain, made].map(({ tensors }) =>
                tensors.find(({ name }) => name.includes("ffn_up"))!
            );
            expect(found!.relativeDifference / exact!.relativeDifference).toBeGreaterThan(0.9);
            expect(found!.relativeDifference / exact!.relativeDifference).toBeLessThan(type === "Q4_K_M" ? 1.5 : 1.1);
        }
    });
});

describe("what is no fine-tune of the other", () => {
    it("is refused, and no file is left", async () => {
        const { expert, antiexpert } = await tinyTrioOf("llama", "llama");
        const { antiexpert: other } = await tinyTrioOf("llama", "qwen2");
        const { antiexpert: narrow } = await tinyTrio();
        expect(await rejected({ expert, antiexpert: narrow })).toMatchObject({
            code: "ERR_EXTRACT",
            message: expect.stringMatching(/not of one shape.* tensors cannot be subtracted, first \S+ \(/) as string
        });
        expect(await rejected({ expert, antiexpert: other })).toMatchObject({ code: "ERR_EXTRACT" });
        expect(await rejected({ expert: antiexpert, antiexpert })).toMatchObject({ code: "ERR_EXTRACT" });
        expect(await rejected({ expert: join(folder, "nowhere.gguf"), antiexpert })).toMatchObject({
            code: "ERR_FILE_NOT_FOUND",
            details: { role: "expert" }
        });
        for (const option of ["expert", "antiexpert"] as const) {
            const models = { expert, antiexpert };
            const error = await rejected({ ...models, out: models[option] });
            expect(error).toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
        }
        expect(await rejected({ expert, antiexpert, out: folder })).toMatchObject({ code: "ERR_IS_DIRECTORY" });
        for (const wrong of [
            { rank: 0 },
            { rank: 1.5 },
            { type: "q8_0" },
            { measure: [] },
            { threads: 0 },
            { rnk: 1 }
        ]) {
            expect(await rejected({ expert, antiexpert, ...(wrong as object) })).toMatchObject({
                code: expect.stringMatching(/ERR_(INVALID|UNKNOWN)_OPTION/)
            });
        }
    });

    it("names the tensor with a number that is none, and those that only one has", async () => {
        const { expert, antiexpert } = await tinyTrioOf("llama", "qwen2");
        const file = readGguf(expert);
        const tensor = file.tensors.find(({ name }) => name === "blk.1.ffn_up.weight")!;
        file.data.writeFloatLE(NaN, tensor.offset + 40);
        const broken = fresh("broken.gguf");
        writeFileSync(broken, writeGgufBytes(file));
        expect(await rejected({ expert: broken, antiexpert })).toMatchObject({
            code: "ERR_MODEL_INVALID",
            details: { tensor: "blk.1.ffn_up.weight" }
        });
        const changed = readGguf(expert);
        for (const one of changed.tensors) if (one.name === "blk.1.attn_q.bias") one.name = "blk.1.attn_x.bias";
        writeFileSync(broken, writeGgufBytes(changed));
        const { lost } = await extract({ expert: broken, antiexpert, rank: 4 });
        expect(lost).toContainEqual(expect.objectContaining({ name: "blk.1.attn_q.bias", relativeDifference: null }));
        expect(lost).toContainEqual(expect.objectContaining({ name: "blk.1.attn_x.bias", relativeDifference: null }));
    });
});

describe("an abort", () => {
    it("ends it soon, with its reason, and nothing is left", async () => {
        const own = mkdtempSync(join(folder, "abort-"));
        const out = join(own, "lora.gguf");
        for (const after of [0, 1, 3, 8]) {
            const controller = new AbortController();
            let told = 0;
            const run = extractLora({
                expert: demo.expert,
                antiexpert: demo.antiexpert,
                out,
                signal: controller.signal,
                onProgress: () => {
                    if (++told === after) controller.abort(new Error("enough"));
                }
            });
            if (after === 0) controller.abort(new Error("enough"));
            await expect(run).rejects.toMatchObject({ code: "ERR_ABORTED", cause: { message: "enough" } });
            expect(readdirSync(own)).toEqual([]);
        }
    });

    it("by a promise of onProgress that is rejected", async () => {
        const own = mkdtempSync(join(folder, "reject-"));
        const onProgress = (): Promise<void> => Promise.reject(new Error("later"));
        const options = { expert: demo.expert, antiexpert: demo.antiexpert, out: join(own, "lora.gguf"), onProgress };
        await expect(extractLora(options)).rejects.toMatchObject({ code: "ERR_ABORTED", cause: { message: "later" } });
        expect(readdirSync(own)).toEqual([]);
    });

    it("by an exception in onProgress, too", async () => {
        const own = mkdtempSync(join(folder, "throw-"));
        const onProgress = (): void => {
            throw new Error("mine");
        };
        const options = { expert: demo.expert, antiexpert: demo.antiexpert, out: join(own, "lora.gguf"), onProgress };
        await expect(extractLora(options)).rejects.toMatchObject({ code: "ERR_ABORTED", cause: { message: "mine" } });
        expect(readdirSync(own)).toEqual([]);
    });

    it("of the measuring leaves the adapter, which is whole", async () => {
        const out = fresh("lora.gguf");
        const onProgress = ({ step }: { step: string }): void => {
            if (step === "measure") throw new Error("mine");
        };
        const { expert, antiexpert } = demo;
        const ended = extractLora({ expert, antiexpert, out, measure: ["Q: 6+34?"], onProgress });
        await expect(ended).rejects.toMatchObject({ code: "ERR_ABORTED" });
        expect(readGguf(out).tensors.length).toBeGreaterThan(0);
    });
});

describe("what would be lost, or be no adapter", () => {
    it("an output that is an input, behind a link, too", async () => {
        const [expert, link] = [fresh("expert.gguf"), fresh("link.gguf")];
        copyFileSync(demo.expert, expert);
        symlinkSync(expert, link);
        const before = readFileSync(expert);
        for (const out of [expert, link]) {
            const options = { expert, antiexpert: demo.antiexpert, out };
            expect(await rejected(options)).toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
            expect(readFileSync(expert)).toEqual(before);
        }
    });

    it("an output that is another model; what is none is replaced", async () => {
        const [other, adapter] = [fresh("other.gguf"), fresh("lora.gguf")];
        copyFileSync(demo.base, other);
        const { expert, antiexpert } = demo;
        expect(await rejected({ expert, antiexpert, out: other })).toMatchObject({
            code: "ERR_INVALID_ARGUMENT",
            message: expect.stringContaining("A model lies at") as string
        });
        expect(readFileSync(other)).toEqual(readFileSync(demo.base));
        writeFileSync(adapter, readFileSync(demo.expert).subarray(0, 1000));
        const { bytes } = await extractLora({ expert, antiexpert, out: adapter, rank: 2, threads: 1, measure: false });
        expect(readFileSync(adapter).length).toBe(bytes);
    });

    it("numbers that are not finite, and those that f16 cannot hold", async () => {
        const { antiexpert } = await tinyTrio();
        const lora = randomLora(antiexpert, { rank: 2, alpha: 2 });
        const merged = (scale: number): string => writeMerged(fresh("expert.gguf"), antiexpert, [{ lora, scale }]);
        expect(await rejected({ expert: merged(NaN), antiexpert, rank: 2 })).toMatchObject({
            message: expect.stringMatching(/blk\.\d/) as string
        });
        const large = { expert: merged(1e12), antiexpert, rank: 2 };
        expect(await rejected(large)).toMatchObject({
            code: "ERR_ADAPTER_INVALID",
            message: expect.stringMatching(/tensor blk\..*more than f16 can hold/) as string
        });
        expect((await extract({ ...large, type: "f32" })).type).toBe("f32");
    });
});
