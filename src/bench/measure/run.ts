// The whole of `rast bench`: engines one after the other, a record at the end.
import { basename } from "node:path";
import type { Rast } from "../../engine/engine.js";
import type { ModelInfo } from "../../engine/info.js";
import { loadRast } from "../../engine/load.js";
import { RastError } from "../../errors.js";
import { loadNative } from "../../native/binding.js";
import type { NativeAddon } from "../../native/addon-types.js";
import { dependencyVersion, packageVersion } from "../../package-root.js";
import { resolveBenchOptions, type BenchOptions, type ResolvedBenchOptions } from "./options.js";
import { describeMachine, residentMemory, startPeak } from "./machine.js";
import { measureEngine, warmUp, type MeasureContext } from "./samples.js";
import { startPeer, type Peer } from "./peer.js";
import { isPeer, planBench, testName, type PlannedCase, type PlannedEngine } from "./matrix.js";
import { PromptSource } from "./prompts.js";
import { memoryByPart } from "../record/memory.js";
import {
    recordSchema,
    type BenchMemory,
    type BenchModel,
    type BenchPeer,
    type BenchRecord,
    type BenchResult
} from "../record/schema.js";

/**
 * Measures a matrix and gives its record.
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION before anything is loaded; what `loadRast` lists; ERR_LOAD_ABORTED
 *     when the signal aborts, at any time
 */
export async function runBench(options: BenchOptions): Promise<BenchRecord> {
    const resolved = resolveBenchOptions(options);
    const { addon, libraries, choice } = await loadNative();
    // the plan depends on nothing that a load would tell but this: whether there are small models
    const engines = planBench(resolved, hasPairs(resolved));
    const progress = new Progress(engines, resolved);
    const machine = await describeMachine(await addon.devices());
    const results: BenchResult[] = [];
    const memory: BenchMemory[] = [];
    let models: readonly BenchModel[] = [];
    let backend = "";
    for (const engine of engines) {
        const measured = await runEngine(engine, resolved, addon, progress);
        results.push(...measured.results);
        memory.push(measured.memory);
        models = measured.models;
        backend = measured.backend;
    }
    return {
        schema: recordSchema,
        date: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
        command: resolved.command,
        machine,
        versions: {
            rast: packageVersion(),
            nodeLlamaCpp: dependencyVersion("node-llama-cpp"),
            llamaCpp: addon.buildInfo().llamaTag,
            ggml: libraries.ggmlVersion,
            ggmlCommit: libraries.ggmlCommit
        },
        backend,
        backendReason: choice.reason,
        models,
        repetitions: resolved.repetitions,
        seed: resolved.seed,
        memory,
        results: sortResults(results)
    };
}

// A trio has a pair by definition.
function hasPairs({ models }: ResolvedBenchOptions): boolean {
    return models.trio !== undefined || models.expert !== undefined || models.pairs !== undefined;
}

async function runEngine(
    engine: PlannedEngine,
    options: ResolvedBenchOptions,
    addon: NativeAddon,
    progress: Progress
): Promise<{ results: BenchResult[]; memory: BenchMemory; models: BenchModel[]; backend: string }> {
    const assertWanted = (): void => {
        if (options.signal?.aborted !== true) return;
        throw new RastError("ERR_LOAD_ABORTED", "The benchmark was aborted.", { cause: options.signal.reason });
    };
    assertWanted();
    progress.loading();
    const free = await freeDeviceMemory(addon);
    const before = (await startPeak()) ? await residentMemory() : null;
    const { threads, ...load } = engine.load;
    const rast = await loadRast({
        ...options.models,
        ...load,
        ...(threads === undefined ? {} : { threads }),
        onProgress: ({ overall }) => progress.loading(overall),
        ...(options.signal === undefined ? {} : { signal: options.signal })
    });
    const rivals = new Map<BenchPeer, Peer>();
    try {
        assertFits(rast, engine);
        const text =
            options.promptText === undefined ? [] : await rast.tokenize(options.promptText, { parseSpecial: false });
        const prompts = new PromptSource(rast.info.drawableTokens, text);
        const context: MeasureContext = {
            rast,
            engine,
            options,
            prompts,
            rivals,
            onSample: (one, repetition) => {
                assertWanted();
                progress.sample(one, repetition);
            }
        };
        // before anything else takes memory: every row once, with nothing but the engine
        const own = { ...context, engine: { ...engine, cases: engine.cases.filter((one) => !isPeer(one.mode)) } };
        await warmUp(own);
        const models = await modelsOf(rast, addon);
        const memory = await memoryOf(rast, engine, models, before, free, addon);
        for (const peer of options.peers) {
            if (engine.cases.some((one) => one.mode === peer))
                rivals.set(peer, await startRival(peer, rast, engine, options));
        }
        if (rivals.size > 0)
            await warmUp({ ...context, engine: { ...engine, cases: engine.cases.filter((one) => isPeer(one.mode)) } });
        const results = await measureEngine(context);
        assertWanted();
        const { device } = rast.info.base;
        const backend = (await addon.devices()).find(({ name }) => name === device)?.backend ?? device;
        return { results, memory, models, backend };
    } finally {
        for (const rival of rivals.values()) await rival.dispose();
        await rast.dispose();
    }
}

// A context is cut to what the models were made for.
function assertFits({ info }: Rast, { cases }: PlannedEngine): void {
    const longest = cases.reduce((most, one) => (one.depth + one.tokens > most.depth + most.tokens ? one : most));
    const needed = longest.depth + longest.tokens + 1;
    if (needed <= info.contextSize) return;
    throw new RastError(
        "ERR_INVALID_OPTION",
        `${testName(longest)} needs ${needed} tokens of context, and these models have ${info.contextSize}: choose less.`,
        { details: { option: "prompts", needed, contextSize: info.contextSize } }
    );
}

async function startRival(
    name: BenchPeer,
    rast: Rast,
    engine: PlannedEngine,
    options: ResolvedBenchOptions
): Promise<Peer> {
    const { base, pairs } = rast.info;
    return startPeer({
        name,
        base: base.path,
        expert: pairs[0]!.expert.path,
        antiexpert: pairs[0]!.antiexpert.path,
        contextSize: engine.load.contextSize ?? 4096,
        threads: base.threads,
        gpu: base.gpuLayers > 0 ? "auto" : false,
        ...(options.signal === undefined ? {} : { signal: options.signal })
    });
}

function modelInfos({ info }: Rast): readonly ModelInfo[] {
    return [info.base, ...info.pairs.flatMap(({ expert, antiexpert }) => [expert, antiexpert])];
}

async function modelsOf(rast: Rast, addon: NativeAddon): Promise<BenchModel[]> {
    return Promise.all(
        modelInfos(rast).map(async (info, index): Promise<BenchModel> => {
            const { description, quantization, parameterCount, vocabularySize } = info;
            return {
                role: index === 0 ? "base" : index % 2 === 1 ? "expert" : "antiexpert",
                pair: index === 0 ? 0 : (index - 1) >> 1,
                file: basename(info.path),
                fileBytes: (await addon.inspectModel(info.path)).fileBytes,
                description,
                quantization,
                parameterCount,
                vocabularySize
            };
        })
    );
}

async function freeDeviceMemory(addon: NativeAddon): Promise<number | null> {
    const devices = (await addon.devices()).filter(({ type }) => type !== "cpu");
    return devices.length === 0 ? null : devices.reduce((sum, { memoryFreeBytes }) => sum + memoryFreeBytes, 0);
}

async function memoryOf(
    rast: Rast,
    { kind, load }: PlannedEngine,
    files: readonly BenchModel[],
    before: { readonly now: number } | null,
    freeBefore: number | null,
    addon: NativeAddon
): Promise<BenchMemory> {
    const after = before === null ? null : await residentMemory();
    const freeAfter = await freeDeviceMemory(addon);
    const models = modelInfos(rast).map(({ memory }, index) => {
        const { role, pair, fileBytes } = files[index]!;
        return { role, pair, fileBytes, ...memory };
    });
    return {
        threads: rast.info.base.threads,
        gpuLayers: rast.info.base.gpuLayers,
        kvType: load.kvType ?? "f16",
        sampler: rast.info.path,
        speculation: kind === "draft",
        contextSize: rast.info.contextSize,
        sequences: rast.info.parallel,
        models,
        accountedBytes: memoryByPart({ models }).reduce((sum, bytes) => sum + bytes),
        peakBytes: before === null || after === null ? null : after.peak - before.now,
        deviceBytes: freeBefore === null || freeAfter === null ? null : freeBefore - freeAfter
    };
}

const modeOrder = ["base", "device", "draft", "host", "node-llama-cpp"];

// By test and settings, so that what is to be compared stands together; modes in an order of their own.
function sortResults(results: readonly BenchResult[]): BenchResult[] {
    const key = (one: BenchResult): (string | number)[] => [
        one.threads,
        one.gpuLayers,
        one.kvType,
        one.kind,
        one.depth,
        one.tokens,
        one.sequences,
        -one.temperature,
        modeOrder.indexOf(one.mode)
    ];
    return [...results].sort((a, b) => {
        const [left, right] = [key(a), key(b)];
        const at = left.findIndex((value, index) => value !== right[index]);
        if (at < 0) return 0;
        return left[at]! < right[at]! ? -1 : 1;
    });
}

/** Says what is being done, and how much of all samples is done. */
class Progress {
    readonly #all: number;
    readonly #options: ResolvedBenchOptions;
    #done = 0;
    #fraction = 0;

    constructor(engines: readonly PlannedEngine[], options: ResolvedBenchOptions) {
        const cases = engines.reduce((sum, { cases }) => sum + cases.length, 0);
        this.#all = cases * (options.repetitions + 1);
        this.#options = options;
    }

    loading(fraction = 0): void {
        this.#options.onProgress(`loading ${Math.floor(fraction * 100)}%`, this.#fraction);
    }

    sample(one: PlannedCase, repetition: number): void {
        const parallel = one.sequences > 1 ? ` x ${one.sequences}` : "";
        const turn = repetition === 0 ? "warm-up" : `${repetition} of ${this.#options.repetitions}`;
        this.#fraction = this.#done / this.#all;
        this.#done += 1;
        this.#options.onProgress(`${testName(one)}${parallel} ${one.mode}, ${turn}`, this.#fraction);
    }
}
