// What lines of a record must have: they may come from anywhere, and whoever reads them relies on all of it.
import { isArray, isObject } from "../../checks.js";
import type { ContestantRole } from "./schema.js";

type Check = (value: unknown) => boolean;

/** What fields hold; those that are not named may hold anything. */
interface Shape {
    readonly [field: string]: Check | Shape;
}

const isText: Check = (value) => typeof value === "string";
const isFlag: Check = (value) => typeof value === "boolean";
const isNumber: Check = (value) => Number.isFinite(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isNull: Check = (value) => value === null;
const either =
    (...checks: readonly Check[]): Check =>
    (value) =>
        checks.some((check) => check(value));
const oneOf =
    (...values: readonly unknown[]): Check =>
    (value) =>
        values.includes(value);
const listOf =
    (check: Check): Check =>
    (value) =>
        isArray(value) && value.every(check);
const shaped =
    (shape: Shape): Check =>
    (value) =>
        wrongField(value, shape) === undefined;

export const headShape: Shape = {
    data: { name: isText, source: isText, sha256: isText, problems: isCount, grading: oneOf("math", "sums") },
    prompt: {
        style: isText,
        shots: isCount,
        sha256: isText,
        stop: listOf(isText),
        thinking: either(isFlag, isNull, oneOf("auto"))
    },
    sampling: (value) => isObject(value) && Object.values(value).every(isNumber),
    seed: isCount,
    versions: { rast: isText, llamaCpp: isText }
};

const roles = [
    "base",
    "expert",
    "antiexpert",
    "rast",
    "reference",
    "server"
] as const satisfies readonly ContestantRole[];

export const contestantShape: Shape = {
    label: isText,
    role: oneOf(...roles),
    trio: either(isText, isNull),
    lambda: either(listOf(isNumber), isNull),
    models: listOf(
        shaped({
            role: isText,
            file: isText,
            fingerprint: isText,
            adapters: listOf(shaped({ file: isText, sha256: isText, scale: isNumber }))
        })
    ),
    server: either(shaped({ url: isText, model: isText }), isNull)
};

/** @param problems of the data set */
export function sampleShape(problems: number): Shape {
    return {
        contestant: isText,
        problem: (value) => isCount(value) && (value as number) < problems,
        id: isText,
        sample: isCount,
        seed: isCount,
        ordinal: isCount,
        output: isText,
        answer: isText,
        right: isFlag,
        extracted: either(isText, isNull),
        reason: isText,
        timedOut: isFlag,
        stop: isText,
        tokens: either(isCount, isNull),
        ms: (value) => isNumber(value) && (value as number) >= 0
    };
}

/** The first field that is missing or holds something else: "prompt.style". */
export function wrongField(value: unknown, shape: Shape, path = ""): string | undefined {
    if (!isObject(value)) return path;
    for (const [field, wanted] of Object.entries(shape)) {
        const name = path === "" ? field : `${path}.${field}`;
        const own = Object.hasOwn(value, field) ? value[field] : undefined;
        if (typeof wanted !== "function") {
            const wrong = wrongField(own, wanted, name);
            if (wrong !== undefined) return wrong;
        } else if (!wanted(own)) {
            return name;
        }
    }
    return undefined;
}
