// Figures in words: the same in tables and on the page.
import type { ContestantFigures, EvalReport } from "../metrics/report.js";

/** "73.6%". */
export function percent(share: number): string {
    return `${(100 * share).toFixed(1)}%`;
}

/** "73.6% [70.1, 76.8]". */
export function withInterval({ value, low, high }: { value: number; low: number; high: number }): string {
    const digits = (share: number): string => (100 * share).toFixed(1);
    return `${percent(value)} [${digits(low)}, ${digits(high)}]`;
}

/** "+5.0 [+1.2, +8.9]": in points of a percent. */
export function differenceInWords({ value, low, high }: { value: number; low: number; high: number }): string {
    return `${points(value)} [${points(low)}, ${points(high)}]`;
}

function points(share: number): string {
    const text = (100 * share).toFixed(1).replace(/^-(?=0\.0$)/, "");
    return text.startsWith("-") ? text : `+${text}`;
}

/** "1 problem", "3 problems". */
export function problems(count: number): string {
    return `${count} ${count === 1 ? "problem" : "problems"}`;
}

/** What was asked of whom, in a sentence or two. */
export function settingsInWords({ data, prompt, sampling, seed, samples, versions }: EvalReport): string {
    const asked = data.asked === data.problems ? problems(data.asked) : `${data.asked} of ${problems(data.problems)}`;
    const shots = prompt.shots === 0 ? "" : ` with ${prompt.shots} solved ones in front`;
    const often = samples === 1 ? "one sample each" : `${samples} samples each`;
    const temperature = sampling["temperature"] ?? 1;
    const topP = sampling["topP"] ?? 1;
    const drawn = temperature === 0 ? "greedily" : `at temperature ${temperature}, top-p ${topP}`;
    return (
        `${data.name}: ${asked}, ${often}, asked in the style ${prompt.style}${shots}; ` +
        `drawn ${drawn}, at most ${sampling["maxTokens"] ?? "?"} tokens, seed ${seed}; ` +
        `rast-llama ${versions.rast}, llama.cpp ${versions.llamaCpp}.`
    );
}

/** What intervals are of. */
export function intervalsInWords({ samples }: EvalReport): string {
    const each = samples === 1 ? "" : ", each by the mean of its samples, which makes it rather too wide";
    return `Brackets hold 95%: of accuracies Wilson's interval over problems${each}; of differences and recovery rates a paired bootstrap over problems.`;
}

/** Its models' files, or its server. */
export function modelsInWords({ models, server }: ContestantFigures): string {
    if (server !== null) return `${server.model} at ${server.url}`;
    return models.map(({ file, adapters }) => [file, ...adapters.map((one) => one.file)].join(" + ")).join(", ");
}
