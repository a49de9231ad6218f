import { shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";

/** What an error is about, for its message and `details`. */
export interface GraftPlace {
    /** Path. */
    readonly file?: string;
    /** Name of a tensor, of the checkpoint or of the template. */
    readonly tensor?: string;
}

/** The error for a checkpoint that does not fit its template. */
export function graftError(what: string, { file, tensor }: GraftPlace = {}, cause?: unknown): RastError {
    const place = [
        ...(file === undefined ? [] : [shortenMiddle(file)]),
        ...(tensor === undefined ? [] : [`tensor ${shortenMiddle(tensor)}`])
    ].join(", ");
    return new RastError("ERR_GRAFT", `${place === "" ? "" : `${place}: `}${what}.`, {
        details: {
            ...(file === undefined ? {} : { path: file }),
            ...(tensor === undefined ? {} : { tensor: shortenMiddle(tensor) })
        },
        ...(cause === undefined ? {} : { cause })
    });
}

/** A few of many names, for a message: "a, b, c and 7 more". */
export function someOf(names: readonly string[], most = 3): string {
    const shown = names.slice(0, most).map((name) => shortenMiddle(name, 80));
    const more = names.length - shown.length;
    return more === 0 ? shown.join(", ") : `${shown.join(", ")} and ${more} more`;
}
