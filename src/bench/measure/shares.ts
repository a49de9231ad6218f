// What the time of a step goes into.
import type { RastResult } from "../../engine/results.js";
import type { BenchRole, BenchShares } from "../record/schema.js";
import { mean } from "../record/statistics.js";
import type { BareStep } from "./baseline.js";

/** Milliseconds in decodes of a role: with what sampling takes in them, and without. */
interface DecodeTime {
    readonly whole: number;
    readonly alone: number;
}

/**
 * Shares of the time that results took; null on a device without a baseline.
 * Where the CPU draws it says how long; on a device it is what decodes take beyond bare ones.
 */
export function sharesOf(
    results: readonly RastResult[],
    bare: readonly BareStep[],
    onCpu: boolean
): BenchShares | null {
    if (!onCpu && bare.length === 0) return null;
    const sum = (of: (result: RastResult) => number): number => results.reduce((total, one) => total + of(one), 0);
    const timeOf = (role: BenchRole): DecodeTime => {
        const whole = sum(({ timings }) => timings.roles[role].decodeMs);
        const sampling = sum(({ timings }) => timings.roles[role].samplingMs);
        const steps = sum(({ timings }) => timings.roles[role].decodeSteps);
        const alone = onCpu ? whole - sampling : Math.min(whole, mean(bare.map((ms) => ms[role])) * steps);
        return { whole, alone };
    };
    const [base, expert, antiexpert] = [timeOf("base"), timeOf("expert"), timeOf("antiexpert")];
    const whole = base.whole + expert.whole + antiexpert.whole;
    const alone = base.alone + expert.alone + antiexpert.alone;
    const all = Math.max(
        sum(({ timings }) => timings.decodeMs),
        whole
    );
    if (whole === 0) return null; // the first round gave all tokens
    return {
        base: base.alone / all,
        expert: expert.alone / all,
        antiexpert: antiexpert.alone / all,
        sampling: (whole - alone) / all,
        overhead: (all - whole) / all
    };
}
