// The rows of one engine, measured in turn, so that all see the same machine.
import { availableParallelism } from "node:os";
import type { RastResult } from "../../engine/results.js";
import type { BenchNetwork, BenchResult } from "../record/schema.js";
import { mean, median } from "../record/statistics.js";
import { bareSteps, idealRate, meanStep, stepsBeside, type BareStep } from "./baseline.js";
import { isPeer, testName, type MatrixCase } from "./matrix.js";
import { NoiseMeter } from "./noise.js";
import { sampleOf, type MeasureContext, type Sample } from "./samples.js";
import { sharesOf } from "./shares.js";

interface Series {
    readonly one: MatrixCase;
    readonly samples: Sample[];
    readonly ideals: number[];
    /** The baseline of every sample. */
    readonly bare: BareStep[];
    readonly meter: NoiseMeter;
}

/** Runs rows once, so that graphs are built and everything is in memory that will be. */
export async function warmUp(context: MeasureContext, cases: readonly MatrixCase[]): Promise<void> {
    for (const one of cases) {
        context.onSample(one, 0);
        await sampleOf(context, one, 0);
    }
}

/** Measures all rows of an engine. @returns one result per row; warnings need all engines' rows */
export async function measureRows(context: MeasureContext): Promise<BenchResult[]> {
    const { engine, options } = context;
    const all = engine.cases.map((one): Series => {
        return { one, samples: [], ideals: [], bare: [], meter: new NoiseMeter(availableParallelism()) };
    });
    // the first bare decodes make contexts and graphs
    if (options.ideal) for (const { one } of all) await bareSteps(context, one, 2);
    for (let repetition = 1; repetition <= options.repetitions; ++repetition) {
        await context.quiet?.pass(options.signal);
        for (const series of all) await measureOnce(context, series, repetition);
    }
    return all.map((series) => resultOf(context, series));
}

async function measureOnce(
    context: MeasureContext,
    { one, samples, ideals, bare, meter }: Series,
    repetition: number
): Promise<void> {
    context.onSample(one, repetition);
    const steps = stepsBeside(one);
    const before = context.options.ideal ? await bareSteps(context, one, steps) : undefined;
    samples.push(await meter.around(() => sampleOf(context, one, repetition)));
    if (before === undefined) return;
    const both = meanStep(before, await bareSteps(context, one, steps));
    bare.push(both);
    ideals.push(idealRate(one, both));
}

type Described = "hostBytesPerToken" | "shares" | "stepMs" | "agreement" | "tokensPerRound" | "network" | "path";

function resultOf(context: MeasureContext, series: Series): BenchResult {
    const { one, samples, ideals } = series;
    const { engine, options } = context;
    const { info } = context.rast;
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
        ...described(context, series),
        noise: series.meter.noise(isPeer(one.mode)),
        warnings: []
    };
}

// What the engine's own results say of a row; nothing of a peer's.
function described({ rast, engine }: MeasureContext, { one, samples, bare }: Series): Pick<BenchResult, Described> {
    const { info } = rast;
    const all = samples.flatMap((sample) => sample.results);
    const sum = (of: (result: RastResult) => number): number => all.reduce((total, result) => total + of(result), 0);
    const drawn = sum(({ usage }) => usage.completionTokens);
    const rounds = sum(({ speculation }) => speculation.rounds);
    const ours = all.length > 0;
    const generated = ours && one.kind === "tg";
    const agreements = all.flatMap(({ speculation }) => speculation.agreement ?? []);
    return {
        hostBytesPerToken: generated ? sum((result) => result.hostBytes + result.hostRowBytes) / drawn : null,
        shares: generated ? sharesOf(all, bare, info.base.device === "CPU") : null,
        stepMs: generated ? median(all.map(stepMs)) : null,
        agreement: agreements.length > 0 ? mean(agreements) : null,
        tokensPerRound: engine.kind === "draft" && generated && rounds > 0 ? drawn / rounds : null,
        network: generated ? networkOf(all) : null,
        path: ours ? `${info.path}: ${info.pathReason}` : ""
    };
}

// Texts that run together share decodes, and each is told of all that these used: a mean is one text's.
function networkOf(results: readonly RastResult[]): BenchNetwork | null {
    const remote = results.flatMap(({ network, usage, timings }) =>
        network === null ? [] : [{ network, tokens: usage.completionTokens - 1, timings }]
    );
    const tokens = remote.reduce((total, one) => total + one.tokens, 0);
    if (tokens < 1) return null;
    const perToken = (of: (one: (typeof remote)[number]) => number): number =>
        remote.reduce((total, one) => total + of(one), 0) / tokens;
    const networkMs = perToken(({ network }) => network.networkMs);
    const workerMs = perToken(({ network }) => network.workerMs);
    return {
        bytes: perToken(({ network }) => network.sentBytes + network.receivedBytes),
        networkMs,
        workerMs,
        hereMs: Math.max(0, perToken(({ timings }) => timings.decodeMs) - networkMs - workerMs),
        waits: perToken(({ network }) => network.waits)
    };
}

function stepMs({ timings }: RastResult): number {
    return timings.decodeMs / Math.max(1, timings.roles.base.decodeSteps);
}
