// One sample of a row: what was generated or decoded, and at which rate.
import type { Rast } from "../../engine/engine.js";
import type { GenerateSettings, Mode } from "../../engine/generate-options.js";
import type { RastResult } from "../../engine/results.js";
import { RastError } from "../../errors.js";
import type { BenchPeer } from "../record/schema.js";
import { isPeer, type MatrixCase, type MatrixEngine } from "./matrix.js";
import type { ResolvedBenchOptions } from "./options.js";
import type { Peer } from "./peer.js";
import type { PromptSource } from "./prompts.js";
import type { QuietGate } from "./quiet.js";

/** What measuring needs. */
export interface MeasureContext {
    readonly rast: Rast;
    readonly engine: MatrixEngine;
    readonly options: ResolvedBenchOptions;
    readonly prompts: PromptSource;
    readonly peers: ReadonlyMap<BenchPeer, Pick<Peer, "generate">>;
    /** What repetitions wait for; undefined = nothing. */
    readonly quiet: QuietGate | undefined;
    /** Called before every sample. @param repetition 0 for the warm-up */
    readonly onSample: (one: MatrixCase, repetition: number) => void;
}

/** A sample. */
export interface Sample {
    /** Tokens per second over all sequences. */
    readonly rate: number;
    /** Of each sequence; none of a peer. */
    readonly results: readonly RastResult[];
}

/**
 * Takes a sample of a row. Time runs from the call to the end of the last text, by this side's clock; what a sequence has
 * before it is decoded already. Tokens of a first round with drafts so count with the time that it takes.
 * @throws ERR_INVALID_OPTION when most of its prompts lay in a cache
 */
export async function sampleOf(context: MeasureContext, one: MatrixCase, repetition: number): Promise<Sample> {
    if (isPeer(one.mode)) return peerSample(context, one, one.mode, repetition);
    const common = generateOptions(context, one, repetition);
    await decodeContexts(context, one, common);
    if (one.kind === "tg") {
        const texts = promptsAt(context, one, one.depth + 1);
        const timed = await runTogether(context.rast, texts, { ...common, maxTokens: one.tokens });
        return { rate: generationRate(timed), results: timed.results };
    }
    // no two may begin alike, of any row and repetition: caches keep prompts
    const texts = promptsAt(context, one, one.depth).map((tokens) => [...tokens, ...context.prompts.fresh(one.tokens)]);
    const timed = await runTogether(context.rast, texts, { ...common, maxTokens: 1 });
    return { rate: promptRate(timed, one), results: timed.results };
}

function generateOptions({ options, engine }: MeasureContext, one: MatrixCase, repetition: number): GenerateSettings {
    const mode: Mode = one.mode === "base" ? "base" : "rast";
    return {
        mode,
        temperature: one.temperature,
        topP: options.topP,
        seed: options.seed + repetition,
        ignoreEos: true,
        ...(mode === "rast" && one.lambda !== undefined ? { lambda: one.lambda } : {}),
        ...(engine.kind === "draft" ? { speculation: "auto" as const } : {}),
        ...(options.signal === undefined ? {} : { signal: options.signal })
    };
}

// The first tokens of each sequence's prompt; a shorter one is the beginning of a longer one.
function promptsAt({ prompts }: MeasureContext, { sequences }: MatrixCase, length: number): number[][] {
    return Array.from({ length: sequences }, (_, index) => prompts.prompt(index, length));
}

// What every sequence has before it is measured: decoded now, so that it counts for nothing.
async function decodeContexts(context: MeasureContext, one: MatrixCase, common: GenerateSettings): Promise<void> {
    if (one.depth === 0) return;
    const contexts = promptsAt(context, one, one.depth);
    await Promise.all(contexts.map((tokens) => context.rast.complete({ ...common, tokens, maxTokens: 1 })));
}

interface Timed {
    readonly results: readonly RastResult[];
    /** From the call to the end of all. */
    readonly ms: number;
}

async function runTogether(rast: Rast, texts: readonly number[][], options: GenerateSettings): Promise<Timed> {
    const start = performance.now();
    const results = await Promise.all(texts.map((tokens) => rast.complete({ ...options, tokens })));
    return { results, ms: performance.now() - start };
}

function promptRate({ results, ms }: Timed, one: MatrixCase): number {
    const decoded = results.reduce((sum, { usage }) => sum + usage.promptTokens - usage.cachedPromptTokens, 0);
    if (2 * decoded < one.tokens * one.sequences) throw repeatedPrompts(decoded, one);
    return (1000 * decoded) / ms;
}

function generationRate({ results, ms }: Timed): number {
    return (1000 * results.reduce((sum, { usage }) => sum + usage.completionTokens, 0)) / ms;
}

function repeatedPrompts(decoded: number, { tokens, sequences }: MatrixCase): RastError {
    return new RastError(
        "ERR_INVALID_OPTION",
        `Of ${tokens * sequences} prompt tokens only ${decoded} had to be decoded, as prompts before began alike. ` +
            "Give a longer --prompt-file, or none.",
        { details: { option: "prompts" } }
    );
}

async function peerSample(
    { options, prompts, rast, peers }: MeasureContext,
    one: MatrixCase,
    name: BenchPeer,
    repetition: number
): Promise<Sample> {
    const { tokens, ms } = await peers.get(name)!.generate({
        tokens: prompts.prompt(0, one.depth + 1),
        maxTokens: one.tokens,
        temperature: one.temperature,
        topP: options.topP,
        lambda: one.lambda ?? rast.info.pairs[0]!.lambda,
        seed: options.seed + repetition
    });
    return { rate: (1000 * tokens.length) / ms, results: [] };
}
