// An expert that is its antiexpert with an adapter: its texts and probabilities are those of a model with the adapter worked in.
import {
    copyFileSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    symlinkSync,
    writeFileSync
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { convertAdapter, loadRast, type LoadOptions, type Rast, type RastResult } from "../../dist/index.js";
import type { Architecture } from "../support/architectures.js";
import { readGguf } from "../support/header-edit.js";
import { randomLora, writeLora, writeMerged } from "../support/lora.js";
import { f32Tensor, writePeft } from "../support/peft.js";
import { noise } from "../support/random-models.js";
import { heavy } from "../support/size.js";
import { root, run, vulkanEnvironment, vulkanLibrary } from "../support/native.js";
import { tinyTrio, tinyTrioOf } from "../support/test-models.js";

const folder = mkdtempSync(join(tmpdir(), "rast-lora-"));
beforeAll(() => void (process.env["RAST_CACHE"] = join(folder, "cache")));
afterAll(() => {
    delete process.env["RAST_CACHE"];
    rmSync(folder, { recursive: true, force: true });
});
let count = 0;
const fresh = (name: string): string => join(folder, `${++count}-${name}`);

const common = { device: "cpu", threads: 1, contextSize: 128, speculation: "off", tryModels: false } as const;
const tokens = [5, 9, 33, 70, 101, 12, 64, 7];

async function using<T>(options: LoadOptions, run: (rast: Rast) => Promise<T>): Promise<T> {
    const rast = await loadRast({ ...common, ...options });
    try {
        return await run(rast);
    } finally {
        await rast.dispose();
    }
}

const draw = (rast: Rast, mode: "base" | "expert" | "rast"): Promise<RastResult> =>
    rast.complete({ tokens, mode, temperature: 0, maxTokens: 12, ignoreEos: true, logprobs: 3 });

/** Log-probabilities of the likeliest tokens, position by position, while the texts are the same. */
function assertNear(one: RastResult, other: RastResult, tolerance: number): void {
    expect(one.logprobs!.length).toBe(12);
    for (const [index, drawn] of one.logprobs!.entries()) {
        const same = other.logprobs![index]!;
        const [first, second] = drawn.top;
        expect(Math.abs(drawn.top[0]!.logprob - same.top[0]!.logprob)).toBeLessThan(tolerance);
        // a near-tie may go either way; behind it texts are two
        if (drawn.token !== same.token) {
            expect(first!.logprob - second!.logprob).toBeLessThan(tolerance);
            return;
        }
    }
}

const kinds: readonly Architecture[] = ["llama", "qwen2", "qwen3", "qwen3moe", "phi3", "gemma3"];

interface Answers {
    readonly results: readonly { readonly tokens: readonly number[]; readonly logprobs: readonly number[] }[];
    readonly devices: readonly string[];
}

async function answersOnDevice(load: LoadOptions): Promise<Answers> {
    const script = join(root, "test", "parity", "scripts", "answers.mjs");
    const requests = (["expert", "rast"] as const).map((mode) => ({
        ...{ tokens, mode, temperature: 0, maxTokens: 6, ignoreEos: true, logprobs: 1 }
    }));
    const work = { load: { ...common, device: "Vulkan0", gpuLayers: 99, ...load }, requests };
    const ended = await run(process.execPath, [script, JSON.stringify(work)], { env: vulkanEnvironment() });
    expect(ended.stderr).toBe("");
    return JSON.parse(ended.stdout) as Answers;
}

describe.skipIf(vulkanLibrary === undefined)("on the software Vulkan device", () => {
    it.each(heavy ? [true, false] : [true])("is the merged model, mmap %s", async (mmap) => {
        const { base, antiexpert } = await tinyTrio();
        const lora = randomLora(antiexpert, { rank: 4, alpha: 8, seed: 4 });
        const adapter = writeLora(fresh("lora.gguf"), lora);
        const merged = writeMerged(fresh("merged.gguf"), antiexpert, [{ lora, scale: 1 }]);
        const adapted = await answersOnDevice({ base, expert: { path: antiexpert, lora: adapter }, antiexpert, mmap });
        const whole = await answersOnDevice({ base, expert: merged, antiexpert, mmap });
        expect(new Set(adapted.devices)).toEqual(new Set(["Vulkan0"]));
        for (const [index, { tokens: drawn, logprobs }] of adapted.results.entries()) {
            const other = whole.results[index]!;
            expect(Math.abs(logprobs[0]! - other.logprobs[0]!)).toBeLessThan(1e-2);
            expect(drawn[0]).toBe(other.tokens[0]);
        }
    });
});

describe("a model with an adapter", () => {
    it.each(kinds)("is the merged model: %s", async (kind) => {
        const { base, antiexpert } = await tinyTrioOf("llama", kind);
        const lora = randomLora(antiexpert, { rank: 4, alpha: 6, seed: 3 });
        const adapter = writeLora(fresh("lora.gguf"), lora);
        const merged = writeMerged(fresh("merged.gguf"), antiexpert, [{ lora, scale: 0.75 }]);
        const adapted = await using(
            { base, expert: { path: antiexpert, lora: adapter, scale: 0.75 }, antiexpert },
            async (rast) => ({
                info: rast.info,
                expert: await draw(rast, "expert"),
                rast: await draw(rast, "rast")
            })
        );
        const whole = await using({ base, expert: merged, antiexpert }, async (rast) => ({
            expert: await draw(rast, "expert"),
            rast: await draw(rast, "rast")
        }));
        assertNear(adapted.expert, whole.expert, 2e-3);
        assertNear(adapted.rast, whole.rast, 2e-3);
        // the adapter changes something, or all of this would say nothing
        const plain = await using({ base, expert: antiexpert, antiexpert }, (rast) => draw(rast, "expert"));
        expect(plain.logprobs![0]!.top[0]!.logprob).not.toBeCloseTo(whole.expert.logprobs![0]!.top[0]!.logprob, 2);
        const { expert, antiexpert: anti } = adapted.info.pairs[0]!;
        expect(expert.adapters).toMatchObject([{ path: adapter, scale: 0.75, rank: 4, alpha: 6 }]);
        expect(expert.adapters[0]!.tensors).toBe(lora.tensors.length / 2);
        expect(anti.adapters).toEqual([]);
        expect([expert.sharesWeights, anti.sharesWeights]).toEqual([false, true]);
    });

    it("may be the base, the antiexpert, and have several, an embedding's too", async () => {
        const { base, expert, antiexpert } = await tinyTrio();
        const all = randomLora(base, { rank: 3, alpha: 3, seed: 5, targets: () => true });
        const other = randomLora(base, { rank: 8, alpha: 4, seed: 6 });
        const onAnti = randomLora(antiexpert, { rank: 2, alpha: 5, seed: 7 });
        const paths = [all, other, onAnti].map((lora) => writeLora(fresh("lora.gguf"), lora));
        const adapted = await using(
            {
                base: { model: base, lora: [{ path: paths[0]!, scale: -0.5 }, paths[1]!] },
                expert,
                antiexpert: { path: antiexpert, lora: paths[2]! }
            },
            async (rast) => [await draw(rast, "base"), await draw(rast, "rast")]
        );
        const mergedBase = writeMerged(fresh("base.gguf"), base, [
            { lora: all, scale: -0.5 },
            { lora: other, scale: 1 }
        ]);
        const mergedAnti = writeMerged(fresh("anti.gguf"), antiexpert, [{ lora: onAnti, scale: 1 }]);
        const whole = await using({ base: mergedBase, expert, antiexpert: mergedAnti }, async (rast) => [
            await draw(rast, "base"),
            await draw(rast, "rast")
        ]);
        for (const index of [0, 1]) assertNear(adapted[index]!, whole[index]!, 2e-3);
    });

    it("is only its own role's, with all roles on one file", async () => {
        const { base } = await tinyTrio();
        const adapter = writeLora(fresh("lora.gguf"), randomLora(base, { rank: 4, alpha: 8 }));
        const link = fresh("link.gguf");
        symlinkSync(base, link);
        await using({ base, expert: { path: link, lora: adapter }, antiexpert: base }, async (rast) => {
            const { info } = rast;
            const models = [info.base, info.pairs[0]!.expert, info.pairs[0]!.antiexpert];
            expect(models.map(({ sharesWeights }) => sharesWeights)).toEqual([false, true, true]);
            expect(models.map(({ adapters }) => adapters.length)).toEqual([0, 1, 0]);
            const ofBase = await draw(rast, "base");
            const ofExpert = await draw(rast, "expert");
            expect(ofExpert.tokens).not.toEqual(ofBase.tokens);
            const alone = await using({ base }, (plain) => draw(plain, "base"));
            expect(ofBase.logprobs).toEqual(alone.logprobs);
        });
    });

    it("drafts and verifies with it", async () => {
        const { base, antiexpert } = await tinyTrio();
        const adapter = writeLora(fresh("lora.gguf"), randomLora(antiexpert, { rank: 4, alpha: 8 }));
        const options = { base, expert: { path: antiexpert, lora: adapter }, antiexpert };
        const plain = await using(options, (rast) => draw(rast, "rast"));
        const drafted = await using({ ...options, speculation: { draft: 3 } }, (rast) => draw(rast, "rast"));
        assertNear(drafted, plain, 2e-3);
    });

    it("has states of its own", async () => {
        const { base, antiexpert } = await tinyTrio();
        const lora = (seed: number): string =>
            writeLora(fresh("lora.gguf"), randomLora(antiexpert, { rank: 4, alpha: 8, seed }));
        const [one, other] = [lora(1), lora(2)];
        const copy = fresh("copy.gguf");
        copyFileSync(one, copy);
        const state = fresh("state.bin");
        const withAdapter = (path: string, scale = 1): LoadOptions => ({
            base,
            expert: { path: antiexpert, lora: { path, scale } },
            antiexpert
        });
        await using(withAdapter(one), (rast) => rast.saveState(state, { tokens }));
        await using(withAdapter(copy), async (rast) => {
            expect((await rast.loadState(state)).tokens).toEqual(tokens);
        });
        for (const options of [withAdapter(other), withAdapter(one, 0.5), { base, expert: antiexpert, antiexpert }]) {
            const refusal = await using(options, (rast) => rast.loadState(state)).catch((error: unknown) => error);
            expect(refusal).toMatchObject({ code: "ERR_STATE_FILE" });
        }
    });

    it("is tried in a child process first, and runs in one", async () => {
        const { base, antiexpert } = await tinyTrio();
        const adapter = writeLora(fresh("lora.gguf"), randomLora(antiexpert, { rank: 4, alpha: 8 }));
        const options = { base, expert: { path: antiexpert, lora: adapter }, antiexpert };
        const here = await using({ ...options, tryModels: true }, async (rast) => {
            expect(rast.info.notes).toEqual([]);
            return draw(rast, "rast");
        });
        const there = await using({ ...options, isolate: true }, (rast) => draw(rast, "rast"));
        expect(there.logprobs).toEqual(here.logprobs);
    });

    it("may be a PEFT folder, converted once", async () => {
        const { base, antiexpert } = await tinyTrioOf("llama", "llama");
        const name = "base_model.model.model.layers.1.mlp.down_proj";
        const next = noise(3);
        const peft = writePeft(
            fresh("peft"),
            { peft_type: "LORA", lora_alpha: 8 },
            {
                [`${name}.lora_A.weight`]: f32Tensor([4, 96], () => 0.2 * next()),
                [`${name}.lora_B.weight`]: f32Tensor([64, 4], () => 0.2 * next())
            }
        );
        const converted = fresh("converted.gguf");
        const made = await convertAdapter({ adapter: peft, model: antiexpert, out: converted });
        expect(made).toMatchObject({ rank: 4, alpha: 8, targets: ["blk.1.ffn_down.weight"] });
        const merged = writeMerged(fresh("merged.gguf"), antiexpert, [{ lora: readGguf(converted), scale: 1 }]);
        const whole = await using({ base, expert: merged, antiexpert }, (rast) => draw(rast, "expert"));
        for (const lora of [peft, converted, peft]) {
            await using({ base, expert: { path: antiexpert, lora }, antiexpert }, async (rast) => {
                expect(rast.info.pairs[0]!.expert.adapters).toMatchObject([{ path: lora, rank: 4 }]);
                assertNear(await draw(rast, "expert"), whole, 2e-3);
            });
        }
        const args = ["dist/cli/main.js", "lora", "convert", peft, "--model", antiexpert, "--out", converted, "--json"];
        const command = await run(process.execPath, args);
        expect(JSON.parse(command.stdout)).toMatchObject({ ...made, path: converted });
        expect(made.notes).toEqual([]);
        const another = writePeft(
            fresh("other-rank"),
            { peft_type: "LORA", lora_alpha: 8, r: 16 },
            readFileSync(join(peft, "adapter_model.safetensors"))
        );
        const noted = await convertAdapter({ adapter: another, model: antiexpert, out: fresh("noted.gguf") });
        expect(noted.notes).toEqual([expect.stringMatching(/says that the rank is 16, and the tensors have 4/)]);
        await using({ base, expert: { path: antiexpert, lora: another }, antiexpert }, async ({ info }) => {
            expect(info.notes).toEqual([expect.stringContaining("the rank is 16")]);
        });
        const model = fresh("model.gguf");
        copyFileSync(antiexpert, model);
        for (const out of [model, join(peft, "adapter_model.safetensors"), join(peft, "adapter_config.json")]) {
            const before = readFileSync(out);
            const lost = convertAdapter({ adapter: peft, model, out });
            await expect(lost).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
            expect(readFileSync(out)).toEqual(before);
        }
        const misfit = writePeft(
            fresh("misfit"),
            { peft_type: "LORA", lora_alpha: 8 },
            {
                "base_model.model.model.layers.1.mlp.down_proj.lora_A.weight": f32Tensor([4, 7], () => 1),
                "base_model.model.model.layers.1.mlp.down_proj.lora_B.weight": f32Tensor([5, 4], () => 1)
            }
        );
        const never = fresh("never.gguf");
        const refused = await convertAdapter({ adapter: misfit, model, out: never }).catch((error: unknown) => error);
        expect(refused).toMatchObject({
            code: "ERR_ADAPTER_MISMATCH",
            message: expect.stringContaining(never) as string
        });
        expect(readdirSync(folder).filter((name) => name.includes("never"))).toEqual([]);
    });

    it("comes from a trio file, with paths from its folder", async () => {
        const { base, antiexpert } = await tinyTrio();
        const own = fresh("trio");
        mkdirSync(own);
        writeFileSync(join(own, "small.gguf"), readFileSync(antiexpert));
        writeLora(join(own, "rl.gguf"), randomLora(antiexpert, { rank: 4, alpha: 8 }));
        const trio = {
            base: { model: base },
            expert: { model: "small.gguf", lora: "rl.gguf", scale: 2 },
            antiexpert: "small.gguf"
        };
        writeFileSync(join(own, "trio.json"), JSON.stringify(trio));
        await using({ trio: own }, async ({ info: { pairs } }) => {
            expect(pairs[0]!.expert.adapters).toMatchObject([{ path: join(own, "rl.gguf"), scale: 2 }]);
            expect(pairs[0]!.antiexpert.sharesWeights).toBe(true);
        });
        await using({ trio: own, expert: { lora: [] } }, async ({ info }) => {
            expect(info.pairs[0]!.expert.adapters).toEqual([]);
            expect(info.notes.join()).toContain("same file");
        });
    });
});
