import { RastError } from "../errors.js";
import type { InterruptingSignal } from "./exit-codes.js";
import type { SignalSource } from "./io.js";

const signalNames: readonly InterruptingSignal[] = ["SIGINT", "SIGTERM"];

/** What came of work that may be interrupted. */
export interface Interruptible<T> {
    /** undefined where the work was given up. */
    readonly value: T | undefined;
    /** The first signal that came. */
    readonly interruptedBy: InterruptingSignal | undefined;
}

/**
 * Work that Ctrl-C and SIGTERM interrupt: the first aborts the signal, so that what there is can be kept; the second ends the
 * process at once. Nobody listens any more when this settles.
 * @param follows whether an error after an interruption is its consequence, and nothing to report; by default an abort is
 * @throws what the work throws otherwise
 */
export async function interruptible<T>(
    signals: SignalSource,
    work: (signal: AbortSignal) => Promise<T>,
    follows: (error: unknown) => boolean = isAbort
): Promise<Interruptible<T>> {
    const controller = new AbortController();
    const { signal } = controller;
    let first: InterruptingSignal | undefined;
    const stopListening = (): void => {
        for (const name of signalNames) signals.off(name, listener);
    };
    const listener = (name: NodeJS.Signals): void => {
        if (first === undefined) {
            first = name as InterruptingSignal;
            controller.abort(new Error(`${name} was received.`));
            return;
        }
        // Without a listener the system's own ends the process, whatever the engine is doing.
        stopListening();
        signals.raise(name);
    };
    for (const name of signalNames) signals.on(name, listener);
    try {
        const value = await work(signal);
        return { value, interruptedBy: first };
    } catch (error) {
        if (first === undefined || !follows(error)) throw error;
        return { value: undefined, interruptedBy: first };
    } finally {
        stopListening();
    }
}

function isAbort(error: unknown): boolean {
    return error instanceof RastError && (error.code === "ERR_LOAD_ABORTED" || error.code === "ERR_ABORTED");
}
