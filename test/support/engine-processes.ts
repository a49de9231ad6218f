// The child processes of isolated engines, seen from outside.
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Linux lists the children of a process; elsewhere tests that look for them are skipped. */
export const canSeeProcesses = existsSync("/proc/self/task");

/** Processes that this one (or another) started for engines, as pids, oldest first. */
export function engineProcesses(parent: number | "self" = "self"): number[] {
    const tasks = `/proc/${parent}/task`;
    const children = readdirSync(tasks).flatMap((task) => read(`${tasks}/${task}/children`).trim().split(/\s+/));
    return children
        .filter((pid) => pid !== "" && read(`/proc/${pid}/cmdline`).includes("isolate/child.js"))
        .map(Number)
        .sort((a, b) => a - b);
}

/** Whether a process runs: one that has ended and waits to be asked for its end does not. */
export function isRunning(pid: number): boolean {
    const stat = read(`/proc/${pid}/stat`);
    return stat !== "" && !/^\d+ \(.*\) [ZX]/s.test(stat);
}

/** Waits until something is so. @throws after so many milliseconds */
export async function until(what: string, check: () => boolean, ms = 20_000): Promise<void> {
    const end = Date.now() + ms;
    while (!check()) {
        if (Date.now() > end) throw new Error(`After ${ms} ms not yet: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
}

function read(path: string): string {
    try {
        return readFileSync(path, "utf8");
    } catch {
        return "";
    }
}
