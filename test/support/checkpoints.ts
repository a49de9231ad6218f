// Checkpoints as transformers writes them, of a model's GGUF file: the way back that `rast graft` goes.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NativeAddon } from "../../dist/native/addon-types.js";
import { writeSafetensors, type WrittenTensor } from "./safetensors.js";

const names: Readonly<Record<string, string>> = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output.weight": "lm_head.weight",
    "output_norm.weight": "model.norm.weight",
    attn_norm: "input_layernorm",
    ffn_norm: "post_attention_layernorm",
    attn_q: "self_attn.q_proj",
    attn_k: "self_attn.k_proj",
    attn_v: "self_attn.v_proj",
    attn_output: "self_attn.o_proj",
    ffn_gate: "mlp.gate_proj",
    ffn_up: "mlp.up_proj",
    ffn_down: "mlp.down_proj"
};

function nameOf(gguf: string): string {
    const match = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/.exec(gguf);
    return match === null ? names[gguf]! : `model.layers.${match[1]}.${names[match[2]!]}.${match[3]}`;
}

/** Every other row of a head comes first. */
function unpaired(bytes: Buffer, rows: number, headRows: number): Buffer {
    const width = bytes.length / rows;
    const out = Buffer.alloc(bytes.length);
    for (let row = 0; row < rows; ++row) {
        const [head, within] = [Math.floor(row / headRows), row % headRows];
        const to = head * headRows + (within % 2) * (headRows / 2) + Math.floor(within / 2);
        bytes.copy(out, to * width, row * width, (row + 1) * width);
    }
    return out;
}

/** What a checkpoint of a model holds. */
export interface Checkpoint {
    readonly folder: string;
    readonly tensors: Record<string, WrittenTensor>;
    readonly config: Record<string, unknown>;
}

/** Reads a llama or qwen2 model in F32. */
export async function checkpointOf(addon: NativeAddon, gguf: string, folder: string): Promise<Checkpoint> {
    const { tensors, keys } = await addon.layoutOf(gguf);
    const value = (key: string): unknown => keys.find(({ name }) => name.endsWith(key))?.value;
    const architecture = String(value("general.architecture"));
    const [heads, kvHeads] = [Number(value("attention.head_count")), Number(value("attention.head_count_kv"))];
    const file = readFileSync(gguf);
    const out: Record<string, WrittenTensor> = {};
    for (const { name, type, shape, offset, bytes } of tensors) {
        if (type !== "f32") throw new Error(`${name} is in ${type}`);
        let data: Buffer = file.subarray(offset, offset + bytes);
        const projection = /\.attn_([qk])\./.exec(name)?.[1];
        if (architecture === "llama" && projection !== undefined) {
            const rows = shape.at(-1)!;
            data = unpaired(data, rows, rows / (projection === "q" ? heads : kvHeads));
        }
        out[nameOf(name)] = { dtype: "F32", shape: [...shape].reverse(), data };
    }
    const config = {
        model_type: architecture,
        hidden_size: value("embedding_length"),
        num_hidden_layers: value("block_count"),
        num_attention_heads: heads,
        num_key_value_heads: kvHeads,
        intermediate_size: value("feed_forward_length"),
        rope_theta: value("rope.freq_base"),
        rms_norm_eps: value("layer_norm_rms_epsilon"),
        max_position_embeddings: value("context_length")
    };
    return { folder, tensors: out, config };
}

/** Writes it, in as many shards as asked for. */
export function writeCheckpoint({ folder, tensors, config }: Checkpoint, shards = 1): void {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "config.json"), JSON.stringify(config));
    if (shards === 1) return writeSafetensors(join(folder, "model.safetensors"), tensors);
    const entries = Object.entries(tensors);
    const weightMap: Record<string, string> = {};
    for (let shard = 0; shard < shards; ++shard) {
        const number = (n: number): string => String(n).padStart(5, "0");
        const name = `model-${number(shard + 1)}-of-${number(shards)}.safetensors`;
        const part = entries.filter((_, index) => index % shards === shard);
        writeSafetensors(join(folder, name), Object.fromEntries(part));
        for (const [tensor] of part) weightMap[tensor] = name;
    }
    writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map: weightMap }));
}

/** The same numbers in BF16 or F16, where those are exact: the caller sees to it. */
export function inBf16({ dtype, shape, data }: WrittenTensor): WrittenTensor {
    if (dtype !== "F32") throw new Error("expected F32");
    const out = Buffer.alloc(data.length / 2);
    const from = Buffer.from(data.buffer, data.byteOffset, data.length);
    for (let i = 0; i < out.length / 2; ++i) out.writeUInt16LE(from.readUInt16LE(4 * i + 2), 2 * i);
    return { dtype: "BF16", shape, data: out };
}
