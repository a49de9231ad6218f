import { describe, expect, test } from "vitest";
import type { TokenFigures } from "../../../page/api/chunks.js";
import {
    hasTokens,
    messagesFor,
    newChat,
    readChat,
    titleOf,
    withAnswer,
    withQuestion,
    type Answer,
    type Chat
} from "../../../page/chats/chat.js";
import { History } from "../../../page/chats/history.js";
import { MemoryValues } from "../../../page/chats/key-values.js";
import { defaultSettings, loadSettings, readNumber, saveSettings, seedFor } from "../../../page/settings.js";
import { figuresInWords } from "../../../page/view/figures.js";
import { tokenInWords } from "../../../page/view/token-words.js";

const said = (text: string, more: Partial<Answer> = {}): Answer => ({
    ...{ text, thinking: "", finish: "stop", error: "", figures: null, tokens: [], model: "m", seed: 1 },
    ...more
});

function chatOf(id: string, updated: number, question = "q"): Chat {
    return withAnswer(withQuestion(newChat(id, 0), 0, question, 0), 0, "rast", said("a"), updated);
}

describe("a chat", () => {
    test("each column goes on with its own answers; another's stands in, nobody's is left out", () => {
        let chat = newChat("x", 0);
        chat = withQuestion(chat, 0, "one", 1);
        chat = withAnswer(chat, 0, "rast", said("r1"), 2);
        chat = withAnswer(chat, 0, "base", said("b1"), 3);
        chat = withQuestion(chat, 1, "two", 4);
        chat = withAnswer(chat, 1, "rast", said("r2"), 5);
        chat = withAnswer(chat, 1, "base", said("", { finish: "failed" }), 5);
        chat = withQuestion(chat, 2, "three", 6);
        chat = withQuestion(chat, 3, "four", 7);
        const contents = (column: "rast" | "base"): string[] =>
            messagesFor(chat, 3, column, " ").map(({ content }) => content);
        expect(contents("rast")).toEqual(["one", "r1", "two", "r2", "four"]);
        expect(contents("base")).toEqual(["one", "b1", "two", "r2", "four"]);
        expect(messagesFor(chat, 0, "base", "sys")).toEqual([
            { role: "system", content: "sys" },
            { role: "user", content: "one" }
        ]);
        expect(chat.updated).toBe(7);
        expect(withQuestion(chat, 1, "deux", 8).turns.map(({ question }) => question)).toEqual(["one", "deux"]);
    });

    test("its title is its first question, in whole letters", () => {
        expect(titleOf(newChat("x", 0))).toBe("(nothing yet)");
        expect(titleOf(chatOf("x", 0, " a\n b "))).toBe("a b");
        expect([...titleOf(chatOf("x", 0, "\u{1F642}".repeat(100)))]).toHaveLength(80);
    });

    test.each([null, 5, {}, { id: 5, turns: [] }, { id: "a b", turns: [] }, { id: "a" }, { id: "a", turns: 5 }])(
        "%j is none",
        (value) => expect(readChat(value)).toBeNull()
    );

    test("one that was being answered when the page was left is one that was stopped", () => {
        const chat = withAnswer(chatOf("x", 3), 0, "base", said("half", { finish: "open" }), 3);
        expect(readChat(JSON.parse(JSON.stringify(chat)))?.turns[0]?.answers.base?.finish).toBe("stopped");
        expect(readChat({ id: "x", updated: 1e300, turns: [null, { answers: { rast: 5, other: 6 } }] })).toMatchObject({
            updated: 8.64e15,
            turns: [{ question: "", answers: {} }, { answers: { rast: { text: "", seed: null } } }]
        });
    });
});

describe("history", () => {
    test("lists the latest first, and gives back what was kept", () => {
        const storage = new MemoryValues();
        const history = new History(storage);
        storage.setItem("rast.settings", "{}");
        storage.setItem("rast.chat.broken", "{");
        storage.setItem("rast.chat.other", JSON.stringify(chatOf("not-other", 1)));
        for (const [id, updated] of [
            ["a", 1],
            ["b", 3],
            ["c", 2]
        ] as const)
            history.save(chatOf(id, updated));
        expect(history.list().map(({ id }) => id)).toEqual(["b", "c", "a"]);
        expect(history.load("a")).toEqual(chatOf("a", 1));
        expect(history.load("broken")).toBeNull();
        expect((JSON.parse(history.export()) as { chats: Chat[] }).chats).toHaveLength(3);
        history.remove("b");
        expect(history.list().map(({ id }) => id)).toEqual(["c", "a"]);
        history.removeAll();
        expect(storage.length).toBe(1);
    });

    test("has bounds: the oldest go, what is broken before them", () => {
        const storage = new MemoryValues();
        const history = new History(storage, { chats: 3, characters: 2000 });
        storage.setItem("rast.chat.broken", "{");
        expect(["a", "b", "c", "d"].map((id, index) => history.save(chatOf(id, index)).dropped)).toEqual([0, 0, 1, 1]);
        expect(history.list().map(({ id }) => id)).toEqual(["d", "c", "b"]);
        expect(history.save(chatOf("e", 9, "x".repeat(1500)))).toMatchObject({ stored: true });
        expect(history.list().map(({ id }) => id)[0]).toBe("e");
        expect(history.list().reduce((sum, chat) => sum + JSON.stringify(chat).length, 0)).toBeLessThan(2000);
        expect(history.save(chatOf("f", 10, "x".repeat(3000)))).toEqual({ stored: false, dropped: 0 });
    });

    const token: TokenFigures = {
        ...{ text: "12", divergence: 0.12345678, baseLogprob: -1.5, rastLogprob: null, baseRank: 2, rastRank: 0 },
        draft: "expert"
    };
    const shaded = (id: string, updated: number, count: number): Chat =>
        withAnswer(chatOf(id, 0), 0, "rast", said("a", { tokens: Array<TokenFigures>(count).fill(token) }), updated);

    test("figures of tokens are kept, shortened, so many of them", () => {
        const history = new History(new MemoryValues());
        history.save(shaded("a", 1, 5000));
        const { tokens } = history.load("a")!.turns[0]!.answers.rast!;
        expect(tokens).toHaveLength(4096);
        expect(tokens[0]).toEqual({ ...token, divergence: 0.1235 });
        const kept = readChat({
            id: "b",
            turns: [{ answers: { rast: { tokens: [["x", "y"], 5, [], { text: "no" }] } } }]
        })!.turns[0]!.answers.rast!.tokens;
        const empty = {
            divergence: 0,
            baseLogprob: null,
            rastLogprob: null,
            baseRank: null,
            rastRank: null,
            draft: null
        };
        expect(kept).toEqual([
            { ...empty, text: "x" },
            { ...empty, text: "" }
        ]);
    });

    test("figures of tokens go before chats do, the oldest chat's first", () => {
        const history = new History(new MemoryValues(), { chats: 10, characters: 3500 });
        history.save(shaded("a", 1, 30));
        history.save(shaded("b", 2, 30));
        expect(history.save(shaded("c", 3, 30))).toEqual({ stored: true, dropped: 0 });
        expect(history.list().map((chat) => [chat.id, hasTokens(chat)])).toEqual([
            ["c", true],
            ["b", true],
            ["a", false]
        ]);
        // one that is too long with them is kept without
        expect(history.save(shaded("d", 4, 200))).toEqual({ stored: true, dropped: 0 });
        expect(hasTokens(history.load("d")!)).toBe(false);
    });

    test("a file brings them to another browser: what is later counts, the rest is left", () => {
        const [here, there] = [
            new History(new MemoryValues()),
            new History(new MemoryValues(), { chats: 3, characters: 9000 })
        ];
        here.save(shaded("a", 1, 3));
        here.save(chatOf("b", 5));
        there.save(chatOf("b", 9, "later"));
        there.save(chatOf("c", 2));
        expect(there.import(here.export())).toEqual({ taken: 1, left: 1, lost: 0 });
        expect(there.list().map(({ id }) => id)).toEqual(["b", "c", "a"]);
        expect(there.load("a")).toEqual(here.load("a"));
        expect(there.load("b")!.turns[0]!.question).toBe("later");
        // no room for all of them: the oldest are who goes
        here.save(chatOf("d", 20));
        expect(there.import(here.export())).toEqual({ taken: 1, left: 2, lost: 1 });
        expect(there.list().map(({ id }) => id)).toEqual(["d", "b", "c"]);
        for (const text of ["", "{", "[]", '{"chats": 5}', "null"]) expect(() => there.import(text)).toThrow("no file");
        expect(there.import('{"chats": [null, {"id": "../x", "turns": []}, {"id": "e", "turns": []}]}')).toEqual({
            taken: 0,
            left: 3,
            lost: 0
        });
    });

    test("a browser without room: older chats go, and where that is not enough nothing is kept", () => {
        class Small extends MemoryValues {
            override setItem(key: string, value: string): void {
                let sum = value.length;
                for (let index = 0; index < this.length; index++)
                    if (this.key(index) !== key) sum += this.getItem(this.key(index)!)!.length;
                if (sum > 900) throw new Error("QuotaExceededError");
                super.setItem(key, value);
            }
        }
        const history = new History(new Small());
        for (let index = 0; index < 8; index++) expect(history.save(chatOf(`c${index}`, index)).stored).toBe(true);
        expect(history.list().map(({ id }) => id)).toContain("c7");
        expect(history.list().map(({ id }) => id)).not.toContain("c0");
        expect(history.save(chatOf("big", 99, "x".repeat(1000)))).toMatchObject({ stored: false });
        // the figures of its own tokens go before it is lost
        expect(history.save(shaded("shaded", 100, 30))).toMatchObject({ stored: true });
        expect(hasTokens(history.load("shaded")!)).toBe(false);
    });
});

describe("settings", () => {
    test.each([
        ["temperature", "0.5", 0.5],
        ["temperature", "", null],
        ["temperature", "-1", undefined],
        ["temperature", "hot", undefined],
        ["topP", "0", undefined],
        ["topP", "1", 1],
        ["maxTokens", "1.5", undefined],
        ["maxTokens", "10", 10],
        ["seed", "9007199254740992", undefined],
        ["seed", "0", 0],
        ["lambda", "11", undefined]
    ] as const)("%s %j", (name, typed, value) => expect(readNumber(name, typed)).toBe(value));

    test("are there again, as far as they make sense", () => {
        const storage = new MemoryValues();
        expect(loadSettings(storage)).toEqual(defaultSettings);
        const changed = {
            ...defaultSettings,
            temperature: 0,
            lambda: 0,
            theme: "dark",
            side: false,
            thinking: false,
            trio: "a"
        } as const;
        saveSettings(storage, changed);
        expect(loadSettings(storage)).toEqual(changed);
        storage.setItem(
            "rast.settings",
            JSON.stringify({ temperature: "hot", topP: 5, theme: "pink", side: 1, system: {} })
        );
        expect(loadSettings(storage)).toEqual(defaultSettings);
        storage.setItem("rast.settings", "[]");
        expect(loadSettings(storage)).toEqual(defaultSettings);
    });

    test("a seed is what was set, or another every time", () => {
        expect(seedFor({ ...defaultSettings, seed: 0 })).toBe(0);
        expect(seedFor(defaultSettings, () => 0.5)).toBe(2 ** 31);
    });
});

describe("figures in words", () => {
    const figures = {
        ...{ promptTokens: 9, cachedTokens: 4, completionTokens: 1, reasoningTokens: 0, tokensPerSecond: 7.25 },
        ...{ promptMs: 80.4, drafted: 3, accepted: 2, lambdas: [0.5] }
    };
    test.each([
        [
            said("a", { figures }),
            "1 token; 7.3 tokens/s; 67% of 3 drafts accepted; lambda 0.5; prompt 9, 4 of them known in 80 ms; seed 1"
        ],
        [said("a", { seed: null }), ""],
        [said("a", { seed: null, finish: "length" }), "cut: the limit of tokens, or the context, was reached"],
        [said("a", { seed: null, finish: "stopped" }), "stopped"]
    ])("%#", (answer, words) => expect(figuresInWords(answer)).toBe(words));

    test("of a token", () => {
        const token = {
            text: "\u202E\n",
            divergence: 1,
            baseLogprob: null,
            rastLogprob: 0,
            baseRank: null,
            rastRank: 0,
            draft: "expert"
        };
        expect(tokenInWords(token, 0, 2)).toBe(
            "Token 1 of 2, \u201C\u27E8202E\u27E9\u21B5\u201D: KL 1.000 nats, RAST 100% (1st), drafted by the expert."
        );
    });
});
