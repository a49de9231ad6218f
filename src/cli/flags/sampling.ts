import type { Mode } from "../../engine/generate-options.js";
import {
    numberFlag,
    repeatableFlag,
    switchFlag,
    textFlag,
    toNumber,
    under,
    valueFlag,
    wrongFlag,
    type Flag
} from "../flag.js";

/** How tokens are drawn. */
export const drawFlags = under("Sampling", {
    temperature: numberFlag("--temperature <number>", "0 = greedy (default 1)"),
    topK: numberFlag("--top-k <number>", "keep the k likeliest tokens, 0 = all (default 0)"),
    topP: numberFlag("--top-p <number>", "keep the likeliest tokens up to this mass (default 0.95)"),
    minP: numberFlag("--min-p <number>", "keep tokens at least this likely, relative to the likeliest (default 0)"),
    repetitionPenalty: numberFlag(
        "--repetition-penalty <number>",
        "divide or multiply logits of recent tokens (default 1)"
    ),
    presencePenalty: numberFlag("--presence-penalty <number>", "subtract from logits of recent tokens (default 0)"),
    frequencyPenalty: numberFlag("--frequency-penalty <number>", "the same, for each occurrence (default 0)"),
    penaltyWindow: numberFlag(
        "--penalty-window <number>",
        "recent tokens that penalties look at, -1 = all (default 64)"
    ),
    logitBias: repeatableFlag(
        "--logit-bias <id=value>",
        "add to the logit of a token, -Infinity bans it; repeatable",
        (texts, name) => new Map(texts.map((text) => toBias(text, name)))
    ),
    seed: valueFlag("--seed <integer>", "for the same draws again (default random)", (text, name) => {
        if (!/^\d+$/.test(text)) {
            throw wrongFlag(name, "an integer from 0 to 2^64 - 1", text, "Leave it out for a random one.");
        }
        return BigInt(text);
    })
});

/** The same, of one text among several. */
export const samplingFlags = {
    ...drawFlags,
    ...under("Sampling", {
        ordinal: numberFlag("--ordinal <integer>", "which of several samples of one seed (default 0)")
    })
};

/** Which text is wanted, and where it ends. */
export const completionFlags = under("Text", {
    mode: textFlag("--mode <mode>", "rast, base or expert") as Flag<Mode>,
    maxTokens: numberFlag("--max-tokens <integer>", "most tokens to draw (default: until the context is full)"),
    stop: repeatableFlag("--stop <text>", "end before this text; \\n and \\t are understood; repeatable", (texts) =>
        texts.map(unescape)
    ),
    ignoreEos: switchFlag("--ignore-eos", "go on after the model's end of text")
});

function toBias(text: string, name: string): [number, number] {
    const [id, bias, more] = text.split("=");
    if (id === undefined || bias === undefined || more !== undefined) throw wrongFlag(name, "ID=VALUE", text);
    return [toNumber(id, name), toNumber(bias, name)];
}

function unescape(text: string): string {
    return text.replace(/\\([nrt\\])/g, (_, letter: string) => ({ n: "\n", r: "\r", t: "\t" })[letter] ?? letter);
}
