// Of two files that run side by side each has its half of the processors, with all that it starts: engines whose threads wait for
// each other on the same ones are many times slower.
import { spawnSync } from "node:child_process";

const pool = Number(process.env["VITEST_POOL_ID"] ?? "1");
const taskset = (...args: readonly string[]): string =>
    spawnSync("taskset", args, { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } }).stdout ?? "";

if (process.env["RAST_TEST_HALVES"] === "1") {
    // "pid 12's current affinity list: 0-2,5"
    const list = /: ([\d,-]+)\s*$/.exec(taskset("-p", "-c", String(process.pid)))?.[1] ?? "";
    const processors = list.split(",").flatMap((range) => {
        const [first, last] = range.split("-").map(Number) as [number, number?];
        return Array.from({ length: (last ?? first) - first + 1 }, (_, i) => first + i);
    });
    const half = Math.floor(processors.length / 2);
    const own = pool % 2 === 1 ? processors.slice(0, half) : processors.slice(half);
    if (own.length > 0) taskset("-a", "-p", "-c", own.join(","), String(process.pid));
}
