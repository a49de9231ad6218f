// A token in a sentence.
import { shownToken } from "../../src/explain/page/shown-token.js";
import { natsInWords, probabilityInWords, rankInWords } from "../../src/explain/page/words.js";
import type { TokenFigures } from "../api/chunks.js";

/** What is known of a token, for eyes and ears. @param index from 0 */
export function tokenInWords(token: TokenFigures, index: number, count: number): string {
    const { text, divergence, baseLogprob, rastLogprob, baseRank, rastRank, draft } = token;
    const share = (name: string, logprob: number | null, rank: number | null): string =>
        logprob === null
            ? ""
            : `, ${name} ${probabilityInWords(logprob)}${rank === null ? "" : ` (${rankInWords(rank)})`}`;
    const drafted = draft === null ? "" : `, drafted by the ${draft}`;
    return (
        `Token ${index + 1} of ${count}, \u201C${shownToken(text)}\u201D: KL ${natsInWords(divergence)} nats` +
        `${share("base", baseLogprob, baseRank)}${share("RAST", rastLogprob, rastRank)}${drafted}.`
    );
}
