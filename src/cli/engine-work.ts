// Work with one engine: loaded with its progress shown, its notes said, disposed of whatever happens, and ended by signals.
import { isContextNote } from "../loading/context-note.js";
import type { LoadOptions } from "../loading/load-options.js";
import type { Rast } from "../engine/engine.js";
import { interruptible, type Interruptible } from "./interruption.js";
import type { CommandIo } from "./io.js";
import type { StatusLine } from "./output.js";

/** How an engine is to be had. */
export interface EngineWork {
    readonly load: LoadOptions;
    readonly status: StatusLine;
    /** Without the engine's notes. */
    readonly quiet: boolean;
}

/** @throws what `loadRast` and the work do */
export async function withEngine<T>(
    io: CommandIo,
    { load, status, quiet }: EngineWork,
    work: (rast: Rast, signal: AbortSignal) => Promise<T>
): Promise<Interruptible<T>> {
    const { loadRast } = await import("../loading/load.js");
    return interruptible(io.signals, async (signal) => {
        const rast = await loadRast({
            ...load,
            signal,
            onProgress: ({ role, overall }) => status.show(`loading ${role} ... ${Math.floor(overall * 100)}%`)
        }).finally(() => status.clear());
        try {
            // A context that was not asked for may be smaller without a word.
            const isNews = (note: string): boolean => load.contextSize !== undefined || !isContextNote(note);
            if (!quiet) for (const note of rast.info.notes.filter(isNews)) io.stderr.write(`rast: ${note}\n`);
            return await work(rast, signal);
        } finally {
            status.clear();
            await rast.dispose();
        }
    });
}
