import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeFolder } from "../../../src/machine/make-folder.js";

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
        () => undefined,
        (error: NodeJS.ErrnoException) => error.code
    );

it("makes what is missing, several at once, and leaves what is there", async () => {
    const top = mkdtempSync(join(tmpdir(), "rast-folder-"));
    try {
        const deep = join(top, "a", "b", "c");
        await Promise.all([makeFolder(deep), makeFolder(deep), makeFolder(join(top, "a", "b"))]);
        await makeFolder(deep);
        expect(statSync(deep).isDirectory()).toBe(true);
        writeFileSync(join(top, "file"), "");
        expect(await codeOf(makeFolder(join(top, "file")))).toBe("EEXIST");
        expect(await codeOf(makeFolder(join(top, "file", "below")))).toBe("ENOTDIR");
    } finally {
        rmSync(top, { recursive: true });
    }
});

it.runIf(existsSync("/proc/self"))("ends where the system has no such place", async () => {
    expect(await codeOf(makeFolder("/proc/none/of/these"))).toBe("ENOENT");
});
