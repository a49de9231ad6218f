import { spawnSync } from "node:child_process";
import {
    chmodSync,
    existsSync,
    linkSync,
    lstatSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    realpathSync,
    rmSync,
    symlinkSync,
    utimesSync,
    writeFileSync
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OutputFile, writeWholeFile } from "../../../src/machine/output-file.js";
import { unfinishedName } from "../../../src/machine/unfinished-files.js";
import type { RastError } from "../../../src/errors.js";

let folder: string;
beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "rast-output-")));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = (name = "x.gguf"): string => join(folder, name);
const names = (): string[] => readdirSync(folder).sort();
const failure = async (run: Promise<unknown>): Promise<RastError> =>
    run.then(
        () => expect.unreachable("it should have failed"),
        (error: unknown) => error as RastError
    );

/** The name that a process which is no more would have left. */
function deadName(name = "x.gguf", key?: string): string {
    const pid = spawnSync(process.execPath, ["-p", "process.pid"]).stdout.toString().trim();
    return unfinishedName(name, key).replace(/\.\d+-(\d+)-/, `.${pid}-$1-`);
}

describe("OutputFile", () => {
    it("is absent until it is committed, and whole then", async () => {
        const file = await OutputFile.open(path());
        expect(file.takenBytes).toBe(0);
        await file.write(Buffer.from("world"), 6);
        await file.write(Buffer.from("hello "), 0);
        expect(existsSync(path())).toBe(false);
        expect((await file.read(2, 100)).toString()).toBe("llo world");
        await file.truncate(5);
        await file.commit();
        expect(readFileSync(path(), "utf8")).toBe("hello");
        expect(names()).toEqual(["x.gguf"]);
        await file.abort(); // nothing more
        expect(names()).toEqual(["x.gguf"]);
    });

    it("leaves what was there when it is aborted", async () => {
        writeFileSync(path(), "old");
        const file = await OutputFile.open(path());
        await file.write(Buffer.from("new"), 0);
        await file.abort();
        await file.abort();
        expect(readFileSync(path(), "utf8")).toBe("old");
        expect(names()).toEqual(["x.gguf"]);
        expect((await failure(file.write(Buffer.from("x"), 0))).message).toContain("closed");
    });

    it("is each one's own where two make it at once", async () => {
        const [one, other] = [await OutputFile.open(path()), await OutputFile.open(path())];
        await one.write(Buffer.from("one"), 0);
        await other.write(Buffer.from("other"), 0);
        await one.commit();
        expect(readFileSync(path(), "utf8")).toBe("one");
        await other.commit();
        expect(readFileSync(path(), "utf8")).toBe("other");
        expect(names()).toEqual(["x.gguf"]);
    });

    it("removes what killed processes left, and nothing else", async () => {
        const others = [
            "x.gguf.part",
            "y.gguf.new.1-1-00000000-000000000000.part",
            "x.gguf2",
            unfinishedName("x.gguf"), // of a process that lives
            deadName("x.gguf2")
        ];
        for (const name of [...others, deadName(), deadName("x.gguf", "k")]) writeFileSync(path(name), "left");
        await writeWholeFile(path(), "new");
        expect(names()).toEqual([...others, "x.gguf"].sort());
    });

    it("leaves what another machine is at work on for a day", async () => {
        const foreign = unfinishedName("x.gguf").replace(/-[0-9a-f]{8}-/, "-01234567-");
        writeFileSync(path(foreign), "left");
        await writeWholeFile(path(), "new");
        expect(names()).toContain(foreign);
        const old = Date.now() / 1000 - 25 * 3600;
        utimesSync(path(foreign), old, old);
        await writeWholeFile(path(), "new");
        expect(names()).toEqual(["x.gguf"]);
    });

    it.runIf(process.platform === "linux")("knows a process from an earlier one with its number", async () => {
        writeFileSync(path(unfinishedName("x.gguf").replace(/\.(\d+)-\d+-/, ".$1-1-")), "left");
        await writeWholeFile(path(), "new");
        expect(names()).toEqual(["x.gguf"]);
    });

    it("takes over what was left of the same content, once", async () => {
        writeFileSync(path(deadName("x.gguf", "etag")), "begun");
        const options = { resumeKey: "etag" };
        const [one, other] = await Promise.all([OutputFile.open(path(), options), OutputFile.open(path(), options)]);
        expect([one.takenBytes, other.takenBytes].sort()).toEqual([0, 5]);
        const taken = one.takenBytes > 0 ? one : other;
        await taken.write(Buffer.from(" and done"), 5);
        await taken.commit();
        await (taken === one ? other : one).abort();
        expect(readFileSync(path(), "utf8")).toBe("begun and done");
        expect(names()).toEqual(["x.gguf"]);
    });

    it("can be kept for a later run, of the same content alone", async () => {
        const begin = await OutputFile.open(path(), { resumeKey: "etag" });
        await begin.write(Buffer.from("half"), 0);
        await begin.keep();
        await begin.abort(); // nothing more
        expect(names()).toHaveLength(1);
        const again = await OutputFile.open(path(), { resumeKey: "etag" });
        expect(again.takenBytes).toBe(4);
        await again.keep();
        const otherwise = await OutputFile.open(path(), { resumeKey: "another" });
        expect(otherwise.takenBytes).toBe(0);
        await otherwise.commit();
        expect(names()).toEqual(["x.gguf"]);
    });

    it("follows links, and keeps them", async () => {
        mkdirSync(path("real"));
        writeFileSync(path("real/y.gguf"), "old");
        symlinkSync(path("real/y.gguf"), path());
        await writeWholeFile(path(), "new");
        expect(lstatSync(path()).isSymbolicLink()).toBe(true);
        expect(readFileSync(path("real/y.gguf"), "utf8")).toBe("new");
        expect(readdirSync(path("real"))).toEqual(["y.gguf"]);
    });

    it("does not follow a link that takes a leftover's place, nor write through a hard link to the old file", async () => {
        writeFileSync(path("precious"), "precious");
        symlinkSync(path("precious"), path(deadName("x.gguf", "k")));
        const file = await OutputFile.open(path(), { resumeKey: "k" });
        expect(file.takenBytes).toBe(0);
        await file.abort();
        writeFileSync(path(), "old");
        linkSync(path(), path("hard"));
        await writeWholeFile(path(), "new");
        expect(readFileSync(path("hard"), "utf8")).toBe("old");
        expect(readFileSync(path("precious"), "utf8")).toBe("precious");
    });

    it("writes names as long as they may be, and in any alphabet", async () => {
        for (const name of ["a".repeat(250), "模型 ü.gguf", "a b.0-1.part", ".x"]) {
            writeFileSync(path(deadName(name)), "left");
            await writeWholeFile(path(name), name);
            expect(readFileSync(path(name), "utf8")).toBe(name);
            expect(names()).toEqual([name]);
            rmSync(path(name));
        }
    });

    it("says why it cannot be written", async () => {
        mkdirSync(path("folder"));
        const reasons: [string, string, RegExp][] = [
            [path("folder"), "ERR_IS_DIRECTORY", /the expert.* is a folder/],
            [`${path("folder")}/`, "ERR_IS_DIRECTORY", /is a folder/],
            [
                path("no/x.gguf"),
                "ERR_FILE_UNWRITABLE",
                /the expert, .*no\/x\.gguf: its folder does not exist \(ENOENT\)/
            ],
            [path("a".repeat(256)), "ERR_FILE_UNWRITABLE", /its name is too long/],
            ["/dev/null", "ERR_FILE_UNWRITABLE", /not a regular file/]
        ];
        writeFileSync(path("file"), "");
        reasons.push([path("file/x.gguf"), "ERR_FILE_UNWRITABLE", /its folder is a file/]);
        symlinkSync(path("nowhere"), path("link"));
        reasons.push([path("link"), "ERR_FILE_UNWRITABLE", /a link to nowhere/]);
        if (process.getuid?.() !== 0) {
            mkdirSync(path("closed"));
            chmodSync(path("closed"), 0o500);
            reasons.push([path("closed/x.gguf"), "ERR_FILE_UNWRITABLE", /no permission \(EACCES\)/]);
            writeFileSync(path("readonly"), "");
            chmodSync(path("readonly"), 0o400);
            reasons.push([path("readonly"), "ERR_FILE_UNWRITABLE", /no permission \(EACCES\)/]);
        }
        for (const [target, code, message] of reasons) {
            const error = await failure(OutputFile.open(target, { what: "the expert" }));
            expect([target, error.code]).toEqual([target, code]);
            expect(error.message).toMatch(message);
            expect(error.details["path"]).toBe(target);
        }
        expect(names().filter((name) => name.endsWith(".part"))).toEqual([]);
    });

    it("begins nothing for which there is no space", async () => {
        const error = await failure(OutputFile.open(path(), { expectedBytes: 1e18 }));
        expect(error.code).toBe("ERR_FILE_UNWRITABLE");
        expect(error.message).toMatch(/takes 1000000000000000000 bytes, and \d+ are free in/);
        expect(error.details["freeBytes"]).toBeGreaterThan(0);
        expect(names()).toEqual([]);
    });

    it("keeps one listener of the process while there are files, and none after", async () => {
        const before = process.listenerCount("exit");
        const files = await Promise.all([1, 2, 3].map(async (n) => OutputFile.open(path(String(n)))));
        expect(process.listenerCount("exit")).toBe(before + 1);
        await Promise.all([files[0]!.commit(), files[1]!.abort(), files[2]!.keep()]);
        expect(process.listenerCount("exit")).toBe(before);
    });
});
