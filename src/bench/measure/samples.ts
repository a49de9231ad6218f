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

/** What measuring needs. */
export interface MeasureContext {
    readonly rast: Rast;
    readonly engine: MatrixEngine;
    readonly options: ResolvedBenchOptions;
    readonly prompts: PromptSource;
    readonly peers: ReadonlyMap<BenchPeer, Pick<Peer, "generate">>;
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

/** Takes a sample of a row. @throws ERR_INVALID_OPTION when most of its prompts lay in a cache */
export async function sampleOf(context: MeasureContext, one: MatrixCase, repetition: number): Promise<Sample> {
    if (isPeer(one.mode)) return peerSample(context, one, one.mode, repetition);
    const common = generateOptions(context, one, repetition);
    const before = await contextsOf(context, one, common);
    if (one.kind === "tg") {
        const timed = await runTogether(context.rast, before, { ...common, maxTokens: one.tokens });
        return { rate: generationRate(timed, one), results: timed.results };
    }
    // no two may begin alike, of any row and repetition: caches keep prompts
    const texts = before.map((tokens) => [...tokens, ...context.prompts.fresh(one.tokens)]);
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

// What every sequence has before it is measured: decoded now, so that it counts for nothing.
async function contextsOf(
    { rast, prompts }: MeasureContext,
    one: MatrixCase,
    common: GenerateSettings
): Promise<number[][]> {
    const length = Math.max(one.kind === "tg" ? 1 : 0, one.depth);
    const contexts = Array.from({ length: one.sequences }, (_, index) => prompts.prompt(index, length));
    if (one.depth > 0) {
        await Promise.all(contexts.map((tokens) => rast.complete({ ...common, tokens, maxTokens: 1 })));
    }
    return contexts;
}

interface Timed {
    readonly results: readonly RastResult[];
    /** Milliseconds from the start to the end of all, and from the first token of anybody to it. */
    readonly allMs: number;
    readonly drawingMs: number;
}

async function runTogether(rast: Rast, texts: readonly number[][], options: GenerateSettings): Promise<Timed> {
    let firstToken = Infinity;
    let end = 0;
    const start = performance.now();
    const results = await Promise.all(
        texts.map(async (tokens) => {
            const generation = rast.generate({ ...options, tokens });
            for await (const part of generation) {
                if (part.tokens.length > 0) firstToken = Math.min(firstToken, performance.now());
            }
            const result = await generation.result;
            end = Math.max(end, performance.now());
            return result;
        })
    );
    return { results, allMs: end - start, drawingMs: end - firstToken };
}

function promptRate({ results, allMs }: Timed, one: MatrixCase): number {
    const decoded = results.reduce((sum, { usage }) => sum + usage.promptTokens - usage.cachedPromptTokens, 0);
    if (2 * decoded < one.tokens * one.sequences) throw repeatedPrompts(decoded, one);
    return (1000 * decoded) / allMs;
}

function generationRate({ results, drawingMs }: Timed, { sequences }: MatrixCase): number {
    const drawn = results.reduce((sum, { usage }) => sum + usage.completionTokens, 0);
    // alone, the engine's own clock; together, from the first token of anybody to the last of all
    const ms = sequences === 1 ? results[0]!.timings.decodeMs : drawingMs;
    return (1000 * (drawn - sequences)) / ms;
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
        tokens: prompts.prompt(0, Math.max(1, one.depth)),
        maxTokens: one.tokens,
        temperature: one.temperature,
        topP: options.topP,
        lambda: one.lambda ?? rast.info.pairs[0]!.lambda,
        seed: options.seed + repetition
    });
    return { rate: (1000 * (tokens.length - 1)) / ms, results: [] };
}
