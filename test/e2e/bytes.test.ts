import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { RastResult } from "../../dist/index.js";
import { built, root, run, vulkanEnvironment, vulkanLibrary } from "../support/native.js";
import { heavy, size } from "../support/size.js";
import { shapedTrio } from "../support/test-models.js";

const folder = mkdtempSync(join(tmpdir(), "rast-bytes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Reads {
    readonly smallBytes: number;
    readonly wideBytes: number;
    readonly wideCalls: number;
}

const width = 151936;
const plain = size(17, 101);
const drafted = size(9, 40);

// A library preloaded into the process sees every read from the device, whoever makes it.
async function generate(...more: string[]): Promise<{ result: RastResult; reads: Reads }> {
    const trio = await shapedTrio({ base: width, small: width });
    const file = join(folder, `reads-${more.length}.json`);
    const models = Object.entries(trio).flatMap(([role, path]) => [`--${role}`, path]);
    const settings = ["--max-tokens", String(plain), "--seed", "5", "--ignore-eos", "--context-size", "256", "--json"];
    const args = [join(root, "dist", "cli", "main.js"), "generate", ...models, ...settings, ...more, "Q: 12+3=? abc"];
    const env = { ...vulkanEnvironment(built("count_reads.so")), RAST_READS_FILE: file };
    const finished = await run(process.execPath, args, { env });
    expect(finished.stderr).toBe("");
    expect(finished.code).toBe(0);
    return {
        result: JSON.parse(finished.stdout) as RastResult,
        reads: JSON.parse(readFileSync(file, "utf8")) as Reads
    };
}

describe.runIf(vulkanLibrary !== undefined)(`bytes to the host on Vulkan, vocabulary ${width}`, () => {
    it("are at most 64 a token with the paper's settings, counted from outside", async () => {
        const { result, reads } = await generate("--draft", "off");
        const tokens = result.usage.completionTokens;
        expect(tokens).toBe(plain);
        expect(result.path).toBe("device");
        expect(reads.smallBytes / tokens).toBeLessThanOrEqual(64);
        // what the result says is what was seen
        expect(reads.smallBytes).toBe(result.hostBytes);
        expect(reads.wideCalls).toBe(result.hostRows);
        expect(reads.wideBytes).toBe(result.hostRowBytes);
        expect(result.hostRows).toBeLessThanOrEqual(tokens / 100);
    });

    it("are at most 64 a token with drafts, those that are not accepted included", async () => {
        const { result, reads } = await generate("--draft", "auto", "--max-tokens", String(drafted));
        expect(result.speculation.mode).toBe("auto");
        expect(reads.smallBytes / drafted).toBeLessThanOrEqual(64);
        // beside what belongs to the request, loading timed some decodes
        expect(result.hostBytes).toBeGreaterThanOrEqual(8 * drafted);
        expect(reads.smallBytes).toBeGreaterThan(result.hostBytes);
        expect(reads.smallBytes - result.hostBytes).toBeLessThan(1024);
    });

    it("stay below 64 with log-probabilities of five alternatives", async () => {
        const { result, reads } = await generate("--draft", "off", "--logprobs", "5", "--max-tokens", "6");
        expect(result.logprobs).toHaveLength(6);
        expect(reads.smallBytes / 6).toBeLessThanOrEqual(64);
        expect(reads.smallBytes).toBe(result.hostBytes);
    });

    it.runIf(heavy)("are a few numbers a token where scores are asked for", async () => {
        const trio = await shapedTrio({ base: width, small: width });
        const file = join(folder, "reads-scores.json");
        const args = [join(root, "test", "e2e", "scripts", "score-bytes.mjs"), trio.base, trio.expert, trio.antiexpert];
        const env = { ...vulkanEnvironment(built("count_reads.so")), RAST_READS_FILE: file };
        const finished = await run(process.execPath, args, { env });
        expect(finished.stderr).toBe("");
        type Counts = Pick<RastResult, "hostBytes" | "hostRows"> & { readonly tokens: number };
        const { scored, drawn, path } = JSON.parse(finished.stdout) as { scored: Counts; drawn: Counts; path: string };
        expect([path, scored.hostRows, drawn.hostRows]).toEqual(["device", 0, 0]);
        const reads = JSON.parse(readFileSync(file, "utf8")) as Reads;
        expect(reads.wideCalls).toBe(0);
        expect(reads.smallBytes).toBe(scored.hostBytes + drawn.hostBytes);
        expect(scored.hostBytes / scored.tokens).toBeLessThanOrEqual(700);
        expect(drawn.hostBytes / drawn.tokens).toBeLessThanOrEqual(200);
    });

    it("are whole rows on the host path: the count can fail", async () => {
        const { result, reads } = await generate("--draft", "off", "--sampler", "host", "--max-tokens", "3");
        expect(result.path).toBe("host");
        expect(reads.wideBytes).toBe(3 * width * 4);
        expect(result.hostRows).toBe(3);
    });
});
