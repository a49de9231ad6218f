// Which tensor of a GGUF model a module of a Hugging Face model is. Only modules that adapters are made for: matrices.

/** A matrix of a GGUF model. */
export interface LoraTarget {
    /** "blk.3.attn_q.weight" */
    readonly tensor: string;
    /** Which expert's matrix of a tensor that holds those of all. */
    readonly expert?: number;
    /** Rows are in another order in GGUF, head by head: as many heads as queries or keys have. */
    readonly heads?: "query" | "key";
    /** Of the embedding: A and B are the other way round there. */
    readonly embedding?: true;
}

const attention = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output"
};
const feedForward = { "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down" };
const dense = { ...attention, ...feedForward };

const layersOf: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    llama: dense,
    qwen2: dense,
    qwen3: dense,
    qwen3moe: { ...attention, "mlp.gate": "ffn_gate_inp" },
    gemma: dense,
    gemma2: dense,
    gemma3: dense,
    phi3: {
        "self_attn.qkv_proj": "attn_qkv",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down"
    }
};

const experts: Readonly<Record<string, string>> = {
    gate_proj: "ffn_gate_exps",
    up_proj: "ffn_up_exps",
    down_proj: "ffn_down_exps"
};

/** Architectures, as llama.cpp names them, whose modules are known. */
export const loraArchitectures: readonly string[] = Object.keys(layersOf);

/**
 * @param module of a PEFT adapter, without "base_model.model."
 * @returns undefined for one that is not known
 */
export function loraTarget(architecture: string, module: string): LoraTarget | undefined {
    const layers = Object.hasOwn(layersOf, architecture) ? layersOf[architecture] : undefined;
    if (layers === undefined) return undefined;
    // models of text within models of images
    const name = module.replace(/^(?:model\.)?language_model\.(?:model\.)?/, "model.").replace(/^model\./, "");
    if (name === "lm_head") return { tensor: "output.weight" };
    if (name === "embed_tokens") return { tensor: "token_embd.weight", embedding: true };
    const [, layer, inner] = /^layers\.(\d{1,4})\.(.+)$/.exec(name) ?? [];
    if (inner === undefined) return undefined;
    const [, expert, part] = /^mlp\.experts\.(\d{1,4})\.(\w+)$/.exec(inner) ?? [];
    if (part !== undefined) {
        const tensor = Object.hasOwn(experts, part) && architecture === "qwen3moe" ? experts[part] : undefined;
        return tensor === undefined ? undefined : { tensor: `blk.${layer}.${tensor}.weight`, expert: Number(expert) };
    }
    if (!Object.hasOwn(layers, inner)) return undefined;
    const tensor = `blk.${layer}.${layers[inner]}.weight`;
    if (architecture !== "llama") return { tensor };
    if (inner === "self_attn.q_proj") return { tensor, heads: "query" };
    return inner === "self_attn.k_proj" ? { tensor, heads: "key" } : { tensor };
}

/**
 * Rows of a matrix in the order in which GGUF has those of llama's queries and keys: halves of each head in turn.
 * @param data f32[rows, columns], row-major; as many rows as make whole pairs in every head
 */
export function inGgufOrder(data: Float32Array, rows: number, heads: number): Float32Array {
    const columns = data.length / rows;
    const half = rows / heads / 2;
    const out = new Float32Array(data.length);
    for (let head = 0; head < heads; ++head) {
        for (let i = 0; i < half; ++i) {
            for (let which = 0; which < 2; ++which) {
                const from = (head * 2 * half + which * half + i) * columns;
                out.set(data.subarray(from, from + columns), (head * 2 * half + 2 * i + which) * columns);
            }
        }
    }
    return out;
}
