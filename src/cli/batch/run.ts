import type { Rast } from "../../engine/engine.js";
import type { GenerateOptions } from "../../engine/generate-options.js";
import { errorCatalogue, RastError } from "../../errors.js";
import { headOf, type BatchOutput } from "./output.js";
import type { BatchPrompt } from "./prompts.js";

/** How a batch is to be run. */
export interface BatchRun {
    readonly prompts: readonly BatchPrompt[];
    readonly output: BatchOutput;
    /** The whole request of a prompt. */
    readonly requestOf: (prompt: BatchPrompt) => GenerateOptions;
    /** Prompts handed to the engine at a time: enough that none of its slots waits for the line to be written that is next. */
    readonly ahead: number;
    /** An abort leaves whole lines behind, and none of a text that was cut. */
    readonly signal: AbortSignal;
    /** Called with the number of lines there are, kept ones included. */
    readonly onLine: (lines: number) => void;
}

/**
 * Writes a line for every prompt that has none yet, in order. What is wrong with a prompt itself becomes its line.
 * @returns how many prompts failed
 * @throws whatever else fails; lines until then stay
 */
export async function runBatch(rast: Rast, run: BatchRun): Promise<number> {
    const { prompts, output, ahead, signal, onLine } = run;
    const stop = new AbortController();
    const abort = (): void => stop.abort(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    let failures = 0;
    const pending: Promise<Line>[] = [];
    let next = output.kept;
    try {
        for (let line = output.kept; line < prompts.length; line++) {
            while (next < prompts.length && pending.length < ahead) {
                pending.push(answer(rast, run.requestOf(prompts[next]!), stop.signal));
                next += 1;
            }
            const one = await pending.shift()!;
            if (signal.aborted) break;
            if ("thrown" in one) throw one.thrown;
            if ("error" in one) failures += 1;
            await output.write(JSON.stringify({ ...headOf(prompts[line]!), ...one }));
            onLine(line + 1);
        }
        return failures;
    } finally {
        signal.removeEventListener("abort", abort);
        // What runs ahead of a failure is not waited for.
        stop.abort();
        await Promise.all(pending);
    }
}

type Line = { readonly result: object } | { readonly error: object } | { readonly thrown: unknown };

// Never rejects: nobody may be waiting yet.
async function answer(rast: Rast, request: GenerateOptions, signal: AbortSignal): Promise<Line> {
    try {
        return { result: await rast.complete({ ...request, signal }) };
    } catch (error) {
        if (!(error instanceof RastError) || !errorCatalogue[error.code].byInput) return { thrown: error };
        const { code, message, details } = error.toJSON();
        return { error: { code, message, details } };
    }
}
