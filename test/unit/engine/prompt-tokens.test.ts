// How texts of any length become tokens: in one call, or in parts when they may be far too long.
import { describe, expect, test, vi } from "vitest";
import type { EngineCore } from "../../../src/engine/engine-core.js";
import type { ResolvedGenerateOptions } from "../../../src/engine/generate-options.js";
import { prepareRequest, prepareTokens, tokenizeText } from "../../../src/engine/prompt-tokens.js";
import type { NativeTokenizing, NativeTokens } from "../../../src/native/addon-types.js";

type Tokenize = (
    handle: number,
    text: string | Uint8Array,
    what: NativeTokenizing,
    id: number
) => Promise<NativeTokens>;

const made = (length: number, whole = true): NativeTokens => ({ tokens: new Int32Array(length).fill(9), whole });

interface Setting {
    readonly bosToken?: number;
    readonly addBos?: boolean;
    readonly promptTemplate?: string;
    readonly chatTemplate?: string;
}

function makeCore(answers: readonly NativeTokens[], { bosToken = 1, addBos = false, ...texts }: Setting = {}) {
    const left = [...answers];
    const tokenize = vi.fn<Tokenize>(async () => left.shift()!);
    const stopTokenizing = vi.fn<(handle: number, id: number) => void>();
    const grammarOfSchema = vi.fn(async (json: string, ignore: boolean) => `of ${json}${ignore ? " loosely" : ""}`);
    const core = {
        addon: { tokenize, stopTokenizing, grammarOfSchema },
        handle: 7,
        native: { bosToken, vocabularySize: 100, addBos, chatTemplate: texts.chatTemplate ?? null },
        facts: {
            context: { contextSize: 5 },
            promptTemplate: texts.promptTemplate,
            bosText: "<bos>",
            eosText: "<eos>"
        },
        disposed: false
    };
    return { core: core as unknown as EngineCore, own: core, tokenize, stopTokenizing, grammarOfSchema };
}

const plain = { addBos: false, parseSpecial: true };
const all = 2 ** 32 - 1;
const none = new Int32Array();
const least = 2 ** 20 + 2 ** 17;

describe("a text", () => {
    test("is put together and tokenized in one call, each with an id of its own", async () => {
        const { core, tokenize } = makeCore([made(3), made(2)]);
        expect(await tokenizeText(core, ["a", "b", "c"], plain)).toEqual(made(3));
        expect(await tokenizeText(core, ["d"], { addBos: false, parseSpecial: false, enough: 4 })).toEqual(made(2));
        const ids = tokenize.mock.calls.map((call) => call[3]);
        expect(tokenize.mock.calls).toEqual([
            [7, "abc", { parseSpecial: true, enough: all, goesOn: false, contents: none }, ids[0]],
            [7, "d", { parseSpecial: false, enough: 4, goesOn: false, contents: none }, ids[1]]
        ]);
        expect(ids[1]).toBe(ids[0]! + 1);
    });

    test.each<[string, Setting, boolean, number[], number[]]>([
        ["wanted", { bosToken: 1 }, true, [5, 6], [1, 5, 6]],
        ["not wanted", { bosToken: 1 }, false, [5, 6], [5, 6]],
        ["there already", { bosToken: 5 }, true, [5, 6], [5, 6]],
        ["there later", { bosToken: 6 }, true, [5, 6], [6, 5, 6]],
        ["the only one", { bosToken: 0 }, true, [], [0]],
        ["none", { bosToken: -1 }, true, [5], [5]],
        ["the last of the vocabulary", { bosToken: 99 }, true, [5], [99, 5]],
        ["beyond the vocabulary", { bosToken: 100 }, true, [5], [5]]
    ])("a beginning that is %s", async (_, setting, addBos, tokens, expected) => {
        const { core } = makeCore([{ tokens: Int32Array.from(tokens), whole: false }], setting);
        const options = { addBos, parseSpecial: true };
        expect(await tokenizeText(core, ["x"], options)).toEqual({ tokens: Int32Array.from(expected), whole: false });
    });

    test("of more than 64 Mi characters is refused before it is copied", async () => {
        const { core, tokenize } = makeCore([made(2)]);
        const half = "x".repeat(2 ** 25);
        await expect(tokenizeText(core, [half, half, "x"], plain)).rejects.toMatchObject({
            code: "ERR_TOKENIZE",
            message: "The text has 67108865 characters; at most 64 MiB are tokenized."
        });
        expect(tokenize).not.toHaveBeenCalled();
        expect(await tokenizeText(core, [half, half], { ...plain, enough: 1 })).toEqual(made(2));
    });
});

describe("a text that may be far too long", () => {
    const enough = 10;

    test("is known by its first part", async () => {
        const { core, tokenize } = makeCore([made(11, false)]);
        const parts = ["ab", "c".repeat(2 * least), "d"];
        expect(await tokenizeText(core, parts, { ...plain, enough })).toEqual(made(11, false));
        expect(tokenize).toHaveBeenCalledTimes(1);
        const [, text, what] = tokenize.mock.calls[0]!;
        expect(what).toEqual({ parseSpecial: true, enough, goesOn: true, contents: none });
        expect(text === `ab${"c".repeat(least - 2)}`).toBe(true);
    });

    test("is tokenized whole when its first part is not enough", async () => {
        const { core, tokenize } = makeCore([made(10, false), made(3)]);
        const text = "c".repeat(2 * least + 1);
        expect(await tokenizeText(core, [text], { ...plain, enough })).toEqual(made(3));
        const [first, second] = tokenize.mock.calls;
        expect([first![1].length, first![2].goesOn]).toEqual([least, true]);
        expect([second![1].length, second![2].goesOn]).toEqual([2 * least + 1, false]);
        expect(second![3]).toBe(first![3] + 1);
    });

    test("has a first part twice as long at most, and one that grows with what is enough", async () => {
        const twice = makeCore([made(3)]);
        await tokenizeText(twice.core, ["c".repeat(2 * least)], { ...plain, enough });
        expect(twice.tokenize.mock.calls.map((call) => call[2].goesOn)).toEqual([false]);
        const more = makeCore([made(300_001)]);
        await tokenizeText(more.core, ["c".repeat(4_800_001)], { ...plain, enough: 300_000 });
        expect(more.tokenize.mock.calls.map((call) => call[1].length)).toEqual([2_400_000]);
        const notYet = makeCore([made(300_001)]);
        await tokenizeText(notYet.core, ["c".repeat(4_800_000)], { ...plain, enough: 300_000 });
        expect(notYet.tokenize.mock.calls.map((call) => call[2].goesOn)).toEqual([false]);
    });

    test.each([
        ["ends in a whole character", `${"c".repeat(least - 1)}\u{1F600}`, least - 1],
        ["keeps one that just fits", `${"c".repeat(least - 2)}\u{1F600}`, least],
        ["keeps the character before the surrogates", `${"c".repeat(least - 1)}\uD7FF`, least],
        ["keeps the character behind the surrogates", `${"c".repeat(least - 1)}\uE000`, least],
        ["drops the first half alone", `${"c".repeat(least - 1)}\uDBFF\uDFFF`, least - 1]
    ])("its first part %s", async (_, start, length) => {
        const { core, tokenize } = makeCore([made(11)]);
        await tokenizeText(core, [start, "c".repeat(2 * least)], { ...plain, enough });
        expect(tokenize.mock.calls[0]![1]).toHaveLength(length);
    });
});

describe("a long text", () => {
    const slice = 2 ** 20;
    const given = async (text: string): Promise<string | Uint8Array> => {
        const { core, tokenize } = makeCore([made(1)]);
        await tokenizeText(core, [text], plain);
        return tokenize.mock.calls[0]![1];
    };

    test("is a string as long as one turn can copy it", async () => {
        expect(await given("x".repeat(slice))).toHaveLength(slice);
        expect(typeof (await given("x".repeat(slice)))).toBe("string");
        expect(await given("x".repeat(slice + 1))).toBeInstanceOf(Uint8Array);
    });

    test.each([
        ["umlauts", "ä".repeat(slice + 5)],
        ["a pair at the border of slices", `${"x".repeat(slice - 1)}\u{1F600}${"y".repeat(slice)}\u{1F600}`],
        ["a half of a pair at its end", `${"x".repeat(2 * slice - 1)}\uD83D`],
        ["three slices", "xyz".repeat(slice)]
    ])("is the same in UTF-8: %s", async (_, text) => {
        const bytes = await given(text);
        expect(Buffer.from(bytes as Uint8Array).equals(Buffer.from(text))).toBe(true);
    });

    test("leaves the event loop a turn after each slice, counted and copied", async () => {
        let turns = 0;
        let counting = true;
        const count = (): void => {
            turns++;
            if (counting) setImmediate(count);
        };
        setImmediate(count);
        await given("x".repeat(3 * slice));
        counting = false;
        expect(turns).toBeGreaterThanOrEqual(6);
    });
});

describe("stopping", () => {
    test("before anything begins", async () => {
        const { core, tokenize } = makeCore([]);
        const stopped = tokenizeText(core, ["x"], plain, AbortSignal.abort());
        await expect(stopped).rejects.toMatchObject({ code: "ERR_DISPOSED" });
        expect(tokenize).not.toHaveBeenCalled();
    });

    test("while native code is at work tells it so, once and by its id, and is forgotten afterwards", async () => {
        const { core, tokenize, stopTokenizing } = makeCore([]);
        let answer!: (tokens: NativeTokens) => void;
        tokenize.mockImplementation(() => new Promise((resolve) => (answer = resolve)));
        const controller = new AbortController();
        const running = tokenizeText(core, ["x"], plain, controller.signal);
        controller.abort();
        expect(stopTokenizing.mock.calls).toEqual([[7, tokenize.mock.calls[0]![3]]]);
        answer(made(1));
        expect(await running).toEqual(made(1));
        const later = new AbortController();
        const other = makeCore([made(1)]);
        await tokenizeText(other.core, ["x"], plain, later.signal);
        later.abort();
        expect(other.stopTokenizing).not.toHaveBeenCalled();
    });

    test("an engine that is gone is told nothing", async () => {
        const { core, own, tokenize, stopTokenizing } = makeCore([]);
        tokenize.mockImplementation(() => Promise.reject(new Error("gone")));
        const controller = new AbortController();
        const running = tokenizeText(core, ["x"], plain, controller.signal);
        own.disposed = true;
        controller.abort();
        await expect(running).rejects.toThrow("gone");
        expect(stopTokenizing).not.toHaveBeenCalled();
        await expect(tokenizeText(core, ["x"], plain)).rejects.toMatchObject({ code: "ERR_DISPOSED" });
        expect(tokenize).toHaveBeenCalledTimes(1);
    });

    test("between the parts of a text begins no second one", async () => {
        const controller = new AbortController();
        const { core, tokenize } = makeCore([]);
        tokenize.mockImplementation(async () => {
            controller.abort();
            return made(1);
        });
        const running = tokenizeText(core, ["c".repeat(2 * least + 1)], { ...plain, enough: 10 }, controller.signal);
        await expect(running).rejects.toMatchObject({ code: "ERR_DISPOSED" });
        expect(tokenize).toHaveBeenCalledTimes(1);
    });
});

describe("a request", () => {
    const options = (changes: object): ResolvedGenerateOptions =>
        ({
            prompt: { kind: "text", text: "x", raw: false },
            parseSpecial: true,
            addBos: undefined,
            constraint: { kind: "none" },
            ...changes
        }) as unknown as ResolvedGenerateOptions;

    test("is written with its template, once, whatever its text is", async () => {
        const texts = async (promptTemplate: string | undefined, raw: boolean): Promise<unknown> => {
            const { core, tokenize } = makeCore([made(1)], promptTemplate === undefined ? {} : { promptTemplate });
            await prepareTokens(core, options({ prompt: { kind: "text", text: "$& {prompt}", raw } }));
            expect(tokenize.mock.calls[0]![2]).toEqual({
                parseSpecial: true,
                enough: 5,
                goesOn: false,
                contents: none
            });
            return tokenize.mock.calls[0]![1];
        };
        expect(await texts("<{prompt}>{prompt}|", false)).toBe("<$& {prompt}>{prompt}|");
        expect(await texts("<{prompt}>", true)).toBe("$& {prompt}");
        expect(await texts(undefined, false)).toBe("$& {prompt}");
    });

    test("begins as it says, else as the model does", async () => {
        const first = async (addBos: boolean | undefined, model: boolean): Promise<number> => {
            const { core } = makeCore([made(2)], { addBos: model });
            return (await prepareTokens(core, options({ addBos })))[0]!;
        };
        expect(await first(undefined, true)).toBe(1);
        expect(await first(undefined, false)).toBe(9);
        expect(await first(false, true)).toBe(9);
        expect(await first(true, false)).toBe(1);
    });

    test("without tokens, and with more than the context holds, is refused", async () => {
        const prepare = (answer: NativeTokens): Promise<Int32Array> =>
            prepareTokens(makeCore([answer]).core, options({}));
        await expect(prepare(made(0))).rejects.toMatchObject({
            code: "ERR_EMPTY_PROMPT",
            message: "The prompt has no tokens."
        });
        expect(await prepare(made(5))).toHaveLength(5);
        await expect(prepare(made(6))).rejects.toMatchObject({
            code: "ERR_PROMPT_TOO_LONG",
            message:
                "The prompt has 6 tokens; the context holds 5. Shorten the prompt, or raise contextSize where the models hold more."
        });
        await expect(prepare(made(6, false))).rejects.toMatchObject({
            message:
                "The prompt has at least 6 tokens; the context holds 5. Shorten the prompt, or raise contextSize where the models hold more."
        });
    });

    test("of token ids is taken as it is", async () => {
        const { core, tokenize } = makeCore([], { addBos: true });
        const tokens = Int32Array.of(4, 5);
        expect(await prepareTokens(core, options({ prompt: { kind: "tokens", tokens } }))).toBe(tokens);
        const many = prepareTokens(core, options({ prompt: { kind: "tokens", tokens: new Int32Array(6) } }));
        await expect(many).rejects.toMatchObject({ message: expect.stringContaining("has 6 tokens;") });
        expect(tokenize).not.toHaveBeenCalled();
    });

    test("of messages is written by the model's template", async () => {
        const { core, tokenize } = makeCore([made(1)], {
            chatTemplate: "{{ bos_token }}{{ eos_token }}{{ messages[0].content }}"
        });
        const messages = [{ role: "user", content: "Hi" }];
        await prepareTokens(core, options({ prompt: { kind: "messages", messages } }));
        expect(tokenize.mock.calls[0]![1]).toBe("<bos><eos>Hi");
    });

    test.each<[object, string | undefined, number]>([
        [{ kind: "none" }, undefined, 0],
        [{ kind: "grammar", gbnf: 'root ::= "a"' }, 'root ::= "a"', 0],
        [{ kind: "schema", json: "true", ignoreUnsupported: false }, "of true", 1],
        [{ kind: "schema", json: "true", ignoreUnsupported: true }, "of true loosely", 1]
    ])("with the constraint %j", async (constraint, grammar, calls) => {
        const { core, grammarOfSchema } = makeCore([made(2)]);
        expect(await prepareRequest(core, options({ constraint, shownTokens: [] }))).toEqual({
            tokens: made(2).tokens,
            grammar,
            shownTokens: new Int32Array()
        });
        expect(grammarOfSchema).toHaveBeenCalledTimes(calls);
    });
});

describe("the caller's words", () => {
    const rangesOf = async (setting: Setting, prompt: object, parseSpecial: boolean): Promise<unknown> => {
        const { core, tokenize } = makeCore([made(1)], setting);
        await prepareTokens(core, { prompt, parseSpecial } as unknown as ResolvedGenerateOptions);
        const [, text, what] = tokenize.mock.calls[0]!;
        return { text, parseSpecial: what.parseSpecial, contents: [...what.contents] };
    };
    const text = (words: string): object => ({ kind: "text", text: words, raw: false });

    test("in a prompt are parsed as the rest, unless that is not wanted", async () => {
        const template = { promptTemplate: "<é>{prompt}|" };
        expect(await rangesOf(template, text("äx"), true)).toEqual({
            text: "<é>äx|",
            parseSpecial: true,
            contents: []
        });
        expect(await rangesOf(template, text("äx"), false)).toEqual({
            text: "<é>äx|",
            parseSpecial: true,
            contents: [4, 7]
        });
        expect(await rangesOf({}, text("äx"), false)).toEqual({ text: "äx", parseSpecial: false, contents: [] });
    });

    test("in messages are told apart in bytes; halves of characters are whole ones", async () => {
        const chatTemplate = "{% for m in messages %}[é{{ m.content[:1] }}-{{ m.content[1:] }}]{% endfor %}";
        const messages = ["a\u{1F600}b", "", "\u{1F600}"].map((content) => ({ role: "user", content }));
        const prompt = { kind: "messages", messages };
        const written = "[éa-\u{1F600}b][é-][é\u{1F600}-]";
        expect(await rangesOf({ chatTemplate }, prompt, false)).toEqual({
            text: written,
            parseSpecial: true,
            contents: [3, 4, 5, 10, 19, 23]
        });
        expect(await rangesOf({ chatTemplate }, prompt, true)).toEqual({
            text: written,
            parseSpecial: true,
            contents: []
        });
        const bytes = Buffer.from(written);
        expect([bytes.toString("utf8", 5, 10), bytes.toString("utf8", 19, 23)]).toEqual(["\u{1F600}b", "\u{1F600}"]);
    });
});
