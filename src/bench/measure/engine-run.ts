// One engine of the matrix, from its load to its end: its memory while nothing is beside it, then peers, then all rows.
import type { Rast } from "../../engine/engine.js";
import { loadRast } from "../../loading/load.js";
import { RastError } from "../../errors.js";
import type { NativeAddon } from "../../native/addon-types.js";
import type { BenchMemory, BenchModel, BenchPeer, BenchResult } from "../record/schema.js";
import { isPeer, testName, type MatrixEngine } from "./matrix.js";
import { memoryBefore, memoryOf } from "./memory.js";
import { describeModels } from "./models.js";
import type { ResolvedBenchOptions } from "./options.js";
import { startPeer, type Peer } from "./peer.js";
import type { Progress } from "./progress.js";
import { PromptSource } from "./prompts.js";
import type { QuietGate } from "./quiet.js";
import { measureRows, warmUp } from "./rows.js";
import type { MeasureContext } from "./samples.js";

/** What came of an engine. */
export interface EngineOutcome {
    readonly results: readonly BenchResult[];
    readonly memory: BenchMemory;
    readonly models: readonly BenchModel[];
    /** What holds the base's output layer. */
    readonly backend: string;
}

/** Loads an engine, measures its rows and ends it. @throws what `runBench` lists */
export async function runEngine(
    engine: MatrixEngine,
    options: ResolvedBenchOptions,
    addon: NativeAddon,
    progress: Progress,
    quiet: QuietGate | undefined
): Promise<EngineOutcome> {
    assertWanted(options);
    progress.loading();
    const before = await memoryBefore(addon);
    const rast = await loadEngine(engine, options, progress);
    const peers = new Map<BenchPeer, Peer>();
    try {
        assertFits(rast, engine);
        const context: MeasureContext = {
            rast,
            engine,
            options,
            prompts: await promptsOf(rast, options),
            peers,
            quiet,
            onSample: (one, repetition) => {
                assertWanted(options);
                progress.sample(one, repetition);
            }
        };
        // before anything else takes memory: every row once, with nothing but the engine
        const ofPeers = engine.cases.filter((one) => isPeer(one.mode));
        const own = engine.cases.filter((one) => !ofPeers.includes(one));
        await warmUp(context, own);
        const models = await describeModels(rast, addon);
        const memory = await memoryOf(rast, engine, models, before, addon);
        for (const peer of options.peers) {
            if (ofPeers.some((one) => one.mode === peer)) peers.set(peer, await startBeside(peer, context));
        }
        await warmUp(context, ofPeers);
        const results = await measureRows(context);
        assertWanted(options);
        return { results, memory, models, backend: await backendOf(rast, addon) };
    } finally {
        for (const peer of peers.values()) await peer.dispose();
        await rast.dispose();
    }
}

function assertWanted({ signal }: ResolvedBenchOptions): void {
    if (signal?.aborted !== true) return;
    throw new RastError("ERR_LOAD_ABORTED", "The benchmark was aborted.", { cause: signal.reason });
}

async function loadEngine(engine: MatrixEngine, options: ResolvedBenchOptions, progress: Progress): Promise<Rast> {
    const { threads, ...load } = engine.load;
    return loadRast({
        ...options.models,
        ...load,
        ...(threads === undefined ? {} : { threads }),
        onProgress: ({ overall }) => progress.loading(overall),
        ...(options.signal === undefined ? {} : { signal: options.signal })
    });
}

// A context is cut to what the models were made for.
function assertFits({ info }: Rast, { cases }: MatrixEngine): void {
    const longest = cases.reduce((most, one) => (one.depth + one.tokens > most.depth + most.tokens ? one : most));
    const needed = longest.depth + longest.tokens + 1;
    if (needed <= info.contextSize) return;
    throw new RastError(
        "ERR_INVALID_OPTION",
        `${testName(longest)} needs ${needed} tokens of context, and these models have ${info.contextSize}: choose less.`,
        { details: { option: "prompts", needed, contextSize: info.contextSize } }
    );
}

async function promptsOf(rast: Rast, { promptText }: ResolvedBenchOptions): Promise<PromptSource> {
    const text = promptText === undefined ? [] : await rast.tokenize(promptText, { parseSpecial: false });
    return new PromptSource(rast.info.drawableTokens, text);
}

// The peer loads the same files, on the same threads.
async function startBeside(name: BenchPeer, { rast, engine, options }: MeasureContext): Promise<Peer> {
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

async function backendOf(rast: Rast, addon: NativeAddon): Promise<string> {
    const { device, workers } = rast.info.base;
    const own = (await addon.devices()).find(({ name }) => name === device)?.backend ?? device;
    // as llama-bench writes it
    return workers.length === 0 ? own : `${own},RPC`;
}
