// How fast tokens can come, by the bytes that are read for each.
import type { PlacedModel } from "../placement/placement.js";
import type { SizedModel } from "../placement/model-memory.js";

/** Of one model: what a decode of one token reads, where. */
export interface ReadBytes {
    readonly host: number;
    /** In the order of the model's devices. */
    readonly devices: readonly number[];
}

/** Bytes per second that each place gives. */
export interface Bandwidths {
    readonly hostBytesPerSecond: number;
    readonly deviceBytesPerSecond: (name: string) => number;
    /** There and back to a device of a worker, which every decode waits for once; 0 for one of this machine. @default 0 */
    readonly roundTripSeconds?: (name: string) => number;
}

/** What is assumed of rounds with drafts. */
export interface DraftAssumptions {
    /** How often expert and ensemble draw the same token, 0 to 1. */
    readonly agreement: number;
    readonly maxDraft: number;
}

/** Tokens per second of one text. */
export interface ExpectedSpeed {
    /** Without drafts: one decode of each model for a token. */
    readonly plain: number;
    /** With the draft length that gives most; null where rows are not free: a model that is not whole on devices. */
    readonly drafted: number | null;
    /** That length; null likewise. */
    readonly draft: number | null;
    /** Milliseconds of a decode of each model that are the way to workers and back; 0 without any. */
    readonly networkMs: number;
    /** The same as a share of the time of a token without drafts, 0 to 1. */
    readonly networkShare: number;
}

/**
 * Share of the stated bandwidth that decodes reach. An assumption: kernels, gaps between them and the sampler take the rest.
 */
export const reachedShare = 0.65;

/** What a decode of one token reads of a model: weights but the embedding, experts as far as they are used, and the cache so far. */
export function readBytes(facts: SizedModel, placed: PlacedModel, filled: number): ReadBytes {
    const { parts, split, cpuMoeLayers } = placed;
    const used = facts.experts > 0 ? facts.expertsUsed / facts.experts : 1;
    const onHost = facts.layerBytes.length - Math.max(0, placed.gpuLayers - 1);
    const experts = facts.layerBytes.map((_, layer) => (facts.expertBytes[layer] ?? 0) * used);
    const others = facts.layerBytes.map((bytes, layer) => bytes - (facts.expertBytes[layer] ?? 0));
    const sum = (values: readonly number[], from: number, to: number): number =>
        values.slice(from, to).reduce((total, bytes) => total + bytes, 0);
    let at = onHost;
    const devices = split.map((count, index) => {
        const last = index === split.length - 1;
        const end = at + (last ? count - 1 : count);
        const weights = sum(others, at, end) + sum(experts, Math.max(at, cpuMoeLayers), end);
        at = end;
        return weights + (last ? facts.outputBytes : 0) + parts.devices[index]!.cache * filled;
    });
    const output = placed.gpuLayers === 0 ? facts.outputBytes : 0;
    const host = sum(others, 0, onHost) + sum(experts, 0, Math.max(onHost, cpuMoeLayers)) + output;
    return { host: host + parts.host.cache * filled, devices };
}

/** Seconds of one decode. */
function secondsOf({ host, devices }: ReadBytes, placed: PlacedModel, bandwidths: Bandwidths): number {
    const onDevices = devices.map((bytes, index) => bytes / bandwidths.deviceBytesPerSecond(placed.devices[index]!));
    const network = networkSecondsOf(placed, bandwidths);
    const read = host / bandwidths.hostBytesPerSecond + onDevices.reduce((sum, one) => sum + one, 0);
    return read / reachedShare + network;
}

function networkSecondsOf({ devices }: PlacedModel, { roundTripSeconds }: Bandwidths): number {
    return devices.reduce((sum, name) => sum + (roundTripSeconds?.(name) ?? 0), 0);
}

/**
 * Tokens per second: a token is a decode of each model. With drafts of g tokens a round is g + 1 decodes of the first expert
 * and one of each other model, and gives (1 - a^(g+1)) / (1 - a) tokens; rows of a round read the same weights.
 * @param filled share of the cache that a text fills
 */
export function expectedSpeed(
    models: readonly { readonly facts: SizedModel; readonly placed: PlacedModel }[],
    bandwidths: Bandwidths,
    { agreement, maxDraft }: DraftAssumptions,
    filled: number
): ExpectedSpeed {
    const seconds = models.map(({ facts, placed }) => secondsOf(readBytes(facts, placed, filled), placed, bandwidths));
    const all = seconds.reduce((sum, one) => sum + one, 0);
    const plain = 1 / all;
    const network = models.reduce((sum, { placed }) => sum + networkSecondsOf(placed, bandwidths), 0);
    const shares = { networkMs: 1000 * network, networkShare: network / all };
    const whole = models.every(
        ({ facts, placed }) => placed.gpuLayers === facts.layerBytes.length + 1 && placed.cpuMoeLayers === 0
    );
    if (!whole || models.length < 3 || maxDraft < 1) return { plain, drafted: null, draft: null, ...shares };
    const rates = Array.from({ length: maxDraft }, (_, index) => {
        const g = index + 1;
        const tokens = agreement === 1 ? g + 1 : (1 - agreement ** (g + 1)) / (1 - agreement);
        return tokens / (all + g * seconds[1]!);
    });
    const best = rates.indexOf(Math.max(...rates));
    return { plain, drafted: rates[best]!, draft: best + 1, ...shares };
}
