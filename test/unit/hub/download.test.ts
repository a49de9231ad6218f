import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Download, downloadSettings, type DownloadProgress } from "../../../src/hub/download.js";
import { Hub } from "../../../src/hub/hub.js";
import { parseHubPath } from "../../../src/hub/hub-path.js";
import type { HubOptions } from "../../../src/hub/hub-settings.js";
import type { Patience } from "../../../src/hub/patience.js";
import { sha256Of, StandInHub, type Fault, type Seen } from "../../support/stand-in-hub.js";

const quick: Partial<Patience> = { waitMs: 2, mostWaitMs: 5, stallMs: 400, mostAskedMs: 2_000 };
const content = Buffer.concat([Buffer.from("GGUF"), randomBytes(1_000_003)]);
const name = "maker/models/model.gguf";
const noEnv = { HF_TOKEN_PATH: "/nowhere" };

let folder: string;
let hub: StandInHub;
beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "rast-hub-"));
    hub = await StandInHub.start();
    hub.add(name, content);
});
afterEach(async () => {
    await hub.stop();
    await rm(folder, { recursive: true, force: true });
});

const target = (): string => join(folder, "model.gguf");

interface PullOptions extends HubOptions {
    readonly patience?: Partial<Patience>;
    readonly signal?: AbortSignal;
    readonly path?: string;
    readonly onProgress?: (progress: DownloadProgress) => void;
}

async function pull({
    patience,
    signal,
    path = name,
    onProgress = () => {},
    ...options
}: PullOptions = {}): Promise<string> {
    const client = new Hub({ endpoint: hub.endpoint, ...options }, { ...quick, ...patience }, noEnv);
    const facts = await client.facts(parseHubPath(`hf:${path}`), signal);
    const download = await Download.prepare(client, facts, target());
    return download.run({ ...downloadSettings(4), pieceBytes: 150_000, noteBytes: 20_000 }, signal, onProgress);
}

async function assertWhole(): Promise<void> {
    expect(sha256Of(await readFile(target()))).toBe(sha256Of(content));
    expect(await readdir(folder)).toEqual(["model.gguf"]);
}

async function failureOf(work: Promise<unknown>): Promise<{ code: string; message: string }> {
    return work.then(
        () => expect.fail("it succeeded"),
        (error: { code: string; message: string }) => error
    );
}

const storageOnly =
    (fault: (seen: Seen, count: number) => Fault | undefined) =>
    (seen: Seen, count: number): Fault | undefined =>
        seen.server === "storage" ? fault(seen, count) : undefined;

test("a file comes in parts over several connections, and its hash is compared", async () => {
    const states = new Set<string>();
    let last = 0;
    expect(
        await pull({
            onProgress: ({ state, bytes, totalBytes }) => {
                states.add(state);
                expect(totalBytes).toBe(content.length);
                last = bytes;
            }
        })
    ).toBe("sha256");
    await assertWhole();
    expect([...states]).toEqual(["downloading", "checking"]);
    expect(last).toBe(content.length);
    expect(hub.seen.filter(({ server }) => server === "storage").length).toBe(Math.ceil(content.length / 150_000));
    expect(hub.askedBytes).toBeGreaterThanOrEqual(content.length);
});

test("the address of the storage is asked for once, not for every part", async () => {
    await pull();
    const asked = hub.seen.filter(({ server, method }) => server === "hub" && method === "GET").length;
    expect(asked).toBeLessThanOrEqual(4);
});

test("an address that has expired is asked for anew", async () => {
    let expired = 0;
    hub.fault = storageOnly((_, count) => (count > 8 && expired++ < 3 ? { status: 403 } : undefined));
    await pull();
    await assertWhole();
    expect(expired).toBeGreaterThan(0);
});

test("connections that break go on where they broke", async () => {
    let broken = 0;
    hub.fault = storageOnly(() => (broken++ % 3 === 0 ? { cutAfter: 70_001 } : undefined));
    await pull();
    await assertWhole();
    expect(hub.askedBytes).toBeLessThan(content.length * 2.5);
});

test("a connection that breaks again and again without a gain is given up, and what there is stays", async () => {
    hub.fault = storageOnly(({ range }) => (range?.startsWith("bytes=0-") === true ? undefined : { cutAfter: 0 }));
    const failure = await failureOf(pull());
    expect(failure.code).toBe("ERR_HUB_UNREACHABLE");
    expect(failure.message).toMatch(/does not serve any more|cannot be reached/);
    const [left, ...others] = await readdir(folder);
    expect(others).toEqual([]);
    expect(left).toMatch(/\.part$/);
    hub.fault = () => undefined;
    hub.seen.length = 0;
    await pull();
    await assertWhole();
    expect(hub.askedBytes).toBeLessThan(content.length);
});

test("a silent connection counts as broken", async () => {
    let first = true;
    hub.fault = storageOnly(() => {
        const fault = first ? { stallAfter: 10_000 } : undefined;
        first = false;
        return fault;
    });
    await pull();
    await assertWhole();
});

test("a busy hub is asked again, after as long as it says", async () => {
    let busy = 2;
    const waits: string[] = [];
    hub.fault = (seen) => {
        if (seen.server === "hub" && seen.method === "GET" && busy-- > 0) {
            return { status: 429, headers: { "retry-after": "1" } };
        }
        return undefined;
    };
    const begin = Date.now();
    await pull({
        onProgress: ({ state, reason }) => {
            if (state === "waiting") waits.push(reason!);
        }
    });
    await assertWhole();
    expect(waits.length).toBeGreaterThan(0);
    expect(waits[0]).toContain("too many requests (429), and asks to wait for 1 s");
    expect(Date.now() - begin).toBeGreaterThanOrEqual(950);
});

test("a hub that asks to wait for long is not waited for", async () => {
    hub.fault = () => ({ status: 429, headers: { "retry-after": "3600" } });
    expect(await failureOf(pull())).toMatchObject({
        code: "ERR_HUB_UNREACHABLE",
        message: expect.stringContaining("asks to wait for 3600 s") as string
    });
});

test("errors of the hub that pass, and those that stay", async () => {
    let errors = 3;
    hub.fault = () => (errors-- > 0 ? { status: 502 } : undefined);
    await pull();
    await assertWhole();
    hub.fault = () => ({ status: 503 });
    expect((await failureOf(pull())).code).toBe("ERR_HUB_UNREACHABLE");
});

test("a server without ranges sends the whole file", async () => {
    hub.fault = storageOnly(() => ({ whole: true }));
    await pull();
    await assertWhole();
});

test("the same where its connection breaks", async () => {
    let broken = 0;
    hub.fault = storageOnly(() => ({ whole: true, ...(broken++ < 5 ? { cutAfter: 100_000 * broken } : {}) }));
    await pull();
    await assertWhole();
});

test("a server without ranges whose connection breaks at the same place each time is given up", async () => {
    hub.fault = storageOnly(() => ({ whole: true, cutAfter: 300_000 }));
    expect((await failureOf(pull())).code).toBe("ERR_HUB_UNREACHABLE");
});

test("a wrong hash is no file, and leaves none", async () => {
    const saidSha256 = createHash("sha256").update("another").digest("hex");
    hub.add(name, { content, saidSha256 });
    const failure = await failureOf(pull());
    expect(failure.code).toBe("ERR_DOWNLOAD_DAMAGED");
    expect(failure.message).toContain(sha256Of(content));
    expect(await readdir(folder)).toEqual([]);
});

test("a storage with another size than the hub says", async () => {
    for (const saidBytes of [content.length - 1, content.length + 7]) {
        hub.add(name, { content, saidBytes });
        const failure = await failureOf(pull());
        expect(failure.code).toMatch(/ERR_DOWNLOAD_DAMAGED|ERR_HUB_ANSWER/);
        expect(failure.message).toMatch(/bytes/);
    }
    expect((await readdir(folder)).filter((one) => one === "model.gguf")).toEqual([]);
});

test("what an earlier process left is taken over, unless it is of other content", async () => {
    const controller = new AbortController();
    const aborted = pull({
        signal: controller.signal,
        onProgress: ({ bytes }) => {
            if (bytes > 400_000) controller.abort(new Error("enough"));
        }
    });
    await expect(aborted).rejects.toThrow("enough");
    hub.seen.length = 0;
    await pull();
    await assertWhole();
    expect(hub.askedBytes).toBeLessThan(content.length - 250_000);
});

test("what is left is damaged: the hash tells, and all is fetched anew", async () => {
    const controller = new AbortController();
    const aborted = pull({
        signal: controller.signal,
        onProgress: ({ bytes }) => {
            if (bytes > 400_000) controller.abort();
        }
    });
    await expect(aborted).rejects.toThrow();
    const left = join(folder, (await readdir(folder))[0]!);
    const bytes = await readFile(left);
    bytes.fill(0x55, 10, 1000);
    await writeFile(left, bytes);
    await pull();
    await assertWhole();
});

test("the token goes to the hub, and nowhere else", async () => {
    hub.add(name, { content, token: "hf_secret" });
    await pull({ token: "hf_secret" });
    await assertWhole();
    const of = (server: string): Set<string | undefined> =>
        new Set(hub.seen.filter((seen) => seen.server === server).map(({ authorization }) => authorization));
    expect([...of("hub")]).toEqual(["Bearer hf_secret"]);
    expect([...of("storage")]).toEqual([undefined]);
});

test("who may not have a model is told what to do", async () => {
    hub.add("maker/gated/model.gguf", { content, gated: "hf_good" });
    const gated = await failureOf(pull({ path: "maker/gated/model.gguf" }));
    expect(gated.code).toBe("ERR_HUB_ACCESS");
    expect(gated.message).toContain(`accept them at ${hub.endpoint}/maker/gated`);
    expect(gated.message).toContain("set HF_TOKEN");
    const wrong = await failureOf(pull({ path: "maker/gated/model.gguf", token: "hf_other" }));
    expect(wrong.message).toContain("is of the account that accepted them");
    expect(wrong.message).not.toContain("hf_other");
    const unknown = await failureOf(pull({ path: "nobody/nothing/model.gguf" }));
    expect(unknown.code).toBe("ERR_HUB_NOT_FOUND");
    expect(unknown.message).toContain("shows no repository nobody/nothing");
    const missing = await failureOf(pull({ path: "maker/models/other.gguf" }));
    expect(missing).toMatchObject({ code: "ERR_HUB_NOT_FOUND" });
    expect(missing.message).toContain('no file "other.gguf" in maker/models');
});

test("a web page is no model", async () => {
    hub.fault = () => ({ status: 200, headers: { "content-type": "text/html; charset=utf-8" }, body: "<html>Sign in" });
    const failure = await failureOf(pull());
    expect(failure.code).toBe("ERR_HUB_ANSWER");
    expect(failure.message).toContain("A web page came from 127.0.0.1");
});

test("redirects in a circle, without end, and to what is no address", async () => {
    hub.fault = (seen) => ({
        status: 302,
        headers: { location: seen.path.endsWith("x") ? seen.path : `${seen.path}x` }
    });
    expect((await failureOf(pull())).message).toMatch(/is redirected in a circle/);
    hub.fault = (_, count) => ({ status: 302, headers: { location: `/somewhere/${count}` } });
    expect((await failureOf(pull())).message).toMatch(/more than 10 times/);
    hub.fault = () => ({ status: 302, headers: { location: "file:///etc/passwd" } });
    expect(await failureOf(pull())).toMatchObject({ code: "ERR_HUB_ANSWER" });
});

test("other bytes than were asked for are refused", async () => {
    hub.fault = storageOnly(() => ({ headers: { "content-range": `bytes 5-9/${content.length}` } }));
    expect((await failureOf(pull())).code).toBe("ERR_HUB_ANSWER");
});

test("a mirror that says neither size nor hash: the storage's size counts, and what is no GGUF file is refused", async () => {
    hub.add(name, { content, saidSha256: null });
    expect(await pull()).toBe("size");
    await assertWhole();
    await rm(target());
    hub.add(name, { content: randomBytes(5000), saidSha256: null });
    expect((await failureOf(pull())).message).toContain("is no GGUF file");
    expect(await readdir(folder)).toEqual([]);
});

test("a small file that git keeps has git's hash", async () => {
    hub.add("maker/models/config.json", { content: Buffer.from('{"a": 1}'), small: true });
    expect(await pull({ path: "maker/models/config.json" })).toBe("git");
    expect(await readFile(target(), "utf8")).toBe('{"a": 1}');
});

test("an empty file", async () => {
    hub.add("maker/models/empty", Buffer.alloc(0));
    expect(await pull({ path: "maker/models/empty" })).toBe("sha256");
    expect(await readFile(target())).toHaveLength(0);
});

test("nobody there is told soon, in one line", async () => {
    const endpoint = hub.endpoint;
    await hub.stop();
    const failure = await failureOf(pull({ endpoint }));
    expect(failure.code).toBe("ERR_HUB_UNREACHABLE");
    expect(failure.message).toMatch(/cannot be reached: ECONNREFUSED/);
    expect(failure.message).not.toContain("\n");
    hub = await StandInHub.start();
});

test("offline, nobody is asked", async () => {
    const failure = await failureOf(pull({ offline: true }));
    expect(failure).toMatchObject({ code: "ERR_HUB_UNREACHABLE" });
    expect(hub.seen).toEqual([]);
});

test("two at once: both end with the whole file", async () => {
    hub.fault = storageOnly(() => ({ slow: { bytes: 20_000, ms: 1 } }));
    await Promise.all([pull(), pull()]);
    await assertWhole();
});
