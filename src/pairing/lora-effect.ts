// How near an antiexpert with an adapter comes to the expert, on texts that the expert goes on with.
import type { Rast } from "../engine/engine.js";
import type { TokenScore } from "../engine/token-scores.js";
import { RastError } from "../errors.js";
import { loadRast } from "../loading/load.js";

/** How near a model is to the expert. */
export interface Nearness {
    /** Share of positions with the same likeliest token; 0 to 1. */
    readonly agreement: number;
    /** Mean of KL(expert || model) over positions, in nats. */
    readonly divergence: number;
}

/** What an adapter does to texts. */
export interface LoraEffect {
    /** Tokens of all texts that were looked at. */
    readonly positions: number;
    /** Expert and antiexpert. */
    readonly antiexpert: Nearness;
    /** Expert, and antiexpert with the adapter. */
    readonly withAdapter: Nearness;
    /** What the adapter takes away of the divergence: 1 would be all of it. */
    readonly keptShare: number;
}

/** What is measured. */
export interface EffectOptions {
    readonly expert: string;
    readonly antiexpert: string;
    readonly adapter: string;
    /** Beginnings; none: some of its own. */
    readonly texts: readonly string[];
}

const beginnings = [
    "Q: 6+34+63+39?\n",
    "Q: 12-5+48-31?\n",
    "What is 17 * 24? Think step by step.\n",
    "Solve for x: 3x + 7 = 22.\n",
    "A train leaves at 9:40 and arrives at 11:05. How long does it take?\n",
    "def fibonacci(n):\n"
];
const continuationTokens = 64;
const contextSize = 1024;

/**
 * Loads the expert, the antiexpert, and the antiexpert with the adapter, whose weights are the antiexpert's; each text is
 * continued by the expert's likeliest tokens.
 * @throws what `loadRast` throws; ERR_TOKENIZE when the models can tell none of the texts
 */
export async function measureEffect(
    { expert, antiexpert, adapter, texts }: EffectOptions,
    signal: AbortSignal,
    onProgress: (fraction: number) => void
): Promise<LoraEffect> {
    const options = { contextSize, speculation: "off", learned: false, signal } as const;
    const withAdapter = { path: antiexpert, lora: adapter };
    // the expert drives the first pair; the base is asked for nothing
    const rast = await loadRast({
        ...options,
        base: antiexpert,
        pairs: [
            { expert, antiexpert },
            { expert, antiexpert: withAdapter }
        ]
    });
    try {
        const given = texts.length > 0 ? texts : beginnings;
        const sums = [new Sum(), new Sum()];
        for (const [index, text] of given.entries()) {
            signal.throwIfAborted();
            const tokens = await continued(rast, text, texts.length > 0, signal);
            if (tokens === undefined) continue;
            for (const [pair, sum] of sums.entries()) {
                const lambda = pair === 0 ? [1, 0] : [0, 1]; // one is asked at a time
                const asked = { tokens: tokens.subarray(0, 1), completionTokens: tokens.subarray(1), lambda };
                sum.add((await rast.score({ ...asked, signal })).scores);
            }
            onProgress((index + 1) / given.length);
        }
        const [before, after] = sums.map((sum) => sum.mean()) as [Nearness, Nearness];
        if (sums[0]!.positions === 0) {
            throw new RastError(
                "ERR_TOKENIZE",
                "The models can tell none of the texts to measure with: give some in `measure`."
            );
        }
        return {
            positions: sums[0]!.positions,
            antiexpert: before,
            withAdapter: after,
            keptShare: before.divergence === 0 ? 1 : 1 - after.divergence / before.divergence
        };
    } finally {
        await rast.dispose();
    }
}

// Texts of one's own must be told; of ours, those that the vocabulary has letters for.
async function continued(
    rast: Rast,
    text: string,
    isWanted: boolean,
    signal: AbortSignal
): Promise<Int32Array | undefined> {
    let prompt: Int32Array | number[];
    try {
        prompt = await rast.tokenize(text, { addSpecial: true, parseSpecial: false });
    } catch (error) {
        if (isWanted || !(error instanceof RastError) || error.code !== "ERR_TOKENIZE") throw error;
        return undefined;
    }
    const { tokens } = await rast.complete({
        tokens: prompt,
        mode: "expert",
        temperature: 0,
        maxTokens: Math.max(1, Math.min(continuationTokens, contextSize - prompt.length - 1)),
        signal
    });
    return Int32Array.from([...prompt, ...tokens]);
}

class Sum {
    positions = 0;
    #agreed = 0;
    #divergence = 0;

    add(scores: readonly TokenScore[]): void {
        for (const { pair } of scores) {
            if (pair === undefined) continue; // a model without a finite number
            this.positions += 1;
            this.#agreed += pair.expertTop.antiexpert === 0 ? 1 : 0;
            this.#divergence += pair.divergence;
        }
    }

    mean(): Nearness {
        const count = Math.max(1, this.positions);
        return { agreement: this.#agreed / count, divergence: this.#divergence / count };
    }
}
