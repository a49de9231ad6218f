// One engine of the matrix: its rows are measured in turn, each sample between two halves of its yardstick.
import type { Rast } from "../../engine/engine.js";
import { RastError } from "../../errors.js";
import type { GenerateOptions, Mode } from "../../engine/generate-options.js";
import type { RastResult } from "../../engine/results.js";
import type { ResolvedBenchOptions } from "./options.js";
import type { Peer } from "./peer.js";
import { isPeer, testName, type PlannedCase, type PlannedEngine } from "./matrix.js";
import type { PromptSource } from "./prompts.js";
import { mean, median } from "../record/statistics.js";
import type { BenchPeer, BenchResult, BenchShares } from "../record/schema.js";

/** What measuring needs. */
export interface MeasureContext {
    readonly rast: Rast;
    readonly engine: PlannedEngine;
    readonly options: ResolvedBenchOptions;
    readonly prompts: PromptSource;
    readonly rivals: ReadonlyMap<BenchPeer, Pick<Peer, "generate">>;
    /** Called before every sample. */
    readonly onSample: (one: PlannedCase, repetition: number) => void;
}

interface Sample {
    readonly rate: number;
    readonly results: readonly RastResult[];
}

interface Series {
    readonly one: PlannedCase;
    readonly samples: Sample[];
    readonly ideals: number[];
    /** Milliseconds of a bare step, by role: of every sample. */
    readonly bare: { readonly base: number; readonly expert: number; readonly antiexpert: number }[];
}

/** Runs every row once, so that graphs are built and everything is in memory that will be. */
export async function warmUp(context: MeasureContext): Promise<void> {
    for (const one of context.engine.cases) {
        context.onSample(one, 0);
        await sampleOf(context, one, 0);
    }
}

/** Measures all rows of an engine. @returns one result per row */
export async function measureEngine(context: MeasureContext): Promise<BenchResult[]> {
    const { engine, options } = context;
    const series: Series[] = engine.cases.map((one) => ({ one, samples: [], ideals: [], bare: [] }));
    // the first bare decodes make contexts and graphs
    if (options.ideal) for (const { one } of series) await bareDecodes(context, one, 2);
    for (let repetition = 1; repetition <= options.repetitions; ++repetition) {
        for (const { one, samples, ideals, bare } of series) {
            context.onSample(one, repetition);
            const steps = Math.min(16, Math.max(2, Math.ceil(one.tokens / 8)));
            const before = options.ideal ? await bareDecodes(context, one, steps) : undefined;
            samples.push(await sampleOf(context, one, repetition));
            if (before === undefined) continue;
            const after = await bareDecodes(context, one, steps);
            const both = {
                base: (before.base + after.base) / 2,
                expert: (before.expert + after.expert) / 2,
                antiexpert: (before.antiexpert + after.antiexpert) / 2
            };
            bare.push(both);
            const perStep = one.kind === "pp" ? one.tokens : 1;
            ideals.push((1000 * one.sequences * perStep) / (both.base + both.expert + both.antiexpert));
        }
    }
    return series.map((one) => resultOf(context, one));
}

// Milliseconds of a step in the middle of the text, or of the prompt, of each model that the row uses. All pairs count.
async function bareDecodes(
    { rast }: MeasureContext,
    one: PlannedCase,
    steps: number
): Promise<{ base: number; expert: number; antiexpert: number }> {
    const prompt = one.kind === "pp";
    const depth = prompt ? one.depth : one.depth + Math.max(0, Math.floor((one.tokens - steps) / 2));
    const common = { sequences: one.sequences, depth, tokens: prompt ? one.tokens : steps, prompt };
    const out = { base: mean(await rast.measureDecodes({ role: "base", ...common })), expert: 0, antiexpert: 0 };
    if (one.mode === "base") return out;
    for (let pair = 0; pair < rast.info.pairs.length; ++pair) {
        for (const role of ["expert", "antiexpert"] as const) {
            out[role] += mean(await rast.measureDecodes({ role, pair, ...common }));
        }
    }
    return out;
}

async function sampleOf(context: MeasureContext, one: PlannedCase, repetition: number): Promise<Sample> {
    if (isPeer(one.mode)) return rivalSample(context, one, one.mode, repetition);
    const { rast, options, prompts, engine } = context;
    const mode: Mode = one.mode === "base" ? "base" : "rast";
    const common: GenerateOptions = {
        mode,
        temperature: one.temperature,
        topP: options.topP,
        seed: options.seed + repetition,
        ignoreEos: true,
        ...(mode === "rast" && one.lambda !== undefined ? { lambda: one.lambda } : {}),
        ...(engine.kind === "draft" ? { speculation: "auto" as const } : {}),
        ...(options.signal === undefined ? {} : { signal: options.signal })
    };
    const sequences = Array.from({ length: one.sequences }, (_, i) => i);
    const depths = sequences.map((i) => prompts.prompt(i, Math.max(one.kind === "tg" ? 1 : 0, one.depth)));
    // what lies before is decoded now, so that it counts for nothing
    if (one.depth > 0) {
        await Promise.all(depths.map((tokens) => rast.complete({ ...common, tokens, maxTokens: 1 })));
    }
    const texts =
        one.kind === "tg"
            ? depths
            : // no two may begin alike, of any row and repetition: caches keep prompts
              depths.map((before) => [...before, ...prompts.fresh(one.tokens)]);
    const maxTokens = one.kind === "tg" ? one.tokens : 1;
    let firstToken = Infinity;
    let end = 0;
    const start = performance.now();
    const results = await Promise.all(
        texts.map(async (tokens) => {
            const generation = rast.generate({ ...common, tokens, maxTokens });
            for await (const part of generation) {
                if (part.tokens.length > 0) firstToken = Math.min(firstToken, performance.now());
            }
            const result = await generation.result;
            end = Math.max(end, performance.now());
            return result;
        })
    );
    if (one.kind === "pp") {
        const decoded = results.reduce((sum, { usage }) => sum + usage.promptTokens - usage.cachedPromptTokens, 0);
        if (2 * decoded < one.tokens * one.sequences) throw repeatedPrompts(decoded, one);
        return { rate: (1000 * decoded) / (end - start), results };
    }
    const drawn = results.reduce((sum, { usage }) => sum + usage.completionTokens, 0);
    // alone, the engine's own clock; together, from the first token of anybody to the last of all
    const ms = one.sequences === 1 ? results[0]!.timings.decodeMs : end - firstToken;
    return { rate: (1000 * (drawn - one.sequences)) / ms, results };
}

function repeatedPrompts(decoded: number, { tokens, sequences }: PlannedCase): RastError {
    return new RastError(
        "ERR_INVALID_OPTION",
        `Of ${tokens * sequences} prompt tokens only ${decoded} had to be decoded, as prompts before began alike. ` +
            "Give a longer --prompt-file, or none.",
        { details: { option: "prompts" } }
    );
}

async function rivalSample(
    context: MeasureContext,
    one: PlannedCase,
    peer: BenchPeer,
    repetition: number
): Promise<Sample> {
    const { options, prompts, rast } = context;
    const rival = context.rivals.get(peer)!;
    const { tokens, ms } = await rival.generate({
        tokens: prompts.prompt(0, Math.max(1, one.depth)),
        maxTokens: one.tokens,
        temperature: one.temperature,
        topP: options.topP,
        lambda: one.lambda ?? rast.info.pairs[0]!.lambda,
        seed: options.seed + repetition
    });
    return { rate: (1000 * (tokens.length - 1)) / ms, results: [] };
}

function resultOf({ rast, engine, options }: MeasureContext, { one, samples, ideals, bare }: Series): BenchResult {
    const { info } = rast;
    const all = samples.flatMap((sample) => sample.results);
    const drawn = all.reduce((sum, { usage }) => sum + usage.completionTokens, 0);
    const bytes = all.reduce((sum, result) => sum + result.hostBytes + result.hostRowBytes, 0);
    const ours = all.length > 0;
    const generated = ours && one.kind === "tg";
    const agreements = all.flatMap(({ speculation }) => speculation.agreement ?? []);
    const rounds = all.reduce((sum, { speculation }) => sum + speculation.rounds, 0);
    const lambdas = info.pairs.map((pair) => one.lambda ?? pair.lambda);
    return {
        test: testName(one),
        kind: one.kind,
        mode: one.mode,
        tokens: one.tokens,
        depth: one.depth,
        sequences: one.sequences,
        threads: info.base.threads,
        gpuLayers: info.base.gpuLayers,
        kvType: engine.load.kvType ?? "f16",
        lambdas: one.mode === "base" ? [] : lambdas,
        temperature: one.temperature,
        topP: options.topP,
        samples: samples.map(({ rate }) => rate),
        idealSamples: ideals,
        hostBytesPerToken: generated ? bytes / drawn : null,
        shares: generated ? sharesOf(all, bare, info.base.device === "CPU") : null,
        stepMs: generated ? median(all.map(stepMs)) : null,
        agreement: agreements.length > 0 ? mean(agreements) : null,
        tokensPerRound: engine.kind === "draft" && generated && rounds > 0 ? drawn / rounds : null,
        path: ours ? `${info.path}: ${info.pathReason}` : ""
    };
}

function stepMs({ timings }: RastResult): number {
    return timings.decodeMs / Math.max(1, timings.roles.base.decodeSteps);
}

// Where the CPU draws it says how long; on a device it is what decodes take beyond bare ones.
function sharesOf(results: readonly RastResult[], bare: Series["bare"], onCpu: boolean): BenchShares | null {
    if (!onCpu && bare.length === 0) return null;
    const sum = (of: (result: RastResult) => number): number => results.reduce((total, one) => total + of(one), 0);
    const total = sum(({ timings }) => timings.decodeMs);
    const roles = ["base", "expert", "antiexpert"] as const;
    const decoding = Object.fromEntries(
        roles.map((role) => {
            const whole = sum(({ timings }) => timings.roles[role].decodeMs);
            const sampling = sum(({ timings }) => timings.roles[role].samplingMs);
            const steps = sum(({ timings }) => timings.roles[role].decodeSteps);
            const alone = onCpu ? whole - sampling : Math.min(whole, mean(bare.map((ms) => ms[role])) * steps);
            return [role, { whole, alone }];
        })
    ) as Record<(typeof roles)[number], { whole: number; alone: number }>;
    const whole = roles.reduce((ms, role) => ms + decoding[role].whole, 0);
    const alone = roles.reduce((ms, role) => ms + decoding[role].alone, 0);
    const all = Math.max(total, whole);
    return {
        base: decoding.base.alone / all,
        expert: decoding.expert.alone / all,
        antiexpert: decoding.antiexpert.alone / all,
        sampling: (whole - alone) / all,
        overhead: (all - whole) / all
    };
}
