import { describe, expect, it } from "vitest";
import { errorCatalogue, RastError, type ErrorCode } from "../../../../src/errors.js";
import type { FastifyBaseLogger } from "fastify";
import { logFailure } from "../../../../src/server/http/error-form.js";
import { failureOf, RequestError, wrongField } from "../../../../src/server/http/request-error.js";
import { fieldOf } from "../../../../src/server/openai/fields.js";

describe("failures", () => {
    it("of options name the client's field", () => {
        const error = new RastError(
            "ERR_INVALID_OPTION",
            "Expected a number in (0, 1] for topP, received 2 (number).",
            {
                details: { option: "topP" }
            }
        );
        expect(failureOf(error, fieldOf)).toEqual({
            status: 400,
            kind: "invalid_request_error",
            message: "Expected a number in (0, 1] for top_p, received 2 (number).",
            param: "top_p",
            code: "ERR_INVALID_OPTION",
            retryAfterSeconds: undefined
        });
        const nested = new RastError("ERR_INVALID_OPTION", "x", { details: { option: "stop[3]" } });
        expect(failureOf(nested, fieldOf).param).toBe("stop[3]");
        const deep = new RastError("ERR_INVALID_OPTION", "x", { details: { option: "speculation.draft" } });
        expect(failureOf(deep, fieldOf).param).toBe("rast.speculation.draft");
    });

    it("of the server say nothing of it", () => {
        for (const error of [
            new Error("/secret/path"),
            new RastError("ERR_DECODE", "/secret/path"),
            new RastError("ERR_FILE_NOT_FOUND", "/secret/path"),
            "a text",
            undefined
        ]) {
            const failure = failureOf(error);
            expect(failure.status).toBe(500);
            expect(failure.message).not.toContain("secret");
        }
        expect(failureOf(new RastError("ERR_ENGINE_CRASHED", "x")).code).toBe("ERR_ENGINE_CRASHED");
    });

    it("advise what a client can do, in its protocol's words", () => {
        const long = new RastError(
            "ERR_PROMPT_TOO_LONG",
            "Shorten it, or raise contextSize where the models hold more."
        );
        expect(failureOf(long, fieldOf).message).toBe(
            "Shorten it, or have the server started with a larger --context-size where the models hold more."
        );
        const template = new RastError(
            "ERR_CHAT_TEMPLATE",
            "Give it the messages and templateOptions that it asks for."
        );
        expect(failureOf(template, fieldOf).message).toBe(
            "Give it the messages and chat_template_kwargs that it asks for."
        );
        expect(failureOf(new RastError("ERR_ENGINE_CRASHED", "x")).message).toMatch(
            /^The engine crashed, .* asked again/
        );
    });

    it("of every code have a status", () => {
        const statuses = Object.keys(errorCatalogue).map(
            (code) => failureOf(new RastError(code as ErrorCode, "x")).status
        );
        expect(new Set(statuses)).toEqual(new Set([400, 429, 500, 503]));
    });

    it("that pass say when to come again", () => {
        expect(failureOf(new RastError("ERR_QUEUE_FULL", "x"))).toMatchObject({
            status: 429,
            retryAfterSeconds: 1,
            kind: "rate_limit_error"
        });
        expect(failureOf(new RastError("ERR_DISPOSED", "x"))).toMatchObject({ status: 503, retryAfterSeconds: 1 });
    });

    it.each(["UNREACHABLE", "REFUSED", "VERSION", "LOST"] as const)(
        "of a worker are said as they are: ERR_WORKER_%s",
        (kind) => {
            const message = "The worker 10.0.0.2:50052 cannot be reached: Connection refused";
            const error = new RastError(`ERR_WORKER_${kind}`, message);
            expect(failureOf(error)).toMatchObject({
                ...{ status: 503, kind: "unavailable_error", message, code: `ERR_WORKER_${kind}`, retryAfterSeconds: 1 }
            });
            const said: unknown[] = [];
            const log = {
                warn: (...words: unknown[]) => said.push(["warn", ...words]),
                error: (...words: unknown[]) => said.push(["error", ...words])
            } as unknown as FastifyBaseLogger;
            logFailure(log, failureOf(error), error, "a request failed");
            logFailure(log, failureOf(new Error("x")), new Error("x"), "a request failed");
            logFailure(log, failureOf(new RastError("ERR_DISPOSED", "x")), undefined, "a request failed");
            expect(said).toEqual([
                ["warn", { code: `ERR_WORKER_${kind}` }, message],
                ["error", { err: new Error("x") }, "a request failed"]
            ]);
        }
    );

    it("of options name fields where they stand by themselves", () => {
        const mode = new RastError("ERR_INVALID_OPTION", "Expected a mode of the model for mode, received 1.", {
            details: { option: "mode" }
        });
        expect(failureOf(mode, fieldOf).message).toBe("Expected a rast.mode of the model for rast.mode, received 1.");
        const key = new RastError("ERR_INVALID_OPTION", 'Expected a token id for a key of logitBias, received "a".', {
            details: { option: "a key of logitBias" }
        });
        expect(failureOf(key, fieldOf)).toMatchObject({
            param: "logit_bias",
            message: 'Expected a token id for a key of logit_bias, received "a".'
        });
    });

    it("of one's own are as they were made", () => {
        expect(failureOf(wrongField("n", "n is wrong."))).toMatchObject({
            status: 400,
            param: "n",
            kind: "invalid_request_error"
        });
        expect(failureOf(new RequestError(404, "x", { code: "model_not_found" })).kind).toBe("not_found_error");
        expect(failureOf(Object.assign(new Error("too large"), { statusCode: 413, code: "FST" }))).toMatchObject({
            status: 413,
            message: "too large",
            code: "FST"
        });
    });
});
