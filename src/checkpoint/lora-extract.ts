// The difference of two models as a LoRA: what a full fine-tune changed, as far as a few singular values per matrix hold it.
import { counted } from "../checks.js";
import { RastError } from "../errors.js";
import type { NativeAddon, NativeDifference, NativeModelTensor } from "../native/addon-types.js";
import { stacked, transposed } from "./float-matrices.js";
import { AdapterOutput, type AdapterType, type FactorHeader } from "./adapter-output.js";

/** One matrix in an extracted adapter. */
export interface ExtractedTensor {
    /** Of the model: "blk.0.attn_q.weight". */
    readonly name: string;
    /** Innermost dimension first, as GGUF counts. */
    readonly shape: readonly number[];
    /** No more than the matrix has rows or columns. */
    readonly rank: number;
    /** Of the squared Frobenius norm of the difference, what the adapter holds; 0 to 1. */
    readonly keptShare: number;
    /** Frobenius norm of the difference, over that of the antiexpert's matrix. */
    readonly relativeDifference: number;
}

/** What the models differ in and the adapter does not have. */
export interface LostTensor {
    /** Of the model: "output_norm.weight". */
    readonly name: string;
    /** Innermost dimension first, as GGUF counts. */
    readonly shape: readonly number[];
    /** Why: one sentence without its end. */
    readonly reason: string;
    /** Frobenius norm of the difference, over that of the antiexpert's tensor; null where the two cannot be subtracted. */
    readonly relativeDifference: number | null;
}

/** What came of an extraction. */
export interface ExtractedAdapter {
    /** Size of the file. */
    readonly bytes: number;
    readonly tensors: readonly ExtractedTensor[];
    /** Most different first. */
    readonly lost: readonly LostTensor[];
    /** Of the squared norm of all differences together, lost tensors too, what the adapter holds; 0 to 1. */
    readonly keptShare: number;
}

/** What to extract, checked. */
export interface ExtractionPlan {
    readonly addon: NativeAddon;
    /** Absolute, as the other paths. */
    readonly expert: string;
    readonly antiexpert: string;
    readonly out: string;
    readonly rank: number;
    readonly type: AdapterType;
    /** Matrices at a time. */
    readonly threads: number;
    readonly onProgress: (tensor: string, fraction: number) => void;
    readonly signal: AbortSignal | undefined;
}

/** A matrix, or the matrices of all experts in a layer. */
interface Target {
    readonly tensor: NativeModelTensor;
    readonly differenceEnergy: number;
    readonly antiexpertEnergy: number;
}

// Matrices that llama.cpp computes with adapters, in every architecture that has them.
const withAdapters =
    /^(?:output|blk\.\d+\.(?:attn_(?:q|k|v|qkv|output)|ffn_(?:gate|up|down)(?:_exps|_shexp)?|ffn_gate_inp))\.weight$/;
const embedding = "token_embd.weight";

/**
 * Writes the adapter. One matrix of each thread is worked on at a time, and none is held whole.
 * @throws ERR_EXTRACT for models without a common matrix that differs; ERR_MODEL_INVALID, ERR_FILE_UNREADABLE,
 *     ERR_FILE_UNWRITABLE, ERR_IS_DIRECTORY; the signal's reason
 */
export async function extractAdapter(plan: ExtractionPlan): Promise<ExtractedAdapter> {
    const { addon, expert, antiexpert, out, type } = plan;
    const { architecture } = await addon.inspectModel(antiexpert);
    const other = (await addon.inspectModel(expert)).architecture;
    if (architecture !== other) {
        throw new RastError(
            "ERR_EXTRACT",
            `The expert is of the architecture ${other}, the antiexpert of ${architecture}.`,
            {
                details: { expert, antiexpert }
            }
        );
    }
    const { targets, lost, lostEnergy } = await findTargets(plan);
    if (targets.length === 0) {
        throw new RastError("ERR_EXTRACT", whyNothing(lost), { details: { expert, antiexpert } });
    }
    const ranks = targets.map(({ tensor }) => rankOf(tensor, plan.rank));
    const alpha = Math.max(...ranks);
    const factors = targets.flatMap(({ tensor }, index) => factorHeaders(tensor, ranks[index]!));
    const output = await AdapterOutput.open(out, { architecture, alpha }, factors, type);
    try {
        const kept = targets.map(() => 0);
        const jobs = targets.flatMap(({ tensor }, index) =>
            slicesOf(tensor).map((slice): Job => ({
                tensor: tensor.name,
                slice,
                rank: ranks[index]!,
                index,
                cost: sizeOf(tensor)
            }))
        );
        const buffers = new Map<number, Stack>();
        await runJobs(jobs, plan, { from: firstPassShare, to: 1 }, async (job, made) => {
            const { tensor } = targets[job.index]!;
            kept[job.index]! += made.keptEnergy;
            const stack = buffers.get(job.index) ?? new Stack(slicesOf(tensor).length);
            buffers.set(job.index, stack);
            if (!stack.add(job.slice, factorsOf(tensor, made, alpha / job.rank))) return;
            buffers.delete(job.index);
            await output.write(2 * job.index, stack.joined("a"));
            await output.write(2 * job.index + 1, stack.joined("b"));
        });
        await output.commit();
        const whole = targets.reduce((sum, { differenceEnergy }) => sum + differenceEnergy, lostEnergy);
        return {
            bytes: output.bytes,
            tensors: targets.map(({ tensor, differenceEnergy, antiexpertEnergy }, index) => ({
                name: tensor.name,
                shape: tensor.shape,
                rank: ranks[index]!,
                keptShare: Math.min(1, kept[index]! / differenceEnergy),
                relativeDifference: relative(differenceEnergy, antiexpertEnergy)
            })),
            lost,
            keptShare: Math.min(1, kept.reduce((sum, energy) => sum + energy, 0) / whole)
        };
    } finally {
        await output.abort();
    }
}

// Of models of two shapes it would be wrong to say that they do not differ.
function whyNothing(lost: readonly LostTensor[]): string {
    const unlike = lost.filter(({ relativeDifference }) => relativeDifference === null);
    if (unlike.length === 0) return "Expert and antiexpert have no matrix that differs and that an adapter could hold.";
    const { name, shape, reason } = unlike[0]!;
    const count = counted(unlike.length, "tensor");
    return (
        "Expert and antiexpert are not of one shape, and neither was made from the other: " +
        `${count} cannot be subtracted, first ${name} (${shape.join(" x ")}: ${reason}).`
    );
}

// How large each difference is, and whether an adapter can hold it. Reads both models once.
async function findTargets(
    plan: ExtractionPlan
): Promise<{ readonly targets: readonly Target[]; readonly lost: readonly LostTensor[]; readonly lostEnergy: number }> {
    const own = await plan.addon.modelTensors(plan.antiexpert);
    const others = new Map((await plan.addon.modelTensors(plan.expert)).map((tensor) => [tensor.name, tensor]));
    const tied = !own.some(({ name }) => name === "output.weight");
    const lost: LostTensor[] = [];
    const common: NativeModelTensor[] = [];
    for (const tensor of own) {
        const other = others.get(tensor.name);
        others.delete(tensor.name);
        if (other !== undefined && String(other.shape) === String(tensor.shape)) common.push(tensor);
        else {
            const reason =
                other === undefined ? "the expert does not have it" : `it is ${other.shape.join(" x ")} in the expert`;
            lost.push({ name: tensor.name, shape: tensor.shape, reason, relativeDifference: null });
        }
    }
    for (const { name, shape } of others.values()) {
        lost.push({ name, shape, reason: "the antiexpert does not have it", relativeDifference: null });
    }
    const targets: (Target | undefined)[] = common.map(() => undefined);
    let lostEnergy = 0;
    const jobs = common.flatMap((tensor, index) =>
        slicesOf(tensor).map((slice): Job => ({ tensor: tensor.name, slice, rank: 0, index, cost: sizeOf(tensor) }))
    );
    await runJobs(jobs, plan, { from: 0, to: firstPassShare }, async ({ index }, made) => {
        const before = targets[index] ?? { differenceEnergy: 0, antiexpertEnergy: 0 };
        targets[index] = {
            tensor: common[index]!,
            differenceEnergy: before.differenceEnergy + made.differenceEnergy,
            antiexpertEnergy: before.antiexpertEnergy + made.antiexpertEnergy
        };
    });
    const found: Target[] = [];
    for (const target of targets as Target[]) {
        const { tensor, differenceEnergy, antiexpertEnergy } = target;
        if (differenceEnergy === 0) continue;
        const reason = whyNot(tensor, tied);
        if (reason === undefined) {
            found.push(target);
            continue;
        }
        lostEnergy += differenceEnergy;
        const relativeDifference = relative(differenceEnergy, antiexpertEnergy);
        lost.push({ name: tensor.name, shape: tensor.shape, reason, relativeDifference });
    }
    lost.sort((one, other) => (other.relativeDifference ?? Infinity) - (one.relativeDifference ?? Infinity));
    return { targets: found, lost, lostEnergy };
}

function whyNot({ name, shape }: NativeModelTensor, tied: boolean): string | undefined {
    if (shape.length < 2) return "it is a vector, and an adapter changes matrices";
    if (name === embedding)
        return tied ? "it is the output layer, too, and llama.cpp has no adapters for both" : undefined;
    return withAdapters.test(name) ? undefined : "llama.cpp computes it without adapters";
}

function relative(difference: number, whole: number): number {
    return whole === 0 ? Infinity : Math.sqrt(difference / whole);
}

function sizeOf({ shape }: NativeModelTensor): number {
    return (shape[0] ?? 1) * (shape[1] ?? 1);
}

function rankOf({ shape }: NativeModelTensor, wanted: number): number {
    return Math.min(wanted, shape[0]!, shape[1]!);
}

// A tensor with three dimensions has a matrix of every expert.
function slicesOf({ shape }: NativeModelTensor): readonly number[] {
    return Array.from({ length: (shape[2] ?? 1) * (shape[3] ?? 1) }, (_, slice) => slice);
}

function factorHeaders({ name, shape }: NativeModelTensor, rank: number): readonly FactorHeader[] {
    const [columns, rows, ...stack] = shape as [number, number, ...number[]];
    return [
        { name: `${name}.lora_a`, shape: name === embedding ? [rank, rows] : [columns, rank, ...stack] },
        { name: `${name}.lora_b`, shape: [rank, name === embedding ? columns : rows, ...stack] }
    ];
}

// llama.cpp counts a pair alpha / its rank times, and alpha is that of the largest.
function factorsOf({ name }: NativeModelTensor, { left, right, values }: NativeDifference, times: number): Factors {
    if (times !== 1) for (let i = 0; i < left.length; ++i) left[i]! /= times;
    const rank = values.length;
    return name === embedding ? { a: left, b: right } : { a: transposed(right, right.length / rank), b: left };
}

interface Factors {
    readonly a: Float32Array;
    readonly b: Float32Array;
}

/** The factors of all matrices of a tensor, in whatever order they come. */
class Stack {
    readonly #parts: (Factors | undefined)[];
    #missing: number;

    constructor(count: number) {
        this.#parts = Array.from({ length: count }, () => undefined);
        this.#missing = count;
    }

    /** @returns whether all are there */
    add(slice: number, factors: Factors): boolean {
        this.#parts[slice] = factors;
        return --this.#missing === 0;
    }

    joined(which: "a" | "b"): Float32Array {
        return stacked(this.#parts.map((part) => part![which]));
    }
}

interface Job {
    readonly tensor: string;
    readonly slice: number;
    readonly rank: number;
    /** Of the tensor in its list. */
    readonly index: number;
    readonly cost: number;
}

/** Of all progress, what reading the models once is taken for. */
const firstPassShare = 0.05;
let nextId = 0;

// As many at a time as there are threads; the first error ends all.
async function runJobs(
    jobs: readonly Job[],
    { addon, expert, antiexpert, threads, onProgress, signal }: ExtractionPlan,
    share: { readonly from: number; readonly to: number },
    take: (job: Job, made: NativeDifference) => Promise<void>
): Promise<void> {
    const all = jobs.reduce((sum, { cost }) => sum + cost, 0);
    const running = new Set<number>();
    const queue = jobs.values();
    let done = 0;
    let failure: { readonly error: unknown } | undefined;
    const stopAll = (): void => running.forEach((id) => addon.stopDifference(id));
    const fail = (error: unknown): void => {
        failure ??= { error };
        stopAll();
    };
    const onAbort = (): void => fail(signal!.reason);
    const work = async (): Promise<void> => {
        for (const job of queue) {
            if (failure !== undefined) return;
            const id = (nextId = (nextId + 1) % 0xffffffff);
            running.add(id);
            try {
                const { tensor, slice, rank } = job;
                const made = await addon.takeDifference({ expert, antiexpert, tensor, slice, rank }, id);
                await take(job, made);
                done += job.cost;
                onProgress(job.tensor, share.from + (share.to - share.from) * (done / all));
            } catch (error) {
                fail(error);
            } finally {
                running.delete(id);
            }
        }
    };
    signal?.addEventListener("abort", onAbort);
    try {
        if (signal?.aborted === true) fail(signal.reason);
        await Promise.all(Array.from({ length: Math.min(threads, jobs.length) }, work));
    } finally {
        signal?.removeEventListener("abort", onAbort);
    }
    if (failure !== undefined) throw failure.error;
}
