import { valueFlag, wrongFlag } from "../flag.js";

/** The seed of a whole run: its draws are the same again unless another is chosen. */
export const drawsSeed = valueFlag("--seed <integer>", "of all draws (default 1)", (text, name) => {
    const seed = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isSafeInteger(seed) || seed < 0) throw wrongFlag(name, "an integer from 0", text);
    return seed;
});
