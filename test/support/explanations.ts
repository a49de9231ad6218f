// Explanations made by hand: a small one whose figures are known, one of strangers' texts, and a long one.
import { alignTokens, commonStart } from "../../src/explain/alignment.js";
import type { ExplainedText, ExplainedToken, Explanation } from "../../src/explain/explanation.js";
import { reasoningKindOf } from "../../src/explain/reasoning-words.js";
import { summaryOf } from "../../src/explain/summary.js";
import type { ScoredAlternative, TokenScore } from "../../src/engine/token-scores.js";

/** Probabilities of a few tokens under base and ensemble, which sum to one each. */
export type Row = Readonly<Record<number, readonly [base: number, rast: number]>>;

/** The score of one token of a row that has no others. Expert and antiexpert say what base and ensemble do. */
export function scoreOf(token: number, row: Row, draft: TokenScore["draft"] = null, top = 3): TokenScore {
    const all = Object.entries(row).map(([id, [base, rast]]): ScoredAlternative => ({
        token: Number(id),
        base: Math.log(base),
        rast: Math.log(rast)
    }));
    const ranked = (of: "base" | "rast"): ScoredAlternative[] =>
        [...all].sort((a, b) => b[of] - a[of] || a.token - b.token);
    const own = all.find((one) => one.token === token)!;
    const mean = (of: "base" | "rast", value: (one: ScoredAlternative) => number): number =>
        all.reduce((sum, one) => (one[of] === -Infinity ? sum : sum + Math.exp(one[of]) * value(one)), 0);
    const entropy = { base: -mean("base", ({ base }) => base), rast: -mean("rast", ({ rast }) => rast) };
    return {
        token,
        logprob: { base: own.base, expert: own.rast, antiexpert: own.base, rast: own.rast },
        rank: { base: ranked("base").indexOf(own), rast: ranked("rast").indexOf(own) },
        divergence: mean("rast", ({ base, rast }) => rast - base),
        entropy: { base: entropy.base, expert: entropy.rast, antiexpert: entropy.base, rast: entropy.rast },
        top: { base: ranked("base").slice(0, top), rast: ranked("rast").slice(0, top) },
        draft
    };
}

/** A text of scored tokens, each with what it says. */
export function explainedText(
    said: readonly (readonly [text: string, score: TokenScore])[],
    stopReason = "eos"
): ExplainedText {
    const text = said.map(([one]) => one).join("");
    let at = 0;
    const tokens = said.map(([one, score]): ExplainedToken => {
        const from = at;
        at += one.length;
        const changed = score.rank.base > 0;
        const swapped = score.top!.base[0]!.token !== score.top!.rast[0]!.token;
        const kind = changed || swapped ? reasoningKindOf(text, from, at) : null;
        return { text: one, continues: false, ...score, changed, swapped, kind };
    });
    return { text, tokens, stopReason };
}

/** Around two texts. */
export function explanationOf(
    rast: ExplainedText,
    base: ExplainedText,
    tokenTexts: Readonly<Record<string, string>>,
    changes: Partial<Explanation> = {}
): Explanation {
    const ids = (text: ExplainedText): number[] => text.tokens.map(({ token }) => token);
    const [a, b] = [ids(rast), ids(base)];
    const same = commonStart(a, b);
    const model = (file: string): { file: string; description: string } => ({ file, description: "llama 1.5B Q4_0" });
    return {
        madeBy: "rast-llama 0.1.0",
        date: "2026-11-26T13:30:00Z",
        prompt: "6+7",
        promptText: "Q: 6+7?\n",
        promptTokens: 8,
        models: {
            trio: "demo",
            base: model("base.gguf"),
            pairs: [{ expert: model("expert.gguf"), antiexpert: model("antiexpert.gguf") }]
        },
        lambdas: [1],
        seed: 3,
        top: 3,
        drawableTokens: 100,
        rast,
        base,
        alignment: alignTokens(a, b),
        summary: summaryOf(rast.tokens, same === a.length && same === b.length ? null : same),
        tokenTexts,
        ...changes
    };
}

const words: Readonly<Record<string, string>> = {
    1: "So",
    2: " Wait",
    3: ",",
    4: " let me",
    5: " check",
    6: " 13",
    7: "\n",
    8: " Alternatively",
    9: " the",
    10: " 12"
};
const said = (token: number, row: Row, draft: TokenScore["draft"] = null): readonly [string, TokenScore] => [
    words[token]!,
    scoreOf(token, row, draft)
];

/** Nine tokens, five of them changed; the base goes another way after the first. */
export function smallExplanation(changes: Partial<Explanation> = {}): Explanation {
    const rast = explainedText([
        said(1, { 1: [0.9, 0.9], 2: [0.05, 0.06], 9: [0.05, 0.04] }),
        said(2, { 2: [0.1, 0.8], 9: [0.7, 0.15], 1: [0.2, 0.05] }, "expert"),
        said(3, { 3: [0.9, 0.95], 9: [0.08, 0.04], 1: [0.02, 0.01] }, "expert"),
        said(4, { 4: [0.3, 0.6], 9: [0.5, 0.3], 8: [0.2, 0.1] }),
        said(5, { 5: [0.2, 0.9], 6: [0.5, 0.05], 10: [0.3, 0.05] }),
        said(6, { 6: [0.45, 0.9], 10: [0.5, 0.08], 9: [0.05, 0.02] }),
        said(7, { 7: [0.6, 0.6], 8: [0.3, 0.3], 9: [0.1, 0.1] }, "text"),
        said(8, { 8: [0.1, 0.5], 9: [0.8, 0.4], 7: [0.1, 0.1] }),
        said(9, { 9: [0.9, 0.9], 6: [0.05, 0.05], 10: [0.05, 0.05] })
    ]);
    const base = explainedText(
        [
            said(1, { 1: [0.9, 0.9], 2: [0.05, 0.06], 9: [0.05, 0.04] }),
            said(9, { 9: [0.7, 0.15], 2: [0.1, 0.8], 1: [0.2, 0.05] }),
            said(10, { 10: [0.6, 0.2], 6: [0.3, 0.7], 9: [0.1, 0.1] })
        ],
        "maxTokens"
    );
    return explanationOf(rast, base, words, changes);
}

/** What strangers' texts hold: markup, ends of elements, other directions, control characters, parts of characters, nothing. */
export const hostileTexts: readonly string[] = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(2)>",
    "\"'&|--><!--",
    "\u202Egnp.exe",
    "שלום עולם",
    "مرحبا بالعالم",
    "\u0000\u001b[31m\r\n\t\u009b",
    "\uFFFD",
    "",
    "\u200B\u2066\uFEFF",
    "  ",
    "👩‍👩‍👧",
    "]]>`${7*7}`\\u003c",
    "x".repeat(300)
];

/** Every one of these as a token, in text, prompt, names and lists. */
export function hostileExplanation(): Explanation {
    const ids = hostileTexts.map((_, index) => index);
    const tokens = ids.map((id): readonly [string, TokenScore] => [
        hostileTexts[id]!,
        scoreOf(id, { [id]: [0.2, 0.7], [(id + 1) % ids.length]: [0.5, 0.2], [(id + 2) % ids.length]: [0.3, 0.1] })
    ]);
    const texts = Object.fromEntries(hostileTexts.map((text, id) => [id, text]));
    const model = { file: hostileTexts[0]!, description: hostileTexts[1]! };
    return explanationOf(explainedText(tokens), explainedText([...tokens].reverse()), texts, {
        prompt: hostileTexts.join(""),
        promptText: hostileTexts.join("\n"),
        models: { trio: hostileTexts[2]!, base: model, pairs: [{ expert: model, antiexpert: model }] },
        madeBy: hostileTexts[1]!
    });
}

/** As many tokens as a long reasoning has. */
export function longExplanation(count: number): Explanation {
    const tokens = Array.from({ length: count }, (_, index): readonly [string, TokenScore] => {
        const id = 1 + (index % 9);
        const other = 1 + ((index + 3) % 9);
        const third = 1 + ((index + 5) % 9);
        const moved = 0.05 + 0.9 * Math.abs(Math.sin(index / 7));
        return said(id, { [id]: [moved, 0.8], [other]: [0.9 * (1 - moved), 0.15], [third]: [0.1 * (1 - moved), 0.05] });
    });
    return explanationOf(explainedText(tokens), explainedText(tokens.slice(0, 5)), words);
}
