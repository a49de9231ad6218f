// The pairs of small models that the demo shows, each in a bundled trio.
import type { Trio } from "../../trio/trio.js";

/** A trio, and what a reader of the demo knows its pair by. */
export interface ShownPair {
    readonly label: string;
    readonly trio: Trio;
}

/** Both pairs, or the one of a trio that was asked for. */
export async function shownPairs(trioName: string | undefined): Promise<ShownPair[]> {
    const { sumsTrio } = await import("../../eval/contestants.js");
    if (trioName !== undefined) return [{ label: trioName, trio: await sumsTrio(trioName) }];
    return [
        { label: "weak pair", trio: await sumsTrio("demo") },
        { label: "strong pair", trio: await sumsTrio("demo-strong") }
    ];
}
