import { expect } from "vitest";
import { RastError } from "../../src/errors.js";

/** What an action throws: a RastError of the sources. */
export function errorOf(action: () => unknown): RastError {
    try {
        action();
    } catch (error) {
        expect(error).toBeInstanceOf(RastError);
        return error as RastError;
    }
    throw new Error("It was accepted.");
}

export const messageOf = (action: () => unknown): string => errorOf(action).message;
