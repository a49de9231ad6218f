/**
 * Contents of one control file in the cgroup of this process and in every group above it, nearest first.
 * A limit may be set on any of them (a container's own root, or a systemd unit).
 */
export async function cgroupFiles(read: (path: string) => Promise<string>, name: string): Promise<string[]> {
    const groups = await read("/proc/self/cgroup").catch(() => "");
    const parts = (/^0::(.*)$/m.exec(groups)?.[1] ?? "/").split("/").filter((part) => part !== "");
    const paths = [...parts.keys(), parts.length].map((count) =>
        ["/sys/fs/cgroup", ...parts.slice(0, count), name].join("/")
    );
    const files = await Promise.all(paths.reverse().map((path) => read(path).catch(() => undefined)));
    return files.filter((content) => content !== undefined);
}
