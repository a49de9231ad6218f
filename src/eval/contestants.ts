// Who answers: the parts of a bundled trio, RAST, and the controls.
import { dirname, join } from "node:path";
import type { GenerateOptions } from "../engine/generate-options.js";
import type { LoadOptions } from "../loading/load-options.js";
import { resolveTrio, type Trio } from "../trio/trio.js";

/** A way to answer problems. */
export interface Contestant {
    readonly name: string;
    /** Not part of the ensemble: what the gain has to be seen against. */
    readonly control: boolean;
    /** Those that are alike share an engine when they come one after the other. */
    readonly load: LoadOptions;
    readonly options: Pick<GenerateOptions, "mode">;
    /** Put in the model's mouth. */
    readonly opening: string;
}

/** Answers that are worked out at a time. */
export const parallel = 8;

const [base, rast, trained] = ["base", "RAST", "base after reinforcement learning"] as const;

/** Antiexpert, base, expert and RAST of a bundled trio; then the controls. @throws what `resolveTrio` lists */
export async function contestantsOf(name: string): Promise<{ trio: Trio; contestants: Contestant[] }> {
    const trio = await resolveTrio(name);
    const together = { trio: trio.file, parallel };
    const alone = (file: string): LoadOptions => ({ base: file, parallel });
    const part = { control: false, opening: "", options: {} };
    const stepwise = { control: true, opening: "S:", options: { mode: "base" } } as const;
    const contestants: Contestant[] = [
        { ...part, name: "antiexpert", load: alone(trio.pairs[0]!.antiexpert) },
        { ...part, name: base, load: together, options: { mode: "base" } },
        { ...part, name: "expert", load: together, options: { mode: "expert" } },
        { ...part, name: rast, load: together, options: { mode: "rast" } },
        { ...stepwise, name: "base, made to go step by step", load: together },
        { ...part, name: trained, control: true, load: alone(join(dirname(trio.base), "demo-base-rl.gguf")) }
    ];
    return { trio, contestants };
}

/**
 * Recovery rate: how much of what reinforcement learning gives the base RAST gives it.
 * @param scores of the contestants of {@link contestantsOf}
 * @returns undefined where one is missing, or where training gave nothing
 */
export function recoveryRate(scores: readonly { readonly name: string; readonly value: number }[]): number | undefined {
    const valueOf = (name: string): number | undefined => scores.find((score) => score.name === name)?.value;
    const [before, ensemble, after] = [valueOf(base), valueOf(rast), valueOf(trained)];
    if (before === undefined || ensemble === undefined || after === undefined || after <= before) return undefined;
    return (ensemble - before) / (after - before);
}
