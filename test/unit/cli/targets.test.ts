// Files that commands write at their end: never in place of what is no file.
import { execFileSync } from "node:child_process";
import { lstat, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkTargets, writeTarget } from "../../../src/cli/targets.js";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "rast-targets-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(process.platform === "win32")("what is no file", () => {
    test.each(["/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/null"])(
        "%s is refused before the work",
        async (path) => {
            await expect(checkTargets([path])).rejects.toMatchObject({ code: "ERR_INVALID_OPTION" });
        }
    );

    test("a pipe is refused, and stays one", async () => {
        const pipe = join(folder, "pipe");
        execFileSync("mkfifo", [pipe]);
        await expect(checkTargets([pipe])).rejects.toThrow(/is a device, a pipe or a socket/);
        await expect(writeTarget(pipe, "x")).rejects.toMatchObject({ code: "ERR_FILE_UNWRITABLE" });
        expect((await lstat(pipe)).isFIFO()).toBe(true);
    });

    test("a link stays one: what it points at is written; one to nowhere is refused", async () => {
        const [file, link, nowhere] = ["file", "link", "nowhere"].map((name) => join(folder, name)) as [
            string,
            string,
            string
        ];
        await writeFile(file, "old");
        await symlink(file, link);
        await symlink(join(folder, "not there"), nowhere);
        await checkTargets([link]);
        await writeTarget(link, "new");
        expect(await readFile(file, "utf8")).toBe("new");
        expect((await lstat(link)).isSymbolicLink()).toBe(true);
        await expect(checkTargets([nowhere])).rejects.toThrow(/is a link to nowhere/);
    });
});

test("new files, and those that are there, are written whole", async () => {
    const file = join(folder, "report");
    await checkTargets([file, undefined]);
    await writeTarget(file, "one");
    await checkTargets([file]);
    await writeTarget(file, "two");
    expect(await readFile(file, "utf8")).toBe("two");
});
