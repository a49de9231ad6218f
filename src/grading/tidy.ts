// An answer's text, before it is parsed: what says nothing is taken away, and what is written in several ways is written in one.

/** Longer ones are compared as texts. */
export const longestParsed = 4000;

const characters: Readonly<Record<string, string>> = {
    "−": "-",
    "–": "-",
    "—": "-",
    "‐": "-",
    "×": "\\times ",
    "⋅": "\\cdot ",
    "·": "\\cdot ",
    "∙": "\\cdot ",
    "÷": "\\div ",
    "∗": "*",
    "√": "\\sqrt ",
    "∛": "\\sqrt[3]",
    "∞": "\\infty ",
    "≤": "\\le ",
    "⩽": "\\le ",
    "≥": "\\ge ",
    "⩾": "\\ge ",
    "≠": "\\ne ",
    "≈": "\\approx ",
    "±": "\\pm ",
    "∓": "\\mp ",
    "∪": "\\cup ",
    "∩": "\\cap ",
    "∈": "\\in ",
    "∅": "\\emptyset ",
    "∖": "\\setminus ",
    ℝ: "\\mathbb{R}",
    ℤ: "\\mathbb{Z}",
    ℚ: "\\mathbb{Q}",
    ℕ: "\\mathbb{N}",
    ℂ: "\\mathbb{C}",
    "°": "^\\circ ",
    º: "^\\circ ",
    "′": "'",
    "’": "'",
    "⌊": "\\lfloor ",
    "⌋": "\\rfloor ",
    "⌈": "\\lceil ",
    "⌉": "\\rceil ",
    "⟨": "\\langle ",
    "⟩": "\\rangle ",
    "½": "\\frac{1}{2}",
    "⅓": "\\frac{1}{3}",
    "⅔": "\\frac{2}{3}",
    "¼": "\\frac{1}{4}",
    "¾": "\\frac{3}{4}",
    "⅕": "\\frac{1}{5}",
    "⅙": "\\frac{1}{6}",
    "⅛": "\\frac{1}{8}",
    "：": ":",
    "，": ",",
    "（": "(",
    "）": ")",
    "。": ".",
    "\u00A0": " ",
    "\u2009": " ",
    "\u202F": " "
};

const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const subscripts = "₀₁₂₃₄₅₆₇₈₉";

const greek: Readonly<Record<string, string>> = {
    α: "alpha",
    β: "beta",
    γ: "gamma",
    δ: "delta",
    ε: "epsilon",
    θ: "theta",
    λ: "lambda",
    μ: "mu",
    π: "pi",
    ρ: "rho",
    σ: "sigma",
    τ: "tau",
    φ: "phi",
    ϕ: "phi",
    ω: "omega",
    Δ: "Delta",
    Ω: "Omega"
};

const powers: Readonly<Record<string, number>> = { thousand: 3, million: 6, billion: 9, trillion: 12 };
const largeInText = /(\d)\s?\\(?:text|mbox|textrm)\s*\{\s*(thousand|million|billion|trillion)\b([^{}]{0,50})\}/gi;
const largeNumber = /(\d)\s?(thousand|million|billion|trillion)\b/gi;

/** One text for what is written in many. Its time is linear in the text's length. */
export function tidy(text: string): string {
    let tidied = text.replace(/[^\x20-\x7E]/gu, (one) => {
        if (Object.hasOwn(characters, one)) return characters[one]!;
        if (Object.hasOwn(greek, one)) return `\\${greek[one]!} `;
        if (superscripts.includes(one)) return `^${superscripts.indexOf(one)}`;
        if (subscripts.includes(one)) return `_${subscripts.indexOf(one)}`;
        return /\s/.test(one) ? " " : one;
    });
    // digits of one power: x¹⁰
    tidied = tidied.replace(/(?:\^\d){2,}/g, (powers) => `^{${powers.replaceAll("^", "")}}`);
    tidied = withoutMathSigns(tidied)
        .replace(/\*\*([^*]{1,200})\*\*/g, (whole, inner: string, at: number, all: string) =>
            // a power of Python's has something in front
            /[\w)\]}]\s*$/.test(all.slice(Math.max(0, at - 3), at)) ? whole : inner
        )
        .replace(/\*\*/g, "^")
        .replace(/\\(?:left|right|bigl|bigr|Bigl|Bigr|biggl|biggr|big|Big|bigg|Bigg|middle)(?![a-zA-Z])\s*\.?/g, "")
        .replace(
            /\\(?:displaystyle|textstyle|scriptstyle|limits|nolimits|mathstrut|strut|hfill|rm|bf|it)(?![a-zA-Z])/g,
            " "
        )
        .replace(/(?<=\d)(?:\{,\}|,\s*\\!)\s*(?=\d{3}(?!\d))/g, "")
        .replace(/\{,\}/g, ",")
        .replace(/\\!/g, "")
        .replace(/(\d)(?:(?<!\\)\\[,;: ]|~)(?=\d{3}(?!\d))/g, "$1")
        .replace(/(?<!\\)\\[,;:> ]|~|\\(?:quad|qquad|thinspace|enspace|space|hspace\{[^{}]*\})(?![a-zA-Z])/g, " ")
        .replace(/\\[tdc]frac(?![a-zA-Z])/g, "\\frac")
        .replace(/\\[td]binom(?![a-zA-Z])/g, "\\binom")
        .replace(/\{\s*\}(?=\s*\^)/g, "")
        .replace(/\b(?:np|numpy|math|sp|sympy|cmath)\.(?=[a-z])/g, "")
        .replace(/\\%/g, "%")
        .replace(
            /(?<![\d.,])(\d{1,3})((?: \d{3})+)(?![\d.,])/g,
            (_, first: string, rest: string) => first + rest.replaceAll(" ", "")
        )
        .replace(
            /\\pmod\s*(?:\{[^{}]{1,50}\}|\w)|\(\s*(?:\\(?:text|mathrm|mbox)\s*\{\s*mod\s*\}|\\?b?mod)[^()]{1,50}\)/g,
            " "
        )
        .replace(/\\(?:text|mathrm|mbox)\s*\{\s*\(?\s*mod[^{}]{1,50}\}/g, " ")
        .replace(largeInText, (_, before: string, word: string, rest: string) => {
            const scaled = `${before} \\cdot 10^{${powers[word.toLowerCase()]!}}`;
            return rest.trim() === "" ? scaled : `${scaled} \\text{${rest}}`;
        })
        .replace(
            largeNumber,
            (_, before: string, word: string) => `${before} \\cdot 10^{${powers[word.toLowerCase()]!}}`
        )
        .replace(/^\s*(?:\\(?:approx|simeq|sim)(?![a-zA-Z])|=)/, "")
        .replace(/\.{3,}|\\(?:ldots|cdots|dots)(?![a-zA-Z])|…/g, "…")
        .trim();
    tidied = withoutConditions(tidied);
    return tidied.replace(/^[\s:,;]{1,100}/, "").replace(/[\s.,;:]{1,100}$/, "");
}

/** Dollar signs around mathematics; those of money stay. */
function withoutMathSigns(text: string): string {
    const opened = text.replace(/(?<!\\)\\[()[\]]/g, " ");
    const plain = opened.replace(/\\\$/g, "\u0001");
    const count = plain.split("$").length - 1;
    // a pair is a pair; a sign alone in front of a number is money
    const without = count % 2 === 0 ? plain.replaceAll("$", " ") : plain.replace(/\$(?!\s*\d)/g, " ");
    return without.replaceAll("\u0001", "$");
}

const condition =
    /[\s,;]*(?:\\(?:text|mbox|textrm|mathrm)\s*\{\s*)?\b(?:where|such that|for (?:all|any|some|every|each|integers?|positive|real|arbitrary)|with [a-zA-Z]\b|if|when|whenever)\b/;

// What an answer says of its letters.
function withoutConditions(text: string): string {
    const found = condition.exec(text);
    return found === null || found.index === 0 ? text : text.slice(0, found.index);
}

/** A text as words: for names, directions, and whatever cannot be parsed. */
export function plainWords(text: string): string {
    return text
        .replace(
            /\\(?:text|mbox|textbf|textit|textrm|mathrm|mathbf|mathit|operatorname|mathsf|boldsymbol|bm|emph)\s*(?=\{)/g,
            ""
        )
        .replace(/[{}$*]|\\[,;:! ]/g, (one) => (one === "{" || one === "}" ? "" : " "))
        .toLowerCase()
        .replace(/\b([ap])\.\s?m\b\.?/g, "$1m")
        .replace(/[\s]+/g, " ")
        .replace(/(\d) (?=[ap]m\b)/g, "$1")
        .trim()
        .replace(/^(?:the|an?) /, "")
        .replace(/^[\s"'`(]{1,20}|[\s"'`.,;:!)]{1,20}$/g, "");
}

/** A text without white space but for that between digits, for a first look. */
export function squeezed(text: string): string {
    return text.replace(/\s+/g, " ").replace(/(?<!\d) | (?!\d)/g, "");
}
