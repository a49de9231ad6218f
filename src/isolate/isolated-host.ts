import { resolve } from "node:path";
import { cwd, emitWarning } from "node:process";
import { describeError, watchPromise } from "../checks.js";
import { RastError } from "../errors.js";
import type {
    NativeDevice,
    NativeEngineConfig,
    NativeEngineInfo,
    NativeAdapterFacts,
    NativeModelConfig,
    NativeModelFacts,
    NativeProgress,
    NativeRequest,
    NativeStep,
    NativeTokens,
    NativeWorker
} from "../native/addon-types.js";
import type { EngineHost } from "../native/engine-host.js";
import { crashError, lostWorker, type Crash } from "./crash.js";
import { EngineProcess } from "./engine-process.js";
import type { ResolvedIsolation } from "./isolation-options.js";
import type { CallArguments, CallName, CallResult, OpenedLibraries } from "./protocol.js";
import { RestartPolicy } from "./restart-policy.js";
import { assertSameEngine, assertSameFiles } from "./same-files.js";

/**
 * The addon in a child process, for one engine. After a crash a new process loads the same configuration, as the policy
 * allows; what had been given to the one that crashed fails with ERR_ENGINE_CRASHED, whether it had begun or not, and what is
 * asked for later waits for the new one.
 */
export class IsolatedHost implements EngineHost {
    readonly #options: ResolvedIsolation;
    readonly #policy: RestartPolicy;
    // The process, from its start on; gone when it has ended.
    #process: EngineProcess | undefined;
    // It, when it can be asked.
    #up: Promise<EngineProcess> | undefined;
    // Whether it has loaded its engine.
    #isLoaded = false;
    #config: NativeEngineConfig | undefined;
    // Where the process looks for relative paths.
    #folder = "";
    #info: NativeEngineInfo | undefined;
    #onProgress: (progress: NativeProgress) => void = () => {};
    #onSteps: (steps: readonly NativeStep[]) => void = () => {};
    #lastCrash: Crash | undefined;
    // Requests that wait for the process, in order; true = cancelled meanwhile.
    readonly #early = new Map<number, boolean>();
    // Requests that a process has, and nothing has come of yet; those on their second process may not move again.
    readonly #fresh = new Map<number, { readonly request: NativeRequest; readonly mayMove: boolean }>();
    // Whether the last crash had begun nothing.
    #lostEarly = false;
    // Where a prepared grammar is; undefined while it waits for the process.
    readonly #grammars = new Map<number, EngineProcess | undefined>();
    #workers: readonly NativeWorker[] = [];
    #restoreFiles: () => Promise<void> = () => Promise.resolve();
    #closed = false;
    #disposing: Promise<void> | undefined;

    constructor(options: ResolvedIsolation) {
        this.#options = options;
        this.#policy = new RestartPolicy(options);
    }

    /** Starts the process. Rejects with what `loadNative` throws, ERR_ENGINE_CRASHED, ERR_DISPOSED after `close`. */
    async open(): Promise<OpenedLibraries> {
        const process = this.#launch();
        this.#up = Promise.resolve(process);
        return process.opened;
    }

    /** Ends the process at once, whatever it does. */
    async close(): Promise<void> {
        this.#closed = true;
        await this.#process?.end();
    }

    /** @param work before the engine is loaded anew: brings back what of its files was this package's own to keep */
    beforeRestart(work: () => Promise<void>): void {
        this.#restoreFiles = work;
    }

    // Whoever takes the place of a crashed process connects to the same ones.
    async connectWorkers(workers: readonly NativeWorker[]): Promise<void> {
        await this.#call("connectWorkers", workers);
        this.#workers = workers;
    }

    devices(): Promise<readonly NativeDevice[]> {
        return this.#call("devices");
    }

    inspectModel(path: string): Promise<NativeModelFacts> {
        return this.#call("inspectModel", this.#path(path));
    }

    inspectAdapter(path: string, model: string): Promise<NativeAdapterFacts> {
        return this.#call("inspectAdapter", this.#path(path), this.#path(model));
    }

    compareTokenizers(
        ...[paths, rule]: CallArguments<"compareTokenizers">
    ): ReturnType<EngineHost["compareTokenizers"]> {
        const resolved = paths.map((path) => this.#path(path));
        return this.#call("compareTokenizers", resolved, rule);
    }

    grammarOfSchema(schema: string, ignoreUnsupported: boolean): Promise<string> {
        return this.#call("grammarOfSchema", schema, ignoreUnsupported);
    }

    async prepareGrammar(
        _handle: number,
        ...[grammar, gbnf, showSpecial]: CallArguments<"prepareGrammar">
    ): Promise<void> {
        this.#grammars.set(grammar, undefined);
        const process = await this.#whenUp();
        if (!this.#grammars.has(grammar)) throw disposedError(); // dropped meanwhile
        this.#grammars.set(grammar, process);
        await process.call("prepareGrammar", grammar, gbnf, showSpecial);
    }

    dropGrammar(_handle: number, grammar: number): void {
        this.#grammars.get(grammar)?.dropGrammar(grammar);
        this.#grammars.delete(grammar);
    }

    engineCreate(
        config: NativeEngineConfig,
        onProgress: (progress: NativeProgress) => void,
        onSteps: (steps: readonly NativeStep[]) => void
    ): { readonly handle: number; readonly ready: Promise<NativeEngineInfo> } {
        this.#onProgress = onProgress;
        this.#onSteps = onSteps;
        return { handle: 1, ready: this.#load(config) };
    }

    engineSubmit(_handle: number, id: number, request: NativeRequest): void {
        if (this.#isLoaded && this.#early.size === 0) {
            this.#submitTo(this.#process!, id, request);
        } else {
            this.#early.set(id, false);
            void this.#submitLater(id, request);
        }
    }

    engineCancel(_handle: number, id: number): void {
        this.#fresh.delete(id);
        if (this.#early.has(id)) this.#early.set(id, true);
        else this.#process?.cancel(id);
    }

    engineDispose(): Promise<void> {
        this.#disposing ??= this.#dispose();
        return this.#disposing;
    }

    engineSaveState(_handle: number, path: string, tokens: Int32Array): Promise<number> {
        return this.#call("engineSaveState", this.#path(path), tokens);
    }

    engineLoadState(_handle: number, path: string): Promise<Int32Array> {
        return this.#call("engineLoadState", this.#path(path));
    }

    engineMeasure(_handle: number, ...args: CallArguments<"engineMeasure">): Promise<Float64Array> {
        return this.#call("engineMeasure", ...args);
    }

    tokenize(_handle: number, ...args: CallArguments<"tokenize">): Promise<NativeTokens> {
        return this.#call("tokenize", ...args);
    }

    stopTokenizing(_handle: number, id: number): void {
        this.#process?.stopTokenizing(id);
    }

    detokenize(_handle: number, ...args: CallArguments<"detokenize">): Promise<string> {
        return this.#call("detokenize", ...args);
    }

    tokenBytes(_handle: number, ...args: CallArguments<"tokenBytes">): Promise<readonly Uint8Array[]> {
        return this.#call("tokenBytes", ...args);
    }

    async #call<N extends CallName>(name: N, ...args: CallArguments<N>): Promise<CallResult<N>> {
        return (await this.#whenUp()).call(name, ...args);
    }

    async #load(config: NativeEngineConfig): Promise<NativeEngineInfo> {
        const process = await this.#whenUp();
        const resolved = withPaths(config, (path) => this.#path(path));
        this.#config = withPaths(config, (path) => resolve(path));
        const info = await process.call("engineCreate", resolved);
        process.loaded();
        this.#info = info;
        this.#isLoaded = true;
        return info;
    }

    async #submitLater(id: number, request: NativeRequest, mayMove = true): Promise<void> {
        try {
            const process = await this.#whenUp();
            this.#submitTo(process, id, request, mayMove);
            if (this.#early.get(id) === true) process.cancel(id);
        } catch (thrown) {
            // who disposes ends what is left, with "abort"
            if (this.#closed) return;
            const { code, message, details } = RastError.from(thrown);
            this.#onSteps([{ request: id, tokens: new Int32Array(0), text: "", error: { code, message, details } }]);
        } finally {
            this.#early.delete(id);
        }
    }

    #submitTo(process: EngineProcess, id: number, request: NativeRequest, mayMove = true): void {
        if (request.grammar !== 0) {
            const home = this.#grammars.get(request.grammar);
            this.#grammars.delete(request.grammar);
            if (home !== process) throw this.#lastCrash === undefined ? disposedError() : crashError(this.#lastCrash);
        }
        process.submit(id, request);
        if (this.#workers.length > 0) this.#fresh.set(id, { request, mayMove });
    }

    // A worker that went while nobody spoke to it may be noticed by the next request alone, which can be had again. A grammar
    // went with the process.
    #movesOn({ request: id, error }: NativeStep): boolean {
        const fresh = this.#fresh.get(id);
        this.#fresh.delete(id);
        if (
            error?.code !== "ERR_WORKER_LOST" ||
            !this.#lostEarly ||
            fresh?.mayMove !== true ||
            fresh.request.grammar !== 0
        )
            return false;
        if (this.#closed || !this.#policy.mayRestart) return false;
        this.#early.set(id, false);
        void this.#submitLater(id, fresh.request, false);
        return true;
    }

    #whenUp(): Promise<EngineProcess> {
        if (this.#closed) return Promise.reject(disposedError());
        if (this.#up === undefined) {
            if (this.#info === undefined || !this.#policy.mayRestart) return Promise.reject(this.#gaveUp());
            this.#up = this.#restart();
            this.#up.catch(() => {});
        }
        return this.#up;
    }

    async #restart(): Promise<EngineProcess> {
        const process = this.#launch();
        try {
            await process.opened;
            await this.#restoreFiles();
            await assertSameFiles(process, this.#config!);
            if (this.#workers.length > 0) await this.#reconnect(process);
            const info = await process.call("engineCreate", this.#config!);
            assertSameEngine(info, this.#info!);
            process.loaded();
            this.#isLoaded = true;
            return process;
        } catch (error) {
            if (this.#process === process) {
                // it is there, and of no use
                if (!isOfWorker(error)) this.#policy.crashed();
                this.#forget();
                await process.end();
            }
            throw error;
        }
    }

    // One that crashed listens again in a moment.
    async #reconnect(process: EngineProcess): Promise<void> {
        for (const end = performance.now() + comesBackWithinMs; ;) {
            try {
                return await process.call("connectWorkers", this.#workers);
            } catch (error) {
                const isAway = error instanceof RastError && error.code === "ERR_WORKER_UNREACHABLE";
                if (!isAway || performance.now() >= end || this.#process !== process) throw error;
                await new Promise((resolve) => setTimeout(resolve, lookEachMs));
            }
        }
    }

    // As it was given where that means the same file: it is in messages.
    #path(path: string): string {
        return currentFolder() === this.#folder ? path : resolve(path);
    }

    #launch(): EngineProcess {
        this.#folder = currentFolder();
        const process = new EngineProcess(this.#options.execPath, {
            progress: (progress) => {
                if (this.#info === undefined) this.#onProgress(progress);
            },
            steps: (steps) => {
                const generated = steps.some(({ result }) => result !== undefined && result.stopReason !== "abort");
                if (generated) this.#policy.generated();
                const told = steps.filter((step) => !this.#movesOn(step));
                if (told.length > 0) this.#onSteps(told);
            },
            crashed: (crash) => this.#crashed(crash)
        });
        this.#process = process;
        return process;
    }

    #forget(): void {
        this.#process = undefined;
        this.#up = undefined;
        this.#isLoaded = false;
    }

    #crashed(crash: Crash): void {
        this.#lastCrash = crash;
        this.#lostEarly = crash.requests.every((id) => this.#fresh.has(id));
        this.#forget();
        if (this.#info === undefined || this.#closed) return;
        // a worker may go and come as often as it likes: the engine is not to blame
        if (lostWorker(crash) === undefined) this.#policy.crashed();
        if (this.#policy.restartsAtOnce) this.#whenUp().catch(() => {});
        const failed = (error: unknown): void => emitWarning(`isolate.onCrash failed: ${describeError(error)}`);
        try {
            watchPromise(this.#options.onCrash?.(crashError(crash)), failed);
        } catch (error) {
            failed(error);
        }
    }

    #gaveUp(): RastError {
        const crash = this.#lastCrash;
        if (crash === undefined) return disposedError();
        const last = crashError(crash);
        if (this.#info === undefined) return last;
        const why =
            this.#options.restart === "never"
                ? "isolate.restart is never"
                : `it crashed ${this.#policy.crashes} times without a generation that came to its end`;
        return new RastError("ERR_ENGINE_CRASHED", `The engine's process is not started anew: ${why}.`, {
            details: last.details,
            cause: last
        });
    }

    async #dispose(): Promise<void> {
        this.#closed = true;
        const process = this.#process;
        if (process === undefined) return;
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.#options.graceMs)));
        await Promise.race([process.call("engineDispose").catch(() => {}), late]);
        clearTimeout(timer);
        await process.end();
    }
}

function withPaths(config: NativeEngineConfig, change: (path: string) => string): NativeEngineConfig {
    const model = (one: NativeModelConfig): NativeModelConfig => ({
        ...one,
        path: change(one.path),
        adapters: one.adapters.map((adapter) => ({ ...adapter, path: change(adapter.path) }))
    });
    return {
        ...config,
        base: model(config.base),
        pairs: config.pairs.map(({ expert, antiexpert }) => ({ expert: model(expert), antiexpert: model(antiexpert) }))
    };
}

// "" where it was deleted: relative paths are nobody's then.
function currentFolder(): string {
    try {
        return cwd();
    } catch {
        return "";
    }
}

// So long a worker takes to come back after its first crashes, on a machine that has other things to do.
const comesBackWithinMs = 2000;
const lookEachMs = 100;

function isOfWorker(error: unknown): boolean {
    return error instanceof RastError && error.code.startsWith("ERR_WORKER_");
}

function disposedError(): RastError {
    return new RastError("ERR_DISPOSED", "The engine was disposed of. Load a new one with loadRast.");
}
