// The forms of an error that need no other thread or process; test/unit/error-forms.test.ts has the ways through those.
import { describe, expect, test } from "vitest";
import { isErrorCode, RastError } from "../../src/errors.js";

const plain = {
    name: "RastError",
    message: "It failed.",
    code: "ERR_DECODE",
    details: { role: "base" },
    stack: "here"
};

describe("RastError.from", () => {
    test("a RastError stays what it is", () => {
        const error = new RastError("ERR_DECODE", "It failed.");
        expect(RastError.from(error)).toBe(error);
    });

    test("a plain form, with its stack, details and causes", () => {
        const error = RastError.from({ ...plain, cause: { name: "TypeError", message: "below", stack: "there" } });
        expect(error).toBeInstanceOf(RastError);
        expect(error).toMatchObject({ code: "ERR_DECODE", message: "It failed.", stack: "here" });
        expect(error.details).toEqual({ role: "base" });
        expect(error.cause).toBeInstanceOf(Error);
        expect(error.cause).toMatchObject({ name: "TypeError", message: "below", stack: "there" });
        // no more than what was there
        expect(Object.keys(error.cause as object)).toEqual([]);
        expect("cause" in RastError.from(plain)).toBe(false);
    });

    test("a cause keeps its code and details, and a name that may be changed", () => {
        const { cause } = RastError.from({
            ...plain,
            cause: { name: "Error", message: "below", code: "ENOENT", details: { path: "x" } }
        }) as { cause: Error & { code?: string; details?: unknown } };
        expect(cause).toMatchObject({ code: "ENOENT", details: { path: "x" } });
        expect(Object.keys(cause)).toEqual(["code", "details"]);
        expect(Object.getOwnPropertyDescriptor(cause, "name")).toEqual({
            value: "Error",
            configurable: true,
            enumerable: false,
            writable: true
        });
    });

    test.each([undefined, null, 5, "text", []])("details that are none: %o", (details) => {
        const error = RastError.from({ ...plain, details });
        expect(error.code).toBe("ERR_DECODE");
        expect(error.details).toEqual(Array.isArray(details) ? [] : {});
    });

    test("a stack that is no text is left out", () => {
        expect(RastError.from({ ...plain, stack: 5 }).stack).toMatch(/^RastError \[ERR_DECODE\]: It failed\.\n/);
        expect(RastError.from({ name: "Error", message: "", stack: 5 })).toMatchObject({ code: "ERR_INTERNAL" });
    });

    test("the clone of a RastError, by the beginning of its stack", () => {
        const clone = structuredClone(new RastError("ERR_DECODE", "It failed."));
        expect(RastError.from(clone)).toMatchObject({ code: "ERR_DECODE", message: "It failed." });
        // named further below, it is somebody else's
        const other = Object.assign(new Error("RastError [ERR_DECODE]"), { stack: "Error: RastError [ERR_DECODE]" });
        expect(RastError.from(other)).toMatchObject({ code: "ERR_INTERNAL", message: "RastError [ERR_DECODE]" });
        expect(RastError.from(other).cause).toBe(other);
    });

    test("other errors become the cause, as they are", () => {
        const error = new TypeError("Not that.");
        expect(RastError.from(error)).toMatchObject({ code: "ERR_INTERNAL", message: "Not that." });
        expect(RastError.from(error).cause).toBe(error);
        // a form with an unknown code is an error all the same, and no code of ours is made up
        const unknown = RastError.from({ ...plain, code: "ERR_NEVER" });
        expect(unknown).toMatchObject({ code: "ERR_INTERNAL", message: "It failed." });
        expect(unknown.cause).toMatchObject({ name: "RastError", code: "ERR_NEVER" });
        // a clone's stack does not count where a name was stated
        const stated = { ...plain, code: "ERR_TOKENIZE", stack: "RastError [ERR_DECODE]: It failed." };
        expect(RastError.from(stated).code).toBe("ERR_TOKENIZE");
    });

    test.each([
        [5, "number"],
        ["text", "string"],
        [null, "object"],
        [{ name: "RastError" }, "object"],
        [{ message: "x" }, "object"],
        [{ name: 5, message: "x" }, "object"]
    ])("what is no error: %o", (value, type) => {
        const error = RastError.from(value);
        expect(error).toMatchObject({ code: "ERR_INTERNAL", message: `Expected a RastError, received ${type}.` });
        expect(error.cause).toEqual(value);
    });
});

describe("a RastError's stack", () => {
    test("says the code at its beginning, once", () => {
        const error = new RastError("ERR_DECODE", "Error: Error\nError");
        expect(error.stack).toMatch(/^RastError \[ERR_DECODE\]: Error: Error\nError\n {4}at /);
    });

    test("may be missing", () => {
        const { stackTraceLimit, prepareStackTrace } = Error;
        try {
            Error.stackTraceLimit = 0;
            expect(new RastError("ERR_DECODE", "").stack).toMatch(/^RastError \[ERR_DECODE\](: )?$/);
            Error.stackTraceLimit = stackTraceLimit;
            Error.prepareStackTrace = () => 5;
            expect(new RastError("ERR_DECODE", "x").stack).toBe(5);
        } finally {
            Error.stackTraceLimit = stackTraceLimit;
            Error.prepareStackTrace = prepareStackTrace;
        }
    });
});

test("codes are texts of the catalogue", () => {
    expect(isErrorCode("ERR_DECODE")).toBe(true);
    for (const value of ["toString", "", undefined, 5, ["ERR_DECODE"]]) expect(isErrorCode(value)).toBe(false);
});
