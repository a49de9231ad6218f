import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { exitCodeFor } from "../../src/cli/failure.js";
import { RastError, errorCatalogue, isErrorCode, type ErrorCode } from "../../src/errors.js";

describe("the catalogue", () => {
    test("equals the table in docs/errors.md", () => {
        const rows = Object.entries(errorCatalogue).map(
            ([code, { summary, whatToDo }]) =>
                `| \`${code}\` | ${summary} | ${whatToDo} | ${exitCodeFor(code as ErrorCode)} |`
        );
        const text = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
        expect(text.split("\n").filter((line) => line.startsWith("| `ERR_"))).toEqual(rows);
    });

    test("holds whole sentences", () => {
        for (const { summary, whatToDo } of Object.values(errorCatalogue)) {
            expect(summary).toMatch(/^[A-Zl].*\.$/);
            expect(whatToDo).toMatch(/^[A-Z`].*\.$/);
        }
    });

    test("knows its codes only", () => {
        expect(isErrorCode("ERR_DECODE")).toBe(true);
        for (const value of ["ERR_NOPE", "toString", "", null, 5]) expect(isErrorCode(value)).toBe(false);
    });
});

describe("RastError", () => {
    test("is an Error with code, details and cause", () => {
        const cause = new TypeError("behind it");
        const error = new RastError("ERR_DECODE", "It failed.", { details: { role: "base" }, cause });
        expect(error).toBeInstanceOf(Error);
        expect(error).toMatchObject({ name: "RastError", code: "ERR_DECODE", message: "It failed." });
        expect(error.details).toEqual({ role: "base" });
        expect(error.cause).toBe(cause);
        expect(String(error)).toBe("RastError: It failed.");
        expect(new RastError("ERR_INTERNAL", "x").details).toEqual({});
        expect("cause" in new RastError("ERR_INTERNAL", "x")).toBe(false);
    });
});
