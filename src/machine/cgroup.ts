// Limits that a container or a unit sets: control groups, version 2, version 1, or a mixture of both.

/** Where a group's control files lie. */
export interface CgroupFolder {
    readonly version: 1 | 2;
    readonly path: string;
}

type Reader = (path: string) => Promise<string>;

interface Mount {
    readonly version: 1 | 2;
    /** Where in the hierarchy the mount begins: in a container often not at its root. */
    readonly root: string;
    readonly point: string;
}

/** The folders of a controller for this process. */
export async function cgroupFolders(read: Reader, controller: string): Promise<CgroupFolder[]> {
    const [groups, mounts] = await Promise.all(
        ["/proc/self/cgroup", "/proc/self/mountinfo"].map((path) => read(path).catch(() => ""))
    );
    return parseCgroupFolders(groups!, mounts!, controller);
}

/**
 * The group of a process and every group above it that can be seen, nearest first: each may have a limit of its own.
 * @param groups content of /proc/self/cgroup
 * @param mountinfo content of /proc/self/mountinfo; the usual places where it says nothing
 * @param controller "memory" or "cpu"
 */
export function parseCgroupFolders(groups: string, mountinfo: string, controller: string): CgroupFolder[] {
    const mounts = parseMounts(mountinfo, controller);
    if (mounts.length === 0) {
        mounts.push({ version: 2, root: "/", point: "/sys/fs/cgroup" });
        mounts.push({ version: 1, root: "/", point: `/sys/fs/cgroup/${controller}` });
    }
    return mounts.flatMap(({ version, root, point }) => {
        const inside = pathBelow(root, groupPath(groups, version, controller));
        const counts = [...inside.keys(), inside.length].reverse();
        return counts.map((count) => ({ version, path: [point, ...inside.slice(0, count)].join("/") }));
    });
}

// Lines like "4:memory,hugetlb:/docker/1f" (version 1) and "0::/user.slice" (version 2).
function groupPath(groups: string, version: 1 | 2, controller: string): string {
    for (const line of groups.split("\n")) {
        const [, id, names, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
        const fits = version === 2 ? id === "0" && names === "" : names?.split(",").includes(controller) === true;
        if (fits) return path!;
    }
    return "/";
}

// Lines like "36 25 0:32 /docker/1f /sys/fs/cgroup/memory ro,nosuid master:16 - cgroup cgroup rw,memory".
function parseMounts(mountinfo: string, controller: string): Mount[] {
    return mountinfo.split("\n").flatMap((line): Mount[] => {
        const [before, after] = line.split(" - ");
        const [, , , root, point] = (before ?? "").split(" ").map(unescapePath);
        const [type, , options] = (after ?? "").split(" ");
        if (root === undefined || point === undefined) return [];
        if (type === "cgroup2") return [{ version: 2, root, point }];
        return type === "cgroup" && options?.split(",").includes(controller) ? [{ version: 1, root, point }] : [];
    });
}

function unescapePath(text: string): string {
    return text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

// Parts of the path below a mount's root. A group that lies outside of what is mounted shows the root alone.
function pathBelow(root: string, path: string): string[] {
    const parts = (text: string): string[] => text.split("/").filter((part) => part !== "");
    const [above, all] = [parts(root), parts(path)];
    if (all.includes("..") || above.some((part, index) => all[index] !== part)) return [];
    return all.slice(above.length);
}

/**
 * Bytes that the tightest limit still leaves, page cache counted as free; Infinity without a limit.
 * Version 1 writes "no limit" as a number near 2^63, which is more than any machine has.
 */
export async function cgroupMemoryBytes(read: Reader): Promise<number> {
    const rooms = (await cgroupFolders(read, "memory")).map(async ({ version, path }) => {
        const [limitName, usedName] =
            version === 2 ? ["memory.max", "memory.current"] : ["memory.limit_in_bytes", "memory.usage_in_bytes"];
        const file = (name: string): Promise<string> => read(`${path}/${name}`).catch(() => "");
        const [limit, used, facts] = await Promise.all([limitName, usedName, "memory.stat"].map(file));
        const fact = (name: string): number | undefined =>
            readCount(new RegExp(`^${name} (\\d+)$`, "m").exec(facts!)?.[1]);
        const cache = (version === 1 ? fact("total_inactive_file") : undefined) ?? fact("inactive_file") ?? 0;
        // Of version 1, as it includes the groups above that a container cannot see.
        const inherited = (version === 1 ? fact("hierarchical_memory_limit") : undefined) ?? Infinity;
        const tightest = Math.min(readCount(limit) ?? Infinity, inherited);
        return Math.max(0, tightest - (readCount(used) ?? 0) + cache);
    });
    return Math.min(Infinity, ...(await Promise.all(rooms)));
}

/** CPUs per period that the tightest limit allows; Infinity without one. */
export async function cgroupCpus(read: Reader): Promise<number> {
    const quotas = (await cgroupFolders(read, "cpu")).map(async ({ version, path }) => {
        const file = (name: string): Promise<string> => read(`${path}/${name}`).catch(() => "");
        const words =
            version === 2
                ? (await file("cpu.max")).trim().split(/\s+/)
                : await Promise.all(["cpu.cfs_quota_us", "cpu.cfs_period_us"].map(file));
        const [quota, period] = words.map(readCount);
        return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : Infinity;
    });
    return Math.min(Infinity, ...(await Promise.all(quotas)));
}

// "max", "-1" and what is not there are no numbers.
function readCount(text: string | undefined): number | undefined {
    return text !== undefined && /^\d+\s*$/.test(text) ? Number(text) : undefined;
}
