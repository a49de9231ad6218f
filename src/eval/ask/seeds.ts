import { createHash } from "node:crypto";

/**
 * The seed of a problem's samples, which differ by their ordinals: the same for all contestants, and whichever problems are
 * asked before it.
 * @returns a safe integer from 0
 */
export function seedOf(seed: number, problem: number): number {
    const hash = createHash("sha256").update(`${seed} ${problem}`).digest();
    return hash.readUIntBE(0, 6);
}
