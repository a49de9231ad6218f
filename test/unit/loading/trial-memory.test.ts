// What is remembered of trials, and that nothing of it is trusted.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TrialMemory } from "../../../src/loading/trial-memory.js";

let folder: string;
const fine = { outcome: "fine" } as const;
const died = { outcome: "died", how: "ended (SIGABRT)", words: "GGML_ASSERT" } as const;

beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "rast-trials-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const fresh = (versions: readonly string[] = ["1", "2"]): TrialMemory => new TrialMemory(join(folder, "t"), versions);
const onlyFile = async (): Promise<string> => join(folder, "t", (await readdir(join(folder, "t")))[0]!);

describe("trials", () => {
    test("are known to others, under the same fingerprint and versions alone", async () => {
        expect(await fresh().recall("a")).toBeUndefined();
        await fresh().remember("a", fine);
        await fresh().remember("b", died);
        expect(await fresh().recall("a")).toEqual(fine);
        expect(await fresh().recall("b")).toEqual(died);
        expect(await fresh().recall("c")).toBeUndefined();
        expect(await fresh(["1", "3"]).recall("a")).toBeUndefined();
        expect(await fresh(["12"]).recall("a")).toBeUndefined();
        expect((await readdir(join(folder, "t"))).every((name) => /^[0-9a-f]{64}\.json$/.test(name))).toBe(true);
    });

    test("a later one counts, and what this process knows needs no file", async () => {
        const memory = fresh();
        await memory.remember("a", died);
        await memory.remember("a", fine);
        expect(await fresh().recall("a")).toEqual(fine);
        await rm(join(folder, "t"), { recursive: true });
        expect(await memory.recall("a")).toEqual(fine);
        expect(await fresh().recall("a")).toBeUndefined();
    });

    test("a folder that cannot be made is not missed, and nothing unfinished stays", async () => {
        await writeFile(join(folder, "t"), "a file");
        const memory = fresh();
        await memory.remember("a", fine);
        expect(await memory.recall("a")).toEqual(fine);
        expect(await fresh().recall("a")).toBeUndefined();
        await rm(join(folder, "t"));
        await fresh().remember("a", fine);
        const file = await onlyFile();
        await rm(file);
        await mkdir(file);
        await writeFile(join(file, "x"), "");
        await fresh().remember("a", fine);
        expect(await readdir(join(folder, "t"))).toHaveLength(1);
        expect(await fresh().recall("a")).toBeUndefined();
    });

    test.each<[string, (record: Record<string, unknown>) => unknown]>([
        ["another version", (record) => ({ ...record, version: 2 })],
        ["another model's", (record) => ({ ...record, fingerprint: "b" })],
        ["an unknown outcome", (record) => ({ ...record, outcome: "good" })],
        ["no reason", (record) => ({ ...record, how: undefined })],
        ["a reason that is no text", (record) => ({ ...record, how: 5 })],
        ["words that are no text", (record) => ({ ...record, words: null })],
        ["a list", () => []],
        ["null", () => null],
        ["too long", (record) => ({ ...record, words: "x".repeat(65_536) })]
    ])("a record with %s is as good as none", async (_, change) => {
        await fresh().remember("a", died);
        const file = await onlyFile();
        const record = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
        expect(record).toEqual({ version: 1, fingerprint: "a", ...died });
        await writeFile(file, JSON.stringify(change(record)));
        expect(await fresh().recall("a")).toBeUndefined();
    });

    test("64 KiB are read, and what is no JSON is none", async () => {
        await fresh().remember("a", fine);
        const file = await onlyFile();
        const text = await readFile(file, "utf8");
        await writeFile(file, text.padEnd(65_536));
        expect(await fresh().recall("a")).toEqual(fine);
        await writeFile(file, text.padEnd(65_537));
        expect(await fresh().recall("a")).toBeUndefined();
        await writeFile(file, text.slice(1));
        expect(await fresh().recall("a")).toBeUndefined();
    });
});
