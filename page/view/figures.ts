// Figures of an answer in a line of words.
import type { Figures } from "../api/chunks.js";
import type { Answer } from "../chats/chat.js";

/** "128 tokens, 34.2 tokens/s; 61% of 90 drafts accepted; ...". */
export function figuresInWords({ figures, seed, finish }: Answer): string {
    const parts: string[] = [];
    if (figures !== null) parts.push(...tokensInWords(figures));
    if (seed !== null) parts.push(`seed ${seed}`);
    if (finish === "length") parts.push("cut: the limit of tokens, or the context, was reached");
    if (finish === "stopped") parts.push("stopped");
    return parts.join("; ");
}

function tokensInWords(figures: Figures): string[] {
    const { promptTokens, cachedTokens, completionTokens, reasoningTokens } = figures;
    const { tokensPerSecond, promptMs, drafted, accepted, lambdas } = figures;
    const parts: string[] = [];
    if (completionTokens !== null) {
        const thinking = (reasoningTokens ?? 0) > 0 ? ` (${reasoningTokens} of them thinking)` : "";
        parts.push(`${completionTokens} ${completionTokens === 1 ? "token" : "tokens"}${thinking}`);
    }
    if (tokensPerSecond !== null && tokensPerSecond > 0) parts.push(`${tokensPerSecond.toFixed(1)} tokens/s`);
    if (drafted !== null && accepted !== null && drafted > 0) {
        parts.push(`${Math.round((100 * accepted) / drafted)}% of ${drafted} drafts accepted`);
    }
    if (lambdas !== null) parts.push(`lambda ${lambdas.join(", ")}`);
    if (promptTokens !== null) {
        const cached = (cachedTokens ?? 0) > 0 ? `, ${cachedTokens} of them known` : "";
        const time = promptMs === null ? "" : ` in ${Math.round(promptMs)} ms`;
        parts.push(`prompt ${promptTokens}${cached}${time}`);
    }
    return parts;
}
