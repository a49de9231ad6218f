import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { convertedAdapter, restoreConverted } from "../../../src/checkpoint/adapter-cache.js";
import { inGgufOrder, loraTarget } from "../../../src/checkpoint/lora-modules.js";
import { convertPeft } from "../../../src/checkpoint/peft-adapter.js";
import { alphaOf, checkPeftConfig } from "../../../src/checkpoint/peft-config.js";
import { fromHalf, toHalf } from "../../../src/gguf/half.js";
import { readGguf } from "../../support/header-edit.js";
import { numbersOf } from "../../support/lora.js";
import { f32Tensor, writePeft } from "../../support/peft.js";
import type { WrittenTensor } from "../../support/safetensors.js";
import { root } from "../../support/native.js";

const folder = mkdtempSync(join(tmpdir(), "rast-peft-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
const fresh = (name: string): string => join(folder, `${++count}-${name}`);

const model = { architecture: "qwen2", headCount: 2, kvHeadCount: 1 };
const config = { peft_type: "LORA", r: 2, lora_alpha: 4 };
const module = "base_model.model.model.layers.0.self_attn.q_proj";
const pair = (name = module): Record<string, WrittenTensor> => ({
    [`${name}.lora_A.weight`]: f32Tensor([2, 8], (i) => i + 1),
    [`${name}.lora_B.weight`]: f32Tensor([4, 2], (i) => 0.5 * i)
});

async function convert(settings: object, weights: Record<string, WrittenTensor> | Buffer, of = model): Promise<string> {
    const out = fresh("lora.gguf");
    await convertPeft(writePeft(fresh("peft"), { ...config, ...settings }, weights), of, out);
    return out;
}

const alphaIn = (path: string): number =>
    (readGguf(path).entries.find(({ key }) => key === "adapter.lora.alpha")!.value as Buffer).readFloatLE();

interface Fixture {
    readonly name: string;
    readonly architecture: string;
    readonly headCount: number;
    readonly kvHeadCount: number;
    readonly config: object;
    readonly weights: string;
    readonly alpha: number;
    readonly tensors: Readonly<Record<string, { readonly shape: readonly number[]; readonly sha256: string }>>;
}

const fixtures = JSON.parse(readFileSync(join(root, "test", "support", "peft-fixtures.json"), "utf8")) as Fixture[];

describe("PEFT's own adapters", () => {
    it.each(fixtures.map((fixture) => [fixture.name, fixture] as const))(
        "are those of llama.cpp's converter, bit for bit: %s",
        async (_, { config, weights, alpha, tensors, ...of }) => {
            const out = fresh("lora.gguf");
            await convertPeft(writePeft(fresh("peft"), config, Buffer.from(weights, "base64")), of, out);
            expect(alphaIn(out)).toBe(alpha);
            const found = readGguf(out);
            const made = Object.fromEntries(
                found.tensors.map(({ name, shape }) => {
                    const { data } = numbersOf(found, name);
                    const sha256 = createHash("sha256").update(Buffer.from(data.buffer)).digest("hex");
                    return [name, { shape, sha256 }];
                })
            );
            expect(made).toEqual(tensors);
            expect(Object.keys(made).length).toBeGreaterThan(1);
        }
    );
});

describe("what llama.cpp's converter does not keep", () => {
    it("rsLoRA: alpha over the root of the rank", async () => {
        const out = await convert({ use_rslora: true }, pair());
        expect(alphaIn(out)).toBeCloseTo(4 * Math.SQRT2, 5);
        expect(numbersOf(readGguf(out), "blk.0.attn_q.weight.lora_b").data[1]).toBe(0.5);
    });

    it("alphas of single modules go into B", async () => {
        const other = "base_model.model.model.layers.1.self_attn.q_proj";
        const settings = { alpha_pattern: { "layers.1.self_attn.q_proj": 1 } };
        const out = await convert(settings, { ...pair(), ...pair(other) });
        expect(alphaIn(out)).toBe(4);
        const file = readGguf(out);
        expect(numbersOf(file, "blk.0.attn_q.weight.lora_b").data[3]).toBe(1.5);
        expect(numbersOf(file, "blk.1.attn_q.weight.lora_b").data[3]).toBe(1.5 / 4);
    });

    it("experts, a pair each, become a stack", async () => {
        const experts = [0, 1, 2].map((n) => pair(`base_model.model.model.layers.0.mlp.experts.${n}.up_proj`));
        const out = await convert({}, Object.assign({}, ...experts) as Record<string, WrittenTensor>, {
            ...model,
            architecture: "qwen3moe"
        });
        const { shape, data } = numbersOf(readGguf(out), "blk.0.ffn_up_exps.weight.lora_b");
        expect(shape).toEqual([2, 4, 3]);
        expect(data.subarray(8, 16)).toEqual(data.subarray(0, 8));
    });
});

describe("a folder that cannot be converted is told by file and tensor", () => {
    const cases: [
        what: string,
        settings: object,
        weights: Record<string, WrittenTensor>,
        code: string,
        says: RegExp
    ][] = [
        ["another method", { peft_type: "IA3" }, pair(), "UNSUPPORTED", /peft_type is "IA3"/],
        ["no method", { peft_type: null }, pair(), "UNSUPPORTED", /peft_type/],
        ["DoRA", { use_dora: true }, pair(), "UNSUPPORTED", /DoRA/],
        ["biases", { bias: "all" }, pair(), "UNSUPPORTED", /biases/],
        ["biases of factors", { lora_bias: true }, pair(), "UNSUPPORTED", /biases/],
        ["whole modules", { modules_to_save: ["lm_head"] }, pair(), "UNSUPPORTED", /modules_to_save/],
        ["transposed weights", { fan_in_fan_out: true }, pair(), "UNSUPPORTED", /transposed/],
        ["repeated layers", { layer_replication: [[0, 4]] }, pair(), "UNSUPPORTED", /layers/],
        ["an aLoRA", { alora_invocation_tokens: [1, 2] }, pair(), "UNSUPPORTED", /aLoRA/],
        ["tokens trained anew", { trainable_token_indices: { embed_tokens: [3] } }, pair(), "UNSUPPORTED", /tokens/],
        ["parameters", { target_parameters: ["mlp.experts"] }, pair(), "UNSUPPORTED", /parameters/],
        ["no alpha", { lora_alpha: null }, pair(), "INVALID", /lora_alpha/],
        ["an alpha too small", { lora_alpha: 1e-60 }, pair(), "INVALID", /0 in single precision/],
        ["an alpha too large", { lora_alpha: 1e60 }, pair(), "INVALID", /more than single precision/],
        [
            "PiSSA",
            { init_lora_weights: "pissa_niter_4" },
            pair(),
            "UNSUPPORTED",
            /init_lora_weights is "pissa_niter_4"/
        ],
        ["LoftQ", { init_lora_weights: "loftq" }, pair(), "UNSUPPORTED", /save_pretrained/],
        ["no number", {}, { ...pair(), [`${module}.lora_A.weight`]: f32Tensor([2, 8], () => NaN) }, "INVALID", /NaN/],
        [
            "infinity",
            {},
            { ...pair(), [`${module}.lora_B.weight`]: f32Tensor([4, 2], () => Infinity) },
            "INVALID",
            /Infinity/
        ],
        ["an alpha of nothing", { lora_alpha: 0 }, pair(), "INVALID", /changes nothing/],
        [
            "a pattern that is a program",
            { alpha_pattern: { "(a+)+$": 1 } },
            pair(),
            "UNSUPPORTED",
            /regular expression/
        ],
        ["patterns that are a list", { alpha_pattern: [1] }, pair(), "INVALID", /alpha_pattern/],
        ["no tensors", {}, {}, "INVALID", /no tensors/],
        [
            "a module that is not known",
            {},
            pair("base_model.model.model.layers.0.mixer.x_proj"),
            "UNSUPPORTED",
            /mixer\.x_proj/
        ],
        [
            "a name of JavaScript's own",
            {},
            pair("base_model.model.model.layers.0.constructor"),
            "UNSUPPORTED",
            /constructor/
        ],
        [
            "a layer that is no number",
            {},
            pair("base_model.model.model.layers.x.self_attn.q_proj"),
            "UNSUPPORTED",
            /layers\.x/
        ],
        [
            "a magnitude",
            {},
            { [`${module}.lora_magnitude_vector`]: f32Tensor([4], () => 1) },
            "UNSUPPORTED",
            /magnitude/
        ],
        ["a half", {}, { [`${module}.lora_A.weight`]: f32Tensor([2, 8], () => 1) }, "INVALID", /other half is missing/],
        [
            "one matrix twice",
            {},
            { ...pair(), ...pair(module.replace("model.model.model", "model.model.language_model")) },
            "INVALID",
            /same matrix/
        ],
        [
            "a vector",
            {},
            { ...pair(), [`${module}.lora_B.weight`]: f32Tensor([8], () => 1) },
            "INVALID",
            /expected \[rank, in\]/
        ],
        [
            "ranks that differ",
            {},
            { ...pair(), [`${module}.lora_B.weight`]: f32Tensor([4, 3], () => 1) },
            "INVALID",
            /\[4, 3\]/
        ],
        [
            "integers",
            {},
            { ...pair(), [`${module}.lora_B.weight`]: { dtype: "I32", shape: [4, 2], data: Buffer.alloc(32) } },
            "UNSUPPORTED",
            /I32/
        ],
        [
            "an expert too few",
            {},
            pair("base_model.model.model.layers.0.mlp.experts.1.up_proj"),
            "UNSUPPORTED",
            /expert 0/
        ]
    ];

    it.each(cases)("%s", async (what, settings, weights, code, says) => {
        const of = what === "an expert too few" ? { ...model, architecture: "qwen3moe" } : model;
        const before = readdirSync(folder).length;
        const error = await convert(settings, weights, of).catch((one: unknown) => one);
        expect(error).toMatchObject({ code: `ERR_ADAPTER_${code}` });
        expect((error as Error).message).toMatch(says);
        expect((error as Error).message).toMatch(/adapter_(config\.json|model\.safetensors)/);
        expect(readdirSync(folder).length).toBe(before + 1); // the PEFT folder, and nothing of an output
    });

    it("heads that do not divide the rows", async () => {
        const of = { architecture: "llama", headCount: 3, kvHeadCount: 3 };
        await expect(convert({}, pair(), of)).rejects.toMatchObject({ code: "ERR_ADAPTER_MISMATCH" });
    });

    it("an architecture that is not known", async () => {
        await expect(convert({}, pair(), { ...model, architecture: "mamba" })).rejects.toMatchObject({
            code: "ERR_ADAPTER_UNSUPPORTED",
            message: expect.stringContaining("convert_lora_to_gguf.py")
        });
    });

    it("a pickle, no weights, no configuration, damaged ones", async () => {
        const peft = writePeft(fresh("peft"), config, pair());
        const out = fresh("lora.gguf");
        rmSync(join(peft, "adapter_model.safetensors"));
        await expect(convertPeft(peft, model, out)).rejects.toMatchObject({ code: "ERR_FILE_NOT_FOUND" });
        writeFileSync(join(peft, "adapter_model.bin"), "pickle");
        await expect(convertPeft(peft, model, out)).rejects.toMatchObject({
            code: "ERR_ADAPTER_UNSUPPORTED",
            message: expect.stringContaining("pickle")
        });
        writeFileSync(join(peft, "adapter_model.safetensors"), "cut short");
        await expect(convertPeft(peft, model, out)).rejects.toMatchObject({ code: "ERR_SAFETENSORS" });
        for (const text of ["{", "[]", "5", ""]) {
            writeFileSync(join(peft, "adapter_config.json"), text);
            await expect(convertPeft(peft, model, out)).rejects.toMatchObject({ code: "ERR_ADAPTER_INVALID" });
        }
        rmSync(join(peft, "adapter_config.json"));
        await expect(convertPeft(peft, model, out)).rejects.toMatchObject({ code: "ERR_FILE_NOT_FOUND" });
    });
});

describe("the cache of conversions", () => {
    it("converts once, and anew when the folder changes", async () => {
        process.env["RAST_CACHE"] = fresh("cache");
        try {
            const peft = writePeft(fresh("peft"), config, pair());
            const first = await convertedAdapter(peft, model);
            const bytes = readFileSync(first);
            writeFileSync(first, "marked");
            expect(await convertedAdapter(peft, model)).toBe(first);
            expect(readFileSync(first, "utf8")).toBe("marked");
            rmSync(first);
            expect(readFileSync(await convertedAdapter(peft, model))).toEqual(bytes);
            expect(await convertedAdapter(peft, { ...model, architecture: "llama" })).not.toBe(first);
            writePeft(peft, { ...config, lora_alpha: 5 }, pair());
            expect(await convertedAdapter(peft, model)).not.toBe(first);
        } finally {
            delete process.env["RAST_CACHE"];
        }
    });

    it("keeps 32, the latest used, and all that were used within the hour", async () => {
        process.env["RAST_CACHE"] = fresh("cache");
        try {
            const peft = writePeft(fresh("peft"), config, pair());
            const first = await convertedAdapter(peft, model);
            const place = join(first, "..");
            const old = new Date(Date.now() - 7_200_000);
            const name = (n: number): string => join(place, `${n.toString(16).padStart(64, "0")}.gguf`);
            for (let n = 0; n < 40; ++n) {
                writeFileSync(name(n), "x");
                if (n < 30) utimesSync(name(n), old, old);
            }
            await convertedAdapter(peft, { ...model, architecture: "llama" });
            const left = readdirSync(place);
            // 42, of which 30 are old, and 10 have to go
            expect(left).toHaveLength(32);
            expect(left.filter((one) => one.startsWith("000"))).toHaveLength(30);
            for (let n = 30; n < 40; ++n) expect(left).toContain(basename(name(n)));
            expect(left).toContain(basename(first));
        } finally {
            delete process.env["RAST_CACHE"];
        }
    });

    it("puts back what was removed, and nothing else", async () => {
        process.env["RAST_CACHE"] = fresh("cache");
        try {
            const peft = writePeft(fresh("peft"), config, pair());
            const path = await convertedAdapter(peft, model);
            const bytes = readFileSync(path);
            rmSync(join(path, "../.."), { recursive: true });
            expect(await restoreConverted(peft, model, path)).toBe(true);
            expect(readFileSync(path)).toEqual(bytes);
            writePeft(peft, { ...config, lora_alpha: 5 }, pair());
            expect(await restoreConverted(peft, model, path)).toBe(true);
            rmSync(path);
            expect(await restoreConverted(peft, model, path)).toBe(false);
            expect(existsSync(path)).toBe(false);
            rmSync(peft, { recursive: true });
            await expect(restoreConverted(peft, model, path)).rejects.toMatchObject({ code: "ERR_FILE_NOT_FOUND" });
        } finally {
            delete process.env["RAST_CACHE"];
        }
    });

    it("gives two at once the same whole file, and does without a cache folder", async () => {
        process.env["RAST_CACHE"] = "off";
        try {
            const peft = writePeft(fresh("peft"), config, pair());
            const paths = await Promise.all([1, 2, 3].map(() => convertedAdapter(peft, model)));
            expect(new Set(paths).size).toBe(1);
            expect(readGguf(paths[0]!).tensors).toHaveLength(2);
            expect(readdirSync(join(paths[0]!, ".."))).toHaveLength(1);
        } finally {
            delete process.env["RAST_CACHE"];
        }
    });
});

describe("parts", () => {
    it("names of modules", () => {
        expect(loraTarget("llama", "model.layers.12.self_attn.k_proj")).toEqual({
            tensor: "blk.12.attn_k.weight",
            heads: "key"
        });
        expect(loraTarget("phi3", "model.layers.0.mlp.gate_up_proj")).toEqual({ tensor: "blk.0.ffn_up.weight" });
        expect(loraTarget("gemma3", "model.language_model.layers.3.mlp.up_proj")).toEqual({
            tensor: "blk.3.ffn_up.weight"
        });
        expect(loraTarget("gemma3", "language_model.model.layers.3.mlp.up_proj")).toEqual({
            tensor: "blk.3.ffn_up.weight"
        });
        for (const name of ["model.layers.0.toString", "model.norm", "layers", "", "visual.blocks.0.attn.qkv"]) {
            expect(loraTarget("llama", name)).toBeUndefined();
        }
        expect(loraTarget("toString", "lm_head")).toBeUndefined();
    });

    it("rows of queries and keys", () => {
        // two heads of four rows, one column: 0 1 | 2 3 become 0 2 1 3
        const rows = inGgufOrder(
            Float32Array.from({ length: 8 }, (_, i) => i),
            8,
            2
        );
        expect([...rows]).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
    });

    it("alphas of modules", () => {
        const patterns = new Map([
            ["q_proj", 2],
            ["^model.layers.1.mlp.up_proj", 3]
        ]);
        const read = checkPeftConfig(
            new Map<string, never>(Object.entries({ ...config, alpha_pattern: patterns }) as never),
            "f"
        );
        expect(alphaOf(read, "model.layers.0.self_attn.q_proj")).toBe(2);
        expect(alphaOf(read, "model.layers.0.self_attn.xq_proj")).toBe(4);
        expect(alphaOf(read, "model.layers.1.mlp.up_proj")).toBe(3);
        expect(alphaOf(read, "x.model.layers.1.mlp.up_proj")).toBe(4);
    });

    it("half precision, all of it", () => {
        for (let bits = 0; bits < 65536; ++bits) {
            const value = fromHalf(bits);
            if (Number.isNaN(value)) expect(toHalf(value) & 0x7fff).toBeGreaterThan(0x7c00);
            else if (toHalf(value) !== bits) expect.fail(`${bits} is ${value}, and that ${toHalf(value)}`);
        }
        // halfway between two goes to the even one, beyond it to the nearer; too large ones become infinite
        expect([1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -11 + 2 ** -20].map(toHalf)).toEqual([0x3c00, 0x3c02, 0x3c01]);
        expect([65519, 65520, -1e6, 2 ** -25, 2 ** -25 * 1.01, 3 * 2 ** -26].map(toHalf)).toEqual([
            0x7bff, 0x7c00, 0xfc00, 0, 1, 1
        ]);
    });
});

it("numbers that f16 cannot hold are refused by their tensor, and leave no file", async () => {
    const weights = { ...pair(), [`${module}.lora_B.weight`]: f32Tensor([4, 2], () => 70000) };
    const out = fresh("lora.gguf");
    const peft = writePeft(fresh("peft"), config, weights);
    await expect(convertPeft(peft, model, out, { type: "f16" })).rejects.toMatchObject({
        code: "ERR_ADAPTER_INVALID",
        details: { tensor: "blk.0.attn_q.weight.lora_b" }
    });
    expect(existsSync(out)).toBe(false);
    await convertPeft(peft, model, out);
    expect(existsSync(out)).toBe(true);
});
