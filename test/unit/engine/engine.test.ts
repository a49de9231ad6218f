import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { grantThreads } from "../../../src/machine/threads.js";
import { loadRastWith } from "../../../src/loading/load.js";
import type { LoadOptions, LoadProgress } from "../../../src/loading/load-options.js";
import type { Rast } from "../../../src/engine/engine.js";
import { RastError } from "../../../src/errors.js";
import { FakeAddon, cpuDevice, fakeNative, gpuDevice, tick, type FakeSettings } from "../../support/fake-addon.js";
import { makeModelFiles, type ModelFiles } from "../../support/model-files.js";

let files: ModelFiles;

// No more than there are processors, and cgroups allow.
const grants = new Map<number, number>();

beforeAll(async () => {
    for (const threads of [2, 3, 5]) grants.set(threads, (await grantThreads(threads)).used);
});

const granted = (threads: number): number => grants.get(threads)!;

beforeEach(async () => {
    files = await makeModelFiles({
        name: "tested",
        lambda: 0.5,
        promptTemplate: "Q: {prompt} A:",
        addBos: true,
        stop: ["Q:"],
        sampling: { temperature: 0.7, maxTokens: 2 }
    });
});

afterEach(() => files.remove());

function trioOf(): LoadOptions {
    const { base, expert, antiexpert } = files;
    return { base, expert, antiexpert };
}

async function load(options: LoadOptions, settings: FakeSettings = {}): Promise<{ rast: Rast; addon: FakeAddon }> {
    const addon = new FakeAddon(settings);
    return { rast: await loadRastWith(options, fakeNative(addon)), addon };
}

function thrown(): never {
    throw new TypeError("mine");
}

describe("loading", () => {
    test("tells what was loaded, as plain data", async () => {
        const { rast } = await load(trioOf());
        expect(rast.info).toMatchObject({ trio: null, path: "device", contextSize: 128, parallel: 1 });
        expect(rast.info.base).toMatchObject({ path: files.base, device: "CPU", devices: [], gpuLayers: 0 });
        expect(rast.info.pairs).toHaveLength(1);
        expect(rast.info.notes[0]).toBe("The context was cut from 4096 to 128 tokens: the base holds no more.");
        expect(JSON.parse(JSON.stringify(rast.info))).toEqual(rast.info);
    });

    test("reports progress by size, and never backwards", async () => {
        const seen: LoadProgress[] = [];
        await load({ ...trioOf(), onProgress: (progress) => seen.push(progress) });
        expect(seen.map(({ role, overall }) => [role, Number(overall.toFixed(2))])).toEqual([
            ["base", 0.3],
            ["base", 0.6],
            ["expert", 0.8],
            ["antiexpert", 1]
        ]);
    });

    test.each<[string, () => unknown]>([
        ["throws", () => thrown()],
        ["is async and fails", async () => thrown()]
    ])("a callback that %s ends the load, with its own error as the cause", async (_, onProgress) => {
        const addon = new FakeAddon();
        await expect(loadRastWith({ ...trioOf(), onProgress }, fakeNative(addon))).rejects.toMatchObject({
            code: "ERR_LOAD_ABORTED",
            message: "Loading was aborted, as onProgress failed: mine.",
            cause: new TypeError("mine")
        });
        expect(addon.liveEngines()).toBe(0);
    });

    test("a signal that was aborted before loads nothing", async () => {
        const native = vi.fn(fakeNative(new FakeAddon()));
        const reason = new Error("no need");
        await expect(loadRastWith({ ...trioOf(), signal: AbortSignal.abort(reason) }, native)).rejects.toMatchObject({
            code: "ERR_LOAD_ABORTED",
            cause: reason
        });
        expect(native).not.toHaveBeenCalled();
    });

    test("a signal aborts while loading, and frees the engine", async () => {
        const addon = new FakeAddon({ holdLoading: true });
        const controller = new AbortController();
        const loading = loadRastWith({ ...trioOf(), signal: controller.signal }, fakeNative(addon));
        const outcome = expect(loading).rejects.toMatchObject({ code: "ERR_LOAD_ABORTED" });
        while (addon.configs.length === 0) await tick();
        controller.abort();
        await outcome;
        expect(addon.liveEngines()).toBe(0);
    });

    test("a signal has no effect after the load", async () => {
        const controller = new AbortController();
        const { rast, addon } = await load({ ...trioOf(), signal: controller.signal });
        controller.abort();
        await tick();
        expect(addon.liveEngines()).toBe(1);
        expect((await rast.complete({ prompt: "Hi" })).stopReason).toBe("eos");
    });

    test("a failed load passes its error on and leaves nothing behind", async () => {
        const addon = new FakeAddon({ loadError: new RastError("ERR_MODEL_LOAD", "It does not load.") });
        await expect(loadRastWith(trioOf(), fakeNative(addon))).rejects.toMatchObject({ code: "ERR_MODEL_LOAD" });
        expect(addon.liveEngines()).toBe(0);
    });

    test("models without a tokenizer, or with different ones, are refused", async () => {
        const facts = (path: string): object => (path === files.expert ? { tokenizerModel: null } : {});
        await expect(load(trioOf(), { facts })).rejects.toMatchObject({
            code: "ERR_NO_TOKENIZER",
            details: { role: "expert" }
        });
        const compareError = new RastError("ERR_TOKENIZER_MISMATCH", "Token 5 differs.");
        await expect(load(trioOf(), { compareError })).rejects.toMatchObject({ code: "ERR_TOKENIZER_MISMATCH" });
    });

    test.each([
        ["missing.gguf", undefined, "ERR_FILE_NOT_FOUND"],
        ["empty.gguf", "", "ERR_FILE_EMPTY"],
        ["text.gguf", "Hello", "ERR_NOT_GGUF"]
    ])("the file %s is refused with its role", async (name, content, code) => {
        if (content !== undefined) await files.write(name, content);
        await expect(load({ ...trioOf(), expert: files.path(name) })).rejects.toMatchObject({
            code,
            details: { role: "expert", path: files.path(name) }
        });
    });
});

describe("devices", () => {
    const devices = [cpuDevice, gpuDevice("CUDA0", 8 * 2 ** 30)];

    test("everything goes to a GPU that can hold it", async () => {
        const { addon } = await load(trioOf(), { devices });
        expect(addon.configs[0]!.base).toMatchObject({ devices: ["CUDA0"], gpuLayers: 3 });
        expect(addon.configs[0]!.pairs[0]!.expert).toMatchObject({ devices: ["CUDA0"], gpuLayers: 3 });
    });

    test("roles differ from the engine where they say so", async () => {
        const options = {
            base: { path: files.base, gpuLayers: 1, threads: 3 },
            expert: { path: files.expert, device: "cpu" },
            antiexpert: files.antiexpert,
            device: "cuda0",
            gpuLayers: "auto" as const,
            threads: 2
        };
        const { addon } = await load(options, { devices });
        expect(addon.configs[0]!.base).toMatchObject({ devices: ["CUDA0"], gpuLayers: 1, threads: granted(3) });
        expect(addon.configs[0]!.pairs[0]!.expert).toMatchObject({ devices: [], gpuLayers: 0, threads: granted(2) });
        expect(addon.configs[0]!.pairs[0]!.antiexpert).toMatchObject({ devices: ["CUDA0"], gpuLayers: 3 });
    });

    test("a device that is not there, layers without a GPU, layers on the CPU", async () => {
        await expect(load({ ...trioOf(), device: "CUDA7" }, { devices })).rejects.toThrow(
            "There is no device CUDA7 for the base. Devices here: CPU, CUDA0."
        );
        await expect(load({ ...trioOf(), gpuLayers: 9 })).rejects.toMatchObject({ code: "ERR_DEVICE_NOT_FOUND" });
        await expect(load({ ...trioOf(), gpuLayers: 9, device: "cpu" }, { devices })).rejects.toMatchObject({
            code: "ERR_INVALID_OPTION"
        });
    });
});

describe("a base alone", () => {
    test("runs in its own mode only", async () => {
        const { rast } = await load({ base: files.base });
        expect(await rast.complete({ prompt: "Hi" })).toMatchObject({ mode: "base", lambdas: [] });
        await expect(rast.complete({ prompt: "Hi", mode: "rast" })).rejects.toMatchObject({
            code: "ERR_INVALID_OPTION"
        });
    });
});

describe("several pairs", () => {
    test("have a lambda each", async () => {
        const pair = { expert: files.expert, antiexpert: files.antiexpert };
        const { rast, addon } = await load({ base: files.base, pairs: [pair, { ...pair, lambda: 0.25 }] });
        await rast.complete({ prompt: "Hi" });
        await rast.complete({ prompt: "Hi", lambda: 2 });
        await rast.complete({ prompt: "Hi", lambda: [0, 3] });
        expect(addon.submitted.map((request) => request.sampling.lambdas)).toEqual([
            [1, 0.25],
            [2, 2],
            [0, 3]
        ]);
        await expect(rast.complete({ prompt: "Hi", lambda: [1] })).rejects.toMatchObject({
            code: "ERR_INVALID_OPTION"
        });
    });
});

describe("a trio", () => {
    test("brings template, beginning token, stop strings and sampling, which a request can change", async () => {
        const { rast, addon } = await load({ trio: files.trio });
        expect(rast.info.trio).toBe("tested");
        await rast.complete({ prompt: "1+$&" });
        expect(addon.tokenized[0]!.text).toBe("Q: 1+$& A:");
        expect(addon.submitted[0]).toMatchObject({ maxTokens: 2, stopStrings: ["Q:"] });
        expect(addon.submitted[0]!.prompt[0]).toBe(1);
        expect(addon.submitted[0]!.sampling).toMatchObject({ temperature: 0.7, topP: 0.95, lambdas: [0.5] });
        await rast.complete({
            prompt: "1",
            raw: true,
            addBos: false,
            stop: [],
            maxTokens: 9,
            temperature: 0,
            lambda: 2
        });
        expect(addon.tokenized[1]!.text).toBe("1");
        expect(addon.submitted[1]).toMatchObject({ maxTokens: 9, stopStrings: [], prompt: Int32Array.of(49) });
        expect(addon.submitted[1]!.sampling).toMatchObject({ temperature: 0, lambdas: [2] });
    });

    test("can have parts of it changed", async () => {
        const other = await files.write("other.gguf", "GGUF.");
        const { rast, addon } = await load({ trio: files.trio, base: other, expert: { threads: 5 }, lambda: 3 });
        expect(rast.info.base.path).toBe(other);
        expect(rast.info.pairs[0]!.expert.path).toBe(files.expert);
        expect(addon.configs[0]!.pairs[0]!.expert.threads).toBe(granted(5));
        expect(rast.info.notes.join(" ").includes("5 threads were asked for")).toBe(granted(5) < 5);
        expect(rast.info.pairs[0]!.lambda).toBe(3);
    });
});

describe("text", () => {
    test("tokenize and detokenize", async () => {
        const { rast } = await load(trioOf(), { addBos: true });
        expect(await rast.tokenize("Hi")).toEqual([72, 105]);
        expect(await rast.tokenize("Hi", { addSpecial: true })).toEqual([1, 72, 105]);
        expect(await rast.tokenize("<bos>Hi", { addSpecial: true })).toEqual([1, 72, 105]);
        expect(await rast.detokenize([1, 72, 105])).toBe("Hi");
        expect(await rast.detokenize(Int32Array.of(1, 72), { showSpecial: true })).toBe("<bos>H");
        await expect(rast.detokenize([256])).rejects.toThrow("a token id in [0, 255] for tokens[0]");
        await expect(rast.tokenize(5 as never)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
        await expect(rast.tokenize("a", { addspecial: true } as never)).rejects.toThrow("Did you mean addSpecial?");
    });

    test("a prompt that writes the beginning token out gets no second one", async () => {
        const { rast, addon } = await load(trioOf(), { addBos: true });
        await rast.complete({ prompt: "<bos>Hi" });
        await rast.complete({ prompt: "Hi" });
        await rast.complete({ prompt: "Hi", addBos: false });
        await rast.complete({ prompt: "<bos>Hi", parseSpecial: false });
        expect(addon.submitted.map(({ prompt }) => [...prompt.subarray(0, 2)])).toEqual([
            [1, 72],
            [1, 72],
            [72, 105],
            [1, 60]
        ]);
    });

    test("messages go through the chat template", async () => {
        const chatTemplate =
            "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]";
        const { rast, addon } = await load(trioOf(), { addBos: true, chatTemplate });
        const messages = [{ role: "user", content: "Hi" }];
        expect(await rast.applyChatTemplate(messages)).toBe("<bos>[user]Hi[assistant]");
        await rast.complete({ messages });
        expect(addon.tokenized[0]!.text).toBe("<bos>[user]Hi[assistant]");
        expect([...addon.submitted[0]!.prompt.subarray(0, 2)]).toEqual([1, 91]);
    });

    test("variables of the template: the request's before the trio's, in every method that takes messages", async () => {
        const chatTemplate = "{{ enable_thinking }} {{ a }} {{ b }} {{ messages[0].content }}";
        await files.remove();
        files = await makeModelFiles({ thinking: false, templateOptions: { a: 1, b: 2 } });
        const { rast, addon } = await load({ trio: files.trio }, { chatTemplate });
        const messages = [{ role: "user", content: "Hi" }];
        expect(await rast.applyChatTemplate(messages)).toBe("False 1 2 Hi");
        const changed = { thinking: true, templateOptions: { b: { c: [null] } } } as const;
        const text = "True 1 {'c': [None]} Hi";
        expect(await rast.applyChatTemplate(messages, changed)).toBe(text);
        await rast.complete({ messages, ...changed });
        await rast.completeMany({ messages, ...changed }, 2);
        await rast.saveState("state", { messages, ...changed });
        expect(addon.tokenized.map((one) => one.text)).toEqual([text, text, text]);
        await expect(rast.applyChatTemplate(messages, { thinkin: true } as never)).rejects.toMatchObject({
            code: "ERR_UNKNOWN_OPTION",
            message: expect.stringContaining("Did you mean thinking?")
        });
    });
});
