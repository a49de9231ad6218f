// What the smaller calls of an engine hand to native code, and what they make of its answers.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Rast } from "../../../src/engine/engine.js";
import type { LoadOptions } from "../../../src/loading/load-options.js";
import { tick, type FakeSettings } from "../../support/fake-addon.js";
import { loadFake } from "../../support/fake-engine.js";
import { makeModelFiles, type ModelFiles } from "../../support/model-files.js";

let files: ModelFiles;

beforeEach(async () => {
    files = await makeModelFiles();
});

afterEach(() => files.remove());

const load = (settings: FakeSettings = {}, more: LoadOptions = {}): ReturnType<typeof loadFake> =>
    loadFake(files, settings, more);

const messageOf = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
        () => "no error",
        (error: Error) => error.message
    );

describe("measureDecodes", () => {
    async function measuring(more: LoadOptions = {}) {
        const { rast, addon } = await load({}, more);
        const measure = vi.spyOn(addon, "engineMeasure").mockResolvedValue(Float64Array.of(1.5, 2));
        return { rast, measure };
    }

    test("takes one sequence of the base at depth 0, and gives plain numbers", async () => {
        const { rast, measure } = await measuring();
        const ms = await rast.measureDecodes({ tokens: 3 });
        expect([Array.isArray(ms), ms]).toEqual([true, [1.5, 2]]);
        const what = { role: "base", pair: 0, sequences: 1, depth: 0, tokens: 3, prompt: false };
        expect(measure.mock.calls).toEqual([[1, what]]);
    });

    test("names the role and its pair, of those there are", async () => {
        const pair = { expert: files.expert, antiexpert: files.antiexpert };
        const { rast, measure } = await measuring({ expert: undefined, antiexpert: undefined, pairs: [pair, pair] });
        await rast.measureDecodes({ role: "antiexpert", pair: 1, tokens: 9, sequences: 1, prompt: true, depth: 7 });
        const what = { role: "antiexpert", pair: 1, tokens: 9, sequences: 1, prompt: true, depth: 7 };
        expect(measure.mock.calls).toEqual([[1, what]]);
        expect(await messageOf(rast.measureDecodes({ role: "expert", pair: 2, tokens: 1 }))).toBe(
            "Expected an integer in [0, 1] for pair, received 2 (number)."
        );
    });

    test.each<[object, string]>([
        [{}, "Expected an integer in [1, 1073741824] for tokens, received 0 (number)."],
        [{ tokens: 1, depth: -1 }, "Expected an integer in [0, 1073741824] for depth, received -1 (number)."],
        [{ tokens: 1, sequences: 4 }, "Expected an integer in [1, 3] for sequences, received 4 (number)."],
        [{ tokens: 1, pair: 1 }, "Expected an integer in [0, 0] for pair, received 1 (number)."],
        [
            { tokens: 1, role: "pair" },
            'Expected one of "base", "expert", "antiexpert" for role, received "pair" (string).'
        ],
        [{ tokens: 1, prompt: 1 }, "Expected true or false for prompt, received 1 (number)."],
        [{ tokens: 1, rol: "base" }, "Unknown option rol in measureDecodes. Did you mean role?"]
    ])("refuses %j", async (options, message) => {
        const { rast, measure } = await measuring({ parallel: 3 });
        expect(await messageOf(rast.measureDecodes(options as never))).toBe(message);
        expect(measure).not.toHaveBeenCalled();
        await rast.measureDecodes({ tokens: 1, sequences: 3 });
        expect(measure.mock.calls).toMatchObject([[1, { sequences: 3 }]]);
    });

    test("knows small models only where there are pairs", async () => {
        const { rast, measure } = await measuring({ expert: undefined, antiexpert: undefined });
        expect(await messageOf(rast.measureDecodes({ role: "expert", tokens: 1 }))).toBe(
            'Expected "base", as there is no pair, for role, received "expert" (string).'
        );
        await rast.measureDecodes({ role: "base", tokens: 1 });
        expect(measure).toHaveBeenCalledTimes(1);
        await rast.dispose();
        await expect(rast.measureDecodes({ tokens: 1 })).rejects.toMatchObject({ code: "ERR_DISPOSED" });
    });
});

describe("saved states", () => {
    test("hold the tokens of the text, decoded by a generation of one token", async () => {
        const { rast, addon } = await load({ addBos: true });
        const save = vi.spyOn(addon, "engineSaveState");
        expect(await rast.saveState("state.bin", { prompt: "Hi" })).toEqual({ tokens: 3 });
        expect(save.mock.calls).toEqual([[1, "state.bin", Int32Array.of(1, 72, 105)]]);
        expect(addon.submitted).toHaveLength(1);
        expect(addon.submitted[0]).toMatchObject({
            prompt: Int32Array.of(1, 72, 105),
            maxTokens: 1,
            ignoreEos: true
        });
    });

    test("are given back as plain numbers", async () => {
        const { rast, addon } = await load();
        const read = vi.spyOn(addon, "engineLoadState").mockResolvedValue(Int32Array.of(4, 5));
        expect(await rast.loadState("state.bin")).toEqual({ tokens: [4, 5] });
        expect(read.mock.calls).toEqual([[1, "state.bin"]]);
    });

    test.each([
        ["", 'Expected a string that is not empty for file, received "" (string).'],
        [5, "Expected a string for file, received 5 (number)."],
        ["a\0b", 'Expected a path without NUL characters for file, received "a\\u0000b" (string).']
    ])("a path %j is refused", async (path, message) => {
        const { rast, addon } = await load();
        expect(await messageOf(rast.saveState(path as string, { prompt: "Hi" }))).toBe(message);
        expect(await messageOf(rast.loadState(path as string))).toBe(message);
        expect([addon.saved, addon.submitted]).toEqual([[], []]);
    });

    test("an abort names what it ended, and its reason", async () => {
        const { rast } = await load();
        const signal = AbortSignal.abort("enough");
        await expect(rast.saveState("x", { prompt: "Hi", signal })).rejects.toMatchObject({
            code: "ERR_ABORTED",
            message: "Saving the state was aborted.",
            cause: "enough"
        });
        await expect(rast.loadState("x", { signal })).rejects.toMatchObject({
            message: "Loading the state was aborted.",
            cause: "enough"
        });
        expect(await messageOf(rast.loadState("x", { signal: 5 as never }))).toBe(
            "Expected an AbortSignal for signal, received 5 (number)."
        );
        expect(await messageOf(rast.loadState("x", 5 as never))).toBe(
            "Expected an object for the options of loadState, received 5 (number)."
        );
    });

    test("are neither written nor read by an engine that is gone", async () => {
        const { rast, addon } = await load();
        await rast.dispose();
        await expect(rast.saveState("x", { prompt: "Hi" })).rejects.toMatchObject({ code: "ERR_DISPOSED" });
        await expect(rast.loadState("x")).rejects.toMatchObject({ code: "ERR_DISPOSED" });
        await expect(rast.loadState(5 as never)).rejects.toMatchObject({ code: "ERR_DISPOSED" });
        expect(addon.saved).toEqual([]);
    });
});

describe("texts and tokens", () => {
    test("detokenizing hands on what was asked for", async () => {
        const { rast, addon } = await load();
        const detokenize = vi.spyOn(addon, "detokenize");
        await rast.detokenize([72]);
        await rast.detokenize([72], { showSpecial: true, continuation: false });
        await rast.detokenize([72], { continuation: true });
        expect(detokenize.mock.calls.map((call) => call.slice(2))).toEqual([
            [false, false],
            [true, false],
            [false, true]
        ]);
        expect(await messageOf(rast.detokenize([72], { continuation: 1 as never }))).toBe(
            "Expected true or false for continuation, received 1 (number)."
        );
        expect(await messageOf(rast.detokenize([72], { showspecial: true } as never))).toBe(
            "Unknown option showspecial in detokenize. Did you mean showSpecial?"
        );
    });

    test("tokenizing reads control tokens unless it is told not to", async () => {
        const { rast, addon } = await load({ addBos: true });
        await rast.tokenize("a");
        await rast.tokenize("b", { parseSpecial: false });
        expect(addon.tokenized).toEqual([
            { text: "a", parseSpecial: true },
            { text: "b", parseSpecial: false }
        ]);
        const without = await load({ addBos: false });
        expect(await without.rast.tokenize("a", { addSpecial: true })).toEqual([97]);
        expect(await messageOf(rast.tokenize(5 as never))).toBe("Expected a string for text, received 5 (number).");
        expect(await messageOf(rast.tokenize("a", 5 as never))).toBe(
            "Expected an object for the options of tokenize, received 5 (number)."
        );
    });

    test("a conversation that is none is refused before its template is looked at", async () => {
        const { rast } = await load();
        expect(await messageOf(rast.applyChatTemplate(5 as never))).toBe(
            "Expected an array with at least one message for messages, received 5 (number)."
        );
    });
});

describe("an engine", () => {
    test("is made by loadRast alone", () => {
        const make = (): unknown => new Rast(Symbol("made by loadRast"), {} as never, {} as never);
        expect(make).toThrow(
            expect.objectContaining({
                name: "TypeError",
                code: "ERR_INVALID_ARGUMENT",
                message: "Rast has no constructor to call: loadRast makes engines."
            })
        );
    });

    test("ends its running generations when its disposal fails, and says so", async () => {
        const { rast, addon } = await load({ manual: true, stuck: true });
        const running = rast.complete({ prompt: "Hi" });
        await tick();
        await tick();
        await tick();
        vi.spyOn(addon, "engineDispose").mockRejectedValue(new Error("stuck"));
        await expect(rast.dispose()).rejects.toThrow("stuck");
        expect((await running).stopReason).toBe("abort");
        await expect(rast.dispose()).rejects.toThrow("stuck");
    });

    test("tells what was loaded", async () => {
        const { rast } = await load({ chatTemplate: "x" }, { parallel: 2, lambda: 0.25, threads: 1 });
        const model = {
            description: "a fake model",
            architecture: "llama",
            quantization: "F16",
            parameterCount: 1000,
            modelBytes: 1000,
            device: "CPU",
            devices: [],
            gpuLayers: 0,
            layers: 2,
            threads: 1,
            contextLength: 128,
            vocabularySize: 256,
            loadMs: 5,
            graphSplits: 1,
            memory: { repackedBytes: 0, cacheBytes: 1, computeBytes: 2, outputBytes: 3, samplerBytes: 4 },
            canTruncate: true
        };
        expect(rast.info).toMatchObject({
            trio: null,
            base: { path: files.base, ...model },
            pairs: [
                {
                    expert: { path: files.expert, ...model },
                    antiexpert: { path: files.antiexpert, ...model },
                    lambda: 0.25
                }
            ],
            path: "device",
            pathReason: "The device has every operation.",
            contextSize: 128,
            parallel: 2,
            maxDraft: 15,
            draftReason: null,
            vocabularySize: 256,
            drawableTokens: 250,
            bosToken: 1,
            eosToken: 2,
            hasChatTemplate: true,
            loadMs: 15
        });
        const alone = await load({}, { expert: undefined, antiexpert: undefined });
        expect(alone.rast.info).toMatchObject({
            hasChatTemplate: false,
            draftReason: "there is no expert to draft",
            pairs: []
        });
        expect(JSON.parse(JSON.stringify(rast.info))).toEqual(rast.info);
    });

    test("says of every result where its roles ran, and nobody can change that", async () => {
        const { rast } = await load();
        const { devices } = await rast.complete({ prompt: "Hi" });
        const place = { device: "CPU", workers: [], gpuLayers: 0, layers: 2 };
        expect(devices).toEqual({ base: place, pairs: [{ expert: place, antiexpert: place }] });
        for (const part of [devices, devices.base, devices.pairs, devices.pairs[0], devices.pairs[0]!.antiexpert]) {
            expect(Object.isFrozen(part)).toBe(true);
        }
    });
});
