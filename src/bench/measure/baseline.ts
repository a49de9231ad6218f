// The baseline of a sample: bare decodes of the same models on the same threads, half of them before it, half after.
import { mean } from "../record/statistics.js";
import type { MatrixCase } from "./matrix.js";
import type { MeasureContext } from "./samples.js";

/** Milliseconds of a bare step, by role; all pairs count. A role that a row does not use takes none. */
export interface BareStep {
    readonly base: number;
    readonly expert: number;
    readonly antiexpert: number;
}

const noTime: BareStep = { base: 0, expert: 0, antiexpert: 0 };

/** Half a baseline, in the middle of the row's text or on its prompt. @param steps how many decodes to average over */
export async function bareSteps({ rast }: MeasureContext, one: MatrixCase, steps: number): Promise<BareStep> {
    const prompt = one.kind === "pp";
    const depth = prompt ? one.depth : one.depth + Math.max(0, Math.floor((one.tokens - steps) / 2));
    const common = { sequences: one.sequences, depth, tokens: prompt ? one.tokens : steps, prompt };
    const out = { ...noTime, base: mean(await rast.measureDecodes({ role: "base", ...common })) };
    if (one.mode === "base") return out;
    for (let pair = 0; pair < rast.info.pairs.length; ++pair) {
        for (const role of ["expert", "antiexpert"] as const) {
            out[role] += mean(await rast.measureDecodes({ role, pair, ...common }));
        }
    }
    return out;
}

/** How many steps half a baseline has beside a sample of the row. */
export function stepsBeside({ tokens }: MatrixCase): number {
    return Math.min(16, Math.max(2, Math.ceil(tokens / 8)));
}

/** The whole baseline of its two halves. */
export function meanStep(before: BareStep, after: BareStep): BareStep {
    return {
        base: (before.base + after.base) / 2,
        expert: (before.expert + after.expert) / 2,
        antiexpert: (before.antiexpert + after.antiexpert) / 2
    };
}

/** Tokens per second that steps of the baseline would give, with nothing between them. */
export function idealRate({ kind, tokens, sequences }: MatrixCase, { base, expert, antiexpert }: BareStep): number {
    const perStep = kind === "pp" ? tokens : 1;
    return (1000 * sequences * perStep) / (base + expert + antiexpert);
}
