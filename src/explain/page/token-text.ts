// A text whose tokens are shaded, each an element of its own.
import type { ExplainedToken } from "../explanation.js";
import { markup, type Markup } from "../../report/html.js";
import { shades, shadeFrom, shadeOf } from "./shades.js";
import { tokenInText } from "./shown-token.js";

/** Which text a token belongs to, and whether it can be chosen there. */
export interface TokenPlace {
    readonly of: "rast" | "base";
    /** Its id in the page begins with this; null: it has none. */
    readonly id: string | null;
}

/** Tokens of a text in order. @param from the first one's place in its text */
export function shadedTokens(tokens: readonly ExplainedToken[], from: number, place: TokenPlace): Markup {
    return markup`${tokens.map((token, index) => shadedToken(token, from + index, place))}`;
}

function shadedToken(token: ExplainedToken, index: number, { id }: TokenPlace): Markup {
    const { text, continues, divergence, changed } = token;
    const style = `t s${shadeOf(divergence)}${changed ? " changed" : ""}${text === "" ? " unseen" : ""}`;
    const said = text === "" ? (continues ? "\u2026" : "\u2205") : tokenInText(text);
    if (id === null) return markup`<span class="${style}">${said}</span>`;
    return markup`<span class="${style}" id="${id}${index}">${said}</span>`;
}

/** What shades and lines mean. */
export function shadeLegend(): Markup {
    const items = shades.light.map((_, index) => {
        const next = shadeFrom[index + 1];
        const range = next === undefined ? `${shadeFrom[index]!} and more` : `${shadeFrom[index]!} to ${next}`;
        return markup`<li><span class="t s${index + 1}">abc</span> ${range}</li>
`;
    });
    return markup`<ul class="legend shades">
<li>KL in nats:</li>
<li><span class="t">abc</span> below ${shadeFrom[0]!}</li>
${items}<li><span class="t changed">abc</span> not the base's likeliest token</li>
</ul>`;
}
