// The engine's clock against the caller's: drafts in the prompt's round give tokens before any time seems to have passed.
import { describe, expect, it } from "vitest";
import { loadRast, type RastResult } from "../../dist/index.js";
import { median } from "../../src/bench/record/statistics.js";
import { demo } from "../support/demo.js";

interface Timed {
    readonly result: RastResult;
    /** By this side's clock: the whole call, and from the first part to the end. */
    readonly callMs: number;
    readonly afterFirstMs: number;
    /** Tokens of the first part. */
    readonly firstTokens: number;
}

// A model that is its own expert: every draft is drawn.
const agreeing = { base: demo.base, expert: demo.base, antiexpert: demo.base };
const engine = await loadRast({ ...agreeing, contextSize: 256, threads: 1, gpuLayers: 0, parallel: 1 });

async function timed(maxTokens: number, speculation: "off" | "auto" | { draft: number }): Promise<Timed> {
    const start = performance.now();
    const generation = engine.generate({ prompt: "1+2", maxTokens, speculation, temperature: 0, ignoreEos: true });
    let [firstAt, firstTokens] = [0, 0];
    for await (const { tokens } of generation) {
        if (firstAt > 0 || tokens.length === 0) continue;
        [firstAt, firstTokens] = [performance.now(), tokens.length];
    }
    const result = await generation.result;
    const end = performance.now();
    return { result, callMs: end - start, afterFirstMs: end - firstAt, firstTokens };
}

describe("a fixed length of 15 drafts", () => {
    it.each([1, 2, 15, 16, 17, 32, 64, 128])("looks no faster than a stopwatch says, %i tokens", async (maxTokens) => {
        await timed(maxTokens, { draft: 15 }); // the first graphs
        const all: Timed[] = [];
        // each may be held up on this side, where the machine is busy: the middle of them is not
        for (let i = 0; i < 7; ++i) all.push(await timed(maxTokens, { draft: 15 }));
        for (const { result, firstTokens } of all) {
            expect(result.tokens).toHaveLength(maxTokens);
            const { firstRoundTokens, tokensPerSecond, overallTokensPerSecond } = result.timings;
            expect(firstRoundTokens).toBe(Math.min(16, maxTokens));
            // a part may hold more than a round where this side is slow
            expect(firstTokens).toBeGreaterThanOrEqual(firstRoundTokens);
            expect(overallTokensPerSecond).toBeGreaterThan(0);
            expect(Number.isFinite(overallTokensPerSecond)).toBe(true);
            if (maxTokens <= 16) expect(tokensPerSecond).toBeNull();
            else {
                const later = (1000 * (maxTokens - firstRoundTokens)) / result.timings.decodeMs;
                expect(tokensPerSecond).toBeCloseTo(later, 6);
            }
        }
        // What the clocks do not share is the way to the engine's thread and back, and whatever holds this side up meanwhile
        // on a busy machine: least of all in the best of seven.
        const slackMs = 5;
        const overall = all.map(({ result, callMs }) => {
            const engineMs = (1000 * maxTokens) / result.timings.overallTokensPerSecond!;
            return (engineMs + slackMs) / callMs;
        });
        expect(Math.max(...overall)).toBeGreaterThanOrEqual(0.85);
        if (maxTokens < 64) return;
        // here a delay at the first part makes the stopwatch look fast, one at the end slow: the middle of seven
        const later = all.map(({ result, afterFirstMs, firstTokens }) => {
            const engineMsPerToken = 1000 / result.timings.tokensPerSecond!;
            return (engineMsPerToken * (maxTokens - firstTokens) + slackMs) / afterFirstMs;
        });
        expect(median(later)).toBeGreaterThanOrEqual(0.82);
    });
});

it("the first round of a text without drafts is one token, and an empty text has no rate", async () => {
    const { timings, tokens } = (await timed(20, "off")).result;
    expect(timings.firstRoundTokens).toBe(1);
    expect(timings.tokensPerSecond).toBeCloseTo(19_000 / timings.decodeMs, 6);
    const whole = timings.queueMs + timings.prefillMs + timings.decodeMs;
    expect(timings.overallTokensPerSecond).toBeCloseTo(20_000 / whole, 6);
    expect(timings.firstTokenMs).toBeCloseTo(timings.queueMs + timings.prefillMs, 6);
    const options = { prompt: "1+2", temperature: 0, stopTokens: [tokens[0]!], speculation: { draft: 15 } };
    const none = await engine.complete(options);
    expect(none).toMatchObject({ text: "", stopToken: tokens[0] });
    expect(none.timings).toMatchObject({ firstRoundTokens: 0, tokensPerSecond: null, overallTokensPerSecond: null });
    await engine.dispose();
});
