// One table for requests and for the `sampling` of trio files.
import type { NumberRange } from "./checks.js";

const maxInteger = Number.MAX_SAFE_INTEGER;

/** The numbers that shape a draw, with their ranges. */
export const samplingRanges = {
    temperature: { min: 0, max: 100 },
    topK: { min: 0, max: 2_147_483_647, integer: true },
    topP: { min: 0, max: 1, aboveMin: true },
    minP: { min: 0, max: 1 },
    repetitionPenalty: { min: 0, max: 10, aboveMin: true },
    presencePenalty: { min: -100, max: 100 },
    frequencyPenalty: { min: -100, max: 100 },
    penaltyWindow: { min: -1, max: 2_147_483_647, integer: true }
} as const satisfies Record<string, NumberRange>;

/** A key of `samplingRanges`. */
export type SamplingKey = keyof typeof samplingRanges;

/** The range of every `lambda`. */
export const lambdaRange = { min: -10, max: 10 } as const satisfies NumberRange;

/** The range of `maxTokens`. */
export const maxTokensRange = { min: 1, max: maxInteger, integer: true } as const satisfies NumberRange;
