import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { activityBetween, readActivity, type ActivityReading } from "../../../src/machine/activity.js";

const files =
    (content: Readonly<Record<string, string>>) =>
    async (path: string): Promise<string> => {
        if (path in content) return content[path]!;
        throw new Error(`no ${path}`);
    };
const stat = "cpu  1000 20 300 90000 55 4 6 70 8 0\ncpu0 500 10 150 45000 5 2 3 35 4 0\nintr 5\n";

describe("counters of the machine", () => {
    test("from /proc/stat: waiting and idle are no work, steal stands apart", async () => {
        expect(await readActivity(files({ "/proc/stat": stat }), "linux")).toMatchObject({
            busyMs: 13300,
            stealMs: 700,
            throttledMs: null
        });
    });

    test("of old kernels without steal, and of none", async () => {
        const old = await readActivity(files({ "/proc/stat": "cpu  1 2 3 4\n" }), "linux");
        expect(old).toMatchObject({ busyMs: 60, stealMs: null });
        for (const content of ["", "cpu\n", "cpu  1 2\n", "nothing"]) {
            const reading = await readActivity(files({ "/proc/stat": content }), "linux");
            expect(reading.stealMs).toBeNull();
            expect(reading.busyMs).toBeGreaterThan(0); // what the runtime knows
        }
        const elsewhere = await readActivity(files({ "/proc/stat": stat }), "darwin");
        expect(elsewhere).toMatchObject({ stealMs: null, throttledMs: null });
        expect((await readActivity(files({}), "win32")).load).toBeNull();
    });

    test("a quota's time from control groups of either version, the tightest of those above each other", async () => {
        const two = files({
            "/proc/self/cgroup": "0::/a/b\n",
            "/sys/fs/cgroup/a/b/cpu.stat": "usage_usec 5\nnr_throttled 2\nthrottled_usec 4000\n",
            "/sys/fs/cgroup/a/cpu.stat": "throttled_usec 9000\n"
        });
        expect((await readActivity(two, "linux")).throttledMs).toBe(9);
        const one = files({
            "/proc/self/cgroup": "3:cpu,cpuacct:/a\n",
            "/sys/fs/cgroup/cpu/a/cpu.stat": "nr_periods 3\nthrottled_time 7000000\n"
        });
        expect((await readActivity(one, "linux")).throttledMs).toBe(7);
    });
});

describe("between two readings", () => {
    const reading = (change: Partial<ActivityReading>): ActivityReading => ({
        atMs: 0,
        busyMs: 0,
        ownMs: 0,
        stealMs: 0,
        throttledMs: 0,
        load: 0,
        ...change
    });

    test("others have what is not this process's", () => {
        const after = reading({ atMs: 1000, busyMs: 1900, ownMs: 900, stealMs: 100, throttledMs: 250 });
        expect(activityBetween(reading({}), after, 4)).toEqual({
            ms: 1000,
            othersCpus: 1,
            stealShare: 0.025,
            throttledShare: 0.25
        });
    });

    test("counters of different grain give no less than nothing, and unknown stays unknown", () => {
        const after = reading({ atMs: 5, busyMs: 0, ownMs: 4, stealMs: null });
        expect(activityBetween(reading({}), after, 4)).toMatchObject({ othersCpus: 0, stealShare: null });
        expect(activityBetween(after, after, 4)).toBeNull();
        expect(activityBetween(after, reading({}), 4)).toBeNull();
    });

    test("a program that spins is seen", async () => {
        const child = spawn(process.execPath, ["-e", "process.stdout.write('.');for(;;);"], { stdio: "pipe" });
        try {
            await once(child.stdout, "data");
            const before = await readActivity();
            await sleep(1500);
            const seen = activityBetween(before, await readActivity(), cpus().length)!;
            // it shares the CPUs with whatever else runs: then that is seen as well
            expect(seen.othersCpus).toBeGreaterThan(0.5);
        } finally {
            child.kill("SIGKILL");
        }
    });
});
