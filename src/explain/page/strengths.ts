// What the likeliest token would have been at other strengths: a table of some, and a slider where scripts run.
import { tableMarkup } from "../../report/figures.js";
import { markup, type Markup } from "../../report/html.js";
import { likeliestAt } from "../at-lambda.js";
import type { Explanation } from "../explanation.js";
import { lambdasInWords } from "./words.js";

/** Of the table, as parts of the recorded strength. */
const factors = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];

/** Null where nothing was added: then no other strength follows. */
export function strengthSection(explanation: Explanation): Markup | null {
    const { lambdas, rast, drawableTokens } = explanation;
    if (rast.tokens.length === 0 || lambdas.every((lambda) => lambda === 0)) return null;
    const right = "right" as const;
    const table = {
        columns: [
            { name: "lambda", align: right },
            { name: "other likeliest token", align: right },
            { name: "certain for", align: right },
            { name: "the text's token is likeliest", align: right }
        ],
        rows: factors.map((factor) => {
            const at = rast.tokens.map((token) => ({ token, then: likeliestAt(token, factor, drawableTokens) }));
            return [
                lambdasInWords(lambdas.map((lambda) => factor * lambda)),
                String(at.filter(({ token, then }) => then.token !== token.top!.rast[0]!.token).length),
                String(at.filter(({ then }) => then.certain).length),
                String(at.filter(({ token, then }) => then.token === token.token).length)
            ];
        })
    };
    return markup`<section><h2>At another strength</h2>
<p class="note">What the likeliest next token would have been at another lambda, given the same text before it: a row at lambda' is
base + (lambda' / lambda) (ensemble - base), which is exact for the ${explanation.top} likeliest tokens of base and ensemble that were recorded. Whether a token
outside of these would come first can be excluded up to the recorded lambda ("certain"); beyond it that cannot be known.</p>
<div class="slider" hidden>
<label for="strength">Strength</label> <input type="range" id="strength" min="0" max="2" step="0.05" value="1"> <output id="strength-said" for="strength"></output>
<div class="scroll" role="region" tabindex="0" aria-label="Places with another likeliest token"><table><thead><tr><th scope="col" class="right">token</th><th scope="col">in the text</th><th scope="col">likeliest as recorded</th><th scope="col">likeliest then</th></tr></thead><tbody id="strength-rows"></tbody></table></div>
</div>
${tableMarkup(table, "Other strengths", "strengths")}</section>
`;
}
