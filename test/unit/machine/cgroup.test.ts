import { describe, expect, test } from "vitest";
import { cgroupCpus, cgroupMemoryBytes, parseCgroupFolders } from "../../../src/machine/cgroup.js";

function reader(files: Record<string, string>): (path: string) => Promise<string> {
    return async (path) => {
        const content = files[path];
        if (content === undefined) throw new Error("ENOENT");
        return content;
    };
}

// As kernels write them: Ubuntu 18.04 with Docker (version 1), Debian 11 with both, Fedora with version 2.
const v1Groups = "12:cpuset:/\n7:cpu,cpuacct:/docker/1f\n4:memory:/docker/1f\n1:name=systemd:/docker/1f\n";
const v1Mounts = [
    "1026 1021 0:29 /docker/1f /sys/fs/cgroup/cpu,cpuacct ro,nosuid,nodev,noexec,relatime master:14 - cgroup cgroup rw,cpu,cpuacct",
    "1030 1021 0:32 /docker/1f /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime master:17 - cgroup cgroup rw,memory",
    "1031 1021 0:33 /docker/1f /sys/fs/cgroup/cpuset ro,nosuid - cgroup cgroup rw,cpuset"
].join("\n");
const hybridGroups = "5:memory:/user.slice/app.service\n0::/user.slice/app.service/part\n";
const hybridMounts = [
    "30 25 0:26 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw,nsdelegate",
    "34 25 0:30 / /sys/fs/cgroup/memory rw,nosuid shared:15 - cgroup cgroup rw,memory"
].join("\n");
const v2Groups = "0::/user.slice/user-1000.slice/app:1.scope\n";
const v2Mounts = "29 24 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate";

function folders(groups: string, mounts: string, controller = "memory"): string[] {
    return parseCgroupFolders(groups, mounts, controller).map(({ version, path }) => `${version} ${path}`);
}

describe("the folders of a process", () => {
    test("version 1 in a container, where the mount begins at its own group", () => {
        expect(folders(v1Groups, v1Mounts)).toEqual(["1 /sys/fs/cgroup/memory"]);
        expect(folders(v1Groups, v1Mounts, "cpu")).toEqual(["1 /sys/fs/cgroup/cpu,cpuacct"]);
        expect(folders("4:memory:/docker/1f/job\n", v1Mounts)).toEqual([
            "1 /sys/fs/cgroup/memory/job",
            "1 /sys/fs/cgroup/memory"
        ]);
    });

    test("both versions, each with its own path", () => {
        expect(folders(hybridGroups, hybridMounts)).toEqual([
            "2 /sys/fs/cgroup/unified/user.slice/app.service/part",
            "2 /sys/fs/cgroup/unified/user.slice/app.service",
            "2 /sys/fs/cgroup/unified/user.slice",
            "2 /sys/fs/cgroup/unified",
            "1 /sys/fs/cgroup/memory/user.slice/app.service",
            "1 /sys/fs/cgroup/memory/user.slice",
            "1 /sys/fs/cgroup/memory"
        ]);
    });

    test("version 2, with a colon in a name", () => {
        expect(folders(v2Groups, v2Mounts)).toEqual([
            "2 /sys/fs/cgroup/user.slice/user-1000.slice/app:1.scope",
            "2 /sys/fs/cgroup/user.slice/user-1000.slice",
            "2 /sys/fs/cgroup/user.slice",
            "2 /sys/fs/cgroup"
        ]);
    });

    test("a group outside of what is mounted shows the mount alone", () => {
        expect(folders("0::/../../other\n", v2Mounts)).toEqual(["2 /sys/fs/cgroup"]);
        expect(folders("4:memory:/docker/2e\n", v1Mounts)).toEqual(["1 /sys/fs/cgroup/memory"]);
        expect(folders("4:memory:/docker/1ff\n", v1Mounts)).toEqual(["1 /sys/fs/cgroup/memory"]);
        expect(folders("4:memory:/docker/2e/job\n", v1Mounts)).toEqual(["1 /sys/fs/cgroup/memory"]);
    });

    test("the usual places, where nothing is said of mounts or groups", () => {
        expect(folders("", "")).toEqual(["2 /sys/fs/cgroup", "1 /sys/fs/cgroup/memory"]);
        expect(folders("4:memory:/a\n0::/b\n", "rubbish\n36 25 0:1")).toEqual([
            "2 /sys/fs/cgroup/b",
            "2 /sys/fs/cgroup",
            "1 /sys/fs/cgroup/memory/a",
            "1 /sys/fs/cgroup/memory"
        ]);
    });

    test("a mount point with a space", () => {
        const mounts = "30 25 0:26 / /mnt/my\\040groups rw shared:10 - cgroup2 cgroup2 rw";
        expect(folders("0::/a\n", mounts)).toEqual(["2 /mnt/my groups/a", "2 /mnt/my groups"]);
    });
});

describe("memory that a limit leaves", () => {
    const v1 = "/sys/fs/cgroup/memory";
    const inContainer = { "/proc/self/cgroup": v1Groups, "/proc/self/mountinfo": v1Mounts };

    test("version 1: limit less what is used, page cache of the whole tree counted as free", async () => {
        const files = {
            ...inContainer,
            [`${v1}/memory.limit_in_bytes`]: "3000000\n",
            [`${v1}/memory.usage_in_bytes`]: "1000000\n",
            [`${v1}/memory.stat`]: "inactive_file 7\ntotal_inactive_file 250000\ntotal_active_file 9\n"
        };
        expect(await cgroupMemoryBytes(reader(files))).toBe(2_250_000);
    });

    test("version 1: a limit above that is not to be seen", async () => {
        const files = {
            ...inContainer,
            [`${v1}/memory.limit_in_bytes`]: "9223372036854771712\n",
            [`${v1}/memory.usage_in_bytes`]: "500\n",
            [`${v1}/memory.stat`]: "hierarchical_memory_limit 4000\ninactive_file 100\n"
        };
        expect(await cgroupMemoryBytes(reader(files))).toBe(3600);
    });

    test("version 1: no limit is more than any machine has", async () => {
        const files = { ...inContainer, [`${v1}/memory.limit_in_bytes`]: "9223372036854771712\n" };
        expect(await cgroupMemoryBytes(reader(files))).toBeGreaterThan(2 ** 62);
    });

    test("the tightest of nested groups of both versions, none below 0", async () => {
        const files: Record<string, string> = {
            "/proc/self/cgroup": hybridGroups,
            "/proc/self/mountinfo": hybridMounts,
            [`${v1}/user.slice/app.service/memory.limit_in_bytes`]: "5000",
            [`${v1}/user.slice/memory.limit_in_bytes`]: "4000",
            [`${v1}/user.slice/memory.usage_in_bytes`]: "1500",
            [`${v1}/memory.limit_in_bytes`]: "9000",
            "/sys/fs/cgroup/unified/user.slice/memory.max": "max"
        };
        expect(await cgroupMemoryBytes(reader(files))).toBe(2500);
        files["/sys/fs/cgroup/unified/user.slice/memory.max"] = "2000";
        expect(await cgroupMemoryBytes(reader(files))).toBe(2000);
        files["/sys/fs/cgroup/unified/user.slice/memory.current"] = "2001";
        expect(await cgroupMemoryBytes(reader(files))).toBe(0);
    });

    test("version 2: each group's own use and cache, though the root has fewer files", async () => {
        const files = {
            "/proc/self/cgroup": "0::/a/b\n",
            "/proc/self/mountinfo": v2Mounts,
            "/sys/fs/cgroup/a/b/memory.max": "max\n",
            "/sys/fs/cgroup/a/memory.max": "10000\n",
            "/sys/fs/cgroup/a/memory.current": "6000\n",
            "/sys/fs/cgroup/a/memory.stat": "inactive_file 700\n",
            "/sys/fs/cgroup/a/b/memory.stat": "inactive_file 90\n",
            "/sys/fs/cgroup/memory.stat": "inactive_file 123456\n"
        };
        expect(await cgroupMemoryBytes(reader(files))).toBe(4700);
    });

    test("version 2: words of version 1 mean nothing there", async () => {
        const files = {
            "/sys/fs/cgroup/memory.max": "10000\n",
            "/sys/fs/cgroup/memory.current": "6000\n",
            "/sys/fs/cgroup/memory.stat":
                "inactive_file 700\ntotal_inactive_file 5000\nhierarchical_memory_limit 8000\n"
        };
        expect(await cgroupMemoryBytes(reader(files))).toBe(4700);
    });

    test("nothing to read, or nothing that is a number, is no limit", async () => {
        expect(await cgroupMemoryBytes(reader({}))).toBe(Infinity);
        expect(await cgroupMemoryBytes(reader({ "/sys/fs/cgroup/memory.max": "a lot" }))).toBe(Infinity);
        expect(await cgroupMemoryBytes(reader({ "/sys/fs/cgroup/memory.max": "" }))).toBe(Infinity);
    });
});

describe("CPUs that a limit leaves", () => {
    test("version 1 by the mount of its controllers, nested", async () => {
        const files = {
            "/proc/self/cgroup": "7:cpu,cpuacct:/docker/1f/job\n",
            "/proc/self/mountinfo": v1Mounts,
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "250000\n",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "-1\n",
            "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n"
        };
        expect(await cgroupCpus(reader(files))).toBe(2.5);
    });

    test("version 2", async () => {
        const cpus = (text: string): Promise<number> => cgroupCpus(reader({ "/sys/fs/cgroup/cpu.max": text }));
        expect(await cpus("150000 100000\n")).toBe(1.5);
        expect(await cpus("max 100000\n")).toBe(Infinity);
        expect(await cpus("150000 0\n")).toBe(Infinity);
        expect(await cpus("0 100000\n")).toBe(Infinity);
        expect(await cpus("")).toBe(Infinity);
    });
});
