import { mkdtemp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ByteSet } from "../../../src/hub/byte-ranges.js";
import { PassingFailure, unreachable } from "../../../src/hub/hub-errors.js";
import { hubPathText, parseHubPath } from "../../../src/hub/hub-path.js";
import { readHubSettings } from "../../../src/hub/hub-settings.js";
import { Hub } from "../../../src/hub/hub.js";
import { PartialFile } from "../../../src/hub/partial-file.js";
import { pause, retryAfterMs, usualPatience, waitBefore } from "../../../src/hub/patience.js";
import { modelsFolder } from "../../../src/machine/models-folder.js";
import { StandInHub } from "../../support/stand-in-hub.js";

let folder: string;
beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "rast-hub-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("what the environment says", () => {
    test("the token: the option, the variables, the file, each before the next", async () => {
        await mkdir(join(folder, "huggingface"));
        await writeFile(join(folder, "huggingface", "token"), " hf_file\n");
        const env = { XDG_CACHE_HOME: folder };
        const token = (options: { token?: string }, more: NodeJS.ProcessEnv = {}): Promise<string | undefined> =>
            readHubSettings(options, { ...env, ...more }).token();
        expect(await token({})).toBe("hf_file");
        expect(await token({}, { HUGGING_FACE_HUB_TOKEN: "hf_old" })).toBe("hf_old");
        expect(await token({}, { HUGGING_FACE_HUB_TOKEN: "hf_old", HF_TOKEN: "hf_new" })).toBe("hf_new");
        expect(await token({ token: "hf_mine" }, { HF_TOKEN: "hf_new" })).toBe("hf_mine");
        await writeFile(join(folder, "other"), "hf_other");
        expect(await token({}, { HF_TOKEN_PATH: join(folder, "other") })).toBe("hf_other");
        expect(await token({}, { HF_HOME: join(folder, "nowhere") })).toBeUndefined();
        await expect(token({}, { HF_TOKEN: "a b\u0000" })).rejects.toThrow(
            "The token for the hub in the environment variable HF_TOKEN has characters that no token has."
        );
    });

    test("the hub and whether it is asked", () => {
        expect(readHubSettings({}, {})).toMatchObject({ endpoint: "https://huggingface.co", offline: false });
        expect(readHubSettings({}, { HF_ENDPOINT: "https://mirror.example/", HF_HUB_OFFLINE: "YES" })).toMatchObject({
            endpoint: "https://mirror.example",
            offline: true
        });
        expect(readHubSettings({ offline: false }, { HF_HUB_OFFLINE: "1" }).offline).toBe(false);
        for (const wrong of ["mirror.example", "ftp://x", "https://me:secret@x", "https://x/?a=b", "https://x#a"]) {
            expect(() => readHubSettings({}, { HF_ENDPOINT: wrong })).toThrow(/for HF_ENDPOINT/);
            expect(() => readHubSettings({ endpoint: wrong }, {})).toThrow(/for endpoint/);
        }
        expect(() => readHubSettings({}, { HF_ENDPOINT: "https://me:secret@x" })).not.toThrow(/secret/);
    });

    test("a proxy that Node.js does not use is named where nobody is reached", () => {
        const failure = new PassingFailure("ECONNREFUSED");
        expect(unreachable(failure, "https://x", true).message).toContain("NODE_USE_ENV_PROXY=1");
        expect(unreachable(failure, "https://x", false).message).toBe(
            "The hub https://x cannot be reached: ECONNREFUSED."
        );
    });

    test.each([
        [{ RAST_MODELS: "/big/models" }, "linux", "/big/models"],
        [{}, "linux", "/home/me/.local/share/rast-llama/models"],
        [{ XDG_DATA_HOME: "/data" }, "linux", "/data/rast-llama/models"],
        [{ XDG_DATA_HOME: "data", RAST_MODELS: "" }, "linux", "/home/me/.local/share/rast-llama/models"],
        [{}, "darwin", "/home/me/Library/Application Support/rast-llama/models"],
        [{ LOCALAPPDATA: "/local" }, "win32", "/local/rast-llama/models"]
    ] as const)("models with %j on %s go to %s", (env, platform, expected) => {
        expect(modelsFolder(env, platform, "/home/me")).toBe(expected);
    });
});

describe("paths of the hub", () => {
    test.each(["hf:a/b/c.gguf", "hf:a/b/c/d.gguf#v1", "hf:a/b", "hf:a-1/b.2_c/x y.gguf"])("%s", (text) => {
        expect(hubPathText(parseHubPath(text))).toBe(text);
    });

    test.each([
        "a/b",
        "hf:a",
        "hf:a/b/../c",
        "hf:a/b//c",
        "hf:a/b/./c",
        "hf:a/b/c\\..\\d",
        "hf:a/b/C:/x",
        "https://a/b"
    ])("%s is none", (text) => {
        expect(() => parseHubPath(text)).toThrow("Expected hf:owner/repository/file.gguf");
    });
});

describe("patience", () => {
    test("Retry-After in seconds, as a date, and in nobody's form", () => {
        const now = Date.parse("2026-01-01T00:00:00Z");
        expect(retryAfterMs("7", now)).toBe(7000);
        expect(retryAfterMs("Thu, 01 Jan 2026 00:00:30 GMT", now)).toBe(30_000);
        expect(retryAfterMs("Wed, 31 Dec 2025 00:00:00 GMT", now)).toBe(0);
        expect(retryAfterMs("Thursday, 01-Jan-26 00:00:30 GMT", now)).toBe(30_000);
        for (const text of ["soon", "-5", "+5", "1.5", "5 seconds", "", "1e3"])
            expect(retryAfterMs(text, now)).toBeUndefined();
        expect(retryAfterMs(null, now)).toBeUndefined();
    });

    test("waits double up to their bound; without any answer it ends sooner", () => {
        const failure = new PassingFailure("x");
        for (const [failures, least] of [
            [1, 300],
            [2, 600],
            [6, 9600]
        ] as const) {
            const wait = waitBefore(failure, failures, usualPatience, true)!;
            expect(wait).toBeGreaterThanOrEqual(least);
            expect(wait).toBeLessThanOrEqual(least * (5 / 3));
        }
        expect(waitBefore(failure, 7, usualPatience, true)).toBeUndefined();
        expect(waitBefore(failure, 3, usualPatience, false)).toBeUndefined();
        expect(waitBefore(new PassingFailure("x", { answered: true }), 3, usualPatience, false)).toBeDefined();
        expect(waitBefore(new PassingFailure("x", { waitMs: 300_001 }), 1, usualPatience, true)).toBeUndefined();
    });

    test("a wait ends with its signal", async () => {
        const controller = new AbortController();
        const waiting = pause(60_000, controller.signal);
        controller.abort(new Error("enough"));
        await expect(waiting).rejects.toThrow("enough");
        await expect(pause(1, controller.signal)).rejects.toThrow("enough");
    });
});

test("which bytes are there, against a plain list of them", () => {
    const size = 60;
    for (let turn = 0; turn < 300; turn++) {
        const set = new ByteSet();
        const there = new Set<number>();
        for (let one = 0; one < 6; one++) {
            const start = Math.floor(Math.random() * size);
            const end = Math.min(size, start + Math.floor(Math.random() * 20));
            set.add({ start, end });
            for (let at = start; at < end; at++) there.add(at);
        }
        expect(set.bytes).toBe(there.size);
        const missing = set.missing(size, 7).flatMap(({ start, end }) => {
            expect(end - start).toBeGreaterThan(0);
            expect(end - start).toBeLessThanOrEqual(7);
            return Array.from({ length: end - start }, (_, index) => start + index);
        });
        expect(missing).toEqual(Array.from({ length: size }, (_, at) => at).filter((at) => !there.has(at)));
    }
});

describe("an unfinished file", () => {
    const options = { what: "the file", content: ["hash"], size: 100 };
    const path = (): string => join(folder, "x");

    test("goes on with what is noted, and not with what is only written", async () => {
        const first = await PartialFile.open(path(), options);
        await first.write(Buffer.alloc(30, 1), 0);
        await first.note({ start: 0, end: 20 });
        await first.write(Buffer.alloc(10, 2), 50);
        await first.note({ start: 50, end: 60 });
        await first.keep();
        const second = await PartialFile.open(path(), options);
        expect([second.takenBytes, second.missing(100)]).toEqual([
            30,
            [
                { start: 20, end: 50 },
                { start: 60, end: 100 }
            ]
        ]);
        await expect(second.commit()).rejects.toThrow("70 bytes are missing");
        await second.write(Buffer.alloc(30, 3), 20);
        await second.note({ start: 20, end: 50 });
        await second.write(Buffer.alloc(40, 4), 60);
        await second.note({ start: 60, end: 100 });
        await second.commit();
        const content = await readFile(path());
        expect([content.length, content[19], content[20], content[59], content[99]]).toEqual([100, 1, 3, 2, 4]);
    });

    test.each([
        ["a record that was not written to its end", 16, 30],
        ["a record with other bytes", -1, 0]
    ])("%s is none", async (_, cut, expected) => {
        const first = await PartialFile.open(path(), options);
        await first.note({ start: 0, end: 30 });
        await first.note({ start: 40, end: 50 });
        await first.keep();
        const left = first.unfinishedPath.replace(/\.\d+-/, ".0-");
        const bytes = await readFile(left);
        if (cut < 0) bytes[105]! ^= 1;
        await writeFile(left, cut < 0 ? bytes : bytes.subarray(0, bytes.length - cut));
        const second = await PartialFile.open(path(), options);
        expect(second.takenBytes).toBe(expected);
        await second.abort();
    });

    test("of other content is not taken over", async () => {
        const first = await PartialFile.open(path(), options);
        await first.note({ start: 0, end: 30 });
        await first.keep();
        const second = await PartialFile.open(path(), { ...options, content: ["another hash"] });
        expect(second.takenBytes).toBe(0);
        await second.abort();
    });
});

test.each(["hf:../..", "hf:a/..", "hf:a/b/../c.gguf", "hf:a/b/c\n.gguf", "hf:a/b#../x", "hf:a/b/c\\d.gguf"])(
    "%j is no place at a hub",
    (text) => {
        expect(() => parseHubPath(text)).toThrow("Expected hf:owner/repository/file.gguf");
    }
);

test("a list of several pages, and bytes for a header", async () => {
    const hub = await StandInHub.start();
    hub.add("a/b/x.gguf", Buffer.from("0123456789"));
    hub.fault = ({ path }, count) => {
        if (!path.startsWith("/api")) return undefined;
        const link = count === 1 ? { link: `<${hub.endpoint}/api/models/a/b/tree/main?cursor=2>; rel="next"` } : {};
        const entries = [
            { type: "file", path: `f${count}`, size: count },
            { type: "directory", path: "d" }
        ];
        return { status: 200, headers: { "content-type": "application/json", ...link }, body: JSON.stringify(entries) };
    };
    const client = new Hub({ endpoint: hub.endpoint }, { waitMs: 1 }, { HF_HOME: folder });
    expect(await client.list(parseHubPath("hf:a/b"))).toEqual([
        { path: "f1", bytes: 1 },
        { path: "f2", bytes: 2 }
    ]);
    const facts = await client.facts(parseHubPath("hf:a/b/x.gguf"));
    expect((await client.bytes(facts, { start: 2, end: 5 })).toString()).toBe("234");
    expect((await client.bytes(facts, { start: 8, end: 99 })).toString()).toBe("89");
    expect(await client.bytes(facts, { start: 10, end: 99 })).toHaveLength(0);
    hub.fault = ({ server }) => (server === "storage" ? { whole: true } : undefined);
    expect((await client.bytes(facts, { start: 2, end: 5 })).toString()).toBe("234");
    hub.fault = () => ({ status: 200, headers: { "content-type": "application/json" }, body: "{" });
    await expect(client.list(parseHubPath("hf:a/b"))).rejects.toThrow("is not JSON");
    const headers = { "content-type": "application/json" };
    hub.fault = (_, count) => ({
        status: 200,
        headers: { ...headers, link: `<?page=${count}>; rel="next"` },
        body: "[]"
    });
    await expect(client.list(parseHubPath("hf:a/b"))).rejects.toThrow("has no end");
    const many = JSON.stringify(Array.from({ length: 400_000 }, () => ({ type: "file", path: "f", size: 1 })));
    hub.fault = () => ({ status: 200, headers, body: many });
    expect(await client.list(parseHubPath("hf:a/b"))).toHaveLength(10_000);
    await hub.stop();
});

test("a storage that refuses HEAD is asked for a byte", async () => {
    const hub = await StandInHub.start();
    hub.add("a/b/x.gguf", { content: Buffer.from("0123456789"), saidSha256: null });
    hub.fault = ({ server, method }) => (server === "storage" && method === "HEAD" ? { status: 403 } : undefined);
    const client = new Hub({ endpoint: hub.endpoint }, { waitMs: 1 }, { HF_HOME: folder });
    expect(await client.facts(parseHubPath("hf:a/b/x.gguf"))).toMatchObject({ bytes: 10, sha256: undefined });
    await hub.stop();
});

test("the trio of a catalog that is not here is told with the command that brings it", async () => {
    const { resolveTrio } = await import("../../../src/trio/trio.js");
    vi.stubEnv("RAST_CATALOG", "");
    vi.stubEnv("RAST_MODELS", folder);
    await expect(resolveTrio("qwen2.5-32b-simplerl-14b")).rejects.toMatchObject({
        code: "ERR_UNKNOWN_TRIO",
        message: expect.stringContaining(
            'rast pull qwen2.5-32b-simplerl-14b, or pullTrio("qwen2.5-32b-simplerl-14b")'
        ) as string
    });
    vi.unstubAllEnvs();
});
