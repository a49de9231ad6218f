// config.json beside the weights, compared with the template's metadata.
import { describeValue, shorten } from "../checks.js";
import { families } from "./families.js";
import { graftError } from "./graft-error.js";
import { numberOf, valueOf, type Template } from "./template.js";

/** What the expert's metadata have otherwise than the template's: numbers by their key. */
export interface ConfigFindings {
    readonly changes: ReadonlyMap<string, number>;
    readonly notes: readonly string[];
}

/** `context_length` is a u32. */
const mostPositions = 0xffff_ffff;

type Config = Readonly<Record<string, unknown>>;

/** Sizes: a checkpoint with others is one of another model. */
const sizes: readonly (readonly [config: string, key: string])[] = [
    ["hidden_size", "embedding_length"],
    ["num_hidden_layers", "block_count"],
    ["num_attention_heads", "attention.head_count"],
    ["num_key_value_heads", "attention.head_count_kv"],
    ["intermediate_size", "feed_forward_length"],
    ["head_dim", "attention.key_length"],
    ["num_experts", "expert_count"],
    ["num_experts_per_tok", "expert_used_count"],
    ["moe_intermediate_size", "expert_feed_forward_length"],
    ["attn_logit_softcapping", "attn_logit_softcapping"],
    ["final_logit_softcapping", "final_logit_softcapping"]
];

/** What training may change: the weights are made for the checkpoint's own. What llama.cpp takes where a file does not say. */
const trained: readonly (readonly [config: string, key: string, otherwise?: number])[] = [
    ["rope_theta", "rope.freq_base", 10000],
    ["rms_norm_eps", "attention.layer_norm_rms_epsilon"],
    ["max_position_embeddings", "context_length"]
];

/** What llama.cpp's graphs do one way, whatever a file says: a checkpoint that wants another would be wrong without a word. */
const fixed: readonly (readonly [config: string, architectures: RegExp, does: readonly unknown[]])[] = [
    ["norm_topk_prob", /^qwen3moe$/, [true]],
    ["hidden_act", /^(llama|qwen2|qwen3|qwen3moe|phi3)$/, ["silu", "swish"]],
    ["hidden_activation", /^gemma/, ["gelu_pytorch_tanh"]]
];

/**
 * @param config what config.json holds
 * @throws ERR_GRAFT for another architecture, other sizes, another scaling of positions, what llama.cpp computes otherwise, and
 * quantized weights
 */
export function compareConfig(config: Config, template: Template, file: string): ConfigFindings {
    const own = isRecord(config["text_config"]) ? { ...config, ...config["text_config"] } : config;
    if (isRecord(own["quantization_config"])) {
        const method = own["quantization_config"]["quant_method"];
        throw graftError(`the checkpoint is quantized (${shorten(String(method))}): give one in F32, F16 or BF16`, {
            file
        });
    }
    const type = own["model_type"];
    const types = families.get(template.architecture)?.modelTypes ?? [];
    if (typeof type === "string" && !types.includes(type)) {
        throw graftError(
            `model_type is ${shorten(type)}, and the template's architecture ${template.architecture} goes with ${types.join(" or ")}`,
            { file }
        );
    }
    for (const [name, key] of sizes) {
        const [given, kept] = [own[name], numberOf(template, key)];
        if (typeof given !== "number" || kept === undefined || isClose(given, kept)) continue;
        throw graftError(`${name} is ${given}, and ${kept} in the template: it is another model's`, { file });
    }
    for (const [name, architectures, does] of fixed) {
        const given = own[name];
        if (given === undefined || given === null || !architectures.test(template.architecture)) continue;
        if (!does.includes(given)) {
            throw graftError(
                `${name} is ${describeValue(given)}: llama.cpp computes ${template.architecture} with ${JSON.stringify(does[0])} alone`,
                { file }
            );
        }
    }
    checkScaling(own, template, file);
    const changes = new Map<string, number>();
    const notes: string[] = [];
    for (const [name, key, otherwise] of trained) {
        const given = name === "rope_theta" ? ropeOf(own)["rope_theta"] : own[name];
        const kept = numberOf(template, key);
        if (given === undefined || given === null) continue;
        if (typeof given !== "number" || !Number.isFinite(Math.fround(given)) || Math.fround(given) <= 0) {
            throw graftError(
                `${name} is ${describeValue(given)}, expected a number above 0 that single precision holds`,
                { file }
            );
        }
        if (name === "max_position_embeddings" && !(Number.isInteger(given) && given <= mostPositions)) {
            throw graftError(`${name} is ${given}, expected a whole number up to ${mostPositions}`, { file });
        }
        if (kept === undefined) {
            if (otherwise === undefined) {
                notes.push(`config.json has ${name} ${given}; the template does not say: it was not compared.`);
            } else if (!isClose(given, otherwise)) {
                throw graftError(
                    `${name} is ${given}; the template has no ${template.architecture}.${key}, which llama.cpp takes for ${otherwise}`,
                    { file }
                );
            }
            continue;
        }
        if (isClose(given, kept)) continue;
        changes.set(`${template.architecture}.${key}`, given);
        notes.push(
            `config.json has ${name} ${given}, the template ${kept}: the expert gets ${given}, which its weights are made for.`
        );
    }
    return { changes, notes };
}

// llama.cpp keeps single precision.
function isClose(one: number, other: number): boolean {
    return Math.abs(one - other) <= 1e-6 * Math.max(Math.abs(one), Math.abs(other));
}

function isRecord(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

// Older checkpoints have rope_theta and rope_scaling, newer ones rope_parameters, of several kinds of layers here and there.
function ropeOf(config: Config): Config {
    const scaling = isRecord(config["rope_scaling"]) ? config["rope_scaling"] : {};
    const old = { ...scaling, rope_type: scaling["rope_type"] ?? scaling["type"], rope_theta: config["rope_theta"] };
    const parameters = config["rope_parameters"];
    if (!isRecord(parameters)) return old;
    const own = isRecord(parameters["full_attention"]) ? parameters["full_attention"] : parameters;
    return { ...old, ...own };
}

function checkScaling(config: Config, template: Template, file: string): void {
    const rope = ropeOf(config);
    const given = kindOf(rope["rope_type"]);
    if (given === undefined) return;
    const has = (name: string): boolean => template.tensors.some((tensor) => tensor.name === name);
    const stated = valueOf(template, `${template.architecture}.rope.scaling.type`);
    const kept = has("rope_factors_long.weight")
        ? "longrope"
        : has("rope_freqs.weight")
          ? "llama3"
          : typeof stated === "string"
            ? stated
            : "none";
    if (given !== kept) {
        throw graftError(`its positions are scaled as ${given}, and the template's as ${kept}: it is another model's`, {
            file
        });
    }
    const factor = numberOf(template, "rope.scaling.factor");
    if (typeof rope["factor"] === "number" && factor !== undefined && !isClose(rope["factor"], factor)) {
        throw graftError(`its positions are scaled by ${rope["factor"]}, and the template's by ${factor}`, { file });
    }
}

function kindOf(type: unknown): string | undefined {
    if (type === undefined || type === null || type === "default") return "none";
    if (type === "su") return "longrope";
    return typeof type === "string" ? shorten(type) : undefined;
}
