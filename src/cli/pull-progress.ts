// A pull as a terminal shows it; elsewhere a line for every file that is done.
import type { PullOptions } from "../pulling/pull-options.js";
import type { PulledTrio } from "../pulling/pull.js";
import { interruptible, type Interruptible } from "./interruption.js";
import type { CommandIo } from "./io.js";
import { formatBytes, StatusLine } from "./output.js";

/** Of waits for a hub that are told of at last. */
const silentMs = 1500;

/** Pulls a trio with its progress on stderr; Ctrl-C ends it, and keeps what there is. */
export async function pullWithProgress(
    name: string,
    options: PullOptions,
    io: CommandIo,
    quiet = false
): Promise<Interruptible<PulledTrio>> {
    const { pullTrio } = await import("../pulling/pull.js");
    const status = new StatusLine(io, quiet);
    const rate = new Rate();
    const shown = new Set<string>();
    const told = new Set<string>();
    let waitingSince: number | undefined;
    const outcome = await interruptible(io.signals, (signal) =>
        pullTrio(name, {
            ...options,
            signal,
            onProgress: ({ file, state, bytes, totalBytes, overallBytes, overallTotalBytes, reason }) => {
                const all = `${formatBytes(overallBytes)} of ${formatBytes(overallTotalBytes)}`;
                switch (state) {
                    case "downloading":
                        waitingSince = undefined;
                        if (!shown.has(file) && !quiet && io.stderr.isTTY !== true) {
                            io.stderr.write(`rast: ${file}, ${formatBytes(totalBytes)}\n`);
                        }
                        shown.add(file);
                        return status.show(
                            `${percent(overallBytes, overallTotalBytes)} ${all}${rate.text(overallBytes, overallTotalBytes)}, ${file}`
                        );
                    case "waiting": {
                        const why = `${file}: ${reason ?? "the hub is busy"}; trying again`;
                        // Where there is no line to write over a pull seems to hang; what soon ends in an error is told by that.
                        waitingSince ??= Date.now();
                        if (
                            Date.now() - waitingSince >= silentMs &&
                            !told.has(why) &&
                            !quiet &&
                            io.stderr.isTTY !== true
                        ) {
                            told.add(why);
                            io.stderr.write(`rast: ${why}\n`);
                        }
                        return status.show(overallTotalBytes === 0 ? why : `${all}, ${why}`);
                    }
                    case "checking":
                    case "grafting":
                    case "quantizing":
                        return status.show(`${state} ${file} ... ${percent(bytes, totalBytes)}`);
                }
            }
        }).finally(() => status.clear())
    );
    if (outcome.interruptedBy !== undefined && !quiet) {
        io.stderr.write("rast: what has come is kept; the same command goes on there\n");
    }
    return outcome;
}

function percent(part: number, whole: number): string {
    return `${whole === 0 ? 100 : Math.floor((100 * part) / whole)}%`.padStart(4);
}

/** Bytes per second over the last seconds. */
class Rate {
    readonly #points: { readonly ms: number; readonly bytes: number }[] = [];

    text(bytes: number, totalBytes: number): string {
        const now = Date.now();
        this.#points.push({ ms: now, bytes });
        while (this.#points.length > 2 && now - this.#points[0]!.ms > 10_000) this.#points.shift();
        const { ms, bytes: before } = this.#points[0]!;
        const perSecond = ((bytes - before) * 1000) / (now - ms);
        if (now - ms < 1000 || perSecond <= 0) return "";
        return `, ${formatBytes(perSecond)}/s, ${duration((totalBytes - bytes) / perSecond)} left`;
    }
}

function duration(seconds: number): string {
    if (seconds < 90) return `${Math.ceil(seconds)} s`;
    if (seconds < 5400) return `${Math.ceil(seconds / 60)} min`;
    return `${(seconds / 3600).toFixed(1)} h`;
}
