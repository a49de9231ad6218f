// Engines that answer: one that batches, or several side by side that each do one text at a time.
import type { Rast } from "../../engine/engine.js";
import type { GenerateSettings } from "../../engine/generate-options.js";
import { RastError, type ErrorCode } from "../../errors.js";
import type { LoadOptions } from "../../loading/load-options.js";
import type { loadRast } from "../../loading/load.js";
import type { Answerer, Question, Reply } from "./answerer.js";

/** How engines run. */
export interface EngineSettings {
    readonly load: LoadOptions;
    /**
     * Engines side by side that each draw one text at a time, without drafts, on one thread and with a cache that is empty: what
     * is computed beside others, or on parts, is rounded otherwise, and a seed is to give the same text whatever was asked
     * before. undefined = one engine that batches.
     */
    readonly sideBySide: number | undefined;
    /** Texts of one that batches. */
    readonly parallel: number;
}

/** What is wrong with a problem itself: it counts as wrong, and the others go on. */
const ofProblems: readonly ErrorCode[] = ["ERR_PROMPT_TOO_LONG", "ERR_TOKENIZE", "ERR_EMPTY_PROMPT"];
const mostAhead = 4;

// Long texts for every slot at once would take more memory than a card has: two of them, and shorter ones besides.
function cacheSizeFor({ contextSize = 4096 }: LoadOptions, parallel: number): number {
    return contextSize * Math.min(parallel, 2);
}

/**
 * Engines of one kind, loaded: what answers as base, expert or ensemble of the same models shares them.
 */
export class Engines {
    readonly #all: readonly Rast[];
    readonly #free: Rast[];
    readonly #waiting: ((rast: Rast) => void)[] = [];
    readonly #settings: EngineSettings;

    private constructor(all: readonly Rast[], settings: EngineSettings) {
        this.#all = all;
        this.#free = [...all];
        this.#settings = settings;
    }

    /** @throws what `loadRast` lists; nothing stays loaded then */
    static async load(settings: EngineSettings, load: typeof loadRast, signal: AbortSignal): Promise<Engines> {
        const { sideBySide, parallel } = settings;
        const own: LoadOptions =
            sideBySide === undefined
                ? { parallel, cacheSize: settings.load.cacheSize ?? cacheSizeFor(settings.load, parallel) }
                : { parallel: 1, threads: 1, speculation: "off", reusePrefixes: false };
        const options = { ...settings.load, ...own, signal };
        const loads = Array.from({ length: sideBySide ?? 1 }, () => load(options));
        const settled = await Promise.allSettled(loads);
        const loaded = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
        const failed = settled.find((one) => one.status === "rejected");
        if (failed === undefined) return new Engines(loaded, settings);
        await Promise.all(loaded.map((rast) => rast.dispose()));
        throw failed.reason;
    }

    /** @param request what all questions have in common: mode, lambda, sampling */
    answerer(request: GenerateSettings): Answerer {
        const { sideBySide, parallel } = this.#settings;
        const atOnce = sideBySide ?? parallel;
        return {
            atOnce,
            // what waits for the grader or the disk holds no engine
            ahead: atOnce + Math.min(atOnce, mostAhead),
            ask: (question, signal) => this.#ask(question, request, signal),
            close: async () => {}
        };
    }

    async dispose(): Promise<void> {
        await Promise.all(this.#all.map((rast) => rast.dispose()));
    }

    async #ask({ asked, seed, ordinal }: Question, request: GenerateSettings, signal: AbortSignal): Promise<Reply> {
        const rast = await this.#take();
        try {
            const text = "messages" in asked ? { messages: asked.messages } : { prompt: asked.prompt, raw: true };
            const result = await rast.complete({ ...request, ...text, seed, ordinal, signal });
            // What was cut is no answer.
            signal.throwIfAborted();
            return { output: result.answer, stop: result.stopReason, tokens: result.usage.completionTokens };
        } catch (error) {
            if (!(error instanceof RastError) || !ofProblems.includes(error.code)) throw error;
            return { output: error.message, stop: "error", tokens: 0 };
        } finally {
            this.#giveBack(rast);
        }
    }

    // One that batches has all questions at once.
    async #take(): Promise<Rast> {
        if (this.#settings.sideBySide === undefined) return this.#all[0]!;
        return this.#free.pop() ?? new Promise((resolve) => this.#waiting.push(resolve));
    }

    #giveBack(rast: Rast): void {
        if (this.#settings.sideBySide === undefined) return;
        const next = this.#waiting.shift();
        if (next === undefined) this.#free.push(rast);
        else next(rast);
    }
}
