import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { drawSamples } from "../../../src/engine/samples.js";
import { RastError } from "../../../src/errors.js";
import type { LoadOptions } from "../../../src/loading/load-options.js";
import { tick, type FakeSettings } from "../../support/fake-addon.js";
import { CountingSignal } from "../../support/foreign.js";
import { loadFake, until } from "../../support/fake-engine.js";
import { makeModelFiles, type ModelFiles } from "../../support/model-files.js";

let files: ModelFiles;

beforeEach(async () => {
    files = await makeModelFiles();
});

afterEach(() => files.remove());

const load = (settings: FakeSettings = {}, more: LoadOptions = {}): ReturnType<typeof loadFake> =>
    loadFake(files, settings, more);

describe("samples of one prompt", () => {
    test("sample i is what complete gives for ordinal + i, and the prompt is prepared once", async () => {
        const { rast, addon } = await load({}, { parallel: 2 });
        const options = { prompt: "Hi", ordinal: 7, temperature: 0.3, stopTokens: [9], logitBias: { 4: 1 }, seed: 5n };
        await rast.completeMany(options, 9);
        const many = addon.submitted.splice(0);
        expect(addon.tokenized).toHaveLength(1);
        for (let i = 0; i < 9; i++) await rast.complete({ ...options, ordinal: 7 + i });
        expect(many).toEqual(addon.submitted);
        expect(many.map((request) => request.sampling.ordinal)).toEqual([7, 8, 9, 10, 11, 12, 13, 14, 15]);
    });

    test("begin at ordinal 0 with one random seed for all", async () => {
        const { rast, addon } = await load();
        const results = await rast.completeMany({ prompt: "Hi" }, 3);
        expect(addon.submitted.map((request) => request.sampling.ordinal)).toEqual([0, 1, 2]);
        expect(new Set(results.map((result) => result.seed)).size).toBe(1);
        const again = await rast.completeMany({ prompt: "Hi" }, 1);
        expect(again[0]!.seed).not.toBe(results[0]!.seed);
    });

    test("come back in order, whichever ends first", async () => {
        const { rast } = await load({ lengthOf: ({ sampling }) => (sampling.ordinal % 3) + 1 }, { parallel: 3 });
        const results = await rast.completeMany({ prompt: "Hi" }, 7);
        expect(results.map((result) => result.tokens.length)).toEqual([1, 2, 3, 1, 2, 3, 1]);
    });

    test("a few more than run together are begun at a time", async () => {
        const { rast, addon } = await load({ manual: true }, { parallel: 8 });
        const all = rast.completeMany({ prompt: "Hi", maxTokens: 1 }, 1000);
        await until(() => addon.submitted.length > 0);
        await tick();
        expect(addon.submitted).toHaveLength(12);
        addon.step();
        await tick();
        expect(addon.submitted).toHaveLength(20);
        await rast.dispose();
        expect((await all).filter((result) => result.stopReason === "abort")).toHaveLength(992);
    });

    test("a queue without room is waited for, and others get their places", async () => {
        const { rast, addon } = await load({}, { parallel: 1, maxQueue: 1 });
        const [many, one] = [rast.completeMany({ prompt: "Hi" }, 20), rast.complete({ prompt: "Hi" })];
        expect(await one.catch((error: unknown) => error)).toMatchObject({ code: "ERR_QUEUE_FULL" });
        expect((await many).every((result) => result.stopReason === "eos")).toBe(true);
        expect(addon.refused).toBeGreaterThan(0);
        const blocked = await load({ manual: true }, { parallel: 1, maxQueue: 0 });
        const first = blocked.rast.complete({ prompt: "Hi", maxTokens: 1 });
        const rest = blocked.rast.completeMany({ prompt: "Hi", maxTokens: 1 }, 2);
        await until(() => blocked.addon.refused > 0);
        for (let turn = 0; turn < 20; turn++) {
            blocked.addon.step();
            await tick();
        }
        expect((await first).stopReason).toBe("maxTokens");
        expect((await rest).map((result) => result.stopReason)).toEqual(["maxTokens", "maxTokens"]);
    });

    test("an abort while the queue is full is not kept waiting by others", async () => {
        const { rast, addon } = await load({ manual: true }, { parallel: 1, maxQueue: 0 });
        void rast.complete({ prompt: "Hi" });
        const controller = new AbortController();
        const many = rast.completeMany({ prompt: "Hi", signal: controller.signal }, 3);
        await until(() => addon.refused > 0);
        controller.abort();
        expect((await many).map((result) => result.stopReason)).toEqual(["abort", "abort", "abort"]);
    });

    test("one that fails fails all, cancels the others, and begins none", async () => {
        const { rast, addon } = await load({ manual: true, failAtStep: 1, failOrdinal: 1 }, { parallel: 2 });
        const signal = new CountingSignal();
        const many = rast.completeMany({ prompt: "Hi", signal: signal.asSignal() }, 50);
        const outcome = expect(many).rejects.toMatchObject({ code: "ERR_DECODE" });
        await until(() => addon.submitted.length === 4);
        expect(signal.added).toBe(1);
        expect(signal.listeners.size).toBe(1);
        addon.step();
        addon.step();
        await outcome;
        await tick();
        await tick();
        expect([...addon.cancelled].sort()).toEqual([1, 3, 4]);
        expect(addon.submitted).toHaveLength(4);
        expect(signal.listeners.size).toBe(0);
    });

    test("an abort ends all of them, those that had not begun too, and the event loop keeps turning", async () => {
        const { rast, addon } = await load({ manual: true });
        const controller = new AbortController();
        const many = rast.completeMany({ prompt: "Hi", signal: controller.signal }, 20_000);
        await until(() => addon.submitted.length === 2);
        let turns = 0;
        const timer = setInterval(() => turns++, 0);
        controller.abort();
        const results = await many;
        clearInterval(timer);
        expect(results).toHaveLength(20_000);
        expect(results.every((result) => result.stopReason === "abort")).toBe(true);
        expect(turns).toBeGreaterThan(3);
        expect(addon.submitted).toHaveLength(2);
    });

    test.each(["an abort", "a dispose"])(
        "after %s a hundred thousand are there soon, without a request each",
        async (how) => {
            const { rast, addon } = await load({ manual: true });
            const controller = new AbortController();
            const options = { prompt: "Hi", logprobs: 2, seed: 5 };
            const alone = await rast.complete({ ...options, signal: AbortSignal.abort() });
            const many = rast.completeMany({ ...options, signal: controller.signal }, 100_000);
            await until(() => addon.submitted.length === 2);
            let longestMs = 0;
            let last = performance.now();
            const timer = setInterval(() => {
                longestMs = Math.max(longestMs, performance.now() - last);
                last = performance.now();
            }, 1);
            const start = performance.now();
            const disposed = how === "an abort" ? controller.abort() : rast.dispose();
            const results = await many;
            const ms = performance.now() - start;
            clearInterval(timer);
            await disposed;
            // 0.25 s on a quiet machine, where a request each took 14 s; turns of 4 ms
            expect(ms).toBeLessThan(3000);
            expect(longestMs).toBeLessThan(500);
            expect(addon.submitted).toHaveLength(2);
            expect(results).toHaveLength(100_000);
            expect(results.every((result) => result.stopReason === "abort" && result.text === "")).toBe(true);
            expect(results.at(-1)).toEqual(alone);
            expect(results.at(-1)).not.toBe(results.at(-2));
            expect(results.at(-1)!.tokens).not.toBe(results.at(-2)!.tokens);
        }
    );

    test("n, and ordinals that would run over, are refused before anything begins", async () => {
        const { rast, addon } = await load();
        const refused = { code: "ERR_INVALID_OPTION" };
        for (const n of [0, -1, 1.5, 100_001, "3", undefined]) {
            await expect(rast.completeMany({ prompt: "Hi" }, n as number)).rejects.toMatchObject(refused);
        }
        await expect(rast.completeMany({ prompt: "Hi", ordinal: 2 ** 32 - 2 }, 3)).rejects.toThrow(
            "Expected an integer in [0, 4294967293] for ordinal, received 4294967294 (number)."
        );
        expect(addon.submitted).toEqual([]);
        await rast.completeMany({ prompt: "Hi", ordinal: 2 ** 32 - 3 }, 3);
        expect(addon.submitted.at(-1)!.sampling.ordinal).toBe(2 ** 32 - 1);
    });

    test("wrong options, and a prompt that cannot be prepared, reject once", async () => {
        const { rast, addon } = await load();
        await expect(rast.completeMany({ prompt: "Hi", topP: 2 }, 3)).rejects.toMatchObject({
            code: "ERR_INVALID_OPTION"
        });
        await expect(rast.completeMany({ prompt: "x".repeat(129) }, 3)).rejects.toMatchObject({
            code: "ERR_PROMPT_TOO_LONG"
        });
        expect(addon.submitted).toEqual([]);
        await rast.dispose();
        await expect(rast.completeMany({ prompt: "Hi" }, 3)).rejects.toMatchObject({ code: "ERR_DISPOSED" });
    });
});

describe("a refusal that is heard late, as an isolated engine's is", () => {
    // what comes of each attempt, and whether anything still runs when it was refused
    const draw = async (outcomes: readonly ("full" | number)[], rooms: readonly boolean[]): Promise<unknown> => {
        const [left, waits] = [[...outcomes], [...rooms]];
        const start = (): { result: Promise<number>; cancel: () => void } => {
            const one = left.shift()!;
            const result =
                one === "full" ? Promise.reject(new RastError("ERR_QUEUE_FULL", "It is full.")) : Promise.resolve(one);
            return { result, cancel: () => {} };
        };
        const plan = { count: 1, atOnce: 1, over: () => false, skipped: () => 0 };
        const drawn = await drawSamples({ ...plan, start, room: () => Promise.resolve(waits.shift()!) }).catch(
            (error: unknown) => (error as RastError).code
        );
        return [drawn, left.length];
    };

    test.each([
        ["the other has ended meanwhile", ["full", 7], [false], [[7], 0]],
        ["it waits for others between", ["full", "full", "full", 7], [false, true, false], [[7], 0]],
        ["nobody else has a place, twice", ["full", "full", 7], [false, false], ["ERR_QUEUE_FULL", 1]]
    ] as const)("%s", async (_what, outcomes, rooms, expected) => {
        expect(await draw(outcomes, rooms)).toEqual(expected);
    });
});
