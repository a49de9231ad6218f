// The whole of `rast bench`: engines one after the other, a record at the end.
import { availableParallelism, loadavg } from "node:os";
import { basename } from "node:path";
import { loadNative } from "../../native/binding.js";
import { llamaPackages, packageVersion } from "../../package-root.js";
import { recordSchema, type BenchRecord, type BenchResult } from "../record/schema.js";
import { quickestYardstick, warningsOf } from "../record/warnings.js";
import { runEngine, type EngineOutcome } from "./engine-run.js";
import { mergeLoads } from "./loads.js";
import { describeMachine } from "./machine.js";
import { benchMatrix } from "./matrix.js";
import { resolveBenchOptions, type BenchOptions, type ResolvedBenchOptions } from "./options.js";
import { Progress } from "./progress.js";
import { QuietGate } from "./quiet.js";

/**
 * Measures a matrix and gives its record.
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION before anything is loaded; what `loadRast` lists; ERR_LOAD_ABORTED
 *     when the signal aborts, at any time
 */
export async function runBench(options: BenchOptions): Promise<BenchRecord> {
    const resolved = resolveBenchOptions(options);
    const { addon, libraries, choice } = await loadNative();
    // the matrix depends on nothing that a load would tell but this: whether there are small models
    const engines = benchMatrix(resolved, hasPairs(resolved));
    const progress = new Progress(engines, resolved);
    const machine = await describeMachine(await addon.devices());
    const quiet = quietGate(resolved, progress);
    const loadBefore = loadAverage();
    const outcomes: EngineOutcome[] = [];
    // engines in turn, load by load, so that what changes with time changes all of them
    for (let load = 0; load < resolved.loads; ++load) {
        for (const engine of engines) outcomes.push(await runEngine(engine, resolved, addon, progress, quiet));
    }
    // where engines differ in layers on a GPU, the last one speaks for all
    const { models, backend } = outcomes.at(-1)!;
    return {
        schema: recordSchema,
        date: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
        command: resolved.command,
        machine,
        versions: {
            rast: packageVersion(),
            nodeLlamaCpp: Object.values(llamaPackages())[0] ?? "",
            llamaCpp: addon.buildInfo().llamaTag,
            ggml: libraries.ggmlVersion,
            ggmlCommit: libraries.ggmlCommit
        },
        backend,
        backendReason: choice.reason,
        trio: trioName(resolved),
        models,
        repetitions: resolved.repetitions,
        loads: resolved.loads,
        activity: { loadBefore, loadAfter: loadAverage(), waitedMs: quiet?.waitedMs ?? null },
        warnings: quiet?.gaveUp === true ? [`the machine was not quiet within ${resolved.waitQuiet} s`] : [],
        seed: resolved.seed,
        memory: outcomes.slice(0, engines.length).map(({ memory }) => memory),
        results: withWarnings(sortResults(mergeLoads(outcomes.flatMap(({ results }) => results))))
    };
}

function quietGate(options: ResolvedBenchOptions, progress: Progress): QuietGate | undefined {
    const { waitQuiet } = options;
    if (waitQuiet === undefined) return undefined;
    return new QuietGate(1000 * waitQuiet, (what) => progress.waiting(what), { cpuCount: availableParallelism() });
}

function loadAverage(): number | null {
    return process.platform === "win32" ? null : loadavg()[0]!;
}

// A bundled trio by its name, others by their file's.
function trioName({ models: { trio } }: ResolvedBenchOptions): string | null {
    return trio === undefined ? null : basename(trio).replace(/\.json$/, "");
}

function withWarnings(results: readonly BenchResult[]): BenchResult[] {
    const facts = { cores: availableParallelism(), yardstickMs: quickestYardstick(results) };
    return results.map((row) => ({ ...row, warnings: warningsOf(row, facts) }));
}

// A trio has a pair by definition.
function hasPairs({ models }: ResolvedBenchOptions): boolean {
    return models.trio !== undefined || models.expert !== undefined || models.pairs !== undefined;
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
