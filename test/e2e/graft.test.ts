import { createHash } from "node:crypto";
import {
    copyFileSync,
    existsSync,
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
import { writeGguf, type Metadata, type Tensor } from "../../dist/gguf/writer.js";
import { wideTokenizer } from "../../dist/gguf/wide-tokenizer.js";
import { graftModel, loadRast, quantizeModel, RastError, type GraftOptions } from "../../dist/index.js";
import { loadNative } from "../../dist/native/binding.js";
import { checkpointOf, inBf16, writeCheckpoint, type Checkpoint } from "../support/checkpoints.js";
import { demo } from "../support/demo.js";
import { root, run } from "../support/native.js";
import { f32 } from "../support/safetensors.js";

const folder = mkdtempSync(join(tmpdir(), "rast-graft-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = (...names: string[]): string => join(folder, ...names);
const { addon } = await loadNative();
const hash = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");

async function failure(work: Promise<unknown>): Promise<RastError> {
    return work.then(
        () => expect.unreachable("it worked"),
        (error: unknown) => {
            if (!(error instanceof RastError)) throw error;
            return error;
        }
    );
}

/** Bytes of a tensor by name. */
async function tensorsOf(file: string): Promise<Map<string, { type: string; hash: string }>> {
    const bytes = readFileSync(file);
    const { tensors } = await addon.layoutOf(file);
    return new Map(
        tensors.map(({ name, type, offset, bytes: size }) => [
            name,
            {
                type,
                hash: createHash("sha256")
                    .update(bytes.subarray(offset, offset + size))
                    .digest("hex")
            }
        ])
    );
}

describe("from a model's file to a checkpoint and back", () => {
    let wide: string;
    let checkpoint: Checkpoint;
    let modelName: string;

    beforeAll(async () => {
        wide = path("wide.gguf");
        await quantizeModel({ input: demo.expert, output: wide, type: "F32" });
        checkpoint = await checkpointOf(addon, wide, path("checkpoint"));
        writeCheckpoint(checkpoint, 3);
        modelName = (await addon.inspectModel(wide)).name!;
    });

    const graft = async (more: Partial<GraftOptions>): ReturnType<typeof graftModel> =>
        graftModel({ template: wide, weights: checkpoint.folder, output: path("out.gguf"), name: modelName, ...more });

    it("is the same file, byte for byte", async () => {
        const fractions: number[] = [];
        const result = await graft({ onProgress: ({ fraction }) => fractions.push(fraction) });
        expect(hash(result.output)).toBe(hash(wide));
        expect(result).toMatchObject({
            output: path("out.gguf"),
            tensors: 0 + (await addon.layoutOf(wide)).tensors.length
        });
        expect(result.notes.join()).toMatch(/no tokenizer\.json/);
        const mixed = await graft({ type: "Q4_K_M", output: path("mixed.gguf") });
        expect(mixed.notes.join("\n")).toContain("general.file_type says Q4_K_M, the template's F32.");
        expect(mixed.notes.join("\n")).toMatch(/tensors have rows that are no multiple of the block/);
        const same = await graft({ type: "F32", output: path("mixed.gguf") });
        expect(same.notes.join()).not.toContain("file_type");
        expect(fractions.at(-1)).toBe(1);
        expect([...fractions].sort((a, b) => a - b)).toEqual(fractions);
        expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
    });

    it("has the template's own types, from one file as from shards, on one thread as on several", async () => {
        const expected = await tensorsOf(demo.expert);
        writeCheckpoint({ ...checkpoint, folder: path("one") });
        for (const [weights, threads] of [
            [path("one"), 1],
            [path("one", "model.safetensors"), 4],
            [checkpoint.folder, 2]
        ] as const) {
            // the antiexpert has the expert's metadata, and other weights
            const { output, quantization } = await graft({ template: demo.antiexpert, weights, threads });
            expect(quantization).toBe("Q8_0");
            expect(await tensorsOf(output)).toEqual(expected);
        }
    });

    it("makes what llama.cpp's quantizer makes of the same weights", async () => {
        await quantizeModel({ input: wide, output: path("expected.gguf"), type: "Q4_K_M" });
        const steps = new Set<string>();
        const { output, quantization } = await graft({ type: "q4_k_m", onProgress: ({ step }) => steps.add(step) });
        expect(quantization).toBe("Q4_K_M");
        expect(await tensorsOf(output)).toEqual(await tensorsOf(path("expected.gguf")));
        expect([...steps]).toEqual(["graft", "quantize"]);
        for (const type of ["F16", "BF16", "Q8_0"]) {
            await quantizeModel({ input: wide, output: path("expected.gguf"), type });
            expect(await tensorsOf((await graft({ type })).output)).toEqual(await tensorsOf(path("expected.gguf")));
        }
    });

    it("is the expert of RAST text", async () => {
        const { output } = await graft({ template: demo.antiexpert });
        const text = async (expert: string): Promise<string> => {
            const rast = await loadRast({
                base: demo.base,
                expert,
                antiexpert: demo.antiexpert,
                gpuLayers: 0,
                threads: 1
            });
            const { text } = await rast.complete({ prompt: "Q: 6+34?\n", temperature: 0, maxTokens: 24 });
            await rast.dispose();
            return text;
        };
        expect(await text(output)).toBe(await text(demo.expert));
    });

    it("widens BF16 exactly", async () => {
        const rounded = Object.fromEntries(
            Object.entries(checkpoint.tensors).map(([name, one]) => [name, inBf16(one)])
        );
        writeCheckpoint({ ...checkpoint, folder: path("bf16"), tensors: rounded });
        const { output } = await graft({ weights: path("bf16"), type: "F32" });
        const again = await checkpointOf(addon, output, path("again"));
        for (const [name, { data }] of Object.entries(rounded)) {
            const wideAgain = inBf16(again.tensors[name]!).data;
            expect(Buffer.compare(wideAgain, data), name).toBe(0);
        }
    });

    it("takes what training may change from config.json, and says so", async () => {
        const config = { ...checkpoint.config, rope_theta: 54321, max_position_embeddings: 99 };
        writeCheckpoint({ ...checkpoint, folder: path("longer"), config });
        const { output, notes } = await graft({ weights: path("longer") });
        expect(notes.join()).toMatch(/rope_theta 54321/);
        const { keys } = await addon.layoutOf(output);
        expect(keys.find(({ name }) => name.endsWith("rope.freq_base"))?.value).toBe(54321);
        expect((await addon.inspectModel(output)).contextLength).toBe(99);
    });

    it("refuses what does not fit, naming it, and writes nothing", async () => {
        const without = (name: string): Checkpoint["tensors"] =>
            Object.fromEntries(Object.entries(checkpoint.tensors).filter(([one]) => one !== name));
        const q = "model.layers.0.self_attn.q_proj.weight";
        const { dtype, shape, data } = checkpoint.tensors[q]!;
        const nan = Buffer.from(data);
        nan.writeUInt32LE(0x7fc00000, 400);
        const large = Buffer.from(data);
        large.writeFloatLE(70000, 400);
        const cases: [string, Partial<Checkpoint>, string | undefined, RegExp, string?][] = [
            [
                "missing",
                { tensors: without(q) },
                q,
                /has no model\.layers\.0\.self_attn\.q_proj\.weight, which blk\.0\.attn_q\.weight is made of/
            ],
            [
                "unknown",
                { tensors: { ...checkpoint.tensors, "v_head.weight": f32([1], [0]) } },
                "v_head.weight",
                /no place for v_head\.weight/
            ],
            [
                "bias",
                { tensors: { ...checkpoint.tensors, "model.layers.0.self_attn.o_proj.bias": f32([1], [0]) } },
                "model.layers.0.self_attn.o_proj.bias",
                /no place for/
            ],
            [
                "turned",
                { tensors: { ...checkpoint.tensors, [q]: { dtype, shape: [shape[0]! / 2, shape[1]! * 2], data } } },
                q,
                /its shape is \[/
            ],
            [
                "integers",
                { tensors: { ...checkpoint.tensors, [q]: { dtype: "I32", shape, data } } },
                q,
                /it is in I32, and F32, F16 and BF16 are read/
            ],
            [
                "fp8",
                {
                    tensors: {
                        ...checkpoint.tensors,
                        [q]: { dtype: "F8_E4M3", shape, data: data.subarray(0, data.length / 4) }
                    }
                },
                q,
                /F8_E4M3/
            ],
            ["nan", { tensors: { ...checkpoint.tensors, [q]: { dtype, shape, data: nan } } }, q, /it holds NaN/],
            [
                "large",
                { tensors: { ...checkpoint.tensors, [q]: { dtype, shape, data: large } } },
                q,
                /70000.*F16 cannot hold/,
                "F16"
            ],
            ["family", { config: { ...checkpoint.config, model_type: "gemma2" } }, undefined, /model_type is gemma2/],
            [
                "activation",
                { config: { ...checkpoint.config, hidden_act: "relu" } },
                undefined,
                /hidden_act is "relu" \(string\): llama\.cpp computes/
            ],
            ["size", { config: { ...checkpoint.config, num_hidden_layers: 99 } }, undefined, /num_hidden_layers is 99/],
            [
                "scaled",
                { config: { ...checkpoint.config, rope_scaling: { type: "yarn", factor: 4 } } },
                undefined,
                /scaled as yarn/
            ],
            [
                "quantized",
                { config: { ...checkpoint.config, quantization_config: { quant_method: "fp8" } } },
                undefined,
                /is quantized \(fp8\)/
            ],
            [
                "positions",
                { config: { ...checkpoint.config, max_position_embeddings: 5e9 } },
                undefined,
                /expected a whole number up to 4294967295/
            ],
            [
                "part",
                { config: { ...checkpoint.config, max_position_embeddings: 0.3 } },
                undefined,
                /expected a whole number/
            ],
            ["epsilon", { config: { ...checkpoint.config, rms_norm_eps: 1e-60 } }, undefined, /single precision holds/],
            ["theta", { config: { ...checkpoint.config, rope_theta: "x" } }, undefined, /expected a number above 0/]
        ];
        for (const [name, change, tensor, message, type] of cases) {
            writeCheckpoint({ ...checkpoint, folder: path(name), ...change });
            const output = path(`${name}.gguf`);
            const error = await failure(
                graft({ weights: path(name), output, ...(type === undefined ? {} : { type }) })
            );
            expect([name, error.code]).toEqual([name, "ERR_GRAFT"]);
            expect(error.message).toMatch(message);
            expect(String(error.details["path"])).toContain(path(name));
            expect(error.details["tensor"]).toBe(tensor);
            expect(existsSync(output)).toBe(false);
        }
        writeFileSync(path("checkpoint", "config.json"), "{");
        expect((await failure(graft({}))).message).toMatch(/config\.json: it is damaged/);
        writeFileSync(path("checkpoint", "config.json"), JSON.stringify(checkpoint.config));
        rmSync(path("checkpoint", "model-00002-of-00003.safetensors"));
        const missing = await failure(graft({}));
        expect([missing.code, missing.details["path"]]).toEqual([
            "ERR_FILE_NOT_FOUND",
            path("checkpoint", "model-00002-of-00003.safetensors")
        ]);
        writeCheckpoint(checkpoint, 3);
        expect((await failure(graft({ template: path("no.gguf") }))).code).toBe("ERR_FILE_NOT_FOUND");
        expect((await failure(graft({ output: path("no", "x.gguf") }))).code).toBe("ERR_FILE_UNWRITABLE");
        expect((await failure(graft({ output: folder }))).code).toBe("ERR_IS_DIRECTORY");
        expect((await failure(graft({ type: "q9" }))).code).toBe("ERR_INVALID_OPTION");
        expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
    });

    it("never takes the place of what it is made from", async () => {
        const template = path("own.gguf");
        copyFileSync(wide, template);
        const link = path("link.gguf");
        symlinkSync(template, link);
        const shard = path("checkpoint", "model-00002-of-00003.safetensors");
        const config = path("checkpoint", "config.json");
        for (const [output, lost] of [
            [template, template],
            [link, template],
            [shard, shard],
            [config, config]
        ] as const) {
            const before = hash(lost);
            expect((await failure(graft({ template, output }))).code).toBe("ERR_INVALID_ARGUMENT");
            expect(hash(lost)).toBe(before);
        }
    });

    it("ends with its signal, and with what onProgress throws", async () => {
        const output = path("ended.gguf");
        const controller = new AbortController();
        const aborted = await failure(
            graft({ output, signal: controller.signal, onProgress: () => controller.abort(new Error("enough")) })
        );
        expect([aborted.code, (aborted.cause as Error).message]).toEqual(["ERR_ABORTED", "enough"]);
        expect((await failure(graft({ output, signal: AbortSignal.abort() }))).code).toBe("ERR_ABORTED");
        const mine = new Error("mine");
        const thrown = graft({
            output,
            onProgress: () => {
                throw mine;
            }
        });
        await expect(thrown).rejects.toMatchObject({ code: "ERR_ABORTED", cause: mine });
        expect(existsSync(output)).toBe(false);
        expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
    });

    it("is a command", async () => {
        const args = ["--template", demo.antiexpert, "--weights", checkpoint.folder, "--out", path("cli.gguf")];
        const cli = (...more: string[]): ReturnType<typeof run> =>
            run(process.execPath, [join(root, "dist/cli/main.js"), "graft", ...args, ...more]);
        const plain = await cli();
        expect([plain.code, plain.stdout]).toEqual([
            0,
            expect.stringMatching(/cli\.gguf: \d+ tensors, Q8_0, [\d.]+ [KM]iB\n$/)
        ]);
        expect(plain.stderr).toMatch(/^(rast: [^\n]+\n)+$/);
        const json = JSON.parse((await cli("--json", "-q", "--type", "f16")).stdout) as Record<string, unknown>;
        expect(json).toMatchObject({ output: path("cli.gguf"), quantization: "F16" });
        const wrong = await cli("--type", "q9");
        expect([wrong.code, wrong.stdout]).toEqual([2, ""]);
        expect((await run(process.execPath, [join(root, "dist/cli/main.js"), "graft"])).stderr).toMatch(
            /--template is missing/
        );
    });
});

/** A model of no layers' worth: 32 wide, one layer, a made-up tokenizer of 400 tokens. */
function writeTiny(
    file: string | readonly [string, string],
    change: { vocabulary?: number; tied?: boolean; metadata?: Record<string, Metadata>; without?: string } = {}
): void {
    const { vocabulary = 400, tied = false, metadata = {}, without = "" } = change;
    const numbers = (shape: number[]): Tensor => ({
        name: "",
        shape,
        type: "f32",
        data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * shape.length + 1))
    });
    const u32 = (value: number): Metadata => ({ kind: "u32", value });
    const shapes: Record<string, number[]> = {
        "token_embd.weight": [32, vocabulary],
        ...(tied ? {} : { "output.weight": [32, vocabulary] }),
        "output_norm.weight": [32],
        "blk.0.attn_norm.weight": [32],
        "blk.0.ffn_norm.weight": [32],
        "blk.0.attn_q.weight": [32, 32],
        "blk.0.attn_q.bias": [32],
        "blk.0.attn_k.weight": [32, 16],
        "blk.0.attn_k.bias": [16],
        "blk.0.attn_v.weight": [32, 16],
        "blk.0.attn_v.bias": [16],
        "blk.0.attn_output.weight": [32, 32],
        "blk.0.ffn_gate.weight": [32, 64],
        "blk.0.ffn_up.weight": [32, 64],
        "blk.0.ffn_down.weight": [64, 32]
    };
    const all: Record<string, Metadata> = {
        "general.architecture": { kind: "string", value: "qwen2" },
        "general.name": { kind: "string", value: "tiny" },
        "general.file_type": u32(0),
        "qwen2.context_length": u32(128),
        "qwen2.embedding_length": u32(32),
        "qwen2.block_count": u32(1),
        "qwen2.feed_forward_length": u32(64),
        "qwen2.attention.head_count": u32(4),
        "qwen2.attention.head_count_kv": u32(2),
        "qwen2.rope.freq_base": { kind: "f32", value: 10000 },
        "qwen2.attention.layer_norm_rms_epsilon": { kind: "f32", value: 1e-6 },
        ...wideTokenizer(400),
        ...metadata
    };
    delete all[without];
    const tensors = Object.entries(shapes).map(([name, shape]) => ({ ...numbers(shape), name }));
    if (typeof file === "string") return writeGguf(file, all, tensors);
    const split = (no: number): Record<string, Metadata> => ({
        "split.no": { kind: "encoded", value: Buffer.from([2, 0, 0, 0, no, 0]) },
        "split.count": { kind: "encoded", value: Buffer.from([2, 0, 0, 0, 2, 0]) },
        "split.tensors.count": { kind: "i32", value: tensors.length }
    });
    writeGguf(file[0], { ...split(0), ...all }, tensors.slice(0, 6));
    writeGguf(file[1], split(1), tensors.slice(6));
}

describe("heads, vocabularies and tokenizers", () => {
    const template = path("tiny.gguf");
    const tied = path("tied.gguf");
    let checkpoint: Checkpoint;
    const texts = (wideTokenizer(400)["tokenizer.ggml.tokens"] as unknown as { value: string[] }).value;
    const tokenizer = (
        change: (vocab: Record<string, number>, added: { id: number; content: string }[]) => void = () => {}
    ): string => {
        const vocab = Object.fromEntries(texts.slice(0, 399).map((text, id) => [text, id]));
        const added = [{ id: 399, content: texts[399]! }];
        change(vocab, added);
        return JSON.stringify({ model: { type: "BPE", vocab, merges: [] }, added_tokens: added });
    };

    beforeAll(async () => {
        writeTiny(template);
        writeTiny(tied, { tied: true });
        checkpoint = await checkpointOf(addon, template, path("tiny"));
    });

    const graft = async (
        from: Partial<Checkpoint>,
        to = template,
        files: Record<string, string> = {}
    ): ReturnType<typeof graftModel> => {
        rmSync(path("tiny"), { recursive: true, force: true });
        mkdirSync(path("tiny"));
        for (const [name, text] of Object.entries(files)) writeFileSync(path("tiny", name), text);
        writeCheckpoint({ ...checkpoint, ...from });
        return graftModel({ template: to, weights: path("tiny"), output: path("tiny-out.gguf"), name: "tiny" });
    };
    const [embedding, head] = ["model.embed_tokens.weight", "lm_head.weight"];
    const withTensor = (name: string, tensor?: (typeof checkpoint.tensors)[string]): Partial<Checkpoint> => {
        const others = Object.fromEntries(Object.entries(checkpoint.tensors).filter(([one]) => one !== name));
        return { tensors: tensor === undefined ? others : { ...others, [name]: tensor } };
    };
    const rows = (count: number): (typeof checkpoint.tensors)[string] =>
        f32(
            [count, 32],
            Array.from({ length: count * 32 }, (_, i) => i / 100)
        );

    it("has the template's output layer from an embedding that is both", async () => {
        const { output, notes } = await graft(withTensor(head));
        expect(notes.join()).toMatch(/output layer is its embedding/);
        const made = await tensorsOf(output);
        expect(made.get("output.weight")).toEqual(made.get("token_embd.weight"));
    });

    it("has an output layer of its own where the template has none, unless it is the embedding", async () => {
        const untied = await graft({}, tied);
        expect(untied.notes.join()).not.toMatch(/of its own/); // both hold the same numbers here
        expect((await tensorsOf(untied.output)).has("output.weight")).toBe(false);
        const own = await graft(withTensor(head, rows(400)), tied);
        expect(own.notes.join()).toMatch(/output layer of its own/);
        expect((await tensorsOf(own.output)).get("output.weight")?.type).toBe("f32");
        const rast = await loadRast({ base: own.output, contextSize: 64, threads: 1, gpuLayers: 0 });
        expect((await rast.complete({ tokens: [1, 2], maxTokens: 2, ignoreEos: true })).tokens).toHaveLength(2);
        await rast.dispose();
        const same = await graft(withTensor(head, checkpoint.tensors[embedding]), tied);
        expect(hash(same.output)).toBe(hash(tied));
    });

    it("leaves out rows behind the template's, and fills padding with zeros", async () => {
        const more = await graft(withTensor(embedding, rows(448)));
        expect(more.notes.join()).toMatch(/has 448 rows, and the template 400: the last 48 are left out/);
        const fewer = await failure(graft(withTensor(embedding, rows(390))));
        expect([fewer.code, fewer.details["tensor"]]).toEqual(["ERR_GRAFT", embedding]);
        expect(fewer.message).toMatch(/rows for 390 tokens, and the template has 400 tokens/);
        const types = Array.from({ length: 400 }, (_, id) => (id < 380 ? 1 : 5));
        const padded = path("padded.gguf");
        writeTiny(padded, { metadata: { "tokenizer.ggml.token_type": { kind: "i32s", value: types } } });
        const { output, notes } = await graft(withTensor(embedding, rows(390)), padded);
        expect(notes.join()).toMatch(/padding tokens get 10 rows of zeros/);
        const again = await checkpointOf(addon, output, "");
        const numbers = new Float32Array(Uint8Array.from(again.tensors[embedding]!.data).buffer);
        expect([...numbers.subarray(389 * 32, 389 * 32 + 2)]).toEqual([...Float32Array.of(124.48, 124.49)]);
        expect(numbers.subarray(390 * 32).every((number) => number === 0)).toBe(true);
    });

    it("takes a template in several files as one", async () => {
        const parts = [path("parts-00001-of-00002.gguf"), path("parts-00002-of-00002.gguf")] as const;
        writeTiny(parts);
        const { output } = await graft({}, parts[0]);
        const whole = await graftModel({ template, weights: path("tiny"), output: path("whole.gguf"), name: "tiny" });
        expect(hash(output)).toBe(hash(whole.output));
    });

    it("takes what the template does not say for what llama.cpp does", async () => {
        const silent = path("silent.gguf");
        writeTiny(silent, { without: "qwen2.rope.freq_base" });
        await graft({ config: { ...checkpoint.config, rope_theta: 10000 } }, silent);
        const other = await failure(graft({ config: { ...checkpoint.config, rope_theta: 1e6 } }, silent));
        expect(other.code).toBe("ERR_GRAFT");
        expect(other.message).toMatch(/rope_theta is 1000000; the template has no qwen2\.rope\.freq_base.*10000/);
    });

    it("compares tokenizer.json with the template's tokenizer", async () => {
        const same = await graft({}, template, { "tokenizer.json": tokenizer() });
        expect(same.notes).toHaveLength(1);
        const other = await graft({}, template, {
            "tokenizer.json": tokenizer((_, added) => void (added[0]!.content = "<|done|>")),
            "tokenizer_config.json": JSON.stringify({ chat_template: "x" })
        });
        expect(other.notes.join()).toMatch(
            /1 special token of .* differs.*399: "<\|done\|>", in the template "<\|endoftext\|>"/
        );
        const swapped = tokenizer((vocab) => {
            [vocab[texts[300]!], vocab[texts[301]!]] = [301, 300];
        });
        const wrong = await failure(graft({}, template, { "tokenizer.json": swapped }));
        expect(wrong.code).toBe("ERR_GRAFT");
        expect(wrong.message).toMatch(
            /another tokenizer.*2 of 399 tokens differ, the first is 30[01]: "t30[01]", in the template "t30[01]"/
        );
        expect(wrong.details["path"]).toBe(path("tiny", "tokenizer.json"));
        const longer = tokenizer((_, added) => void added.push({ id: 400, content: "<new>" }));
        expect((await failure(graft({}, template, { "tokenizer.json": longer }))).message).toMatch(
            /1 token behind the template's 400/
        );
        for (const text of ["", "{", "[".repeat(1000), '{"model": {"vocab": {"a": 1, "a": 2}}}']) {
            expect((await failure(graft({}, template, { "tokenizer.json": text }))).code).toBe("ERR_GRAFT");
        }
        const odd = await graft({}, template, { "tokenizer.json": '{"model": {"vocab": 5}}' });
        expect(odd.notes.join()).toMatch(/cannot be compared/);
    });
});
