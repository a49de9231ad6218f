import type { EngineHost } from "../native/engine-host.js";
import { IsolatedHost } from "./isolated-host.js";
import type { ResolvedIsolation } from "./isolation-options.js";
import type { OpenedLibraries } from "./protocol.js";

/** A native side in a child process. */
export interface IsolatedNative extends OpenedLibraries {
    readonly addon: EngineHost;
    /** Ends the process at once. */
    close(): Promise<void>;
    /** What is to be done before a process that takes the place of a crashed one loads the engine's files. */
    beforeRestart(work: () => Promise<void>): void;
}

/**
 * Starts a child process for one engine.
 * @param whenAborted calls back when the load is aborted; returns what ends the watch
 * @throws ERR_ENGINE_CRASHED, ERR_DISPOSED when it is aborted, and what `loadNative` throws
 */
export async function startIsolated(
    options: ResolvedIsolation,
    whenAborted: (abort: () => void) => () => void
): Promise<IsolatedNative> {
    const host = new IsolatedHost(options);
    const forget = whenAborted(() => void host.close());
    try {
        const opened = await host.open();
        return { addon: host, ...opened, close: () => host.close(), beforeRestart: (work) => host.beforeRestart(work) };
    } catch (error) {
        await host.close();
        throw error;
    } finally {
        forget();
    }
}
