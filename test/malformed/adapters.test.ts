// Adapters that are damaged, made for other models, or ask for what cannot be kept: each ends llama.cpp, or is left out in silence.
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadRast, type RastError } from "../../dist/index.js";
import { loadNative } from "../../dist/native/binding.js";
import { readGguf, scalar, setKey, types, writeGgufBytes, type Gguf, type Value } from "../support/header-edit.js";
import { addTensor, randomLora, repacked, writeLora } from "../support/lora.js";
import { noise } from "../support/random-models.js";
import { size } from "../support/size.js";
import { tinyTrio, tinyTrioOf } from "../support/test-models.js";

const folder = mkdtempSync(join(tmpdir(), "rast-adapters-"));
const path = join(folder, "lora.gguf");
let model: string;
let tied: string;
beforeAll(async () => {
    model = (await tinyTrio()).antiexpert;
    tied = join(folder, "tied.gguf");
    const file = readGguf(model);
    file.tensors = file.tensors.filter(({ name }) => name !== "output.weight");
    writeFileSync(tied, writeGgufBytes(file));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const text = (value: string): Buffer => Buffer.from(value);
const set =
    (key: string, type: number, value: Value) =>
    (lora: Gguf): void =>
        setKey(lora, key, type, value);
const drop =
    (name: string | RegExp) =>
    (lora: Gguf): void => {
        const keep = (one: string): boolean => (typeof name === "string" ? one !== name : !name.test(one));
        lora.entries = lora.entries.filter(({ key }) => keep(key));
        lora.tensors = lora.tensors.filter((tensor) => keep(tensor.name));
    };
const rename =
    (from: string, to: string) =>
    (lora: Gguf): void => {
        for (const tensor of lora.tensors)
            if (tensor.name.startsWith(from)) tensor.name = tensor.name.replace(from, to);
    };
const reshape =
    (name: string, shape: number[], type = 0) =>
    (lora: Gguf): void => {
        const tensor = lora.tensors.find((one) => one.name === name)!;
        tensor.shape = shape;
        tensor.type = type;
    };
const f32s = (n: number): Float32Array => new Float32Array(n).fill(0.01);
const q = "blk.0.attn_q.weight";

const cases: [what: string, code: string, edit: (lora: Gguf) => void, says: RegExp][] = [
    ["no general.type", "ERR_ADAPTER_INVALID", drop("general.type"), /general\.type/],
    [
        "a general.type that is a number",
        "ERR_ADAPTER_INVALID",
        set("general.type", types.u32, scalar(types.u32, 1)),
        /general\.type/
    ],
    ["the type of a model", "ERR_ADAPTER_INVALID", set("general.type", types.string, text("model")), /"model"/],
    [
        "an adapter.type that is a list",
        "ERR_ADAPTER_INVALID",
        set("adapter.type", types.array, { type: types.u32, items: [] }),
        /adapter\.type/
    ],
    [
        "a control vector",
        "ERR_ADAPTER_UNSUPPORTED",
        set("adapter.type", types.string, text("control_vector")),
        /control_vector/
    ],
    [
        "an architecture that is a number",
        "ERR_ADAPTER_INVALID",
        set("general.architecture", types.f32, scalar(types.f32, 1)),
        /general\.architecture/
    ],
    [
        "another architecture",
        "ERR_ADAPTER_MISMATCH",
        set("general.architecture", types.string, text("qwen2")),
        /"qwen2".*"llama"/
    ],
    ["an alpha that is a text", "ERR_ADAPTER_INVALID", set("adapter.lora.alpha", types.string, text("16")), /alpha/],
    [
        "an alpha that is no number",
        "ERR_ADAPTER_INVALID",
        set("adapter.lora.alpha", types.f32, scalar(types.f32, NaN)),
        /alpha/
    ],
    [
        "an aLoRA",
        "ERR_ADAPTER_UNSUPPORTED",
        set("adapter.alora.invocation_tokens", types.array, { type: types.u32, items: [scalar(types.u32, 5)] }),
        /aLoRA/
    ],
    [
        "invocation tokens of another type",
        "ERR_ADAPTER_UNSUPPORTED",
        set("adapter.alora.invocation_tokens", types.string, text("x")),
        /aLoRA/
    ],
    ["no tensors", "ERR_ADAPTER_INVALID", drop(/lora_[ab]$/), /no pair/],
    ["an A without its B", "ERR_ADAPTER_INVALID", drop(`${q}.lora_b`), /blk\.0\.attn_q\.weight\.lora_b/],
    ["a B without its A", "ERR_ADAPTER_INVALID", drop(`${q}.lora_a`), /blk\.0\.attn_q\.weight\.lora_a/],
    [
        "a tensor with another ending",
        "ERR_ADAPTER_INVALID",
        rename(`${q}.lora_b`, `${q}.lora_c`),
        /attn_q\.weight\.lora_c/
    ],
    ["a name with two endings", "ERR_ADAPTER_INVALID", rename(q, "blk.0.attn_q.weight.lora_a"), /odd name/],
    ["a name that is an ending alone", "ERR_ADAPTER_INVALID", rename(q, ""), /odd name/],
    [
        "a tensor that the model lacks",
        "ERR_ADAPTER_MISMATCH",
        rename(q, "blk.9.attn_q.weight"),
        /blk\.9\.attn_q\.weight/
    ],
    ["ranks that differ", "ERR_ADAPTER_MISMATCH", reshape(`${q}.lora_a`, [32, 3]), /32 x 3 where 32 x 4/],
    ["an A of another width", "ERR_ADAPTER_MISMATCH", reshape(`${q}.lora_a`, [16, 4]), /16 x 4 where 32 x 4/],
    ["a B of another height", "ERR_ADAPTER_MISMATCH", reshape(`${q}.lora_b`, [4, 16]), /4 x 16 where 4 x 32/],
    ["a third dimension", "ERR_ADAPTER_MISMATCH", reshape(`${q}.lora_b`, [4, 16, 2]), /4 x 16 x 2/],
    ["a vector", "ERR_ADAPTER_MISMATCH", reshape(`${q}.lora_b`, [128]), /lora_b/],
    ["no rank at all", "ERR_ADAPTER_INVALID", reshape(`${q}.lora_b`, [0, 32]), /lora_b|damaged/],
    ["integers", "ERR_ADAPTER_UNSUPPORTED", reshape(`${q}.lora_b`, [4, 32], 26), /i32/],
    [
        "a pair for a norm",
        "ERR_ADAPTER_UNSUPPORTED",
        (lora) => {
            addTensor(lora, "blk.0.attn_norm.weight.lora_a", [32, 1], f32s(32));
            addTensor(lora, "blk.0.attn_norm.weight.lora_b", [1, 1], f32s(1));
        },
        /attn_norm\.weight, which is no matrix/
    ]
];

async function refusal(edit: (lora: Gguf) => void, on = model): Promise<RastError> {
    const lora = randomLora(model, { rank: 4, alpha: 8 });
    edit(lora);
    writeLora(path, repacked(lora));
    const { addon } = await loadNative();
    return addon.inspectAdapter(path, on).then(
        () => expect.fail("it is taken"),
        (error: unknown) => error as RastError
    );
}

describe("an adapter with", () => {
    it.each(cases)("%s", async (_, code, edit, says) => {
        const error = await refusal(edit);
        expect(error.message).toMatch(says);
        expect(error.code).toBe(error.message.includes("is damaged") && code.endsWith("INVALID") ? error.code : code);
        expect(error.message).toContain(path);
        expect(error.details).toMatchObject({ path });
    });

    it("names the tensor in details, and role and pair in a load", async () => {
        const error = await refusal(reshape(`${q}.lora_a`, [16, 4]));
        expect(error.details).toMatchObject({ tensor: `${q}.lora_a`, model });
        const load = loadRast({ base: model, expert: { path: model, lora: path }, antiexpert: model, device: "cpu" });
        await expect(load).rejects.toMatchObject({
            code: "ERR_ADAPTER_MISMATCH",
            details: { role: "expert", pair: 0, path, tensor: `${q}.lora_a` }
        });
    });

    it("a change of an embedding that is the output layer, too", async () => {
        const embedding = (lora: Gguf): void => {
            lora.tensors = [];
            addTensor(lora, "token_embd.weight.lora_a", [4, 300], f32s(1200));
            addTensor(lora, "token_embd.weight.lora_b", [4, 32], f32s(128));
        };
        expect((await refusal(embedding, tied)).message).toContain("output layer, too");
        const head = await refusal(
            (lora) => (lora.tensors = lora.tensors.filter(({ name }) => name.startsWith("output"))),
            tied
        );
        expect(head).toMatchObject({ code: "ERR_ADAPTER_MISMATCH" });
        expect(head.message).toContain("its output layer is its embedding");
    });

    it("a matrix that llama.cpp computes without adapters", async () => {
        const { base } = await tinyTrioOf("mamba");
        const lora = randomLora(base, { rank: 2, alpha: 2, targets: (name) => name.includes("ssm_conv1d") });
        expect(lora.tensors).not.toEqual([]);
        writeLora(path, lora);
        const load = loadRast({ base: { path: base, lora: path }, device: "cpu", contextSize: 64, tryModels: false });
        await expect(load).rejects.toMatchObject({ code: "ERR_ADAPTER_UNSUPPORTED", details: { path } });
    });

    it("norms, which are left out with a note", async () => {
        const lora = randomLora(model, { rank: 4, alpha: 8 });
        addTensor(lora, "blk.0.attn_norm.weight", [32], f32s(32));
        writeLora(path, lora);
        const rast = await loadRast({
            base: { path: model, lora: path },
            device: "cpu",
            contextSize: 64,
            tryModels: false
        });
        expect(rast.info.notes.join()).toMatch(/attn_norm\.weight/);
        await rast.dispose();
    });
});

it(
    "cut short anywhere or with any byte changed, an adapter is an error or an adapter",
    { timeout: 120_000 },
    async () => {
        const bytes = writeGgufBytes(randomLora(model, { rank: 4, alpha: 8 }));
        const header = 6000; // keys and names of tensors
        const { addon } = await loadNative();
        const next = noise(7);
        const place = (n: number): number => Math.floor(((next() / 3.4641 + 0.5) * n) % n);
        const codes = new Map<string, number>();
        for (let i = 0; i < size(150, 3000); ++i) {
            const damaged = Buffer.from(bytes);
            for (let k = 0; k < 1 + (i % 3); ++k) damaged[place(header)] = place(256);
            writeFileSync(path, damaged);
            if (i % 4 === 0) truncateSync(path, place(bytes.length));
            const outcome = await addon.inspectAdapter(path, model).then(
                () => "fits",
                (error: unknown) => (error as RastError).code
            );
            codes.set(outcome, (codes.get(outcome) ?? 0) + 1);
            if (outcome !== "fits" || i % 15 !== 0) continue;
            const rast = await loadRast({
                base: { path: model, lora: path },
                device: "cpu",
                contextSize: 64,
                tryModels: false
            });
            await rast.complete({ tokens: [5, 6, 7], maxTokens: 2 }).catch((error: unknown) => {
                expect(error).toMatchObject({ code: "ERR_DECODE" }); // weights that are not finite
            });
            await rast.dispose();
        }
        const expected =
            /^(fits|ERR_(ADAPTER_(INVALID|MISMATCH|UNSUPPORTED)|MODEL_(INVALID|TRUNCATED)|NOT_GGUF|FILE_EMPTY))$/;
        for (const code of codes.keys()) expect(code).toMatch(expected);
        expect(codes.size).toBeGreaterThan(3);
    }
);
