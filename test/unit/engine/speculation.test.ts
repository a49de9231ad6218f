import { describe, expect, test } from "vitest";
import { resolveLoadOptions } from "../../../src/loading/load-options.js";
import { planDrafts, resolveSpeculation } from "../../../src/engine/speculation-options.js";
import { RastError } from "../../../src/errors.js";

const load = (options: object): ReturnType<typeof resolveLoadOptions> =>
    resolveLoadOptions({ base: "b", expert: "e", antiexpert: "a", ...options });
const auto = { draft: -1, maxDraft: undefined };
const ngram = "auto";
const room = { contextSize: 4096, batchSize: 512, parallel: 1 };

describe("drafts at load", () => {
    test.each([
        [{ contextSize: 16, speculation: { maxDraft: 16 } }, "contextSize of at least 17, received 16"],
        [{ batchSize: 16, speculation: { maxDraft: 16 } }, "batchSize of at least 17, received 16"],
        [{ batchSize: 16, parallel: 8, speculation: { draft: 9 } }, "batchSize of at least 17, received 16"]
    ])("%j does not fit", (options, message) => {
        expect(() => load(options)).toThrow(RastError);
        expect(() => load(options)).toThrow(message);
    });

    test("a length that is not asked for makes way", () => {
        expect(load({ contextSize: 8, batchSize: 2 }).speculation).toEqual({ ...auto, ngram });
        expect(planDrafts(auto, { contextSize: 8, batchSize: 512, parallel: 1 }, 1)).toEqual({ maxDraft: 7, rows: 8 });
        expect(planDrafts(auto, { contextSize: 4096, batchSize: 4, parallel: 4 }, 1)).toEqual({ maxDraft: 0, rows: 4 });
    });

    test("rows are slots and drafts, with a bound where there are many slots", () => {
        expect(planDrafts(auto, room, 1)).toEqual({ maxDraft: 15, rows: 16 });
        expect(planDrafts(auto, room, 0)).toEqual({ maxDraft: 0, rows: 1 });
        expect(planDrafts({ draft: 0, maxDraft: 0 }, { ...room, parallel: 8 }, 1)).toEqual({ maxDraft: 0, rows: 8 });
        expect(planDrafts(auto, { ...room, parallel: 8 }, 1)).toEqual({ maxDraft: 15, rows: 64 });
        expect(planDrafts(auto, { ...room, parallel: 64 }, 1)).toEqual({ maxDraft: 15, rows: 79 });
        expect(planDrafts({ draft: 63, maxDraft: 63 }, room, 2)).toEqual({ maxDraft: 63, rows: 64 });
    });

    test("where one sequence alone may draft, rows are those of one, and at least one beside the slots", () => {
        expect(planDrafts(auto, room, 1, 7)).toEqual({ maxDraft: 15, rows: 8 });
        expect(planDrafts(auto, { ...room, parallel: 4 }, 1, 7)).toEqual({ maxDraft: 15, rows: 8 });
        expect(planDrafts(auto, { ...room, parallel: 16 }, 1, 7)).toEqual({ maxDraft: 15, rows: 17 });
        expect(planDrafts(auto, { ...room, parallel: 4 }, 1, 0)).toEqual({ maxDraft: 15, rows: 5 });
        expect(planDrafts({ draft: 0, maxDraft: 0 }, { ...room, parallel: 4 }, 1, 0)).toEqual({ maxDraft: 0, rows: 4 });
    });
});

describe("drafts of a request", () => {
    const loaded = { draft: -1, maxDraft: 8, ngram: "auto", possible: 8 } as const;

    test("default to what was loaded", () => {
        expect(resolveSpeculation(undefined, loaded)).toEqual({ draft: -1, maxDraft: 8, ngram });
        expect(resolveSpeculation(undefined, { ...loaded, draft: 4, maxDraft: 4 })).toEqual({
            draft: 4,
            maxDraft: 4,
            ngram
        });
        expect(resolveSpeculation("auto", { ...loaded, draft: 4 })).toEqual({ draft: -1, maxDraft: 8, ngram });
        expect(resolveSpeculation("off", loaded)).toEqual({ draft: 0, maxDraft: 0, ngram: "never" });
        expect(resolveSpeculation({ draft: 2 }, loaded)).toEqual({ draft: 2, maxDraft: 2, ngram: "never" });
    });

    test("are no longer than the engine was loaded for", () => {
        expect(() => resolveSpeculation({ maxDraft: 9 }, loaded)).toThrow("the engine was loaded for 8");
        expect(() =>
            resolveSpeculation({ draft: 1 }, { ...loaded, draft: 0, maxDraft: 0, ngram: "auto", possible: 0 })
        ).toThrow("the engine was loaded for 0");
    });

    test("run without where the models cannot", () => {
        expect(resolveSpeculation({ draft: 4 }, { ...loaded, ngram: "auto", possible: 0 })).toEqual({
            draft: 0,
            maxDraft: 0,
            ngram: "never"
        });
    });
});
