import { describe, expect, test } from "vitest";
import { readChunk, mergeFigures } from "../../../page/api/chunks.js";
import { EventReader } from "../../../page/api/events.js";

const stream =
    ': hello\n\ndata: {"a": 1}\n\nevent: x\r\nid: 3\r\ndata: one\r\ndata: two\r\n\r\ndata:\rdata:  three\r\r\n\ndata: left';
const events = ['{"a": 1}', "one\ntwo", "\n three"];

describe("events of a stream", () => {
    test.each([1, 2, 3, 7, 1000])("come in pieces of %i characters", (size) => {
        const reader = new EventReader();
        const found: string[] = [];
        for (let at = 0; at < stream.length; at += size) found.push(...reader.push(stream.slice(at, at + size)));
        expect(found).toEqual(events);
    });

    test("one that does not end is an error, in one line or in many", () => {
        const long = "x".repeat(1_048_576);
        const inOneLine = new EventReader();
        expect(() => {
            for (let index = 0; index < 20; index++) inOneLine.push(long);
        }).toThrow("does not end");
        const inMany = new EventReader();
        expect(() => {
            for (let index = 0; index < 20; index++) inMany.push(`data: ${long}\n`);
        }).toThrow("does not end");
    });
});

describe("a chunk", () => {
    test("says text, thinking, tokens, figures and why it ended", () => {
        const token = {
            id: 5,
            text: " x",
            divergence: 0.5,
            base_logprob: -2,
            rast_logprob: -0.1,
            base_rank: 3,
            rast_rank: 0
        };
        const chunk = readChunk(
            JSON.stringify({
                choices: [
                    {
                        delta: { content: "a", reasoning_content: "b" },
                        finish_reason: "length",
                        rast: { tokens: [token] }
                    }
                ],
                usage: { prompt_tokens: 3, completion_tokens: 2, completion_tokens_details: { reasoning_tokens: 1 } },
                timings: { predicted_per_second: 5, draft_n: 4, draft_n_accepted: 3, cache_n: 2 },
                rast: { lambda: 0.5 }
            })
        );
        expect(chunk).toMatchObject({ text: "a", thinking: "b", finish: "length", error: null });
        expect(chunk.tokens).toEqual([
            { text: " x", divergence: 0.5, baseLogprob: -2, rastLogprob: -0.1, baseRank: 3, rastRank: 0, draft: null }
        ]);
        expect(chunk.figures).toEqual({
            ...{ promptTokens: 3, cachedTokens: 2, completionTokens: 2, reasoningTokens: 1, tokensPerSecond: 5 },
            ...{ promptMs: null, drafted: 4, accepted: 3, lambdas: [0.5] }
        });
    });

    test.each([
        "{}",
        "[]",
        '{"choices": 5}',
        '{"choices": [null]}',
        '{"choices": [{"delta": "x", "rast": {"tokens": {}}}]}'
    ])("%s says nothing, and breaks nothing", (data) => {
        expect(readChunk(data)).toEqual({
            text: "",
            thinking: "",
            tokens: [],
            finish: null,
            figures: null,
            error: null
        });
    });

    test.each(["", "x", "5", "null"])("%j is none", (data) => {
        expect(() => readChunk(data)).toThrow("not what was expected");
    });

    test.each([
        [{ message: "No." }, "No."],
        ["No.", "No."],
        [{}, "The server failed without a word."],
        [null, "The server failed without a word."]
    ])("error %j", (error, words) => expect(readChunk(JSON.stringify({ error })).error).toBe(words));

    test("figures of several chunks are put together", () => {
        const [first, second] = ["prompt_tokens", "completion_tokens"].map(
            (name) => readChunk(JSON.stringify({ usage: { [name]: 7 } })).figures
        );
        expect(mergeFigures(first!, second!)).toMatchObject({ promptTokens: 7, completionTokens: 7 });
        expect(mergeFigures(null, second!)).toBe(second);
        expect(mergeFigures(first!, null)).toBe(first);
    });
});
