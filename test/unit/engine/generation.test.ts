import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { GenerateOptions } from "../../../src/engine/generate-options.js";
import type { Rast } from "../../../src/engine/engine.js";
import { loadRastWith } from "../../../src/loading/load.js";
import type { GenerationPart } from "../../../src/engine/results.js";
import { FakeAddon, fakeNative, tick, type FakeSettings } from "../../support/fake-addon.js";
import { makeModelFiles, type ModelFiles } from "../../support/model-files.js";

let files: ModelFiles;
const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);

beforeEach(async () => {
    files = await makeModelFiles();
    unhandled.length = 0;
    process.on("unhandledRejection", note);
});

afterEach(async () => {
    await tick();
    process.off("unhandledRejection", note);
    await files.remove();
    expect(unhandled).toEqual([]);
});

async function load(settings: FakeSettings = {}, parallel = 1): Promise<{ rast: Rast; addon: FakeAddon }> {
    const addon = new FakeAddon(settings);
    const { base, expert, antiexpert } = files;
    return { rast: await loadRastWith({ base, expert, antiexpert, parallel }, fakeNative(addon)), addon };
}

async function collect(parts: AsyncIterable<GenerationPart>): Promise<GenerationPart[]> {
    const all: GenerationPart[] = [];
    for await (const part of parts) all.push(part);
    return all;
}

async function until(condition: () => boolean): Promise<void> {
    for (let turn = 0; turn < 100 && !condition(); turn++) await tick();
    expect(condition()).toBe(true);
}

describe("streaming", () => {
    test("parts come in order and make up the result", async () => {
        const { rast } = await load();
        const generation = rast.generate({ prompt: "Hi", seed: 7 });
        const parts = await collect(generation);
        const result = await generation.result;
        expect(parts.map((part) => part.text)).toEqual(["Hello", ",", " world"]);
        expect(result.text).toBe("Hello, world");
        expect(result.tokens).toEqual([100, 101, 102]);
        expect(result).toMatchObject({ stopReason: "eos", stopToken: 2, seed: 7, mode: "rast", lambdas: [1] });
        expect(result.usage).toEqual({
            promptTokens: 2,
            completionTokens: 3,
            reasoningTokens: 0,
            cachedPromptTokens: 0
        });
        expect(result.timings.tokensPerSecond).toBeCloseTo(100);
        expect(result.hostBytesPerToken).toBe(6);
        expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    });

    test("starts without being iterated, and can be iterated afterwards and twice", async () => {
        const { rast } = await load();
        const generation = rast.generate({ prompt: "Hi" });
        await generation.result;
        expect((await collect(generation)).length).toBe(3);
        expect((await collect(generation)).length).toBe(3);
    });

    test("two loops over one running generation see the same parts", async () => {
        const { rast } = await load();
        const generation = rast.generate({ prompt: "Hi" });
        const [first, second] = await Promise.all([collect(generation), collect(generation)]);
        expect(first).toEqual(second);
    });

    test("log-probabilities come per token; impossible alternatives are left out", async () => {
        const { rast } = await load();
        const generation = rast.generate({ prompt: "Hi", logprobs: 3 });
        const parts = await collect(generation);
        const top = [
            { token: 10, logprob: -1 },
            { token: 11, logprob: -2 }
        ];
        expect(parts[0]!.logprobs).toEqual([{ token: 100, logprob: -0.5, top }]);
        expect((await generation.result).logprobs).toHaveLength(3);
        expect(await rast.complete({ prompt: "Hi" })).not.toHaveProperty("logprobs");
    });

    test("several at once keep apart", async () => {
        const { rast, addon } = await load({}, 2);
        const results = await Promise.all([1, 2, 3, 4].map((max) => rast.complete({ prompt: "Hi", maxTokens: max })));
        expect(results.map((result) => result.tokens.length)).toEqual([1, 2, 3, 3]);
        expect(addon.submitted).toHaveLength(4);
    });

    test("a seed above 2^53 is reported as a string", async () => {
        const { rast } = await load();
        const seed = 2n ** 64n - 1n;
        expect((await rast.complete({ prompt: "Hi", seed })).seed).toBe(seed.toString());
        expect(typeof (await rast.complete({ prompt: "Hi" })).seed).toBe("number");
    });
});

describe("aborting", () => {
    test("a signal that was aborted before gives an empty result without any work", async () => {
        const { rast, addon } = await load();
        const result = await rast.complete({ prompt: "Hi", signal: AbortSignal.abort() });
        expect(result).toMatchObject({ stopReason: "abort", text: "", tokens: [] });
        expect(addon.tokenized).toEqual([]);
        expect(addon.submitted).toEqual([]);
    });

    test("an abort while the prompt is tokenized submits nothing", async () => {
        const { rast, addon } = await load();
        const controller = new AbortController();
        const generation = rast.generate({ prompt: "Hi", signal: controller.signal });
        controller.abort();
        expect((await generation.result).stopReason).toBe("abort");
        expect(addon.submitted).toEqual([]);
    });

    test("an abort while generating keeps what was drawn, and the engine goes on", async () => {
        const { rast, addon } = await load({ manual: true });
        const controller = new AbortController();
        const generation = rast.generate({ prompt: "Hi", signal: controller.signal });
        await until(() => addon.submitted.length === 1);
        addon.step();
        controller.abort(new Error("enough"));
        const parts = await collect(generation);
        expect(parts.map((part) => part.text)).toEqual(["Hello"]);
        expect(await generation.result).toMatchObject({ stopReason: "abort", text: "Hello", tokens: [100] });
        const next = rast.generate({ prompt: "Hi", maxTokens: 1 });
        await until(() => addon.submitted.length === 2);
        addon.step();
        expect((await next.result).stopReason).toBe("maxTokens");
    });

    test("an abort after the end does nothing", async () => {
        const { rast, addon } = await load();
        const controller = new AbortController();
        const result = await rast.complete({ prompt: "Hi", signal: controller.signal });
        controller.abort();
        expect(result.stopReason).toBe("eos");
        expect(addon.cancelled).toEqual([]);
    });

    test("leaving the loop cancels", async () => {
        const { rast, addon } = await load({ completion: new Array<string>(1000).fill("x") });
        const generation = rast.generate({ prompt: "Hi" });
        for await (const part of generation) {
            expect(part.text).toBe("x");
            break;
        }
        expect((await generation.result).stopReason).toBe("abort");
        expect(addon.cancelled).toHaveLength(1);
    });

    test("an exception in the loop's body cancels too", async () => {
        const { rast } = await load({ completion: new Array<string>(1000).fill("x") });
        const generation = rast.generate({ prompt: "Hi" });
        const loop = async (): Promise<void> => {
            for await (const part of generation) throw new Error(part.text);
        };
        await expect(loop()).rejects.toThrow("x");
        expect((await generation.result).stopReason).toBe("abort");
    });

    test("cancel() ends it, before and after submission", async () => {
        const { rast } = await load({ manual: true });
        const generation = rast.generate({ prompt: "Hi" });
        generation.cancel();
        generation.cancel();
        expect((await generation.result).stopReason).toBe("abort");
        generation.cancel();
    });
});

describe("failing", () => {
    test("an engine failure rejects the loop and the result, after the parts before it", async () => {
        const { rast } = await load({ failAtStep: 2 });
        const generation = rast.generate({ prompt: "Hi" });
        const seen: string[] = [];
        const loop = async (): Promise<void> => {
            for await (const part of generation) seen.push(part.text);
        };
        await expect(loop()).rejects.toMatchObject({ code: "ERR_DECODE", details: { role: "base" } });
        await expect(generation.result).rejects.toMatchObject({ code: "ERR_DECODE" });
        expect(seen).toEqual(["Hello", ","]);
    });

    test("nobody needs to look at a failed generation", async () => {
        const { rast } = await load({ failAtStep: 0 });
        rast.generate({ prompt: "Hi" });
        rast.generate({ prompt: "Hi", temperature: -1 });
        for (let turn = 0; turn < 10; turn++) await tick();
    });

    test("wrong options reject like every other failure", async () => {
        const { rast } = await load();
        const generation = rast.generate({ prompt: "Hi", temperature: 500 });
        await expect(collect(generation)).rejects.toMatchObject({ code: "ERR_INVALID_OPTION" });
        await expect(generation.result).rejects.toThrow(
            "Expected a number in [0, 100] for temperature, received 500 (number)."
        );
    });

    test.each([
        [{}, "ERR_INVALID_OPTION"],
        [{ prompt: "a", tokens: [1] }, "ERR_INVALID_OPTION"],
        [{ prompt: "" }, "ERR_EMPTY_PROMPT"],
        [{ tokens: [] }, "ERR_EMPTY_PROMPT"],
        [{ prompt: "x".repeat(129) }, "ERR_PROMPT_TOO_LONG"],
        [{ messages: [{ role: "user", content: "Hi" }] }, "ERR_CHAT_TEMPLATE"],
        [{ messages: [] }, "ERR_INVALID_OPTION"]
    ])("prompt %j is %s", async (options, code) => {
        const { rast, addon } = await load();
        await expect(rast.complete(options as GenerateOptions)).rejects.toMatchObject({ code });
        expect(addon.submitted).toEqual([]);
    });

    test("a prompt that is too long is told with both numbers", async () => {
        const { rast } = await load();
        await expect(rast.complete({ prompt: "x".repeat(200) })).rejects.toThrow(
            "The prompt has 200 tokens; the context holds 128."
        );
    });
});

describe("disposing", () => {
    test("ends what runs, waits and prepares with an abort, and frees the engine", async () => {
        const { rast, addon } = await load({ manual: true });
        const running = rast.generate({ prompt: "Hi" });
        const waiting = rast.generate({ prompt: "Hi" });
        await until(() => addon.submitted.length === 2);
        addon.step();
        const preparing = rast.generate({ prompt: "Hi" });
        await rast.dispose();
        expect(await running.result).toMatchObject({ stopReason: "abort", text: "Hello" });
        expect(await waiting.result).toMatchObject({ stopReason: "abort", text: "" });
        expect(await preparing.result).toMatchObject({ stopReason: "abort", text: "" });
        expect(addon.liveEngines()).toBe(0);
    });

    test("is idempotent, and everything after it is refused", async () => {
        const { rast } = await load();
        await Promise.all([rast.dispose(), rast.dispose()]);
        await rast.dispose();
        const disposed = { code: "ERR_DISPOSED" };
        await expect(rast.complete({ prompt: "Hi" })).rejects.toMatchObject(disposed);
        await expect(collect(rast.generate({ prompt: "Hi" }))).rejects.toMatchObject(disposed);
        await expect(rast.tokenize("Hi")).rejects.toMatchObject(disposed);
        await expect(rast.detokenize([1])).rejects.toMatchObject(disposed);
        await expect(rast.applyChatTemplate([{ role: "user", content: "Hi" }])).rejects.toMatchObject(disposed);
        expect(rast.info.contextSize).toBe(128);
    });

    test("works through Symbol.asyncDispose", async () => {
        const { rast, addon } = await load();
        await rast[Symbol.asyncDispose]();
        expect(addon.liveEngines()).toBe(0);
    });
});

describe("a step that takes long", () => {
    // The engine says nothing more; half a second is promised, the rest is slack for a busy machine.
    const withinMs = 2000;

    test("holds up no abort: what there is comes at once, and what comes later is dropped", async () => {
        const { rast, addon } = await load({ manual: true, stuck: true });
        const generation = rast.generate({ prompt: "Hi" });
        await until(() => addon.submitted.length === 1);
        addon.step();
        const start = Date.now();
        generation.cancel();
        expect(await generation.result).toMatchObject({ stopReason: "abort", text: "Hello", tokens: [100] });
        expect(Date.now() - start).toBeLessThan(withinMs);
        addon.step();
        expect((await generation.result).tokens).toEqual([100]);
        expect((await collect(generation)).map((part) => part.text)).toEqual(["Hello"]);
    });
});
