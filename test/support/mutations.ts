// Tiny models of several architectures, and small wrong changes of their headers, from a seed.
import { writeGguf, type Metadata, type Tensor } from "../../src/gguf/writer.js";
import { scalar, setKey, types, type Entry, type Gguf, type Value } from "./header-edit.js";

const vocabulary = 512;

// 256 tokens of one byte each (GPT-2's letters for bytes), then made-up ones; the last is the end.
function byteTokenizer(): Record<string, Metadata> {
    const printable = (byte: number): boolean =>
        (byte >= 33 && byte < 127) || (byte >= 161 && byte < 173) || (byte >= 174 && byte < 256);
    let next = 256;
    const texts = Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
    for (let id = 256; id < vocabulary; ++id) texts.push(id === vocabulary - 1 ? "<|end|>" : `t${id}`);
    return {
        "tokenizer.ggml.model": { kind: "string", value: "gpt2" },
        "tokenizer.ggml.pre": { kind: "string", value: "qwen2" },
        "tokenizer.ggml.tokens": { kind: "strings", value: texts },
        "tokenizer.ggml.token_type": { kind: "i32s", value: texts.map((_, id) => (id === vocabulary - 1 ? 3 : 1)) },
        "tokenizer.ggml.merges": { kind: "strings", value: ["a b", "c d"] },
        "tokenizer.ggml.eos_token_id": { kind: "u32", value: vocabulary - 1 },
        "tokenizer.ggml.bos_token_id": { kind: "u32", value: vocabulary - 1 }
    };
}

/** Writes a model of random weights, two layers of width 32. */
export function writeTinyModel(path: string, architecture: "qwen2" | "gemma3"): void {
    const width = 32;
    const hidden = 64;
    const head = 16;
    let state = 7;
    const noise = (): number => ((state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 2 ** 32 - 0.5) * 0.3;
    const tensor = (name: string, ...shape: number[]): Tensor => {
        const count = shape.reduce((a, b) => a * b, 1);
        return { name, shape, type: "f32", data: Float32Array.from({ length: count }, noise) };
    };
    const layer = (i: number): Tensor[] => {
        const at = (name: string, ...shape: number[]): Tensor => tensor(`blk.${i}.${name}`, ...shape);
        const extra =
            architecture === "qwen2"
                ? [at("attn_q.bias", width), at("attn_k.bias", head), at("attn_v.bias", head)]
                : [
                      at("attn_q_norm.weight", head),
                      at("attn_k_norm.weight", head),
                      at("post_attention_norm.weight", width),
                      at("post_ffw_norm.weight", width)
                  ];
        return [
            at("attn_norm.weight", width),
            at("attn_q.weight", width, width),
            at("attn_k.weight", width, head),
            at("attn_v.weight", width, head),
            at("attn_output.weight", width, width),
            at("ffn_norm.weight", width),
            at("ffn_gate.weight", width, hidden),
            at("ffn_up.weight", width, hidden),
            at("ffn_down.weight", hidden, width),
            ...extra
        ];
    };
    const u32 = (value: number): Metadata => ({ kind: "u32", value });
    const f32 = (value: number): Metadata => ({ kind: "f32", value });
    const keys: Record<string, Metadata> = {
        context_length: u32(256),
        embedding_length: u32(width),
        block_count: u32(2),
        feed_forward_length: u32(hidden),
        "attention.head_count": u32(2),
        "attention.head_count_kv": u32(1),
        "attention.key_length": u32(head),
        "attention.value_length": u32(head),
        "attention.layer_norm_rms_epsilon": f32(1e-5),
        "rope.freq_base": f32(10000),
        ...(architecture === "gemma3" ? { "attention.sliding_window": u32(16) } : {})
    };
    const own = Object.fromEntries(Object.entries(keys).map(([key, value]) => [`${architecture}.${key}`, value]));
    writeGguf(path, { "general.architecture": { kind: "string", value: architecture }, ...own, ...byteTokenizer() }, [
        tensor("token_embd.weight", width, vocabulary),
        ...layer(0),
        ...layer(1),
        tensor("output_norm.weight", width),
        tensor("output.weight", width, vocabulary)
    ]);
}

/** Whole numbers below a bound, from a seed. */
export function sequence(seed: number): (below: number) => number {
    let state = (seed * 2654435761 + 88172645) >>> 0 || 1;
    return (below) => {
        state ^= state << 13;
        state >>>= 0;
        state ^= state >>> 17;
        state ^= state << 5;
        state >>>= 0;
        return state % below;
    };
}

const numberTypes = [types.u8, types.u16, types.u32, types.i32, types.f32, types.u64, types.bool];
const numbers = [
    0,
    1,
    2,
    3,
    5,
    7,
    8,
    31,
    63,
    127,
    255,
    511,
    512,
    513,
    4096,
    65535,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32 - 1,
    -1,
    1e30,
    NaN
];
const words = [
    "",
    "a",
    "llama",
    "gpt2",
    "bert",
    "t5",
    "qwen2",
    "none",
    "yarn",
    "rwkv",
    "plamo2",
    "longrope",
    "\u0000",
    "\u{1F642}".repeat(99)
];
const added = [
    "expert_count",
    "expert_used_count",
    "expert_group_count",
    "nextn_predict_layers",
    "attention.causal",
    "pooling_type",
    "rope.dimension_count",
    "rope.scaling.type",
    "rope.scaling.factor",
    "attention.key_length",
    "attention.value_length",
    "attention.sliding_window",
    "attention.layer_norm_rms_epsilon",
    "vocab_size",
    "leading_dense_block_count",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.max_alibi_bias",
    "logit_scale",
    "ssm.conv_kernel"
];

/** Changes one thing of a header, sometimes two. @returns what was changed, in words */
export function mutate(file: Gguf, seed: number): string {
    const next = sequence(seed);
    const pick = <T>(list: readonly T[]): T => list[next(list.length)]!;
    const number = (type: number): Buffer => {
        const value = pick(numbers);
        return scalar(type, type === types.f32 || Number.isFinite(value) ? value : 0);
    };
    const anyValue = (): { type: number; value: Value } => {
        const kind = next(8);
        if (kind === 0) return { type: types.string, value: Buffer.from(pick(words)) };
        const type = pick(numberTypes);
        if (kind > 2) return { type, value: number(type) };
        return { type: types.array, value: { type, items: Array.from({ length: next(6) }, () => number(type)) } };
    };
    const changeEntry = (entry: Entry): string => {
        const { value } = entry;
        const how = next(6);
        if (how === 0) {
            file.entries.splice(file.entries.indexOf(entry), 1);
            return `${entry.key} is gone`;
        }
        if (Buffer.isBuffer(value)) {
            if (entry.type === types.string && how < 4) entry.value = Buffer.from(pick(words));
            else if (entry.type !== types.string && how < 4) entry.value = number(entry.type);
            else Object.assign(entry, anyValue());
        } else if (how === 1) value.items.length = next(value.items.length + 1);
        else if (how === 2) value.items.push(...value.items.slice(0, 1 + next(40)));
        else if (how < 5 && value.items.length > 0) {
            const other = pick(value.items);
            for (let i = 0, n = 1 + next(3) * next(value.items.length); i < n; ++i) {
                value.items[next(value.items.length)] =
                    value.type === types.string
                        ? Buffer.isBuffer(other) && next(2) === 0
                            ? other
                            : Buffer.from(pick(words))
                        : number(value.type);
            }
        } else Object.assign(entry, anyValue());
        return `${entry.key} is other`;
    };
    const one = (): string => {
        const named = file.entries.find(({ key }) => key === "general.architecture")?.value;
        const architecture = typeof named === "string" ? named : "";
        switch (next(10)) {
            case 0: {
                const key = `${architecture}.${pick(added)}`;
                const { type, value } = anyValue();
                setKey(file, key, type, value);
                return `${key} is set`;
            }
            case 1: {
                const tensor = pick(file.tensors);
                if (tensor.shape.length > 0)
                    tensor.shape[next(tensor.shape.length)] = pick([0, 1, 2, 16, 31, 64, 2 ** 20, 2 ** 40]);
                return `${tensor.name} has another shape`;
            }
            case 2: {
                const tensor = pick(file.tensors);
                tensor.type = next(44);
                return `${tensor.name} has type ${tensor.type}`;
            }
            case 3: {
                const tensor = pick(file.tensors);
                tensor.name = pick(["", "x", "blk.999.attn_q.weight", pick(file.tensors).name]);
                return `a tensor is named ${tensor.name}`;
            }
            case 4: {
                const tensor = pick(file.tensors);
                tensor.offset = pick([0, 1, 32, 2 ** 31, 2 ** 52]);
                return `${tensor.name} lies elsewhere`;
            }
            default:
                return changeEntry(pick(file.entries));
        }
    };
    const first = one();
    return next(4) === 0 && file.entries.length > 0 && file.tensors.length > 0 ? `${first}; ${one()}` : first;
}
