import { Socket } from "node:net";
import { isMainThread, Worker, workerData } from "node:worker_threads";

/** What the watching thread is told. */
interface Watch {
    /** Of this module: a program may start workers of other kinds that load it. */
    readonly kind: "rast-end-with-parent";
    readonly timeoutMs: number | undefined;
}

const kind = "rast-end-with-parent";

/**
 * Ends this process by SIGKILL when its stdin ends, that is when the process that started it ended or closed the pipe. A
 * thread of its own watches, so that it also happens while the main thread is busy. Nothing else may read stdin. The
 * thread does not keep the process alive.
 * @param timeoutMs ends it after so long too
 */
export function endWithParent(timeoutMs?: number): void {
    const data: Watch = { kind, timeoutMs };
    new Worker(new URL(import.meta.url), { workerData: data, stdin: false }).unref();
}

function watch({ timeoutMs }: Watch): void {
    const end = (): void => void process.kill(process.pid, "SIGKILL");
    if (timeoutMs !== undefined) setTimeout(end, timeoutMs);
    const stdin = new Socket({ fd: 0, readable: true, writable: false });
    stdin.on("error", end).on("close", end).resume();
}

if (!isMainThread && (workerData as Partial<Watch> | null)?.kind === kind) watch(workerData as Watch);
