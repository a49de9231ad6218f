import { describe, expect, test } from "vitest";
import type { Rast } from "../../../src/engine/engine.js";
import { RastError } from "../../../src/errors.js";
import { pathCoverage, readCoverageRecords, totalOf, type CoverageRecord } from "../../../src/explain/path-coverage.js";
import { scoreOf } from "../../support/explanations.js";

async function* lines(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
    yield Buffer.from(texts.join("\n"));
}
const read = (...texts: readonly string[]): Promise<CoverageRecord[]> => readCoverageRecords(lines(...texts));

/** A base whose likeliest token is always "a", and an ensemble whose is "b". */
const rast = {
    info: { parallel: 1, pairs: [{}] },
    score: async ({ prompt, completion }: { prompt?: string; completion: string }) => {
        if (completion === "long") throw new RastError("ERR_PROMPT_TOO_LONG", "Too long.");
        const tokens = [...completion].slice(prompt === undefined ? 1 : 0);
        return {
            scores: tokens.map((letter) =>
                scoreOf(letter.charCodeAt(0), { 97: [0.8, 0.1], 98: [0.15, 0.7], 99: [0.05, 0.2] })
            )
        };
    }
} as unknown as Rast;

describe("records of written texts", () => {
    test("prompt and completion under common names, or a text", async () => {
        expect(
            await read(
                '{"prompt": "p", "completion": "c"}',
                '{"question": "q", "response": ["r"], "id": "i"}',
                '{"text": "t"}',
                '{"prompt": "p", "output": "o", "text": "not this"}'
            )
        ).toEqual([
            { line: 1, prompt: "p", text: "c" },
            { line: 2, id: "i", prompt: "q", text: "r" },
            { line: 3, prompt: null, text: "t" },
            { line: 4, prompt: "p", text: "o" }
        ]);
    });

    test.each([
        ['{"prompt": "p"}', /it has no completion or output or response or generation, and no text/],
        ['{"completion": "c"}', /it has no prompt/],
        ['{"prompt": "p", "output": ["a", "b"]}', /its output is no text/],
        ['{"text": ""}', /its text is empty/]
    ])("%s is refused with its line", async (line, message) => {
        await expect(read('{"text": "t"}', line)).rejects.toMatchObject({
            code: "ERR_SCORE_INPUT",
            message: expect.stringMatching(message),
            details: { line: 2 }
        });
    });
});

describe("path coverage", () => {
    test("by hand: per text, in all, of the base and of the ensemble", async () => {
        const told: unknown[] = [];
        const records = await read(
            '{"prompt": "p", "completion": "aab"}',
            '{"text": "xabca"}',
            '{"prompt": "p", "output": "bbbc"}'
        );
        const found = await pathCoverage(rast, records, { onRecord: (record) => void told.push(record) });
        expect(told).toMatchObject([
            { line: 1, base: { correct: 2, total: 3 }, rast: { correct: 1, total: 3 }, beside: [2] },
            { line: 2, base: { correct: 2, total: 4 }, rast: { correct: 1, total: 4 }, beside: [1, 2] },
            { line: 3, base: { correct: 0, total: 4 }, rast: { correct: 3, total: 4 }, beside: [0, 1, 2, 3] }
        ]);
        expect(found).toMatchObject({
            texts: 3,
            failed: 0,
            base: { correct: 4, total: 11 },
            rast: { correct: 5, total: 11 }
        });
        expect(found.base.value).toBeCloseTo(4 / 11, 12);
        // residuals of 2, 2, 0 over 3, 4, 4 tokens
        const residuals = [2 - 12 / 11, 2 - 16 / 11, -16 / 11];
        const error = Math.sqrt(residuals.reduce((sum, one) => sum + one * one, 0) * 1.5) / 11;
        expect(found.base.overTexts!.low).toBeCloseTo(Math.max(0, 4 / 11 - 1.959964 * error), 9);
        expect(found.base.overTexts!.high).toBeCloseTo(4 / 11 + 1.959964 * error, 9);
    });

    test("texts that cannot be scored are told, and count as nothing; where that is all it is an error", async () => {
        const told: unknown[] = [];
        const records = await read('{"prompt": "p", "completion": "long"}', '{"prompt": "p", "completion": "a"}');
        const found = await pathCoverage(rast, records, { onRecord: (record) => void told.push(record) });
        expect(found).toMatchObject({ texts: 1, failed: 1, base: { value: 1, overTexts: null } });
        expect(told[0]).toMatchObject({ line: 1, error: { code: "ERR_PROMPT_TOO_LONG" } });
        await expect(pathCoverage(rast, records.slice(0, 1))).rejects.toMatchObject({ code: "ERR_SCORE_INPUT" });
        await expect(pathCoverage(rast, [])).rejects.toMatchObject({ code: "ERR_SCORE_INPUT" });
    });

    test("a base alone has no ensemble", async () => {
        const alone = { ...rast, info: { parallel: 1, pairs: [] } } as unknown as Rast;
        expect((await pathCoverage(alone, await read('{"text": "xab"}'))).rast).toBeNull();
    });

    test("texts that are all alike have a narrow interval", () => {
        const { overTexts } = totalOf(
            Array.from({ length: 4 }, () => ({ correct: 9, total: 10, value: 0.9, low: 0, high: 1 }))
        );
        expect(overTexts!.low).toBeCloseTo(0.9, 9);
        expect(overTexts!.high).toBeCloseTo(0.9, 9);
    });
});
