import { describeError, watchPromise } from "../checks.js";
import { RastError } from "../errors.js";

/**
 * A caller's `onProgress`, or one that does nothing; what it throws becomes the cause of an ERR_ABORTED. So does what a promise of it
 * rejects with, at the next report; behind the last one that is nobody's.
 * @param work what that ends, as the beginning of a sentence: "Grafting"
 */
export function abortingProgress<T>(
    work: string,
    onProgress: ((progress: T) => void) | undefined
): (progress: T) => void {
    let rejected: { readonly error: unknown } | undefined;
    const aborted = (error: unknown): RastError => {
        const message = `${work} was aborted, as onProgress failed: ${describeError(error)}.`;
        return new RastError("ERR_ABORTED", message, { cause: error });
    };
    return (progress) => {
        if (rejected !== undefined) throw aborted(rejected.error);
        try {
            watchPromise(onProgress?.(progress), (error) => (rejected ??= { error }));
        } catch (error) {
            throw aborted(error);
        }
    };
}
