// Where the tensors of a GGUF file come from in a checkpoint of transformers, family by family.
//
// Source: llama.cpp's converters at the pinned release, conversion/llama.py, qwen.py, gemma.py, phi.py and
// gguf-py/gguf/tensor_mapping.py.

/** How a checkpoint's numbers become those of a GGUF tensor. */
export interface TensorRule {
    /** Names in the checkpoint without their prefix; the first that is there is taken. "{e}" runs over the experts. */
    readonly from: readonly string[];
    /** Gemma's norms are stored less 1. */
    readonly addOne?: boolean;
    /** Halves of a head become every other row: which key of the metadata says how many heads there are. */
    readonly heads?: "attention.head_count" | "attention.head_count_kv";
    /** Of a tensor that holds two for each expert, along its middle dimension: which half. */
    readonly half?: 0 | 1;
    /** Rows are tokens: there may be more or fewer of them than in the template. */
    readonly perToken?: boolean;
}

/** One architecture of llama.cpp. */
export interface Family {
    /** `model_type` in config.json. */
    readonly modelTypes: readonly string[];
    /** By the name of the tensor in the GGUF file, without "blk.N."; beside `shared`. */
    readonly layer: Readonly<Record<string, TensorRule>>;
    /** Whether llama.cpp takes an output layer of its own where the template has none. */
    readonly mayUntie: boolean;
    /** Norms outside of layers are stored less 1. */
    readonly normsLessOne?: boolean;
}

const plain = (from: string): TensorRule => ({ from: [from] });

function both(gguf: string, from: string, rule: Omit<TensorRule, "from"> = {}): Record<string, TensorRule> {
    return {
        [`${gguf}.weight`]: { from: [`${from}.weight`], ...rule },
        [`${gguf}.bias`]: { from: [`${from}.bias`], ...rule }
    };
}

const output = both("attn_output", "self_attn.o_proj");
const values = both("attn_v", "self_attn.v_proj");
const queries = { ...both("attn_q", "self_attn.q_proj"), ...both("attn_k", "self_attn.k_proj") };
const permuted = {
    ...both("attn_q", "self_attn.q_proj", { heads: "attention.head_count" }),
    ...both("attn_k", "self_attn.k_proj", { heads: "attention.head_count_kv" })
};
const attention = { ...queries, ...values, ...output };
const headNorms = {
    "attn_q_norm.weight": plain("self_attn.q_norm.weight"),
    "attn_k_norm.weight": plain("self_attn.k_norm.weight")
};
const twoNorms = {
    "attn_norm.weight": plain("input_layernorm.weight"),
    "ffn_norm.weight": plain("post_attention_layernorm.weight")
};
const gated = {
    ...both("ffn_gate", "mlp.gate_proj"),
    ...both("ffn_up", "mlp.up_proj"),
    ...both("ffn_down", "mlp.down_proj")
};

const lessOne = (rules: Readonly<Record<string, TensorRule>>): Record<string, TensorRule> =>
    Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, { ...rule, addOne: true }]));
const fourNorms = lessOne({
    "attn_norm.weight": plain("input_layernorm.weight"),
    "post_attention_norm.weight": plain("post_attention_layernorm.weight"),
    "ffn_norm.weight": plain("pre_feedforward_layernorm.weight"),
    "post_ffw_norm.weight": plain("post_feedforward_layernorm.weight")
});

const mixture = {
    "ffn_gate_inp.weight": plain("mlp.gate.weight"),
    // one by one, or as one tensor of all experts
    "ffn_gate_exps.weight": { from: ["mlp.experts.{e}.gate_proj.weight", "mlp.experts.gate_up_proj"], half: 0 },
    "ffn_up_exps.weight": { from: ["mlp.experts.{e}.up_proj.weight", "mlp.experts.gate_up_proj"], half: 1 },
    "ffn_down_exps.weight": { from: ["mlp.experts.{e}.down_proj.weight", "mlp.experts.down_proj"] }
} satisfies Record<string, TensorRule>;

/** By the architecture's name in GGUF files. */
export const families: ReadonlyMap<string, Family> = new Map<string, Family>([
    [
        "llama",
        {
            modelTypes: ["llama", "mistral"],
            layer: { ...twoNorms, ...permuted, ...values, ...output, ...gated },
            mayUntie: true
        }
    ],
    ["qwen2", { modelTypes: ["qwen2"], layer: { ...twoNorms, ...attention, ...gated }, mayUntie: true }],
    ["qwen3", { modelTypes: ["qwen3"], layer: { ...twoNorms, ...attention, ...headNorms, ...gated }, mayUntie: true }],
    [
        "qwen3moe",
        { modelTypes: ["qwen3_moe"], layer: { ...twoNorms, ...attention, ...headNorms, ...mixture }, mayUntie: true }
    ],
    [
        "gemma2",
        { modelTypes: ["gemma2"], layer: { ...fourNorms, ...attention, ...gated }, mayUntie: false, normsLessOne: true }
    ],
    [
        "gemma3",
        {
            modelTypes: ["gemma3_text", "gemma3"],
            layer: { ...fourNorms, ...attention, ...lessOne(headNorms), ...gated },
            mayUntie: true,
            normsLessOne: true
        }
    ],
    [
        "phi3",
        {
            modelTypes: ["phi3"],
            layer: {
                ...twoNorms,
                ...both("attn_qkv", "self_attn.qkv_proj"),
                ...output,
                "ffn_up.weight": plain("mlp.gate_up_proj.weight"),
                "ffn_down.weight": plain("mlp.down_proj.weight")
            },
            mayUntie: true
        }
    ]
]);

/** Names of tensors that the metadata give, not the weights: the template's are taken. */
export const computedTensors: ReadonlySet<string> = new Set([
    "rope_freqs.weight",
    "rope_factors_long.weight",
    "rope_factors_short.weight"
]);

/** What a checkpoint may hold beside its weights, and needs not. */
export function isNeedless(name: string): boolean {
    return /\.(rotary_emb\.inv_freq|attention\.masked_bias|attention\.bias)$/.test(name);
}

/** Of a checkpoint that sees as well: of its text model alone a GGUF file is made. */
export function isOfVision(name: string): boolean {
    return /^(model\.)?(vision_tower|vision_model|multi_modal_projector|visual)\./.test(name);
}

/** The rule for a tensor of the template; undefined where the family has none. */
export function ruleFor(family: Family, name: string): TensorRule | undefined {
    const layer = /^blk\.(\d+)\.(.+)$/.exec(name);
    if (layer !== null) {
        const rule = Object.hasOwn(family.layer, layer[2]!) ? family.layer[layer[2]!] : undefined;
        return rule && { ...rule, from: rule.from.map((from) => `layers.${layer[1]}.${from}`) };
    }
    switch (name) {
        case "token_embd.weight":
            return { from: ["embed_tokens.weight"], perToken: true };
        case "output.weight":
            return { from: ["lm_head.weight"], perToken: true };
        case "output_norm.weight":
            return { from: ["norm.weight"], addOne: family.normsLessOne === true };
        default:
            return undefined;
    }
}
