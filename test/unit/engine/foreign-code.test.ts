// Options, signals and callbacks are the caller's own code: what they do stays with their request.
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Rast } from "../../../src/engine/engine.js";
import type { GenerateOptions } from "../../../src/engine/generate-options.js";
import type { Generation } from "../../../src/engine/generation.js";
import { loadRastWith } from "../../../src/loading/load.js";
import type { LoadOptions } from "../../../src/loading/load-options.js";
import { Rast as PublicRast } from "../../../src/index.js";
import { FakeAddon, fakeNative, tick, type FakeSettings } from "../../support/fake-addon.js";
import { CountingSignal, revoked, throwing } from "../../support/foreign.js";
import { loadFake, until } from "../../support/fake-engine.js";
import { makeModelFiles, type ModelFiles } from "../../support/model-files.js";

let files: ModelFiles;
const strays: unknown[] = [];
const note = (what: unknown): void => void strays.push(what);

beforeEach(async () => {
    files = await makeModelFiles();
    strays.length = 0;
    for (const event of ["unhandledRejection", "uncaughtException", "warning"]) process.on(event, note);
});

afterEach(async () => {
    await tick();
    await tick();
    for (const event of ["unhandledRejection", "uncaughtException", "warning"]) process.off(event, note);
    await files.remove();
    expect(strays).toEqual([]);
});

const load = (settings: FakeSettings = {}, more: LoadOptions = {}): ReturnType<typeof loadFake> =>
    loadFake(files, settings, more);

function explode(): never {
    throw new Error("mine");
}

const prompt = "Hi";
const refused = { code: "ERR_INVALID_OPTION" };

describe("signals that are none", () => {
    const listening = { aborted: false, addEventListener: () => {} };
    test.each([
        ["cannot forget a listener", listening],
        ["throws when it should forget one", { ...listening, removeEventListener: () => explode() }],
        ["throws when asked again", changing("aborted", [false])],
        ["calls back at once", { ...listening, addEventListener: (_: string, call: () => void) => call() }]
    ] as [string, object][])("one that %s leaves its neighbours whole", async (_, signal) => {
        const { rast } = await load({}, { parallel: 3 });
        const [left, odd, right] = await Promise.all([
            rast.complete({ prompt }),
            rast.complete({ prompt, signal: signal as AbortSignal }),
            rast.complete({ prompt })
        ]);
        expect(left.text).toBe("Hello, world");
        expect(right).toMatchObject({ text: "Hello, world", stopReason: "eos" });
        expect(["eos", "abort"]).toContain(odd.stopReason);
    });

    test.each([
        ["throws when read", throwing("aborted")],
        ["was revoked", revoked({})],
        ["cannot be listened to", throwing("addEventListener", { aborted: false })],
        ["has listeners that throw", { aborted: false, addEventListener: () => explode() }],
        ["knows no state", { addEventListener: () => {} }],
        ["is a number", 5]
    ] as [string, unknown][])("one that %s is refused", async (_, signal) => {
        const { rast, addon } = await load();
        await expect(rast.complete({ prompt, signal: signal as AbortSignal })).rejects.toMatchObject(refused);
        expect(addon.submitted).toEqual([]);
        expect((await rast.complete({ prompt })).stopReason).toBe("eos");
    });

    test("a thousand generations share one listener, and all of them end", async () => {
        const { rast } = await load({ manual: true }, { maxQueue: 2000 });
        const signal = new CountingSignal();
        const all = Array.from({ length: 1000 }, () => rast.complete({ prompt, signal: signal.asSignal() }));
        await tick();
        expect([signal.added, signal.listeners.size]).toEqual([1, 1]);
        signal.abort();
        expect((await Promise.all(all)).every((result) => result.stopReason === "abort")).toBe(true);
        expect(signal.listeners.size).toBe(0);
    });

    test("a real signal with a thousand generations brings no warning", async () => {
        const { rast } = await load({}, { maxQueue: 2000 });
        const { signal } = new AbortController();
        await Promise.all(Array.from({ length: 1000 }, () => rast.complete({ prompt, signal })));
    });

    test("listeners are gone after a success, a failure, and options that are refused", async () => {
        const signal = new CountingSignal();
        const good = await load();
        await good.rast.complete({ prompt, signal: signal.asSignal() });
        await expect(good.rast.complete({ prompt, topP: 7, signal: signal.asSignal() })).rejects.toThrow();
        const bad = await load({ failAtStep: 1 });
        await expect(bad.rast.complete({ prompt, signal: signal.asSignal() })).rejects.toThrow();
        expect([signal.added, signal.listeners.size]).toEqual([2, 0]);
    });

    test("a signal whose listener stays is listened to once, and held by nobody else", async () => {
        const { rast } = await load();
        let added = 0;
        const signal = { aborted: false, addEventListener: () => added++ } as unknown as AbortSignal;
        for (let i = 0; i < 5; i++) await rast.complete({ prompt, signal });
        expect(added).toBe(1);
    });
});

describe("options that run code", () => {
    test.each<[string, unknown]>([
        ["a revoked proxy", revoked({})],
        ["a getter that throws", throwing("prompt")],
        ["a proxy whose keys throw", new Proxy({}, { ownKeys: explode })],
        ["revoked tokens", { tokens: revoked([]) }],
        ["tokens with a getter that throws", { tokens: withGetter([1, 2], 1) }],
        ["tokens with a hole", { tokens: [1, , 2] }],
        ["an endless array of holes", { tokens: new Array(100) }],
        ["tokens in a detached buffer", { tokens: detached() }],
        ["revoked stop strings", { prompt, stop: revoked([]) }],
        ["stop strings with a hole", { prompt, stop: new Array(2) }],
        ["stop strings with a getter that throws", { prompt, stop: withGetter(["a", "b"], 0) }],
        ["an array whose length is no length", { prompt, stop: new Proxy([], { get: () => Number.NaN }) }],
        ["a revoked bias", { prompt, logitBias: revoked({}) }],
        ["a bias whose getter throws", { prompt, logitBias: throwing("5") }],
        ["a bias of a symbol", { prompt, logitBias: new Map([[Symbol("x") as never, 1]]) }],
        ["revoked speculation", { prompt, speculation: revoked({}) }],
        ["a revoked lambda", { prompt, lambda: revoked([]) }],
        ["a lambda that throws", { prompt, lambda: withGetter([1], 0) }],
        ["a number that throws as text", { prompt, temperature: { toString: () => explode() } }],
        ["revoked messages", { messages: revoked([]) }],
        ["messages that throw", { messages: [throwing("content", { role: "user" })] }],
        ["a schema that throws", { prompt, jsonSchema: throwing("type") }],
        ["a schema that has no JSON", { prompt, jsonSchema: { toJSON: () => undefined } }],
        ["a schema that is a circle", { prompt, jsonSchema: circle() }]
    ])("%s is refused, and nothing else happens", async (_, options) => {
        const { rast, addon } = await load();
        const neighbour = rast.complete({ prompt });
        await expect(rast.complete(options as GenerateOptions)).rejects.toMatchObject(refused);
        await expect(rast.completeMany(options as GenerateOptions, 3)).rejects.toMatchObject(refused);
        expect((await neighbour).text).toBe("Hello, world");
        expect(addon.submitted).toHaveLength(1);
    });

    test("every option is read once, and later changes have no effect", async () => {
        const { rast, addon } = await load();
        const reads: string[] = [];
        const target = { prompt, temperature: 0.5, stop: ["a"], logitBias: { 3: 1 }, stopTokens: [5], lambda: [2] };
        const options = new Proxy(target, {
            get(from, name, receiver) {
                if (Object.hasOwn(from, name)) reads.push(String(name));
                return Reflect.get(from, name, receiver) as unknown;
            }
        });
        const running = rast.complete(options);
        Object.assign(target, { prompt: 5, temperature: 9 });
        target.stop.push("b", "c");
        target.logitBias[3] = 99;
        target.stopTokens[0] = 99;
        target.lambda[0] = 9;
        await running;
        expect([...reads].sort()).toEqual(Object.keys(target).sort());
        expect(addon.submitted[0]).toMatchObject({ stopStrings: ["a"], stopTokens: Int32Array.of(5) });
        expect(addon.submitted[0]!.sampling).toMatchObject({
            temperature: 0.5,
            lambdas: [2],
            biasValues: Float32Array.of(1)
        });
    });

    test("values that change between reads are what was checked", async () => {
        const { rast, addon } = await load();
        await rast.complete({ tokens: changingArray([4, 5], 1, 999_999), stop: changingArray(["a"], 0, 7) });
        expect(addon.submitted[0]).toMatchObject({ prompt: Int32Array.of(4, 5), stopStrings: ["a"] });
    });

    test("options may be inherited, frozen, of another realm, of a subclass, or shared", async () => {
        const { rast, addon } = await load();
        class Tokens extends Int32Array {
            override [Symbol.iterator](): never {
                throw new Error("not for iterating");
            }
        }
        class Bias extends Map<number, number> {
            override forEach(): never {
                throw new Error("not for iterating");
            }
        }
        const shared = new Int32Array(new SharedArrayBuffer(8));
        shared.set([4, 5]);
        const foreign = runInNewContext("({ tokens: new Int32Array([4, 5]), logitBias: new Map([[6, 1]]) })") as object;
        const mine = { tokens: Tokens.of(4, 5), logitBias: new Bias([[6, 1]]) };
        for (const options of [
            Object.create(mine) as GenerateOptions,
            Object.freeze(mine),
            foreign,
            { ...mine, tokens: shared },
            { ...mine, tokens: [4, 5] }
        ]) {
            await rast.complete(options as GenerateOptions);
            const { prompt: tokens, sampling } = addon.submitted.pop()!;
            expect([tokens, sampling.biasTokens]).toEqual([Int32Array.of(4, 5), Int32Array.of(6)]);
            expect(tokens.buffer).toBeInstanceOf(ArrayBuffer);
        }
    });

    test("what is too long is refused without being read", async () => {
        const { rast } = await load();
        const huge = new Proxy([], { get: (_, name) => (name === "length" ? 2 ** 32 - 1 : note("read")) });
        await expect(rast.complete({ tokens: huge })).rejects.toMatchObject({ code: "ERR_PROMPT_TOO_LONG" });
        await expect(rast.complete({ tokens: new Int32Array(129) })).rejects.toMatchObject({
            code: "ERR_PROMPT_TOO_LONG",
            details: { promptTokens: 129, contextSize: 128 }
        });
        await expect(rast.complete({ prompt, stop: huge })).rejects.toMatchObject(refused);
        await expect(rast.complete({ prompt, stopTokens: huge })).rejects.toMatchObject(refused);
        await expect(rast.complete({ prompt, lambda: huge })).rejects.toMatchObject(refused);
        await expect(rast.detokenize(huge)).rejects.toMatchObject(refused);
    });

    test("options of a load and of smaller calls are read as carefully", async () => {
        const { rast } = await load();
        const { base, expert, antiexpert } = files;
        for (const options of [
            revoked({}),
            throwing("base"),
            { base: revoked({}) },
            { base: throwing("path") },
            { base, pairs: revoked([]) },
            { base, pairs: [throwing("expert")] },
            { base, expert, antiexpert, lambda: revoked([]) },
            { base, expert, antiexpert, device: withGetter(["cpu"], 0) },
            { base, expert, antiexpert, signal: throwing("aborted") }
        ]) {
            const loading = loadRastWith(options, fakeNative(new FakeAddon()));
            await expect(loading).rejects.toMatchObject(refused);
        }
        await expect(rast.tokenize("Hi", revoked({}))).rejects.toMatchObject(refused);
        await expect(rast.tokenize("Hi", throwing("addSpecial"))).rejects.toMatchObject(refused);
        await expect(rast.detokenize(revoked([]))).rejects.toMatchObject(refused);
        await expect(rast.measureDecodes(throwing("tokens") as never)).rejects.toMatchObject(refused);
        await expect(rast.saveState("x", throwing("prompt") as never)).rejects.toMatchObject(refused);
        await expect(rast.loadState("x", throwing("signal"))).rejects.toMatchObject(refused);
        await expect(rast.applyChatTemplate(revoked([]))).rejects.toMatchObject(refused);
    });
});

describe("iterating", () => {
    test("return() before the first next() cancels", async () => {
        const { rast, addon } = await load({ manual: true });
        const generation = rast.generate({ prompt });
        await until(() => addon.submitted.length === 1);
        const parts = generation[Symbol.asyncIterator]();
        expect(await parts.return()).toEqual({ done: true, value: undefined });
        expect((await generation.result).stopReason).toBe("abort");
        expect(addon.cancelled).toHaveLength(1);
        expect(await parts.next()).toEqual({ done: true, value: undefined });
    });

    test("throw() before the first next() cancels too, and gives its error back", async () => {
        const { rast } = await load({ manual: true });
        const generation = rast.generate({ prompt });
        await expect(generation[Symbol.asyncIterator]().throw(new Error("mine"))).rejects.toThrow("mine");
        expect((await generation.result).stopReason).toBe("abort");
    });

    test("calls of next() that nobody awaits get their parts in order, and fail without ado", async () => {
        const { rast } = await load({ failAtStep: 2 });
        const generation = rast.generate({ prompt });
        const parts = generation[Symbol.asyncIterator]();
        const calls = Array.from({ length: 4 }, () => parts.next());
        expect((await calls[0]!).value?.text).toBe("Hello");
        expect((await calls[1]!).value?.text).toBe(",");
        await expect(generation.result).rejects.toMatchObject({ code: "ERR_DECODE" });
        expect(await calls[3]).toEqual({ done: true, value: undefined });
    });

    test("return() while a next() waits ends both", async () => {
        const { rast, addon } = await load({ manual: true });
        const generation = rast.generate({ prompt });
        await until(() => addon.submitted.length === 1);
        const parts = generation[Symbol.asyncIterator]();
        const [next, end] = [parts.next(), parts.return()];
        expect([await next, await end]).toEqual([
            { done: true, value: undefined },
            { done: true, value: undefined }
        ]);
    });

    test("a loop that is left ends the generation for a second loop as well", async () => {
        const { rast } = await load({ completion: new Array<string>(500).fill("x") });
        const generation = rast.generate({ prompt });
        const count = async (most: number): Promise<number> => {
            let seen = 0;
            for await (const part of generation) if ((seen += part.text.length) === most) break;
            return seen;
        };
        const [short, long] = await Promise.all([count(2), count(1000)]);
        expect(short).toBe(2);
        expect(long).toBeLessThan(500);
        expect((await generation.result).stopReason).toBe("abort");
    });

    test("generations that nobody reads run to their end, and can be read long after", async () => {
        const { rast } = await load();
        const kept: Generation[] = [];
        for (let i = 0; i < 50; i++) {
            const generation = rast.generate({ prompt });
            if (i % 10 === 0) kept.push(generation);
        }
        await rast.complete({ prompt });
        await rast.dispose();
        for (const generation of kept) expect((await generation.result).text).toBe("Hello, world");
    });
});

describe("results", () => {
    test("changing one changes no other, and not the engine", async () => {
        const { rast, addon } = await load();
        const first = await rast.complete({ prompt });
        (first.lambdas as number[]).push(5);
        (first.tokens as number[]).length = 0;
        expect(() => Object.assign(first.devices.base, { device: "mine" })).toThrow(TypeError);
        const second = await rast.complete({ prompt });
        expect(second).toMatchObject({ lambdas: [1], tokens: [100, 101, 102] });
        expect(addon.submitted[1]!.sampling.lambdas).toEqual([1]);
    });
});

describe("the class", () => {
    test("has no constructor to call", async () => {
        const { rast } = await load();
        const make = (...args: unknown[]): unknown =>
            new (PublicRast as unknown as new (...a: unknown[]) => Rast)(...args);
        for (const args of [[], [{}, {}], [Symbol("made by loadRast"), {}, {}]]) {
            expect(() => make(...args)).toThrow(TypeError);
            expect(() => make(...args)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
        }
        expect(rast).toBeInstanceOf(PublicRast);
        expect(() => new (rast.constructor as new () => Rast)()).toThrow("loadRast makes engines");
    });
});

describe("states", () => {
    test("an abort before and while the prompt is decoded writes nothing", async () => {
        const { rast, addon } = await load({ manual: true });
        const aborted = { code: "ERR_ABORTED", cause: "enough" };
        const text = { prompt, signal: AbortSignal.abort("enough") };
        await expect(rast.saveState("x", text)).rejects.toMatchObject(aborted);
        expect(addon.submitted).toEqual([]);
        const signal = new CountingSignal();
        const saving = expect(rast.saveState("x", { prompt, signal: signal.asSignal() })).rejects.toMatchObject(
            aborted
        );
        await until(() => addon.submitted.length === 1);
        signal.abort();
        await saving;
        expect(addon.saved).toEqual([]);
        expect(signal.listeners.size).toBe(0);
    });

    test("a dispose while the prompt is decoded is told as such", async () => {
        const { rast, addon } = await load({ manual: true });
        const saving = expect(rast.saveState("x", { prompt })).rejects.toMatchObject({ code: "ERR_DISPOSED" });
        await until(() => addon.submitted.length === 1);
        await rast.dispose();
        await saving;
        expect(addon.saved).toEqual([]);
    });

    test("an abort while a state is read ends the call, and leaves no listener", async () => {
        const { rast, addon } = await load({ holdState: true });
        const signal = new CountingSignal();
        const loading = rast.loadState("x", { signal: signal.asSignal() });
        await tick();
        signal.abort();
        await expect(loading).rejects.toMatchObject({ code: "ERR_ABORTED", cause: "enough" });
        expect(signal.listeners.size).toBe(0);
        addon.finishState();
        const { signal: calm } = new AbortController();
        expect((await rast.loadState("x", { signal: calm })).tokens).toEqual([1]);
        await expect(rast.loadState("x", { signal: AbortSignal.abort() })).rejects.toMatchObject({
            code: "ERR_ABORTED"
        });
        await expect(rast.loadState("x", { sginal: calm } as never)).rejects.toThrow("Did you mean signal?");
        await expect(rast.saveState("x", { prompt, topK: 3 } as never)).rejects.toMatchObject({
            code: "ERR_UNKNOWN_OPTION"
        });
    });
});

function withGetter<T>(items: T[], index: number): T[] {
    Object.defineProperty(items, index, {
        get: () => {
            throw new Error("not this one");
        }
    });
    return items;
}

// Gives another value from the second read on.
function changingArray<T>(items: T[], index: number, then: unknown): T[] {
    let reads = 0;
    const first = items[index];
    return Object.defineProperty<T[]>(items, index, { get: () => (reads++ === 0 ? first : then) });
}

// Has the values in turn, then throws.
function changing(name: string, values: unknown[]): object {
    const left = [...values];
    const signal = { addEventListener: () => {}, removeEventListener: () => {} };
    return Object.defineProperty(signal, name, {
        get: () => {
            if (left.length === 0) throw new Error("no more");
            return left.shift();
        }
    });
}

function detached(): Int32Array {
    const tokens = Int32Array.of(1, 2);
    structuredClone(tokens.buffer, { transfer: [tokens.buffer] });
    return tokens;
}

function circle(): object {
    const schema: Record<string, unknown> = {};
    return Object.assign(schema, { not: schema });
}
