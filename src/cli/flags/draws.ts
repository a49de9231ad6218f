import { under, valueFlag, wrongFlag } from "../flag.js";

const seed = valueFlag("--seed <integer>", "of all draws (default 1)", (text, name) => {
    const seed = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isSafeInteger(seed) || seed < 0) throw wrongFlag(name, "an integer from 0", text);
    return seed;
});

/** The seed of a whole run: its draws are the same again unless another is chosen. */
export const drawsSeed = under("Sampling", { seed }).seed;
