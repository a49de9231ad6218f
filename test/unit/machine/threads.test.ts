import { describe, expect, test } from "vitest";
import { availableHostBytes } from "../../../src/machine/host-memory.js";
import { defaultThreads, grantThreads, parseCpuList, type ThreadsSource } from "../../../src/machine/threads.js";

function reader(files: Record<string, string>): (path: string) => Promise<string> {
    return async (path) => {
        const content = files[path];
        if (content === undefined) throw new Error("ENOENT");
        return content;
    };
}

function machine(files: Record<string, string>, changes: Partial<ThreadsSource> = {}): ThreadsSource {
    const run = async (): Promise<string> => Promise.reject(new Error("ENOENT"));
    return { platform: "linux", arch: "x64", parallelism: 8, read: reader(files), run, ...changes };
}

// Eight logical CPUs on four cores: n and n + 4 share one.
function topology(allowed: string): Record<string, string> {
    const files: Record<string, string> = { "/proc/self/status": `Name:\tnode\nCpus_allowed_list:\t${allowed}\n` };
    for (let cpu = 0; cpu < 8; cpu++) {
        files[`/sys/devices/system/cpu/cpu${cpu}/topology/physical_package_id`] = "0\n";
        files[`/sys/devices/system/cpu/cpu${cpu}/topology/core_id`] = `${cpu % 4}\n`;
    }
    return files;
}

describe("defaultThreads", () => {
    test("counts cores, not their threads", async () => {
        expect(await defaultThreads(machine(topology("0-7")))).toBe(4);
    });

    test("respects the affinity", async () => {
        expect(await defaultThreads(machine(topology("0,4"), { parallelism: 2 }))).toBe(1);
        expect(await defaultThreads(machine(topology("0-1"), { parallelism: 2 }))).toBe(2);
    });

    test.each([
        [{ "/sys/fs/cgroup/cpu.max": "250000 100000\n" }, 2],
        [{ "/sys/fs/cgroup/cpu.max": "50000 100000\n" }, 1],
        [{ "/sys/fs/cgroup/cpu.max": "max 100000\n" }, 4],
        [{ "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/cpu.max": "300000 100000\n" }, 3],
        [{ "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000" }, 4],
        [{ "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000" }, 2]
    ])("respects the quota in %j", async (files, threads) => {
        expect(await defaultThreads(machine({ ...topology("0-7"), ...files }))).toBe(threads);
    });

    test("guesses where the system does not tell", async () => {
        expect(await defaultThreads(machine({}))).toBe(4);
        expect(await defaultThreads(machine({}, { arch: "arm64" }))).toBe(8);
        expect(await defaultThreads(machine({}, { platform: "win32", parallelism: 2 }))).toBe(2);
        expect(await defaultThreads(machine({}, { parallelism: 1 }))).toBe(1);
    });

    test("takes the performance cores of an Apple chip", async () => {
        const mac = { platform: "darwin", arch: "arm64" } as const;
        expect(await defaultThreads(machine({}, { ...mac, run: async () => "6\n" }))).toBe(6);
        expect(await defaultThreads(machine({}, mac))).toBe(8);
        expect(await defaultThreads(machine({}, { ...mac, run: async () => "1\n" }))).toBe(1);
        for (const said of ["0\n", "-2\n", "none\n", ""]) {
            expect(await defaultThreads(machine({}, { ...mac, run: async () => said }))).toBe(8);
        }
        const asked: unknown[] = [];
        const run = async (...command: unknown[]): Promise<string> => (asked.push(command), "6\n");
        await defaultThreads(machine({}, { ...mac, run }));
        expect(asked).toEqual([["/usr/sbin/sysctl", ["-n", "hw.perflevel0.physicalcpu"]]]);
        // Others have no such cores, and are not asked.
        expect(await defaultThreads(machine({}, { platform: "darwin", arch: "x64", run }))).toBe(4);
        expect(await defaultThreads(machine({}, { platform: "win32", arch: "arm64", run }))).toBe(8);
        expect(asked).toHaveLength(1);
    });

    test("a status without the list leaves a guess", async () => {
        expect(await defaultThreads(machine({ "/proc/self/status": "Name:\tnode\n" }))).toBe(4);
    });

    test("answers for this machine", async () => {
        expect(await defaultThreads()).toBeGreaterThanOrEqual(1);
    });
});

describe("parseCpuList", () => {
    test("reads ranges and single numbers", () => {
        expect(parseCpuList("0-3,8,10-11")).toEqual([0, 1, 2, 3, 8, 10, 11]);
    });
});

describe("availableHostBytes", () => {
    const meminfo = { "/proc/meminfo": "MemTotal: 1000 kB\nMemAvailable:     600 kB\n" };

    test("is what the kernel calls available", async () => {
        expect(await availableHostBytes("linux", reader(meminfo))).toBe(600 * 1024);
    });

    test("respects a container's limit, page cache counted as free", async () => {
        const group = {
            "/sys/fs/cgroup/memory.max": "300000\n",
            "/sys/fs/cgroup/memory.current": "200000\n",
            "/sys/fs/cgroup/memory.stat": "anon 5\ninactive_file 50000\n"
        };
        expect(await availableHostBytes("linux", reader({ ...meminfo, ...group }))).toBe(150_000);
        const unlimited = { ...group, "/sys/fs/cgroup/memory.max": "max\n" };
        expect(await availableHostBytes("linux", reader({ ...meminfo, ...unlimited }))).toBe(600 * 1024);
    });

    test("answers for this machine", async () => {
        expect(await availableHostBytes()).toBeGreaterThan(0);
        expect(await availableHostBytes("darwin")).toBeGreaterThan(0);
    });
});

describe("grantThreads", () => {
    test.each([
        [1, {}, 8, 1, null],
        [8, {}, 8, 8, null],
        [512, {}, 8, 8, "this process may run on 8 processors"],
        [2, {}, 1, 1, "this process may run on 1 processor"],
        [4, { "/sys/fs/cgroup/cpu.max": "150000 100000\n" }, 8, 2, "2 processors, within a quota of 1.5"],
        [4, { "/sys/fs/cgroup/cpu.max": "50000 100000\n" }, 8, 1, "1 processor, within a quota of 0.5"],
        [4, { "/sys/fs/cgroup/cpu.max": "max 100000\n" }, 8, 4, null]
    ])("%i asked for with %j on %i: %i", async (wanted, files, parallelism, used, reason) => {
        const granted = await grantThreads(wanted, machine(files, { parallelism }));
        expect(granted.used).toBe(used);
        if (reason === null) expect(granted.reason).toBeNull();
        else expect(granted.reason).toContain(reason);
    });

    test("a quota is told only where it is the limit", async () => {
        const quota = (cpus: number): ThreadsSource =>
            machine({ "/sys/fs/cgroup/cpu.max": `${cpus * 100_000} 100000\n` }, { parallelism: 4 });
        const alone = "this process may run on 4 processors";
        expect(await grantThreads(5, quota(5))).toEqual({ used: 4, reason: alone });
        expect(await grantThreads(5, quota(4))).toEqual({ used: 4, reason: alone });
        expect(await grantThreads(5, quota(3.5))).toEqual({ used: 4, reason: `${alone}, within a quota of 3.5` });
        const elsewhere = { ...quota(1), platform: "win32" } as const;
        expect(await grantThreads(4, elsewhere)).toEqual({ used: 4, reason: null });
    });
});
