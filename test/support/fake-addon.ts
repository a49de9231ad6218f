// An addon without llama.cpp: the seam's rules in a few lines, so that the TypeScript above it can be tested alone.
import { RastError } from "../../src/errors.js";
import type {
    NativeAdapterFacts,
    NativeAddon,
    NativeContextInfo,
    NativeDevice,
    NativeDifference,
    NativeEngineConfig,
    NativeEngineInfo,
    NativeGgufLayout,
    NativeModelConfig,
    NativeModelFacts,
    NativeModelTensor,
    NativeProgress,
    NativeRequest,
    NativeRequestResult,
    NativeRoleTimes,
    NativeSpecialToken,
    NativeSpecialTokenRule,
    NativeStep,
    NativeStopReason,
    NativeTensorComparison,
    NativeTensorType,
    NativeTextComparison,
    NativeTokenizerMatch,
    NativeTokenizing,
    NativeTokens,
    NativeWorker
} from "../../src/native/addon-types.js";
import type { LoadedNative } from "../../src/loading/load.js";

/** What a fake addon pretends. */
export interface FakeSettings {
    /** Text of each step; a step has one token. */
    completion?: readonly string[];
    /** Steps are sent by hand, with `step()`. */
    manual?: boolean;
    /** A step is at work that no cancelling ends. */
    stuck?: boolean;
    /** Loading waits for `finishLoading()`. */
    holdLoading?: boolean;
    /** Reading a state waits for `finishState()`. */
    holdState?: boolean;
    loadError?: RastError;
    /** The engine fails on the request at this step. */
    failAtStep?: number;
    /** Only requests of this ordinal fail. */
    failOrdinal?: number;
    /** Tokens of a request, when it is not the whole completion. */
    lengthOf?: (request: NativeRequest) => number;
    addBos?: boolean;
    chatTemplate?: string | null;
    devices?: readonly NativeDevice[];
    facts?: (path: string) => Partial<NativeModelFacts>;
    adapterFacts?: (path: string) => Partial<NativeAdapterFacts>;
    adapterError?: RastError;
    compareError?: RastError;
    specialTokens?: (path: string) => readonly NativeSpecialToken[];
}

interface FakeRun {
    readonly id: number;
    readonly request: NativeRequest;
    sent: number;
    cancelled: boolean;
    reasons?: boolean;
    reasoningTokens?: number;
}

interface FakeEngine {
    readonly config: NativeEngineConfig;
    readonly onProgress: (progress: NativeProgress) => void;
    readonly onSteps: (steps: readonly NativeStep[]) => void;
    readonly runs: FakeRun[];
    ready: boolean;
    /** Rejects `ready`. */
    fail: (error: unknown) => void;
    finish: () => void;
}

const idle: NativeRoleTimes = { prefillMs: 1, decodeMs: 2, samplingMs: 0.5, prefillTokens: 3, decodeSteps: 4 };
export const bosToken = 1;
export const eosToken = 2;
const vocabularySize = 256;

export const cpuDevice: NativeDevice = {
    name: "CPU",
    description: "A processor",
    type: "cpu",
    backend: "CPU",
    memoryFreeBytes: 8 * 2 ** 30,
    memoryTotalBytes: 16 * 2 ** 30
};

export function gpuDevice(name: string, freeBytes: number, totalBytes = freeBytes): NativeDevice {
    return {
        name,
        description: "A graphics card",
        type: "gpu",
        backend: name.replace(/\d+$/, ""),
        memoryFreeBytes: freeBytes,
        memoryTotalBytes: totalBytes
    };
}

export function modelFacts(changes: Partial<NativeModelFacts> = {}): NativeModelFacts {
    return {
        architecture: "llama",
        name: null,
        fileBytes: 1000,
        files: [],
        layers: 2,
        contextLength: 128,
        embeddingLength: 64,
        headCount: 2,
        kvHeadCount: 2,
        kvElementsPerToken: { k: 64, v: 64 },
        stateBytes: 0,
        vocabularySize,
        tokenizerModel: "gpt2",
        chatTemplate: null,
        layerBytes: [100, 100],
        expertBytes: [0, 0],
        outputBytes: 50,
        tiedOutput: false,
        embeddingBytes: 50,
        parameterCount: 1000,
        fingerprint: "0".repeat(64),
        quantization: "F16",
        finetune: null,
        baseModels: [],
        feedForwardLength: 128,
        mostHeads: 4,
        headWidth: 16,
        experts: 0,
        expertsUsed: 0,
        ...changes
    };
}

export function adapterFacts(changes: Partial<NativeAdapterFacts> = {}): NativeAdapterFacts {
    return {
        fileBytes: 100,
        tensorBytes: 80,
        targets: ["blk.0.attn_q.weight"],
        rank: 4,
        alpha: 8,
        layerBytes: [40, 40],
        outputBytes: 0,
        embeddingBytes: 0,
        leftOut: [],
        fingerprint: "1".repeat(64),
        ...changes
    };
}

const pieceTokens = 100;
const quiet = { sentBytes: 0, receivedBytes: 0, waits: 0, waitMs: 0, workerMs: 0 };

export class FakeAddon implements NativeAddon {
    readonly submitted: NativeRequest[] = [];
    readonly configs: NativeEngineConfig[] = [];
    readonly cancelled: number[] = [];
    readonly workers: NativeWorker[] = [];
    /** Files of states. */
    readonly saved: string[] = [];
    /** Requests that found the queue full. */
    refused = 0;
    /** Of comparisons. */
    readonly rules: NativeSpecialTokenRule[] = [];
    readonly tokenized: { text: string; parseSpecial: boolean }[] = [];
    readonly #settings: FakeSettings;
    readonly #engines = new Map<number, FakeEngine>();
    readonly #heldStates: (() => void)[] = [];
    #stateRead = false;
    #nextHandle = 1;

    constructor(settings: FakeSettings = {}) {
        this.#settings = settings;
    }

    buildInfo(): ReturnType<NativeAddon["buildInfo"]> {
        return {
            addonVersion: "0.0.0",
            llamaTag: "v0.5.0",
            ggmlVersion: "1",
            ggmlCommit: "abc",
            compiler: "none",
            limits: {}
        };
    }

    async openLibraries(): ReturnType<NativeAddon["openLibraries"]> {
        return { ggmlVersion: "1", ggmlCommit: "abc", systemInfo: "", cpu: "", backends: [] };
    }

    async askWorker(): Promise<never> {
        throw new Error("not of this fake");
    }

    async connectWorkers(workers: readonly NativeWorker[]): Promise<void> {
        this.workers.push(...workers);
    }

    workerTraffic(): never[] {
        return [];
    }

    async serveWorker(): Promise<number> {
        throw new Error("not of this fake");
    }

    async devices(): Promise<readonly NativeDevice[]> {
        return this.#settings.devices ?? [cpuDevice];
    }

    async inspectModel(path: string): Promise<NativeModelFacts> {
        return modelFacts(this.#settings.facts?.(path));
    }

    async inspectAdapter(path: string): Promise<NativeAdapterFacts> {
        if (this.#settings.adapterError !== undefined) throw this.#settings.adapterError;
        return adapterFacts(this.#settings.adapterFacts?.(path));
    }

    async modelTensors(): Promise<readonly NativeModelTensor[]> {
        return [];
    }

    async takeDifference(): Promise<NativeDifference> {
        const none = { differenceEnergy: 0, keptEnergy: 0, antiexpertEnergy: 0, values: new Float64Array() };
        return { left: new Float32Array(), right: new Float32Array(), ...none };
    }

    stopDifference(): void {}

    async inspectHeaders(): Promise<NativeModelFacts | null> {
        return modelFacts();
    }

    async matchTokenizers(paths: readonly string[]): Promise<readonly NativeTokenizerMatch[]> {
        return paths
            .slice(1)
            .map((path) => ({ differences: [], specialTokens: this.#settings.specialTokens?.(path) ?? [] }));
    }

    async compareTensors(): Promise<NativeTensorComparison> {
        return { common: 1, onlyFirst: 0, onlySecond: 0, shapes: 0, types: 0, examples: [] };
    }

    async compareTokenizers(
        paths: readonly string[],
        rule: NativeSpecialTokenRule
    ): Promise<readonly (readonly NativeSpecialToken[])[]> {
        if (this.#settings.compareError !== undefined) throw this.#settings.compareError;
        this.rules.push(rule);
        return paths.slice(1).map((path) => this.#settings.specialTokens?.(path) ?? []);
    }

    engineCreate(
        config: NativeEngineConfig,
        onProgress: (progress: NativeProgress) => void,
        onSteps: (steps: readonly NativeStep[]) => void
    ): { handle: number; ready: Promise<NativeEngineInfo> } {
        const handle = this.#nextHandle++;
        this.configs.push(config);
        let finish!: () => void;
        let fail!: (error: unknown) => void;
        const ready = new Promise<NativeEngineInfo>((resolve, reject) => {
            finish = () => resolve(this.#engineInfo(config));
            fail = reject;
        });
        const engine: FakeEngine = { config, onProgress, onSteps, runs: [], ready: false, fail, finish };
        this.#engines.set(handle, engine);
        void this.#load(handle, engine);
        return { handle, ready };
    }

    engineSubmit(handle: number, id: number, request: NativeRequest): void {
        const engine = this.#engine(handle);
        if (engine.runs.length >= engine.config.slots + engine.config.maxQueue) {
            this.refused++;
            throw new RastError("ERR_QUEUE_FULL", "No more are taken in.");
        }
        this.submitted.push(request);
        const run: FakeRun = { id, request, sent: 0, cancelled: false };
        engine.runs.push(run);
        if (this.#settings.manual !== true) setImmediate(() => this.#runOn(handle));
    }

    engineCancel(handle: number, request: number): void {
        this.cancelled.push(request);
        const run = this.#engine(handle).runs.find((one) => one.id === request);
        if (run === undefined) return;
        run.cancelled = true;
        if (this.#settings.stuck === true) return;
        setImmediate(() => this.#end(handle, run, "abort"));
    }

    async engineDispose(handle: number): Promise<void> {
        const engine = this.#engines.get(handle);
        if (engine === undefined) return;
        engine.fail(new RastError("ERR_LOAD_ABORTED", "Loading was aborted."));
        await tick();
        for (const run of [...engine.runs]) this.#end(handle, run, "abort");
        this.#engines.delete(handle);
    }

    async grammarOfSchema(schema: string, ignoreUnsupported: boolean): Promise<string> {
        return `root ::= ${JSON.stringify(schema)}${ignoreUnsupported ? " # loose" : ""}`;
    }

    async prepareGrammar(): Promise<void> {}

    dropGrammar(): void {}

    quantizations(): ReturnType<NativeAddon["quantizations"]> {
        return [{ name: "Q4_K_M", needsImportanceMatrix: false }];
    }

    async quantizeModel(): Promise<void> {}

    async layoutOf(): Promise<NativeGgufLayout> {
        const empty = { keys: [], tensors: [], vocabularySize: 0, textVocabularySize: 0 };
        return { fileBytes: 0, version: 3, alignment: 32, dataOffset: 0, ...empty };
    }

    tensorTypes(): readonly NativeTensorType[] {
        return [{ name: "f32", id: 0, blockSize: 1, blockBytes: 4, isWritable: true }];
    }

    async convertRows(source: Uint8Array): Promise<Uint8Array> {
        return source;
    }

    async compareTexts(): Promise<NativeTextComparison> {
        return { size: 0, compared: 0, differing: 0, beyond: 0, first: -1, own: "", given: "" };
    }

    async engineSaveState(_handle: number, path: string, tokens: Int32Array): Promise<number> {
        this.saved.push(path);
        return tokens.length;
    }

    async engineMeasure(): Promise<Float64Array> {
        return new Float64Array();
    }

    async engineLoadState(): Promise<Int32Array> {
        if (this.#settings.holdState === true && !this.#stateRead) {
            await new Promise<void>((resolve) => this.#heldStates.push(resolve));
        }
        return Int32Array.of(bosToken);
    }

    async tokenize(
        handle: number,
        given: string | Uint8Array,
        { parseSpecial, enough }: NativeTokenizing
    ): Promise<NativeTokens> {
        this.#engine(handle);
        const text = typeof given === "string" ? given : Buffer.from(given).toString();
        this.tokenized.push({ text, parseSpecial });
        await tick();
        this.#engine(handle);
        const begins = parseSpecial && text.startsWith("<bos>");
        const all = [...(begins ? [bosToken] : []), ...Buffer.from(begins ? text.slice(5) : text)];
        // as native code, which looks after every piece
        const end = Math.ceil((enough + 1) / pieceTokens) * pieceTokens;
        return { tokens: Int32Array.from(all.slice(0, end)), whole: all.length <= end };
    }

    stopTokenizing(): void {}

    async detokenize(handle: number, tokens: Int32Array, showSpecial: boolean): Promise<string> {
        this.#engine(handle);
        const special = new Map([
            [bosToken, "<bos>"],
            [eosToken, "<eos>"]
        ]);
        return Array.from(tokens, (token) => {
            const text = special.get(token);
            return text === undefined ? String.fromCharCode(token) : showSpecial ? text : "";
        }).join("");
    }

    async tokenBytes(handle: number, tokens: Int32Array): Promise<readonly Uint8Array[]> {
        this.#engine(handle);
        return Array.from(tokens, (token) => Uint8Array.of(token));
    }

    async probeModel(): Promise<void> {}

    limitProcess(): void {}

    stopEngines(): void {}

    liveEngines(): number {
        return this.#engines.size;
    }

    // What tests do by hand.

    finishState(): void {
        this.#stateRead = true;
        for (const finish of this.#heldStates) finish();
    }

    finishLoading(): void {
        for (const engine of this.#engines.values()) engine.finish();
    }

    progress(progress: NativeProgress): void {
        for (const engine of this.#engines.values()) engine.onProgress(progress);
    }

    /** Sends the next step of every live request of every engine. */
    step(): void {
        for (const [handle, engine] of this.#engines) {
            for (const run of [...engine.runs].slice(0, engine.config.slots)) this.#stepOne(handle, engine, run);
        }
    }

    async #load(handle: number, engine: FakeEngine): Promise<void> {
        await tick();
        if (this.#settings.holdLoading === true) return;
        if (this.#settings.loadError !== undefined) {
            engine.fail(this.#settings.loadError);
            this.#engines.delete(handle);
            return;
        }
        engine.onProgress({ role: "base", pair: 0, fraction: 0.5 });
        engine.onProgress({ role: "base", pair: 0, fraction: 1 });
        engine.config.pairs.forEach((_, pair) => {
            engine.onProgress({ role: "expert", pair, fraction: 1 });
            engine.onProgress({ role: "antiexpert", pair, fraction: 1 });
        });
        engine.finish();
    }

    #engine(handle: number): FakeEngine {
        const engine = this.#engines.get(handle);
        if (engine === undefined) throw new RastError("ERR_DISPOSED", "There is no such engine.");
        return engine;
    }

    #runOn(handle: number): void {
        const engine = this.#engines.get(handle);
        if (engine === undefined || engine.runs.length === 0) return;
        for (const run of [...engine.runs].slice(0, engine.config.slots)) this.#stepOne(handle, engine, run);
        setImmediate(() => this.#runOn(handle));
    }

    #stepOne(handle: number, engine: FakeEngine, run: FakeRun): void {
        if (run.cancelled) return;
        const { completion = ["Hello", ",", " world"], failAtStep, failOrdinal, lengthOf } = this.#settings;
        if (run.sent === failAtStep && (failOrdinal ?? run.request.sampling.ordinal) === run.request.sampling.ordinal) {
            engine.runs.splice(engine.runs.indexOf(run), 1);
            const error = { code: "ERR_DECODE", message: "The decode failed.", details: { role: "base" } };
            engine.onSteps([{ request: run.id, tokens: new Int32Array(0), text: "", error }]);
            return;
        }
        const limit = run.request.maxTokens < 0 ? Infinity : run.request.maxTokens;
        if (run.sent === (lengthOf?.(run.request) ?? completion.length)) return this.#end(handle, run, "eos");
        const token = 100 + run.sent;
        const text = completion[run.sent++]!;
        const step: NativeStep = {
            request: run.id,
            tokens: Int32Array.of(token),
            text,
            ...splitOf(run, text),
            ...this.#logprobs(run.request)
        };
        if (run.sent < limit) return engine.onSteps([step]);
        engine.runs.splice(engine.runs.indexOf(run), 1);
        engine.onSteps([{ ...step, result: result(run, "maxTokens") }]);
    }

    #logprobs({ logprobs: top }: NativeRequest): Pick<NativeStep, "logprobs"> {
        if (top < 0) return {};
        return {
            logprobs: {
                drawn: Float32Array.of(-0.5),
                topTokens: Int32Array.from({ length: top }, (_, index) => index + 10),
                topLogprobs: Float32Array.from({ length: top }, (_, index) => (index < 2 ? -index - 1 : -Infinity))
            }
        };
    }

    #end(handle: number, run: FakeRun, reason: NativeStopReason): void {
        const engine = this.#engines.get(handle);
        const index = engine?.runs.indexOf(run) ?? -1;
        if (engine === undefined || index < 0) return;
        engine.runs.splice(index, 1);
        engine.onSteps([{ request: run.id, tokens: new Int32Array(0), text: "", result: result(run, reason) }]);
    }

    #engineInfo(config: NativeEngineConfig): NativeEngineInfo {
        const context = (model: NativeModelConfig): NativeContextInfo => ({
            outputDevice: model.devices.at(-1) ?? "CPU",
            gpuLayers: model.gpuLayers,
            layers: 2,
            threads: model.threads,
            vocabularySize,
            modelBytes: 1000,
            sharesWeights: false,
            adapterBytes: 0,
            loadMs: 5,
            description: "a fake model",
            canTruncate: true,
            graphSplits: 1,
            memory: { repackedBytes: 0, cacheBytes: 1, computeBytes: 2, outputBytes: 3, samplerBytes: 4 },
            buffers: []
        });
        return {
            base: context(config.base),
            pairs: config.pairs.map((pair) => ({ expert: context(pair.expert), antiexpert: context(pair.antiexpert) })),
            samplerPath: "device",
            samplerReason: "The device has every operation.",
            maxDraft: config.maxDraft,
            draftReason: config.pairs.length === 0 ? "there is no expert to draft" : "",
            costsRemembered: false,
            learned: new Float64Array(),
            contextSize: config.contextSize,
            vocabularySize,
            drawableTokens: 250,
            bosToken,
            eosToken,
            addBos: this.#settings.addBos ?? false,
            chatTemplate: this.#settings.chatTemplate ?? null,
            loadMs: 15
        };
    }
}

/** A piece of text is reasoning until "</think>" comes, where the prompt has begun it. */
function splitOf(run: FakeRun, text: string): Pick<NativeStep, "reasoning" | "answer"> {
    if (run.request.reasoning === null) return {};
    run.reasons ??= run.request.reasoning.open;
    if (!run.reasons) return { answer: text };
    run.reasoningTokens = (run.reasoningTokens ?? 0) + 1;
    if (text !== "</think>") return { reasoning: text };
    run.reasons = false;
    return {};
}

function result(run: FakeRun, stopReason: NativeStopReason): NativeRequestResult {
    return {
        stopReason,
        stopString: null,
        stopToken: stopReason === "eos" ? eosToken : null,
        promptTokens: run.request.prompt.length,
        completionTokens: run.sent,
        reasoningTokens: run.reasoningTokens ?? 0,
        cachedTokens: 0,
        restarts: 0,
        refused: 0,
        queueMs: 0.5,
        prefillMs: 10,
        decodeMs: 20,
        firstTokenMs: run.sent > 0 ? 11 : null,
        firstRoundTokens: Math.min(run.sent, 1),
        roles: { base: idle, expert: idle, antiexpert: idle },
        drafts: {
            rounds: run.sent,
            drafted: 0,
            accepted: 0,
            ngramDrafted: 0,
            ngramAccepted: 0,
            compared: 0,
            agreed: 0
        },
        hostBytes: 8 * run.sent,
        hostRows: 0,
        hostRowBytes: 0,
        threads: 0,
        promptNetwork: quiet,
        network: quiet
    };
}

export function tick(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
}

/** The native side around a fake addon. */
export function fakeNative(addon: NativeAddon): () => Promise<LoadedNative> {
    const libraries = { ggmlVersion: "1", ggmlCommit: "abc", systemInfo: "", cpu: "", backends: [] };
    return async () => ({ addon, libraries, choice: { backend: "cpu", reason: "a fake" } as never });
}
