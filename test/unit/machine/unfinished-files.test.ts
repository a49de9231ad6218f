// Who is at work on a file: told by the names of what lies beside it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { hasOtherWriter, hasWriter, unfinishedName } from "../../../src/machine/unfinished-files.js";

const folder = mkdtempSync(join(tmpdir(), "rast-unfinished-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let file: string;
let count = 0;
beforeEach(() => (file = join(folder, `file${count++}`)));

/** What lies beside the file, as a process would have named it. */
function beside(pid: number, start: string, host?: string): string {
    const own = unfinishedName(file.split("/").at(-1)!);
    const name = own.replace(/\.\d+-\d+-([0-9a-f]{8})/, (_, here: string) => `.${pid}-${start}-${host ?? here}`);
    const path = join(folder, name);
    writeFileSync(path, "");
    return path;
}

const startOf = (pid: number): string =>
    readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\)/s, "").trim().split(" ")[19]!;

test("nobody, and this process itself", async () => {
    expect(await hasWriter(file)).toBe(false);
    const own = join(folder, unfinishedName(file.split("/").at(-1)!));
    writeFileSync(own, "");
    expect(await hasWriter(file)).toBe(true);
    expect(await hasOtherWriter(file, own)).toBe(false);
});

test("one of another machine, for as long as is said", async () => {
    const path = beside(1, "1", "00000000");
    expect(await hasOtherWriter(file, "", 60_000)).toBe(true);
    const before = new Date(Date.now() - 61_000);
    utimesSync(path, before, before);
    expect(await hasOtherWriter(file, "", 60_000)).toBe(false);
    expect(await hasWriter(file)).toBe(true);
});

test.skipIf(process.platform !== "linux")("not one that has ended and that nobody has asked for", async () => {
    // the shell becomes a program that never asks for the one it started
    const shell = spawn("sh", ["-c", "sleep 0.1 & echo $!; exec sleep 20"], { stdio: ["ignore", "pipe", "ignore"] });
    try {
        const pid = Number(String((await once(shell.stdout, "data"))[0]));
        const path = beside(pid, startOf(pid));
        expect(await hasOtherWriter(file, "")).toBe(true);
        const state = (): string => readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "")[0]!;
        for (let turn = 0; turn < 200 && state() !== "Z"; turn++)
            await new Promise((resolve) => setTimeout(resolve, 50));
        expect([state(), startOf(pid)]).toEqual(["Z", /-(\d+)-[0-9a-f]{8}-/.exec(path)![1]]);
        expect(await hasOtherWriter(file, "")).toBe(false);
    } finally {
        shell.kill("SIGKILL");
    }
});
