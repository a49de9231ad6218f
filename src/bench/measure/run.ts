// The whole of `rast bench`: engines one after the other, a record at the end.
import { loadNative } from "../../native/binding.js";
import { llamaPackages, packageVersion } from "../../package-root.js";
import { recordSchema, type BenchRecord, type BenchResult } from "../record/schema.js";
import { runEngine, type EngineOutcome } from "./engine-run.js";
import { describeMachine } from "./machine.js";
import { benchMatrix } from "./matrix.js";
import { resolveBenchOptions, type BenchOptions, type ResolvedBenchOptions } from "./options.js";
import { Progress } from "./progress.js";

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
    const outcomes: EngineOutcome[] = [];
    for (const engine of engines) outcomes.push(await runEngine(engine, resolved, addon, progress));
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
        models,
        repetitions: resolved.repetitions,
        seed: resolved.seed,
        memory: outcomes.map(({ memory }) => memory),
        results: sortResults(outcomes.flatMap(({ results }) => results))
    };
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
