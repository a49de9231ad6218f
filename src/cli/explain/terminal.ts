// An explanation as text: changed tokens coloured on a terminal, in brackets elsewhere.
import type { AlignedStretch } from "../../explain/alignment.js";
import type { ExplainedToken, Explanation } from "../../explain/explanation.js";
import { reasoningKinds } from "../../explain/reasoning-words.js";
import { quotedToken, shownToken } from "../../explain/page/shown-token.js";
import {
    counted,
    lambdasInWords,
    natsInWords,
    probabilityInWords,
    rankInWords,
    shareInWords
} from "../../explain/page/words.js";
import { plain } from "../../report/shown-text.js";
import type { CommandIo } from "../io.js";
import { painter } from "../output.js";

/** Changed tokens that are listed, those of the largest KL. */
const mostListed = 20;
/** Characters of the text on either side of a listed token. */
const reach = 16;

type Paint = ReturnType<typeof painter>;

/** Writes to stdout what both wrote, what changed and the summary. */
export function writeExplanation(explanation: Explanation, io: CommandIo): void {
    const paint = painter(io);
    // Without colours a mark has to do.
    const colours = paint("bold", "") !== "";
    const { rast, base, alignment, summary } = explanation;
    const marked = (token: ExplainedToken): string => markedToken(token, paint, colours);
    const how = colours
        ? `${paint("red", "red")}: not the base's likeliest token`
        : "\u2039changed\u203A: not the base's likeliest token";
    const parts = [
        `${paint("bold", "RAST")}, lambda ${lambdasInWords(explanation.lambdas)}, seed ${explanation.seed} (${how})\n`,
        `${rast.tokens.map(marked).join("")}\n\n`,
        ...(summary.firstDifference === null
            ? ["The base alone writes the same from this seed.\n\n"]
            : [
                  `${paint("bold", "Base alone")} from the same seed (in ${colours ? "bold" : "\u2039 \u203A"} where it parts from RAST)\n`,
                  `${partedText(base.tokens, alignment, paint, colours)}\n\n`
              ]),
        changedTable(explanation, paint),
        summaryLines(explanation)
    ];
    for (const part of parts) io.stdout.write(part);
}

function markedToken({ text, changed }: ExplainedToken, paint: Paint, colours: boolean): string {
    if (!changed) return inText(text);
    return colours ? paint("red", inText(text)) : `\u2039${inText(text)}\u203A`;
}

function partedText(
    tokens: readonly ExplainedToken[],
    alignment: readonly AlignedStretch[],
    paint: Paint,
    colours: boolean
): string {
    return alignment
        .map(({ kind, base: [from, to] }) => {
            const text = tokens
                .slice(from, to)
                .map((token) => inText(token.text))
                .join("");
            if (kind === "same" || text === "") return text;
            return colours ? paint("bold", text) : `\u2039${text}\u203A`;
        })
        .join("");
}

// Lines and tabs stay; whatever else moves a cursor does not reach the terminal.
function inText(text: string): string {
    return text.replace(/[^\n\t]+/g, plain);
}

function changedTable({ rast, tokenTexts }: Explanation, paint: Paint): string {
    let at = 0;
    const changed = rast.tokens
        .map((token, index) => {
            const from = at;
            at += token.text.length;
            return { token, index, from, to: at };
        })
        .filter(({ token }) => token.changed || token.swapped)
        .sort((a, b) => b.token.divergence - a.token.divergence || a.index - b.index);
    if (changed.length === 0) return "";
    const said = (token: number): string => quotedToken(tokenTexts[token] ?? "");
    const rows = changed
        .slice(0, mostListed)
        .map(({ token, index, from, to }) => [
            String(index + 1),
            `${tail(rast.text.slice(0, from))}[${shownToken(rast.text.slice(from, to))}]${head(rast.text.slice(to))}`,
            natsInWords(token.divergence),
            `${probabilityInWords(token.logprob.base)} (${rankInWords(token.rank.base)})`,
            `${probabilityInWords(token.logprob.rast)} (${rankInWords(token.rank.rast)})`,
            said(token.top!.base[0]!.token),
            said(token.top!.rast[0]!.token),
            token.kind === "other" ? "" : (token.kind ?? "")
        ]);
    const names = ["token", "in the text", "KL", "base", "RAST", "base's likeliest", "RAST's likeliest", ""];
    const widths = names.map((name, column) =>
        Math.max(...[names, ...rows].map((row) => [...row[column]!].length), name.length)
    );
    const line = (row: readonly string[]): string =>
        row
            .map((cell, column) => cell + " ".repeat(widths[column]! - [...cell].length))
            .join("  ")
            .trimEnd();
    const more = changed.length > mostListed ? `and ${changed.length - mostListed} more\n` : "";
    return `${paint("dim", line(names))}\n${rows.map((row) => `${line(row)}\n`).join("")}${more}\n`;
}

function tail(text: string): string {
    return shownToken([...text.slice(-2 * reach)].slice(-reach).join("")).padStart(reach);
}

function head(text: string): string {
    return shownToken([...text.slice(0, 2 * reach)].slice(0, reach).join(""));
}

function summaryLines({ summary, rast, base }: Explanation): string {
    const { tokens, changed, swapped, pathCoverage, meanDivergence, drafted, kinds, firstDifference } = summary;
    const steps = reasoningKinds.filter((kind) => kinds[kind] > 0).map((kind) => `${kind} ${kinds[kind]}`);
    const lines = [
        `${counted(tokens, "token")} (${rast.stopReason}); the base alone ${base.tokens.length} (${base.stopReason})`,
        `${changed} changed: not the base's likeliest${steps.length === 0 ? "" : ` (${steps.join(", ")})`}; ${counted(swapped, "place")} where the delta made another token the likeliest`,
        ...(pathCoverage === null
            ? []
            : [`path coverage ${shareInWords(pathCoverage)}, mean KL ${natsInWords(meanDivergence!)} nats`]),
        `${counted(drafted, "token")} drafted`,
        ...(firstDifference === null ? [] : [`the texts part after ${counted(firstDifference, "token")}`])
    ];
    return `${lines.join("\n")}\n`;
}
