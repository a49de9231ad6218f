import { describe, expect, test } from "vitest";
import type { Rast } from "../../../src/engine/engine.js";
import { RastError } from "../../../src/errors.js";
import {
    readScoreRecords,
    scoreRecords,
    type ScoredRecord,
    type ScoreRecord
} from "../../../src/scoring/score-records.js";
import { explain } from "../../../src/explain/explain.js";
import { pathCoverage } from "../../../src/explain/path-coverage.js";
import { scoreOf } from "../../support/explanations.js";

async function* lines(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
    yield Buffer.from(texts.join("\n"));
}
const read = (...texts: readonly string[]): Promise<ScoreRecord[]> => readScoreRecords(lines(...texts));

/** Each letter is a token of its own: base and ensemble find it the likelier the nearer it is to "a". */
class LetterScorer {
    readonly info = { parallel: 2, pairs: [{}] };
    running = 0;
    most = 0;
    signals: (AbortSignal | undefined)[] = [];

    async scoreMany(
        texts: readonly { prompt: string; completion: string; signal?: AbortSignal }[]
    ): Promise<unknown[]> {
        this.running++;
        this.most = Math.max(this.most, this.running);
        await new Promise((resolve) => setTimeout(resolve, texts[0]!.prompt.length));
        this.running--;
        return texts.map(({ completion, prompt, signal }) => {
            this.signals.push(signal);
            if (prompt === "too long") throw new RastError("ERR_PROMPT_TOO_LONG", "Too long.");
            if (prompt === "broken") throw new RastError("ERR_DECODE", "Broken.");
            const scores = [...completion].map((letter) => {
                const share = letter === "a" ? 0.9 : 0.1;
                return scoreOf(letter.charCodeAt(0), {
                    [letter.charCodeAt(0)]: [share, share / 2],
                    0: [1 - share, 1 - share / 2]
                });
            });
            const sum = (of: "base" | "rast"): number => scores.reduce((total, { logprob }) => total + logprob[of], 0);
            return {
                scores,
                logprob: { base: sum("base"), expert: null, antiexpert: null, rast: sum("rast") },
                greedy: { base: scores.every(({ rank }) => rank.base === 0), rast: false }
            };
        });
    }

    async detokenize(tokens: readonly number[]): Promise<string> {
        return String.fromCharCode(...tokens);
    }
}
const scorer = (): { rast: Rast; fake: LetterScorer } => {
    const fake = new LetterScorer();
    return { fake, rast: fake as unknown as Rast };
};
const all = async <T>(some: AsyncIterable<T>): Promise<T[]> => {
    const list: T[] = [];
    for await (const one of some) list.push(one);
    return list;
};

describe("records", () => {
    test("of completions and of choices, under the names that are common", async () => {
        expect(
            await read(
                '{"prompt": "a", "completion": "b"}',
                "",
                '{"id": 7, "context": "c", "endings": ["d", "e"], "gold": 1}',
                '{"ctx": "f", "endings": ["g"], "label": "0"}',
                '{"question": "h", "choices": ["i", "j"], "answer": 0}'
            )
        ).toEqual([
            { line: 1, prompt: "a", endings: ["b"], choice: false },
            { line: 3, id: 7, prompt: "c", endings: ["d", "e"], choice: true, gold: 1 },
            { line: 4, prompt: "f", endings: ["g"], choice: true, gold: 0 },
            { line: 5, prompt: "h", endings: ["i", "j"], choice: true, gold: 0 }
        ]);
    });

    test.each([
        ["not json", /^Line 2 of the input: it is not JSON: .*\.$/],
        ["[]", /^Line 2 of the input: it is no object\.$/],
        ['{"completion": "x"}', /^Line 2 of the input: it has no prompt or context or ctx or question\.$/],
        ['{"prompt": "x"}', /it has no endings and no completion or/],
        ['{"prompt": 3, "completion": "x"}', /its prompt is no text/],
        ['{"prompt": "x", "completion": ""}', /its completion is empty/],
        ['{"prompt": "", "completion": "x"}', /what comes before the text is empty/],
        ['{"prompt": "x", "endings": []}', /its endings are no list of texts/],
        ['{"prompt": "x", "endings": ["a", 3]}', /its ending 1 is no text/],
        ['{"prompt": "x", "endings": ["a"], "gold": 1}', /its right ending is 1, and it has 1 of them, from 0/]
    ])("%s is refused with its line", async (line, message) => {
        const refused = read('{"prompt": "a", "completion": "b"}', line);
        await expect(refused).rejects.toMatchObject({
            code: "ERR_SCORE_INPUT",
            message: expect.stringMatching(message)
        });
        await expect(refused).rejects.toMatchObject({ details: { line: 2 } });
    });

    test("none at all are refused, too", async () => {
        await expect(read("", "  ")).rejects.toMatchObject({ code: "ERR_SCORE_INPUT" });
    });
});

describe("scored records", () => {
    test("come in their order, a few at a time, with the choice of each distribution", async () => {
        const { rast, fake } = scorer();
        const records = await read(
            '{"prompt": "xxxxxxxxxx", "completion": "ab"}',
            '{"id": "q", "prompt": "x", "endings": ["ba", "aaaa", "b"], "gold": 1}',
            ...Array.from({ length: 10 }, (_, index) => `{"prompt": "${"x".repeat(10 - index)}", "completion": "a"}`)
        );
        const scored = await all(scoreRecords(rast, records));
        expect(scored.map(({ line }) => line)).toEqual(records.map(({ line }) => line));
        expect(fake.most).toBeLessThanOrEqual(4);
        expect(scored[0]).toMatchObject({
            endings: [{ tokens: 2, bytes: 2, greedy: { base: false, rast: false }, logprob: { expert: null } }]
        });
        expect(scored[0]).not.toHaveProperty("best");
        // 0.9^4 = 0.66, 0.09, 0.1; by length 0.9, 0.3, 0.1. Halved: 0.041, 0.0225, 0.05, and by length 0.45, 0.15, 0.05
        expect(scored[1]).toMatchObject({
            id: "q",
            gold: 1,
            best: { base: 1, expert: null, antiexpert: null, rast: 2 },
            bestPerByte: { base: 1, rast: 1 }
        });
    });

    test("token by token where wanted, with what they say", async () => {
        const [scored] = await all(
            scoreRecords(scorer().rast, await read('{"prompt": "x", "completion": "ab"}'), { tokens: true, top: 2 })
        );
        expect(scored).toMatchObject({
            endings: [
                {
                    scores: [
                        { text: "a", token: 97 },
                        { text: "b", token: 98 }
                    ]
                }
            ]
        });
    });

    test("one that these models cannot score is told, and the rest go on; a broken engine ends all", async () => {
        const records = await read('{"prompt": "too long", "completion": "a"}', '{"prompt": "x", "completion": "a"}');
        const scored = await all(scoreRecords(scorer().rast, records));
        expect(scored[0]).toEqual({ line: 1, error: { code: "ERR_PROMPT_TOO_LONG", message: "Too long." } });
        expect(scored[1]).toHaveProperty("endings");
        const broken = await read('{"prompt": "broken", "completion": "a"}');
        await expect(all(scoreRecords(scorer().rast, broken))).rejects.toMatchObject({ code: "ERR_DECODE" });
    });

    test("an abort ends them, and reaches what is at work", async () => {
        const { rast, fake } = scorer();
        const stop = new AbortController();
        const records = await read(...Array.from({ length: 20 }, () => '{"prompt": "x", "completion": "a"}'));
        const aborted = (async () => {
            for await (const one of scoreRecords(rast, records, { signal: stop.signal })) {
                expect(one.line).toBeLessThan(4);
                if (one.line === 3) stop.abort(new Error("enough"));
            }
        })();
        await expect(aborted).rejects.toMatchObject({ code: "ERR_ABORTED", cause: { message: "enough" } });
        expect(fake.running).toBe(0);
        expect(fake.signals.at(-1)!.aborted).toBe(true);
    });

    test("say how many characters the vocabulary has no token for", async () => {
        const { rast, fake } = scorer();
        // Of "aéb" two tokens came.
        fake.detokenize = async (tokens) => String.fromCharCode(...tokens).replaceAll("é", "");
        const records = await read('{"prompt": "x", "completion": "aéb"}', '{"prompt": "x", "endings": ["ab", "éé"]}');
        const [first, second] = (await all(scoreRecords(rast, records))) as ScoredRecord[];
        expect(first!.endings[0]).toMatchObject({ dropped: 1 });
        expect(second!.endings.map(({ dropped }) => dropped)).toEqual([undefined, 2]);
        expect(second!.endings[0]).not.toHaveProperty("dropped");
    });

    test("have all digits of their names", async () => {
        const [record] = await read('{"id": 12345678901234567890, "prompt": "x", "completion": "a"}');
        expect(record!.id).toBe("12345678901234567890");
    });

    test("are told as soon as they are done, while their source waits, which an abort does not wait for", async () => {
        const { rast, fake } = scorer();
        const [record] = await read('{"prompt": "x", "completion": "a"}');
        let given: (() => void) | undefined;
        const told: number[] = [];
        async function* slowly(): AsyncGenerator<ScoreRecord> {
            yield { ...record!, line: 1 };
            yield { ...record!, line: 2 };
            await new Promise<void>((resolve) => (given = resolve));
            yield { ...record!, line: 3 };
            await new Promise(() => undefined);
        }
        const stop = new AbortController();
        const aborted = (async () => {
            for await (const { line } of scoreRecords(rast, slowly(), { signal: stop.signal })) {
                told.push(line);
                if (line === 2) given!();
                if (line === 3) setTimeout(() => stop.abort(new Error("enough")), 10);
            }
        })();
        await expect(aborted).rejects.toMatchObject({ code: "ERR_ABORTED", cause: { message: "enough" } });
        expect(told).toEqual([1, 2, 3]);
        expect(fake.running).toBe(0);
    });

    test("of a source that fails are told before its error; one that is left early is given back", async () => {
        const [record] = await read('{"prompt": "x", "completion": "a"}');
        let closed = 0;
        async function* some(failure?: Error): AsyncGenerator<ScoreRecord> {
            try {
                for (let line = 1; line <= 3; line++) yield { ...record!, line };
                if (failure !== undefined) throw failure;
            } finally {
                closed++;
            }
        }
        const told: number[] = [];
        const failing = (async () => {
            for await (const { line } of scoreRecords(scorer().rast, some(new Error("the disk")))) told.push(line);
        })();
        await expect(failing).rejects.toThrow("the disk");
        expect([told, closed]).toEqual([[1, 2, 3], 1]);
        for await (const { line } of scoreRecords(scorer().rast, some())) if (line === 1) break;
        expect(closed).toBe(2);
    });

    test.each([{ top: 21 }, { raw: 1 }, { tokens: "yes" }, { signal: {} }, { tokns: true }])(
        "%j is refused",
        async (options) => {
            const refused = all(scoreRecords(scorer().rast, [], options as object));
            await expect(refused).rejects.toMatchObject({
                code: expect.stringMatching(/ERR_(INVALID|UNKNOWN)_OPTION/)
            });
        }
    );
});

describe("what is said of a wrong one", () => {
    test("right endings are indices: anything else is refused by its name", async () => {
        const record = (more: object): string => JSON.stringify({ prompt: "a", endings: ["b", "c"], ...more });
        for (const [more, gold] of [
            [{ gold: 1 }, 1],
            [{ label: "0" }, 0],
            [{ gold: null, answer: 1 }, 1],
            [{ label: "" }, undefined],
            [{}, undefined]
        ] as const) {
            expect((await read(record(more)))[0]!.gold).toBe(gold);
        }
        for (const [more, said] of [
            [{ gold: "B" }, 'its gold is "B" (string), not the index of an ending'],
            [{ label: "entailment" }, 'its label is "entailment"'],
            [{ answer: true }, "its answer is true"],
            [{ gold: [1] }, "its gold is an array"],
            [{ gold: 0.5 }, "its right ending is 0.5"],
            [{ gold: 2 }, "its right ending is 2, and it has 2 of them"]
        ] as const) {
            await expect(read(record(more))).rejects.toMatchObject({
                code: "ERR_SCORE_INPUT",
                message: expect.stringContaining(said) as string
            });
        }
    });

    test("an ending that cannot be scored is named, a completion is not counted", async () => {
        const { rast } = scorer();
        const failing = Object.assign(rast, {
            scoreMany: () =>
                Promise.reject(new RastError("ERR_EMPTY_PROMPT", "Nothing to score.", { details: { index: 1 } }))
        });
        const record = (choice: boolean): ScoreRecord => ({ line: 1, prompt: "a", endings: ["b", "c"], choice });
        expect(await all(scoreRecords(failing, [record(true), record(false)]))).toEqual([
            {
                line: 1,
                error: { code: "ERR_EMPTY_PROMPT", message: "Ending 1, counted from 0: Nothing to score.", ending: 1 }
            },
            { line: 1, error: { code: "ERR_EMPTY_PROMPT", message: "Nothing to score." } }
        ]);
    });

    test("what is no engine", async () => {
        for (const wrong of [{}, null, undefined, 5, "rast", { info: { pairs: [] } }]) {
            const typed = { code: "ERR_INVALID_OPTION", details: { option: "rast" } };
            await expect(all(scoreRecords(wrong as never, []))).rejects.toMatchObject(typed);
            await expect(pathCoverage(wrong as never, [])).rejects.toMatchObject(typed);
            await expect(explain(wrong as never, { prompt: "a" })).rejects.toMatchObject(typed);
        }
    });
});
