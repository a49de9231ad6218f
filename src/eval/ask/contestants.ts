// Who takes part, and what each needs: an engine's models with a mode and a strength, or a server.
import type { GenerateSettings } from "../../engine/generate-options.js";
import type { LoadOptions } from "../../loading/load-options.js";
import type { ContestantRole } from "../record/schema.js";

/** One who answers. Those whose `load` is alike share an engine when they come one after the other. */
export interface EvalContestant {
    /** No two have the same. */
    readonly label: string;
    readonly role: ContestantRole;
    /** Name of its trio. */
    readonly trio: string | null;
    /** One per pair; null unless the role is "rast". */
    readonly lambda: readonly number[] | null;
    /** undefined for a server. */
    readonly load: LoadOptions | undefined;
    readonly request: Pick<GenerateSettings, "mode" | "lambda">;
}

/** Models of one trio, and who of it takes part. */
export interface TrioPlan {
    /** In front of labels, where there are several. */
    readonly prefix: string;
    readonly name: string | null;
    readonly load: LoadOptions;
    /** Strengths where nobody says: one per pair. */
    readonly ownLambda: readonly number[];
    /** Path of the first pair's small model before training; undefined without pairs. */
    readonly antiexpert: string | undefined;
    /** The large model after training of its own. */
    readonly reference: string | undefined;
}

/** Part of a trio that is to answer. */
export type EvalMode = "base" | "antiexpert" | "expert" | "rast";

/** All of them. */
export const evalModes: readonly EvalMode[] = ["base", "antiexpert", "expert", "rast"];

/** Contestants of one trio; those of one engine are neighbours. @param lambdas for RAST; none = the trio's own */
export function contestantsOf(
    plan: TrioPlan,
    modes: readonly EvalMode[],
    lambdas: readonly number[]
): EvalContestant[] {
    const { prefix, name, load, ownLambda, antiexpert, reference } = plan;
    const all: EvalContestant[] = [];
    const add = (label: string, one: Omit<EvalContestant, "label" | "trio">): void =>
        void all.push({ label: prefix + label, trio: name, ...one });
    if (modes.includes("base")) add("base", { role: "base", lambda: null, load, request: { mode: "base" } });
    if (modes.includes("expert")) add("expert", { role: "expert", lambda: null, load, request: { mode: "expert" } });
    if (modes.includes("rast")) {
        const strengths = lambdas.length === 0 ? [ownLambda] : lambdas.map((one) => ownLambda.map(() => one));
        for (const lambda of strengths) {
            add(labelOf(lambda), { role: "rast", lambda, load, request: { mode: "rast", lambda: [...lambda] } });
        }
    }
    if (modes.includes("antiexpert") && antiexpert !== undefined) {
        add("antiexpert", { role: "antiexpert", lambda: null, load: alone(load, antiexpert), request: {} });
    }
    if (reference !== undefined) {
        add("reference", { role: "reference", lambda: null, load: alone(load, reference), request: {} });
    }
    return all;
}

/** "rast λ 0.5". */
export function labelOf(lambda: readonly number[]): string {
    return `rast λ ${[...new Set(lambda)].length === 1 ? lambda[0]! : lambda.join(" ")}`;
}

const ofTrio: ReadonlySet<string> = new Set(["trio", "base", "expert", "antiexpert", "pairs", "lambda"]);

/** A model by itself, placed like the others. */
function alone(load: LoadOptions, base: string): LoadOptions {
    const rest = Object.fromEntries(Object.entries(load).filter(([name]) => !ofTrio.has(name))) as LoadOptions;
    return { ...rest, base };
}
