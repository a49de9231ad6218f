import { freemem, totalmem } from "node:os";
import { describe, expect, test } from "vitest";
import { availableHostBytes } from "../../../src/machine/host-memory.js";

const files =
    (content: Record<string, string>) =>
    async (path: string): Promise<string> => {
        const text = content[path];
        if (text === undefined) throw new Error(`there is no ${path}`);
        return text;
    };
const meminfo = "MemTotal:  100 kB\nMemFree:  1 kB\nMemAvailable:    2000 kB\nBuffers: 5 kB\n";

describe("main memory that is available", () => {
    test("on Linux is what the kernel says, within the group's limit", async () => {
        expect(await availableHostBytes("linux", files({ "/proc/meminfo": meminfo }))).toBe(2_048_000);
        const group = {
            "/proc/meminfo": meminfo,
            "/proc/self/cgroup": "0::/\n",
            "/sys/fs/cgroup/memory.max": "500000\n",
            "/sys/fs/cgroup/memory.current": "200000\n"
        };
        expect(await availableHostBytes("linux", files(group))).toBe(300_000);
        expect(await availableHostBytes("linux", files({ ...group, "/sys/fs/cgroup/memory.max": "max\n" }))).toBe(
            2_048_000
        );
    });

    test("elsewhere, or where nothing is said, is what Node.js says", async () => {
        const near = (bytes: number): void => {
            // It changes from one moment to the next.
            expect(Math.abs(bytes - freemem())).toBeLessThan(totalmem() / 4);
        };
        near(await availableHostBytes("linux", files({})));
        near(await availableHostBytes("linux", files({ "/proc/meminfo": "MemAvailable: some kB\n" })));
        near(await availableHostBytes("win32", files({ "/proc/meminfo": meminfo })));
        expect(await availableHostBytes("darwin", files({ "/proc/meminfo": meminfo }))).toBe(totalmem() * 0.75);
    });
});
