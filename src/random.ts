/** Random 32-bit integers from a seed (xorshift): for weights and prompts that are the same everywhere. */
export function generator(seed: number): () => number {
    let state = (Math.imul(seed, 2654435761) ^ 0x9e3779b9) >>> 0 || 1;
    return () => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return state >>> 0;
    };
}
