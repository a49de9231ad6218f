import { describeError } from "../checks.js";
import { RastError } from "../errors.js";

/**
 * A caller's `onProgress`, or one that does nothing; what it throws becomes the cause of an ERR_ABORTED.
 * @param work what that ends, as the beginning of a sentence: "Grafting"
 */
export function abortingProgress<T>(
    work: string,
    onProgress: ((progress: T) => void) | undefined
): (progress: T) => void {
    return (progress) => {
        try {
            onProgress?.(progress);
        } catch (error) {
            const message = `${work} was aborted, as onProgress failed: ${describeError(error)}.`;
            throw new RastError("ERR_ABORTED", message, { cause: error });
        }
    };
}
