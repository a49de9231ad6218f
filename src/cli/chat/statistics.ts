// Figures of a chat's answers.
import type { RastResult } from "../../engine/results.js";

/** The last answer, and sums over all. */
export class ChatStatistics {
    #last: RastResult | undefined;
    #answers = 0;
    #completionTokens = 0;
    #promptTokens = 0;
    #cachedTokens = 0;
    #drafted = 0;
    #accepted = 0;

    add(result: RastResult): void {
        const { usage, speculation } = result;
        this.#last = result;
        this.#answers++;
        this.#completionTokens += usage.completionTokens;
        this.#promptTokens += usage.promptTokens;
        this.#cachedTokens += usage.cachedPromptTokens;
        this.#drafted += speculation.drafted;
        this.#accepted += speculation.accepted;
    }

    /** One line behind an answer. */
    line({ usage, timings, speculation, stopReason }: RastResult): string {
        const rate = timings.tokensPerSecond === null ? "" : `, ${timings.tokensPerSecond.toFixed(1)} tokens/s`;
        const drafts =
            speculation.acceptanceRate === null
                ? ""
                : `; ${Math.round(100 * speculation.acceptanceRate)}% of ${speculation.drafted} drafts accepted`;
        return `[${usage.completionTokens} tokens${rate}; prompt ${promptInWords(usage)}${drafts}; ${stopReason}]`;
    }

    lines(): string[] {
        const last = this.#last;
        if (last === undefined) return ["nothing has been answered yet"];
        const { usage, timings, speculation, mode, lambdas, seed, stopReason } = last;
        const first = timings.firstTokenMs === null ? "-" : `${timings.firstTokenMs.toFixed(0)} ms`;
        const rate = timings.tokensPerSecond === null ? "-" : `${timings.tokensPerSecond.toFixed(1)} tokens/s`;
        const thinking = usage.reasoningTokens === 0 ? "" : `, ${usage.reasoningTokens} of them thinking`;
        const drafts =
            speculation.acceptanceRate === null
                ? (speculation.reason ?? "none")
                : `${speculation.accepted} of ${speculation.drafted} accepted (${(100 * speculation.acceptanceRate).toFixed(1)}%)`;
        return [
            "last answer",
            `  drawn from  ${mode}${lambdas.length === 0 ? "" : `, lambda ${lambdas.join(", ")}`}, seed ${seed}`,
            `  tokens      ${usage.completionTokens}${thinking}; ended by ${stopReason}`,
            `  prompt      ${promptInWords(usage)}`,
            `  speed       first after ${first}, then ${rate}`,
            `  drafts      ${drafts}`,
            `${this.#answers} ${this.#answers === 1 ? "answer" : "answers"} in all`,
            `  tokens      ${this.#completionTokens}`,
            `  prompts     ${this.#promptTokens} tokens, ${this.#cachedTokens} of them cached`,
            `  drafts      ${this.#accepted} of ${this.#drafted} accepted`
        ];
    }
}

function promptInWords({ promptTokens, cachedPromptTokens }: RastResult["usage"]): string {
    return `${promptTokens} tokens${cachedPromptTokens === 0 ? "" : `, ${cachedPromptTokens} of them cached`}`;
}
