// Pages are made of what other functions gave; callers without types may have something else.
import { invalidOption } from "../../checks.js";

/** @param make draws the page of `value` @throws ERR_INVALID_OPTION where it cannot, with the reason as its cause */
export function pageMadeOf(name: string, expected: string, value: unknown, make: () => string): string {
    try {
        return make();
    } catch (error) {
        throw Object.assign(invalidOption(name, expected, value), { cause: error });
    }
}
