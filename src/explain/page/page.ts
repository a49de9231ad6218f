// The page of an explanation: one file that needs nothing else, and says everything without its script.
import { createHash } from "node:crypto";
import { markup, Markup } from "../../report/html.js";
import { styleSheet } from "../../report/style.js";
import type { AlignedStretch } from "../alignment.js";
import type { ExplainedModel, Explanation } from "../explanation.js";
import { changedTokens } from "./changed-tokens.js";
import { divergencePlot } from "./divergence-plot.js";
import { pageMadeOf } from "./made-of.js";
import { pageData } from "./page-data.js";
import { pageScript } from "./script.js";
import { shownToken, tokenInText } from "./shown-token.js";
import { strengthSection } from "./strengths.js";
import { explanationStyle } from "./style.js";
import { shadedTokens, shadeLegend } from "./token-text.js";
import { tokenTable } from "./token-table.js";
import { counted, lambdasInWords, natsInWords, shareInWords } from "./words.js";

/** Of a prompt, as the page's name. */
const longestTitle = 80;

/**
 * An explanation as one HTML page, for screens of any width, dark or light, for readers of screens, and for paper. It asks for nothing from elsewhere;
 * without its script it has everything but the figures beside the pointer and the slider. Texts are shown as text, whatever they hold.
 * @throws ERR_INVALID_OPTION for what {@link explain} did not give
 */
export function explanationPage(explanation: Explanation): string {
    return pageMadeOf("explanation", "what explain gave", explanation, () => pageOf(explanation));
}

function pageOf(explanation: Explanation): string {
    const title = titleOf(explanation);
    const hash = createHash("sha256").update(pageScript).digest("base64");
    const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'`;
    return markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>rast explain: ${title}</title>
<style>${new Markup(styleSheet([]) + explanationStyle)}
</style>
</head>
<body>
<main>
<h1><small>rast explain</small> ${title}</h1>
${introduction(explanation)}
${summaryList(explanation)}
${writtenSection(explanation)}
${besideSection(explanation)}
${explanation.rast.tokens.length === 0 ? null : figuresSections(explanation)}
${allTokens(explanation)}
</main>
<script type="application/json" id="data">${new Markup(pageData(explanation))}</script>
<script>${new Markup(pageScript)}</script>
</body>
</html>
`.text;
}

function titleOf({ prompt, promptText }: Explanation): string {
    const characters = [...shownToken((prompt ?? promptText).trim())];
    return characters.length > longestTitle
        ? `${characters.slice(0, longestTitle - 1).join("")}\u2026`
        : characters.join("");
}

function introduction({ models, lambdas, seed, date, madeBy, promptText, promptTokens }: Explanation): Markup {
    const pairs = models.pairs.map(
        ({ expert, antiexpert }) =>
            markup`, with the difference between ${modelInWords(expert)} and ${modelInWords(antiexpert)}`
    );
    const trio = models.trio === null ? "" : `Trio ${models.trio}: `;
    return markup`<p>${trio}${modelInWords(models.base)}${pairs} added, lambda ${lambdasInWords(lambdas)}. Seed ${seed}.
Made by ${madeBy} on ${date.slice(0, 10)} at ${date.slice(11)}.</p>
<p>The models were given ${counted(promptTokens, "token")}:</p>
<div class="said prompt">${tokenInText(promptText)}</div>`;
}

function modelInWords({ file, description }: ExplainedModel): Markup {
    return markup`<code>${file}</code> (${description})`;
}

function summaryList({ summary, rast, base }: Explanation): Markup {
    const { tokens, changed, swapped, pathCoverage, meanDivergence, meanEntropy, drafted, firstDifference } = summary;
    const part = (count: number): string => (tokens === 0 ? "" : ` (${shareInWords(count / tokens)})`);
    const rows: [string, string][] = [
        [
            "Tokens",
            `${tokens}, ended by ${rast.stopReason}; the base alone ${base.tokens.length}, ended by ${base.stopReason}`
        ],
        ["Changed", `${changed}${part(changed)} are not the base's likeliest token where they stand`],
        [
            "Swapped",
            `${swapped}${part(swapped)} ${swapped === 1 ? "place" : "places"} where the delta made another token the likeliest`
        ],
        [
            "Path coverage",
            pathCoverage === null ? "-" : `${shareInWords(pathCoverage)} of the tokens are the base's likeliest`
        ],
        [
            "Mean KL",
            meanDivergence === null ? "-" : `${natsInWords(meanDivergence)} nats from the base to the ensemble`
        ],
        [
            "Mean entropy",
            meanEntropy === null
                ? "-"
                : `base ${natsInWords(meanEntropy.base)}, ensemble ${natsInWords(meanEntropy.rast)} nats`
        ],
        [
            "Drafted",
            `${drafted}${part(drafted)} ${drafted === 1 ? "token was" : "tokens were"} drafted, and drawn by the ensemble as well`
        ],
        [
            "First difference",
            firstDifference === null
                ? "none: the base alone writes the same"
                : `after ${counted(firstDifference, "token")}`
        ]
    ];
    return markup`<dl class="facts">
${rows.map(
    ([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>
`
)}</dl>`;
}

function writtenSection({ rast }: Explanation): Markup {
    const text =
        rast.tokens.length === 0
            ? markup`<p>Nothing: it ended at once.</p>`
            : markup`<div class="said" data-tokens="Tokens of RAST's text">${shadedTokens(rast.tokens, 0, { of: "rast", id: "r" })}</div>`;
    return markup`<section><h2>What RAST wrote</h2>
<p class="note">Each token is shaded by how far the delta moved the distribution that it was drawn from: KL(ensemble || base).</p>
${shadeLegend()}
<p class="note with-script" hidden>Point at a token, tap it, or go to it by keyboard for its figures: arrows go from token to token, Page Up and Page Down to the changed ones.</p>
<div class="reading">
${text}
<aside id="figures" hidden><p id="aloud" aria-live="polite"></p><div id="figures-body"></div></aside>
</div></section>`;
}

function besideSection(explanation: Explanation): Markup {
    const { alignment, summary } = explanation;
    if (summary.firstDifference === null) {
        return markup`<section><h2>Beside the base</h2><p>The base alone writes the same from this seed.</p></section>`;
    }
    return markup`<section><h2>Beside the base</h2>
<p class="note">The base alone from the same seed, aligned by tokens that both have in common. Its text is shaded by how far the ensemble would
have been from it there.</p>
<table class="aligned"><thead><tr><th scope="col">RAST</th><th scope="col">Base alone</th></tr></thead>
<tbody>
${alignment.map((stretch) => alignedRow(explanation, stretch))}</tbody></table></section>`;
}

function alignedRow(
    { rast, base }: Explanation,
    { kind, rast: [rastFrom, rastTo], base: [baseFrom, baseTo] }: AlignedStretch
): Markup {
    const left = shadedTokens(rast.tokens.slice(rastFrom, rastTo), rastFrom, { of: "rast", id: null });
    const right = shadedTokens(base.tokens.slice(baseFrom, baseTo), baseFrom, { of: "base", id: null });
    return markup`<tr class="${kind}"><td>${left}</td><td>${right}</td></tr>
`;
}

function figuresSections(explanation: Explanation): Markup {
    return markup`<section><h2>Changed tokens</h2>
<p class="note">Those that are not the base's likeliest, or where the delta made another token the likeliest, in groups by the words that they are part of. The largest KL comes first.</p>
${changedTokens(explanation)}</section>
<section><h2>KL along the text</h2>
<p class="note">KL(ensemble || base) in nats of each token's distribution; a mark below the line is a token that is not the base's likeliest.</p>
<figure>${divergencePlot(explanation.rast.tokens)}</figure></section>
${strengthSection(explanation)}`;
}

function allTokens(explanation: Explanation): Markup {
    const { rast, base } = explanation;
    const table = (name: string, tokens: typeof rast.tokens): Markup | null =>
        tokens.length === 0
            ? null
            : markup`<details><summary>${name}</summary>
${tokenTable(tokens, explanation, name)}</details>
`;
    return markup`${table("All tokens of RAST's text", rast.tokens)}${table("All tokens of the base's text", base.tokens)}`;
}
