import { isDeepStrictEqual } from "node:util";
import { describeError, shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
import { checkModelFile } from "../models/files.js";
import { resolveTrio, type Trio } from "../trio/trio.js";
import type { NativeEngineInfo, NativeLibraries, NativeModelFacts } from "../native/addon-types.js";
import type { SpecialTokens } from "../trio/special-tokens.js";
import type { EngineHost } from "../native/engine-host.js";
import type { BackendChoice } from "../native/libraries.js";
import { abortReason, isAborted, watchSignal } from "../engine/abort-signals.js";
import { deliverSteps, EngineCore, type EngineFacts, type RunningRequest } from "../engine/engine-core.js";
import { makeRast, type Rast } from "../engine/engine.js";
import { buildModelInfo, rolePlaces, workerPlaces, type ModelInfo, type RastInfo } from "../engine/info.js";
import { inspectAdapters, restoreAdapters, type AdaptersByModel } from "./adapters.js";
import { prepareConfig, type PreparedConfig } from "./load-config.js";
import { resolveLoadOptions, type LoadOptions, type ResolvedLoadOptions } from "./load-options.js";
import { learnedCostsOf } from "./learned-costs.js";
import { progressReporter, type ProgressReporter } from "./load-progress.js";
import { allModels, combineModels, describeRole, mapModels, type ModelChoice, type ModelSet } from "./model-set.js";
import { tryModels } from "./model-trial.js";
import { defaultSpecialTokens, nativeRule, type SpecialTokensByPath } from "./special-tokens.js";

/** The native side, as `loadNative` gives it. */
export interface LoadedNative {
    readonly addon: EngineHost;
    readonly libraries: NativeLibraries;
    readonly choice: BackendChoice;
    /** Ends at once what was started for one load alone, its engine too. */
    close?(): Promise<void>;
    /** Takes what is to be done before that engine is loaded anew, where it may be. */
    beforeRestart?(work: () => Promise<void>): void;
}

/**
 * Loads the models of a trio (or a base alone) and gets them ready to generate.
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION; for files ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_FILE_EMPTY,
 *     ERR_IS_DIRECTORY, ERR_NOT_GGUF, ERR_MODEL_TRUNCATED, ERR_MODEL_INVALID, ERR_TRIO_FILE, ERR_UNKNOWN_TRIO; for
 *     models that do not belong together ERR_NO_TOKENIZER, ERR_TOKENIZER_MISMATCH; for the machine
 *     ERR_DEVICE_NOT_FOUND, ERR_INSUFFICIENT_MEMORY, ERR_MODEL_LOAD, ERR_CONTEXT_CREATE; for the installation
 *     ERR_ADDON_MISSING, ERR_ADDON_INVALID, ERR_LIBRARIES, ERR_VERSION_MISMATCH, ERR_BACKEND_UNAVAILABLE;
 *     for workers ERR_WORKER_UNREACHABLE, ERR_WORKER_REFUSED, ERR_WORKER_VERSION, ERR_WORKER_LOST;
 *     for adapters ERR_ADAPTER_INVALID, ERR_ADAPTER_MISMATCH, ERR_ADAPTER_UNSUPPORTED, ERR_ADAPTER_LOAD;
 *     ERR_LOAD_ABORTED when the signal aborts or `onProgress` throws; with `isolate` ERR_ENGINE_CRASHED
 * @example
 * ```ts
 * import { loadRast } from "rast-llama";
 *
 * const rast = await loadRast({
 *     trio: "demo", // or base: "base.gguf", expert: "small-rl.gguf", antiexpert: "small.gguf"
 *     contextSize: 512,
 *     onProgress: ({ role, overall }) => console.log(role, overall)
 * });
 * console.log(rast.info.base.description, "on", rast.info.base.device);
 * await rast.dispose();
 * ```
 */
export function loadRast(options: LoadOptions): Promise<Rast> {
    return loadRastWith(options, async ({ isolate, signal }) => {
        if (isolate === undefined) return (await import("../native/binding.js")).loadNative();
        const { startIsolated } = await import("../isolate/start.js");
        return startIsolated(isolate, (abort) => watchSignal(signal, abort));
    });
}

/** `loadRast` over any native side; tests hand in their own. */
export async function loadRastWith(
    options: LoadOptions,
    loadNative: (options: ResolvedLoadOptions) => Promise<LoadedNative>
): Promise<Rast> {
    const resolved = resolveLoadOptions(options);
    const assertWanted = (): void => {
        if (isAborted(resolved.signal)) throw loadAborted(resolved.signal!);
    };
    assertWanted();
    const trio = resolved.trio === undefined ? undefined : await resolveTrio(resolved.trio);
    const models = combineModels(resolved, trio);
    const bytes = await checkFiles(models);
    assertWanted();
    let native: LoadedNative | undefined;
    let forgetSignal = (): void => {};
    try {
        native = await loadNative(resolved);
        assertWanted();
        if (native.close !== undefined) forgetSignal = watchSignal(resolved.signal, () => void native?.close?.());
        if (resolved.rpc.length > 0) {
            const silenceMs = resolved.workerTimeoutMs;
            await native.addon.connectWorkers(resolved.rpc.map((endpoint) => ({ ...endpoint, silenceMs })));
            assertWanted();
        }
        const facts = await inspectModels(native.addon, models);
        assertWanted();
        const adapters = await inspectAdapters(native.addon, models, facts);
        native.beforeRestart?.(() => restoreAdapters(adapters, facts));
        assertWanted();
        const rule = resolved.specialTokens ?? trio?.specialTokens ?? defaultSpecialTokens;
        const specialTokens = await compareTokenizers(native.addon, [...facts.keys()], rule);
        assertWanted();
        const prepared = await prepareConfig(native.addon, resolved, models, facts, specialTokens, adapters);
        assertWanted();
        const notes = [...sameFiles(models), ...prepared.notes];
        if (resolved.tryModels) {
            notes.push(...(await tryModels(native.libraries, allModels(models), facts, adapters, resolved.signal)));
            assertWanted();
        }
        const progress = progressReporter(resolved.onProgress, bytes);
        const input = { native, options: resolved, trio, models, facts, specialTokens, adapters, progress };
        return await startEngine({ ...input, ...prepared, notes });
    } catch (error) {
        await native?.close?.();
        assertWanted(); // what was ended for that reason has errors of its own
        throw error;
    } finally {
        forgetSignal();
    }
}

// What is most likely a slip: its delta is zero.
function sameFiles({ pairs }: ModelSet): string[] {
    return pairs
        .flatMap(({ expert, antiexpert }) => {
            if (expert.path !== antiexpert.path || !isDeepStrictEqual(expert.adapters, antiexpert.adapters)) return [];
            const what = expert.adapters.length === 0 ? "file" : "file with the same adapter";
            const outcome = pairs.length === 1 ? "texts are the base's own" : "the pair adds nothing";
            return [
                `${describeRole(expert)} and ${describeRole(antiexpert)} are the same ${what}: their delta is zero, and ${outcome}.`
            ];
        })
        .map((note) => note.charAt(0).toUpperCase() + note.slice(1));
}

/** Bytes of every model, by path, as one file may serve two roles. @throws what `checkModelFile` does */
export async function checkFiles(models: ModelSet): Promise<Map<ModelChoice, number>> {
    const bytes = new Map<ModelChoice, number>();
    for (const model of allModels(models)) {
        const details = { role: model.role, pair: model.pair };
        bytes.set(model, await checkModelFile(model.path, { what: describeRole(model), details }));
    }
    return bytes;
}

// All at the same time, as a large vocabulary takes a while to read; the error is that of the first that has one.
async function inspectModels(addon: EngineHost, models: ModelSet): Promise<Map<string, NativeModelFacts>> {
    const chosen = new Map<string, ModelChoice>();
    for (const model of allModels(models)) if (!chosen.has(model.path)) chosen.set(model.path, model);
    const found = await Promise.allSettled([...chosen.values()].map((model) => inspectModel(addon, model)));
    return new Map(
        [...chosen.keys()].map((path, index) => {
            const one = found[index]!;
            if (one.status === "rejected") throw one.reason;
            return [path, one.value];
        })
    );
}

async function compareTokenizers(
    addon: EngineHost,
    paths: readonly string[],
    rule: SpecialTokens
): Promise<SpecialTokensByPath> {
    const small = paths.slice(1);
    const found = small.length > 0 ? await addon.compareTokenizers(paths, nativeRule(rule)) : [];
    return new Map(small.map((path, index) => [path, found[index]!]));
}

async function inspectModel(addon: EngineHost, model: ModelChoice): Promise<NativeModelFacts> {
    const details = { role: model.role, pair: model.pair, path: model.path };
    const facts = await addon.inspectModel(model.path).catch((error: unknown) => {
        if (!(error instanceof RastError)) throw error;
        // Native code knows the file and not what it is for.
        const message = `The file for ${describeRole(model)} cannot be used: ${error.message}`;
        throw new RastError(error.code, message, { details: { ...details, ...error.details }, cause: error });
    });
    if (facts.tokenizerModel === null || facts.vocabularySize === 0) {
        const message = `The file for ${describeRole(model)} has no tokenizer: ${shortenMiddle(model.path)}`;
        throw new RastError("ERR_NO_TOKENIZER", message, { details });
    }
    return facts;
}

interface StartInput extends PreparedConfig {
    readonly native: LoadedNative;
    readonly options: ResolvedLoadOptions;
    readonly trio: Trio | undefined;
    readonly models: ModelSet;
    readonly facts: ReadonlyMap<string, NativeModelFacts>;
    readonly specialTokens: SpecialTokensByPath;
    readonly adapters: AdaptersByModel;
    readonly progress: ProgressReporter;
}

async function startEngine(input: StartInput): Promise<Rast> {
    const { native, options, progress } = input;
    const { addon } = native;
    const requests = new Map<number, RunningRequest>();
    const costs = learnedCostsOf(native.libraries, input.devices, input.config, options.learned);
    const learned = await costs.recall();
    if (isAborted(options.signal)) throw loadAborted(options.signal!);
    const engine = addon.engineCreate(
        { ...input.config, learned },
        (report) => {
            if (!progress.report(report)) void disposeQuietly(addon, engine.handle);
        },
        (steps) => {
            for (const step of steps) if (step.learned !== undefined) costs.take(step.learned);
            deliverSteps(requests, steps);
        }
    );
    const abort = (): void => void disposeQuietly(addon, engine.handle);
    let forgetSignal = (): void => {};
    try {
        forgetSignal = watchSignal(options.signal, abort);
        const info = await engine.ready;
        if (isAborted(options.signal) || progress.failure !== undefined) throw new Error("unwanted");
        const facts = await buildFacts(input, engine.handle, info);
        if (!info.costsRemembered) costs.take(info.learned);
        const core = new EngineCore({ addon, handle: engine.handle, native: info }, facts, requests, () =>
            costs.flush()
        );
        return makeRast(core, buildInfo(input, info));
    } catch (error) {
        await disposeQuietly(addon, engine.handle);
        if (progress.failure !== undefined) throw callbackFailed(progress.failure.error);
        if (isAborted(options.signal)) throw loadAborted(options.signal!);
        throw error;
    } finally {
        forgetSignal();
    }
}

// What went wrong before is what the caller is told.
async function disposeQuietly(addon: EngineHost, handle: number): Promise<void> {
    try {
        await addon.engineDispose(handle);
    } catch {
        return;
    }
}

function loadAborted(signal: AbortSignal): RastError {
    return new RastError("ERR_LOAD_ABORTED", "Loading was aborted.", { cause: abortReason(signal) });
}

function callbackFailed(error: unknown): RastError {
    const message = `Loading was aborted, as onProgress failed: ${describeError(error)}.`;
    return new RastError("ERR_LOAD_ABORTED", message, { cause: error });
}

async function buildFacts(
    { native: { addon }, options, config, trio, models, placements, devices }: StartInput,
    handle: number,
    info: NativeEngineInfo
): Promise<EngineFacts> {
    const special = async (token: number): Promise<string> =>
        token < 0 ? "" : addon.detokenize(handle, Int32Array.of(token), true, true);
    const { maxTokens, ...sampling } = trio?.sampling ?? {};
    return {
        slots: config.slots,
        context: {
            lambdas: models.lambdas,
            defaults: sampling,
            vocabularySize: info.vocabularySize,
            contextSize: info.contextSize,
            maxTokens,
            maxThinkingTokens: trio?.maxThinkingTokens,
            stop: trio?.stop ?? [],
            addBos: trio?.addBos,
            chat: { thinking: trio?.thinking, templateOptions: trio?.templateOptions },
            speculation: { ...options.speculation, maxDraft: config.maxDraft, possible: info.maxDraft }
        },
        promptTemplate: trio?.promptTemplate,
        bosText: await special(info.bosToken),
        eosText: await special(info.eosToken),
        devices: rolePlaces(
            info,
            placements.models.map((placed) => workerPlaces(placed, devices))
        ),
        overNetwork: options.rpc.length > 0,
        loadMs: info.loadMs
    };
}

function buildInfo(
    { native, options, trio, models, facts, specialTokens, adapters, placements, devices: known, notes }: StartInput,
    info: NativeEngineInfo
): RastInfo {
    const { base, pairs } = mapModels(models, (model, index): ModelInfo => {
        const { role, pair, path } = model;
        const { devices, cpuMoeLayers } = placements.models[index]!;
        const context = role === "base" ? info.base : info.pairs[pair]![role];
        const parts = {
            path,
            workers: workerPlaces(placements.models[index]!, known),
            devices,
            cpuMoeLayers,
            facts: facts.get(path)!,
            specialTokens: specialTokens.get(path) ?? [],
            adapters: adapters.get(model) ?? []
        };
        return buildModelInfo(parts, context);
    });
    return {
        trio: trio?.name ?? null,
        base,
        pairs: pairs.map((pair, index) => ({ ...pair, lambda: models.lambdas[index]! })),
        path: info.samplerPath,
        pathReason: info.samplerReason,
        backend: native.choice,
        libraries: native.libraries,
        contextSize: info.contextSize,
        parallel: options.parallel,
        maxDraft: info.maxDraft,
        draftReason: info.draftReason === "" ? null : info.draftReason,
        draftCosts:
            info.draftReason !== "" || info.maxDraft === 0 ? null : info.costsRemembered ? "remembered" : "measured",
        vocabularySize: info.vocabularySize,
        drawableTokens: info.drawableTokens,
        bosToken: info.bosToken,
        eosToken: info.eosToken,
        hasChatTemplate: info.chatTemplate !== null,
        loadMs: info.loadMs,
        notes
    };
}
