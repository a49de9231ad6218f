import { describe, expect, test } from "vitest";
import { readLoadState, readModels } from "../../../page/api/models.js";
import { withPatience, type Waiting } from "../../../page/api/patience.js";
import { requestBody } from "../../../page/api/request.js";
import { errorOfStatus, ServerError } from "../../../page/api/server-error.js";
import { defaultSettings } from "../../../page/settings.js";

describe("models", () => {
    test("NAME:base and NAME:expert belong to NAME; a name with a colon of its own is a name", () => {
        const ids = ["a", "a:base", "a:expert", "b", "c:base", "d:7b", "d:7b:base", "", 5];
        expect(readModels({ data: ids.map((id) => ({ id })) })).toEqual([
            { name: "a", hasBase: true },
            { name: "b", hasBase: false },
            { name: "c:base", hasBase: false },
            { name: "d:7b", hasBase: true }
        ]);
        for (const body of [undefined, null, 5, {}, { data: 5 }, { data: [null] }])
            expect(readModels(body)).toEqual([]);
    });

    test("how far a load is", () => {
        const body = {
            rast: { models: [null, { name: "a", state: "loading", progress: 0.5, pairs: [{ lambda: 1.5 }] }] }
        };
        expect(readLoadState(body, "a")).toEqual({ state: "loading", progress: 0.5, lambda: 1.5 });
        for (const one of [undefined, {}, { rast: 5 }, { rast: { models: {} } }])
            expect(readLoadState(one, "a")).toBeNull();
    });
});

describe("errors", () => {
    const body = JSON.stringify({ error: { message: "No." } });
    test.each([
        [401, null, "key", null],
        [403, null, "key", null],
        [503, "2", "loading", 2000],
        [503, "0", "loading", 250],
        [503, "100000", "loading", 60_000],
        [503, null, "refused", null],
        [503, "Wed, 21 Oct 2026 07:28:00 GMT", "refused", null],
        [429, "3", "busy", 3000],
        [429, null, "busy", 1000],
        [400, "3", "refused", null],
        [500, null, "refused", null]
    ] as const)("%i with Retry-After %s", (status, retryAfter, trouble, ms) => {
        expect(errorOfStatus(status, body, retryAfter)).toMatchObject({ message: "No.", trouble, retryAfterMs: ms });
    });

    test("a load that has failed is not waited for; the server's code is there", () => {
        const failed = JSON.stringify({ error: { message: "No.", code: "model_load_failed" } });
        expect(errorOfStatus(503, failed, "5")).toMatchObject({ trouble: "refused", code: "model_load_failed" });
        expect(errorOfStatus(404, '{"error": {"code": 5}}', null)).toMatchObject({ trouble: "refused", code: "" });
    });

    test("whatever stands in the body", () => {
        expect(errorOfStatus(502, "<html>", null).message).toBe("The server answered with status 502.");
        expect(errorOfStatus(400, '{"error": "No."}', null).message).toBe("No.");
    });
});

describe("asking again", () => {
    const failing = (errors: ServerError[]): (() => Promise<string>) => {
        return async () => {
            const error = errors.shift();
            if (error !== undefined) throw error;
            return "there";
        };
    };
    const loading = (ms: number): ServerError => new ServerError("loading", "Wait.", ms);
    const wait = async (): Promise<void> => {};

    test("as long as models are loaded and the queue is full, telling so", async () => {
        const told: Waiting[] = [];
        const errors = [loading(500), new ServerError("busy", "Full.", 200), loading(700)];
        expect(await withPatience(failing(errors), wait, (waiting) => told.push(waiting))).toBe("there");
        expect(told).toEqual([
            { trouble: "loading", words: "Wait.", ms: 500 },
            { trouble: "busy", words: "Full.", ms: 200 },
            { trouble: "loading", words: "Wait.", ms: 700 }
        ]);
    });

    test("not for ever, and not for what does not pass", async () => {
        const always = (trouble: "loading" | "busy"): (() => Promise<never>) => {
            return async () => {
                throw new ServerError(trouble, "No.", 60_000);
            };
        };
        let waits = 0;
        const counted = async (): Promise<void> => void waits++;
        await expect(withPatience(always("loading"), counted, () => {})).rejects.toThrow("No.");
        expect(waits).toBe(30);
        waits = 0;
        await expect(withPatience(always("busy"), counted, () => {})).rejects.toThrow("No.");
        expect(waits).toBe(19);
        await expect(withPatience(failing([new ServerError("refused", "Never.")]), counted, () => {})).rejects.toThrow(
            "Never."
        );
        expect(waits).toBe(19);
        const givenUp = async (): Promise<void> => Promise.reject(new Error("given up"));
        await expect(withPatience(failing([loading(1)]), givenUp, () => {})).rejects.toThrow("given up");
    });
});

test("a request says what was set, and nothing that was not", () => {
    const messages = [{ role: "user", content: "Hi" }] as const;
    const bare = { messages, stream: true, stream_options: { include_usage: true }, seed: 5 };
    const settings = { ...defaultSettings, figures: false };
    expect(requestBody("t", "rast", messages, settings, 5)).toEqual({ model: "t", ...bare });
    expect(requestBody("t", "base", messages, { ...defaultSettings, lambda: 2 }, 5)).toEqual({
        model: "t:base",
        ...bare
    });
    expect(requestBody("t", "base", messages, { ...settings, thinking: false }, 5)).toEqual({
        model: "t:base",
        ...bare,
        reasoning_effort: "none"
    });
    const all = { ...defaultSettings, temperature: 0, topP: 0.5, maxTokens: 9, lambda: 0 };
    expect(requestBody("t", "rast", messages, all, 5)).toEqual({
        ...{ model: "t", ...bare, temperature: 0, top_p: 0.5, max_tokens: 9, rast: { lambda: 0, explain: true } }
    });
});
