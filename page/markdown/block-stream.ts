// A text that grows: what of it is settled is parsed once, and only its last block again and again.
import { parseBlocks, type LinkNames } from "./parse.js";
import type { Mark } from "./tree.js";

/** What a longer text changes. */
export interface BlockUpdate {
    /** Blocks that no further text can change; each comes once. */
    readonly settled: readonly (readonly Mark[])[];
    /** What stands behind all settled ones, until the next update. */
    readonly open: readonly Mark[];
}

/** Parses one text as it grows. */
export class BlockStream {
    #settledEnd = 0;
    #names: LinkNames = {};

    /**
     * @param text all of it so far: it begins with what was given before
     * @param done whether nothing more comes
     */
    update(text: string, done: boolean): BlockUpdate {
        // Half of a line's end may be the last that came.
        const whole = !done && text.endsWith("\r") ? text.slice(0, -1) : text;
        const lines = whole.replace(/\r\n?/g, "\n").replaceAll("\0", "\uFFFD");
        const tail = lines.slice(this.#settledEnd);
        const names = structuredClone(this.#names);
        const blocks = parseBlocks(tail, names);
        const last = blocks.at(-1);
        if (last === undefined) return { settled: [], open: [] };
        if (done) {
            this.#settledEnd = lines.length;
            return { settled: blocks.map(({ marks }) => marks), open: [] };
        }
        if (blocks.length > 1) {
            this.#settledEnd += last.start;
            this.#names = names;
        }
        return { settled: blocks.slice(0, -1).map(({ marks }) => marks), open: last.marks };
    }
}
