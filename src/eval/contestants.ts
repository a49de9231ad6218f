// Who answers: the parts of bundled trios, RAST, and the controls.
import { dirname, join } from "node:path";
import type { GenerateSettings } from "../engine/generate-options.js";
import { RastError } from "../errors.js";
import type { LoadOptions } from "../loading/load-options.js";
import { resolveTrio, type Trio } from "../trio/trio.js";

/** What somebody is in an ensemble, or beside it. */
export type Part = "base" | "antiexpert" | "expert" | "rast" | "begun base" | "trained base";

/** A way to answer problems. */
export interface Contestant {
    readonly part: Part;
    /** Those that are alike share an engine when they come one after the other. */
    readonly load: LoadOptions;
    readonly options: Pick<GenerateSettings, "mode">;
    /** Put in the model's mouth. */
    readonly opening: string;
}

/** Trios that the demo's sums are for: they hold the same base. */
export const sumsTrios = ["demo", "demo-seed2", "demo-strong"] as const;

/** How a worked answer to a sum begins. */
export const workedOpening = "S:";

/**
 * One answer after the other, without drafts and on one thread: what is computed with others, or in other parts, is rounded
 * otherwise, and the same seed is to give the same figures. The files are this package's own and need no trial.
 */
const repeatable = { parallel: 1, threads: 1, speculation: "off", tryModels: false } as const satisfies LoadOptions;

/**
 * @param name of one of {@link sumsTrios}
 * @throws what `resolveTrio` lists, ERR_INVALID_OPTION for another trio
 */
export async function sumsTrio(name: string): Promise<Trio> {
    const trio = await resolveTrio(name);
    if (!(sumsTrios as readonly string[]).includes(name)) {
        throw new RastError(
            "ERR_INVALID_OPTION",
            `The demo's problems are for the trios ${sumsTrios.join(", ")}; received ${JSON.stringify(name)}.`,
            { details: { option: "trio" } }
        );
    }
    return trio;
}

/** Who answers in a trio of {@link sumsTrios}; "base" and those after "rast" are the same in all. */
export function contestant(trio: Trio, part: Part): Contestant {
    const plain = { part, opening: "", options: {} };
    const together = { ...plain, load: { ...repeatable, trio: trio.file } };
    const alone = (base: string): Contestant => ({ ...plain, load: { ...repeatable, base } });
    switch (part) {
        case "antiexpert":
            return alone(trio.pairs[0]!.antiexpert);
        case "trained base":
            return alone(join(dirname(trio.base), "demo-base-rl.gguf"));
        case "begun base":
            return { ...together, options: { mode: "base" }, opening: workedOpening };
        case "base":
        case "expert":
        case "rast":
            return { ...together, options: { mode: part } };
    }
}
