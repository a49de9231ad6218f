// Every kind of memory, as base and as pair beside another base: company, kept beginnings, drafts, saved states and a
// small cache do not change a text. Greedy, in F32 and without flash attention, so that batches differ by rounding
// alone; a first difference must be a near-tie.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
    loadRast,
    RastError,
    type GenerateOptions,
    type GenerateSettings,
    type RastResult,
    type LoadOptions,
    type Rast
} from "../../dist/index.js";
import { architectures, windowTokens, type Architecture } from "../support/architectures.js";
import { nativeTest } from "../support/native.js";
import { heavy, size } from "../support/size.js";
import { tinyTrioOf } from "../support/test-models.js";

const exact = {
    contextSize: 512,
    kvType: "f32",
    flashAttention: false,
    gpuLayers: 0,
    threads: 1,
    speculation: "off"
} as const satisfies LoadOptions;
/** Nats between the two likeliest tokens below which rounding may decide. */
const nearTie = 1e-3;
const maxTokens = size(3 * windowTokens, 8 * windowTokens);

const folder = mkdtempSync(join(tmpdir(), "rast-memories-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tokens = (count: number, seed: number): number[] =>
    Array.from({ length: count }, (_, i) => 1 + ((i * 37 + seed * 101 + ((i * i * seed) % 53)) % 250));

const request = (prompt: readonly number[], more: GenerateSettings = {}): GenerateOptions => ({
    tokens: prompt,
    maxTokens,
    temperature: 0,
    ignoreEos: true,
    logprobs: 2,
    ...more
});

// Unequal lengths, some many windows long, in all modes.
const prompts = [tokens(70, 1), tokens(9, 2), tokens(1, 3), tokens(33, 4), tokens(110, 5)];
const modes = ["rast", "rast", "base", "rast", "expert"] as const;
const requests = prompts.map((prompt, i) => request(prompt, { mode: modes[i]! }));

async function using<T>(options: LoadOptions, work: (rast: Rast) => Promise<T>): Promise<T> {
    const rast = await loadRast({ ...exact, ...options });
    try {
        return await work(rast);
    } finally {
        await rast.dispose();
    }
}

const alone = (trio: LoadOptions, wanted: readonly GenerateOptions[]): Promise<RastResult[]> =>
    using({ ...trio, parallel: 1, reusePrefixes: false }, async (rast) => {
        const results: RastResult[] = [];
        for (const one of wanted) results.push(await rast.complete(one));
        return results;
    });

/** Equal texts, or a first difference between two tokens that were as likely. */
function expectSame(got: RastResult, want: RastResult, what: string): void {
    const at = want.tokens.findIndex((token, i) => got.tokens[i] !== token);
    if (at < 0) {
        expect(got.tokens.length, what).toBe(want.tokens.length);
        return;
    }
    const [first, second] = want.logprobs![at]!.top;
    expect(first!.logprob - second!.logprob, `${what}: parts at token ${at}`).toBeLessThan(nearTie);
}

const recurrent = (kind: Architecture): boolean => ["mamba", "jamba"].includes(kind) || keepsEarlierStates(kind);
const keepsEarlierStates = (kind: Architecture): boolean =>
    ["lfm2", "lfm2-window", "nemotron_h", "qwen35"].includes(kind);

interface Case {
    readonly name: string;
    readonly base: Architecture;
    readonly pair: Architecture;
}

const cases = architectures.flatMap((kind): Case[] => [
    { name: `${kind} with a pair of its own`, base: kind, pair: kind },
    ...(kind !== "llama" ? [{ name: `${kind} beside llama`, base: "llama" as const, pair: kind }] : [])
]);
const everyday = new Set([
    "gemma3 with a pair of its own",
    "gemma3 beside llama",
    "mamba with a pair of its own",
    "mamba beside llama",
    "lfm2-window with a pair of its own",
    "jamba beside llama"
]);
const chosen = cases.filter(({ name }) => heavy || everyday.has(name));

// A decode whose rows would be numbered anew is found out, so that it can be an error and no wrong text.
describe("a batch with outputs", () => {
    it.each([
        ["llama", "attends to all tokens", 1],
        ["gemma3", "has layers with a window", 1],
        ["mamba", "is recurrent", 0],
        ["lfm2", "is partly recurrent", 0]
    ] as const)("is one piece in %s, or known not to be", async (kind, memory, cutBack) => {
        const { base } = await tinyTrioOf(kind);
        const output = await nativeTest("memory", { base, "flash-attention": "off" });
        expect(output).toContain(`ok memory ${memory}, cut back ${cutBack}`);
    });
});

describe.each(chosen)("$name", ({ base, pair }) => {
    const canCutBack = !recurrent(base) && !recurrent(pair);
    const canDraft = [base, pair].every((kind) => !recurrent(kind) || keepsEarlierStates(kind));
    const files = tinyTrioOf(base, pair);

    it("gives the same text alone, together, from kept beginnings, with drafts and with a small cache", async () => {
        const trio = await files;
        const want = await alone(trio, requests);
        const expectAll = (got: readonly RastResult[], what: string): void =>
            got.forEach((one, i) => expectSame(one, want[i]!, `${what}, request ${i}`));

        await using({ ...trio, parallel: 4 }, async (rast) => {
            expectAll(await Promise.all(requests.map((one) => rast.complete(one))), "together");
            // those of the first turn have left gaps between slots
            expectAll(await Promise.all(requests.map((one) => rast.complete(one))), "together again");
        });
        // more slots than requests, of which the short ones end first
        await using({ ...trio, parallel: 8, prefillChunk: 8, batchSize: 24 }, async (rast) => {
            const uneven = requests.map((one, i) => ({ ...one, maxTokens: 3 + ((i * 7) % 20) }));
            const got = await Promise.all(uneven.map((one) => rast.complete(one)));
            got.forEach((one, i) => expect([...one.tokens]).toEqual([...want[i]!.tokens.slice(0, one.tokens.length)]));
        });
        // 256 cells for four requests of up to 158 tokens
        await using({ ...trio, parallel: 4, contextSize: 256, cacheSize: 256 }, async (rast) => {
            const got = await Promise.all(requests.map((one) => rast.complete(one)));
            expectAll(got, "in a small cache");
            if (base !== "mamba") expect(got.reduce((sum, one) => sum + (one.restarts ?? 0), 0)).toBeGreaterThan(0);
        });
        await using({ ...trio, parallel: 3, speculation: { draft: 5 } }, async (rast) => {
            expect(rast.info.maxDraft).toBe(canDraft ? 5 : 0);
            if (!canDraft) expect(rast.info.draftReason).toMatch(/(base|antiexpert) model is (partly )?recurrent/);
            const drafting = requests.map(({ mode, ...one }) => ({
                ...one,
                mode: mode!,
                ...(canDraft ? {} : { speculation: "off" as const })
            }));
            expectAll(await Promise.all(drafting.map((one) => rast.complete(one))), "drafted");
        });
    });

    it("goes on from a kept beginning, whatever was decoded since, as from the start", async () => {
        const trio = await files;
        const long = prompts[4]!;
        const visits = [
            tokens(40, 3),
            tokens(200, 5),
            tokens(90, 7),
            [...tokens(200, 5).slice(0, 90), ...tokens(20, 9)],
            [...long, ...tokens(30, 8)],
            long,
            [...tokens(200, 5).slice(0, 150), ...tokens(3, 6)],
            tokens(40, 3)
        ].map((prompt) => request(prompt, { maxTokens: size(windowTokens, 4 * windowTokens) }));
        const want = await alone(trio, visits);
        for (const parallel of [1, 2, 4]) {
            await using(
                { ...trio, parallel, ...(parallel === 4 ? { contextSize: 300, cacheSize: 512 } : {}) },
                async (rast) => {
                    let cached = 0;
                    for (const [i, visit] of visits.entries()) {
                        const got = await rast.complete(visit);
                        expectSame(got, want[i]!, `${parallel} slots, visit ${i}`);
                        cached += got.usage.cachedPromptTokens;
                    }
                    if (canCutBack) expect(cached).toBeGreaterThan(150);
                    else expect(cached).toBe(0);
                }
            );
        }
    });

    it(
        canCutBack ? "goes on from a saved state as from the start" : "refuses to save a state, and says why",
        async () => {
            const trio = await files;
            const file = join(folder, `${base}-${pair}.state`);
            const saved = tokens(5 * windowTokens + 3, 6);
            const failure = await using({ ...trio, parallel: 2 }, async (rast) => {
                // something longer with the same beginning is what the cache holds
                await rast.complete(request([...saved, ...tokens(2 * windowTokens, 9)], { maxTokens: 4 }));
                return rast.saveState(file, { tokens: saved }).then(
                    () => undefined,
                    (error: unknown) => error
                );
            });
            if (!canCutBack) {
                expect(failure).toBeInstanceOf(RastError);
                expect((failure as RastError).code).toBe("ERR_STATE_FILE");
                expect((failure as RastError).message).toMatch(/recurrent/);
                return;
            }
            expect(failure).toBeUndefined();
            // all of it, its very end, and less than it: what a window no longer sees is not in the file
            const later = [
                request([...saved, ...tokens(5, 2)]),
                request(saved),
                request([...saved.slice(0, 2 * windowTokens), ...tokens(7, 4)]),
                request([...saved, ...tokens(5, 2), ...tokens(40, 1)])
            ];
            const want = await alone(trio, later);
            await using({ ...trio, parallel: 2 }, async (rast) => {
                const { tokens: loaded } = await rast.loadState(file);
                expect(loaded).toHaveLength(saved.length);
                for (const [i, one] of later.entries()) {
                    const got = await rast.complete(one);
                    expectSame(got, want[i]!, `after loading, request ${i}`);
                    if (i === 0) expect(got.usage.cachedPromptTokens).toBe(saved.length);
                }
            });
        }
    );
});
