// PEFT adapters (adapter_config.json, adapter_model.safetensors) as GGUF adapters.
import { access } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { RastError } from "../errors.js";
import { fromHalf } from "../gguf/half.js";
import type { NativeModelFacts } from "../native/addon-types.js";
import { Safetensors } from "../safetensors/reader.js";
import type { TensorEntry } from "../safetensors/header.js";
import { Slices } from "../safetensors/slices.js";
import { stacked, transposed } from "./float-matrices.js";
import { AdapterOutput, type AdapterType, type FactorHeader } from "./adapter-output.js";
import { inGgufOrder, loraArchitectures, loraTarget, type LoraTarget } from "./lora-modules.js";
import { adapterError, alphaOf, readPeftConfig, type PeftConfig } from "./peft-config.js";

/** What of a model an adapter is converted for. */
export type PeftModel = Pick<NativeModelFacts, "architecture" | "headCount" | "kvHeadCount">;

/** The weights in a PEFT folder. */
export const peftWeightsName = "adapter_model.safetensors";
const sliceNumbers = 1 << 19;
const byName = new Intl.Collator("en", { numeric: true }).compare;

/** How to convert. */
export interface ConvertPeftOptions {
    readonly type?: AdapterType;
    readonly signal?: AbortSignal;
    /** Looks at the whole file before it gets its name; what it rejects with ends the conversion without a file. */
    readonly inspect?: (path: string) => Promise<unknown>;
}

/** The pair of one module. */
interface Pair {
    readonly module: string;
    readonly target: LoraTarget;
    readonly a: TensorEntry;
    readonly b: TensorEntry;
    readonly rank: number;
    /** What B is multiplied with, where the adapter's alpha is not that of the module. */
    readonly factor: number;
}

/** A tensor of the model with the pairs for it: one, or one of each expert. */
interface Group {
    readonly tensor: string;
    readonly embedding: boolean;
    readonly pairs: readonly Pair[];
}

/**
 * Writes a PEFT adapter as a GGUF adapter for a model, with the tensors of llama.cpp's `convert_lora_to_gguf.py`; rsLoRA and
 * alphas of single modules are kept, too. One matrix at a time is in memory.
 * @param folder with adapter_config.json and adapter_model.safetensors
 * @param out becomes a GGUF file when it is whole
 * @throws ERR_ADAPTER_INVALID, ERR_ADAPTER_UNSUPPORTED, ERR_SAFETENSORS naming file and tensor; ERR_FILE_NOT_FOUND and its kin,
 *     ERR_FILE_UNWRITABLE; the signal's reason
 */
export async function convertPeft(
    folder: string,
    model: PeftModel,
    out: string,
    { type = "f32", signal, inspect }: ConvertPeftOptions = {}
): Promise<void> {
    const config = await readPeftConfig(folder);
    if (!loraArchitectures.includes(model.architecture)) {
        const known = loraArchitectures.join(", ");
        const what = `modules of ${model.architecture} are not known (those of ${known} are): convert it with llama.cpp's convert_lora_to_gguf.py`;
        throw adapterError("ERR_ADAPTER_UNSUPPORTED", config.file, what);
    }
    const weights = await openWeights(folder);
    try {
        const { alpha, groups } = await plan(weights, config, model.architecture);
        const factors = groups.flatMap(headersOf);
        const output = await AdapterOutput.open(out, { architecture: model.architecture, alpha }, factors, type);
        try {
            for (const [index, group] of groups.entries()) {
                signal?.throwIfAborted();
                const { a, b } = await factorsOf(group, weights, model, config.file);
                await output.write(2 * index, a);
                await output.write(2 * index + 1, b);
            }
            if (inspect !== undefined) await output.inspect(inspect);
            await output.commit();
        } finally {
            await output.abort();
        }
    } finally {
        await weights.close();
    }
}

async function openWeights(folder: string): Promise<Safetensors> {
    const path = join(folder, peftWeightsName);
    const pickle = join(folder, "adapter_model.bin");
    return Safetensors.open(path).catch(async (error: unknown) => {
        const isMissing = error instanceof RastError && error.code === "ERR_FILE_NOT_FOUND";
        const hasPickle = await access(pickle).then(
            () => true,
            () => false
        );
        if (!isMissing || !hasPickle) throw error;
        throw adapterError(
            "ERR_ADAPTER_UNSUPPORTED",
            pickle,
            "it is a pickle, which is a program: save it as safetensors"
        );
    });
}

async function plan(
    weights: Safetensors,
    config: PeftConfig,
    architecture: string
): Promise<{ readonly alpha: number; readonly groups: readonly Group[] }> {
    const found = new Map<string, { target: LoraTarget; a?: TensorEntry; b?: TensorEntry }>();
    const refuse = (entry: TensorEntry, what: string): never => {
        throw adapterError("ERR_ADAPTER_UNSUPPORTED", entry.file, what, entry.name);
    };
    const slices = new Slices();
    for (const entry of weights.tensors.values()) {
        const [, module, part] = partsOf(entry.name) ?? refuse(entry, "it is neither the A nor the B of a LoRA");
        const target = loraTarget(architecture, module!);
        if (target === undefined) return refuse(entry, `no matrix of ${architecture} has this name`);
        const pair = found.get(module!) ?? { target };
        pair[part!.toLowerCase() as "a" | "b"] = entry;
        found.set(module!, pair);
        if (slices.over()) await slices.next();
    }
    if (found.size === 0) throw adapterError("ERR_ADAPTER_INVALID", weights.files[0]!, "it has no tensors");
    const pairs = [...found].map(([module, { target, a, b }]): Pair => {
        if (a === undefined || b === undefined) {
            const there = (a ?? b)!;
            throw adapterError("ERR_ADAPTER_INVALID", there.file, `its other half is missing`, there.name);
        }
        return { module, target, a, b, rank: rankOf(a, b), factor: 1 };
    });
    // A pair counts alpha / rank times in llama.cpp: what PEFT does otherwise goes into alpha, or into B.
    const effective = ({ module, rank }: Pair): number =>
        alphaOf(config, module) * (config.rankStabilized ? Math.sqrt(rank) : 1);
    const alpha = Math.fround(effective(pairs[0]!));
    if (!Number.isFinite(alpha)) {
        throw adapterError("ERR_ADAPTER_INVALID", config.file, "lora_alpha times the root of the rank is infinite");
    }
    const scaled = pairs.map((pair): Pair => {
        const own = effective(pair);
        return { ...pair, factor: Math.fround(own) === alpha ? 1 : own / alpha };
    });
    return { alpha, groups: groupsOf(scaled) };
}

// "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"; the name of the adapter may stand behind the letter.
function partsOf(name: string): readonly string[] | undefined {
    const match =
        /^(?:base_model\.model\.)?(.+)\.lora_([AB])(?:\.default)?\.weight$/.exec(name) ??
        /^(?:base_model\.model\.)?(.+)\.lora_embedding_([AB])(?:\.default)?$/.exec(name);
    return match ?? undefined;
}

function rankOf(a: TensorEntry, b: TensorEntry): number {
    const rank = a.shape[0] ?? 0;
    if (
        a.shape.length !== 2 ||
        b.shape.length !== 2 ||
        b.shape[1] !== rank ||
        a.shape.includes(0) ||
        b.shape.includes(0)
    ) {
        const what = `A is [${a.shape.join(", ")}] and B [${b.shape.join(", ")}]; expected [rank, in] and [out, rank]`;
        throw adapterError("ERR_ADAPTER_INVALID", a.file, what, a.name);
    }
    return rank;
}

function groupsOf(pairs: readonly Pair[]): Group[] {
    const groups = new Map<string, Pair[]>();
    for (const pair of pairs) groups.set(pair.target.tensor, [...(groups.get(pair.target.tensor) ?? []), pair]);
    const sorted = [...groups].sort(([one], [other]) => byName(one, other));
    return sorted.map(([tensor, members]) => {
        const [first] = members;
        if (first!.target.expert === undefined) {
            if (members.length > 1) {
                const names = members.map(({ module }) => module).join(" and ");
                throw adapterError("ERR_ADAPTER_INVALID", first!.a.file, `${names} are the same matrix`, first!.a.name);
            }
            return { tensor, embedding: first!.target.embedding === true, pairs: members };
        }
        members.sort((one, other) => one.target.expert! - other.target.expert!);
        members.forEach((pair, index) => {
            const fits =
                pair.target.expert === index &&
                String([pair.a.shape, pair.b.shape]) === String([first!.a.shape, first!.b.shape]);
            if (!fits) {
                const what = `experts of a layer need a pair each, of one shape: that of expert ${index} is missing or differs`;
                throw adapterError("ERR_ADAPTER_UNSUPPORTED", pair.a.file, what, pair.a.name);
            }
        });
        return { tensor, embedding: false, pairs: members };
    });
}

function headersOf({ tensor, embedding, pairs }: Group): readonly FactorHeader[] {
    const [{ a, b, rank, target }] = pairs as [Pair];
    const stack = target.expert === undefined ? [] : [pairs.length];
    return [
        { name: `${tensor}.lora_a`, shape: embedding ? [rank, a.shape[1]!] : [a.shape[1]!, rank, ...stack] },
        { name: `${tensor}.lora_b`, shape: [rank, b.shape[0]!, ...stack] }
    ];
}

async function factorsOf(
    { embedding, pairs }: Group,
    weights: Safetensors,
    model: PeftModel,
    config: string
): Promise<{ a: Float32Array; b: Float32Array }> {
    const all: { a: Float32Array; b: Float32Array }[] = [];
    for (const { a, b, rank, factor, target } of pairs) {
        const left = await toNumbers(a, await weights.read(a.name));
        const right = await toNumbers(b, await weights.read(b.name));
        if (factor !== 1) for (let i = 0; i < right.length; ++i) right[i]! *= factor;
        const heads = target.heads === "query" ? model.headCount : model.kvHeadCount;
        if (target.heads !== undefined && (heads === 0 || b.shape[0]! % (2 * heads) !== 0)) {
            const what = `its ${b.shape[0]} rows are not those of the model's ${heads} heads`;
            throw adapterError("ERR_ADAPTER_MISMATCH", config, what, b.name);
        }
        all.push({
            a: embedding ? transposed(left, rank) : left,
            b: target.heads === undefined ? right : inGgufOrder(right, b.shape[0]!, heads)
        });
    }
    return all.length === 1 ? all[0]! : { a: stacked(all.map(({ a }) => a)), b: stacked(all.map(({ b }) => b)) };
}

// In slices, so that a large matrix does not hold up the event loop.
async function toNumbers({ dtype, file, name }: TensorEntry, bytes: Buffer): Promise<Float32Array> {
    const width = dtype === "F32" ? 4 : 2;
    if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16") {
        const what = `it is of the type ${dtype}; expected F32, F16 or BF16`;
        throw adapterError("ERR_ADAPTER_UNSUPPORTED", file, what, name);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const out = new Float32Array(bytes.length / width);
    const words = new Uint32Array(out.buffer);
    for (let from = 0; from < out.length; from += sliceNumbers) {
        const to = Math.min(out.length, from + sliceNumbers);
        if (dtype === "F32") for (let i = from; i < to; ++i) words[i] = view.getUint32(4 * i, true);
        else if (dtype === "BF16") for (let i = from; i < to; ++i) words[i] = view.getUint16(2 * i, true) << 16;
        else for (let i = from; i < to; ++i) out[i] = fromHalf(view.getUint16(2 * i, true));
        const wrong = out.subarray(from, to).find((value) => !Number.isFinite(value));
        if (wrong !== undefined) {
            throw adapterError("ERR_ADAPTER_INVALID", file, `it holds ${wrong}; expected finite numbers`, name);
        }
        if (to < out.length) await setImmediate();
    }
    return out;
}
