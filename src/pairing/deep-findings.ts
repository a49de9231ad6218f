// What the figures of a deep check mean.
import type { DeepCheck } from "./deep-check.js";
import type { TrioFinding } from "./findings.js";

/**
 * Where a pairing is told from a wrong one. Measured on the trios that come with the package and on wrong pairings of the same
 * files (docs/check.md has the figures); a pair of unrelated models lies far beyond.
 */
export const deepThresholds = {
    /** Below it, expert and antiexpert do not say the same often enough to be one model after and before training. */
    leastAgreement: 0.35,
    /** Above it, in nats, neither. */
    mostDivergence: 2.5,
    /** Below it they hardly differ. */
    leastDivergence: 1e-4,
    /** Of the expert's own texts an antiexpert should think so much better than the base: its distance is below this share. */
    mostRelativeDistance: 0.6,
    /** Share of the expert's likeliest tokens that a base should have among its likeliest 20. */
    leastCoverage: 0.5,
    /** By so many nats an expert may be less sure than its antiexpert. */
    mostEntropyGained: 0.05
} as const;

const percent = (share: number): string => `${(100 * share).toFixed(share > 0.995 || share < 0.1 ? 1 : 0)}%`;

/** Findings of a pair that was run. */
export function deepFindings(check: DeepCheck): TrioFinding[] {
    const { pair, positions } = check;
    if (positions === 0) return [];
    return [...apart(check), ...swapped(check), ...uncovered(check)].map((finding) => ({ ...finding, pair }));
}

type Found = Omit<TrioFinding, "pair">;

function apart(check: DeepCheck): Found[] {
    const { agreement, divergence, positions } = check;
    const roles = ["expert", "antiexpert"] as const;
    if (divergence < deepThresholds.leastDivergence) {
        return [
            {
                kind: "sameModel",
                level: "warning",
                roles,
                what: `Over ${positions} positions expert and antiexpert say the same (KL ${divergence.toExponential(1)} nats).`,
                meaning: "Their delta is next to nothing, and texts are the base's own.",
                advice: "Give the model before its training as ANTIEXPERT."
            }
        ];
    }
    if (agreement >= deepThresholds.leastAgreement && divergence <= deepThresholds.mostDivergence)
        return stranger(check);
    return [
        {
            kind: "unrelated",
            level: "warning",
            roles,
            what:
                `Over ${positions} positions expert and antiexpert have the same likeliest token at ${percent(agreement)}, ` +
                `and their distributions are ${divergence.toFixed(2)} nats apart.`,
            meaning:
                "Training makes another model of a model in few places; these look like two models, or like one damaged by quantization.",
            advice: "Give the same small model after and before its training, quantized alike."
        }
    ];
}

// Measured against what the base thinks of the expert's texts: with models that are small, or know little, all are near.
function stranger({ expertText, logprob }: DeepCheck): Found[] {
    const [toAntiexpert, toBase] = [logprob.expert - logprob.antiexpert, logprob.expert - logprob.base];
    if (!expertText || toBase <= 0 || toAntiexpert <= deepThresholds.mostRelativeDistance * toBase) return [];
    return [
        {
            kind: "unrelated",
            level: "warning",
            roles: ["expert", "antiexpert"],
            what: `What the expert writes is ${toAntiexpert.toFixed(2)} nats a token less likely to the antiexpert, and ${toBase.toFixed(2)} to the base.`,
            meaning:
                "The antiexpert is hardly nearer to the expert than the base is: it may not be the model that the expert was made from.",
            advice: "Give the very model that the training began with. Where training was long (a distillation), the delta is large by nature."
        }
    ];
}

function swapped({ entropy, agreement, divergence }: DeepCheck): Found[] {
    const gained = entropy.expert - entropy.antiexpert;
    const related = agreement >= deepThresholds.leastAgreement && divergence <= deepThresholds.mostDivergence;
    if (!related || gained <= deepThresholds.mostEntropyGained) return [];
    return [
        {
            kind: "swapped",
            level: "warning",
            roles: ["expert", "antiexpert"],
            what: `The expert is less sure of its own words than the antiexpert: ${entropy.expert.toFixed(2)} nats against ${entropy.antiexpert.toFixed(2)}.`,
            meaning: "Reinforcement learning makes a model surer as a rule: expert and antiexpert may be swapped.",
            advice: "Give the model after its training as EXPERT, or look whether texts of the ensemble are better than the base's."
        }
    ];
}

function uncovered({ coverage, expertText }: DeepCheck): Found[] {
    if (coverage.top20 >= deepThresholds.leastCoverage) return [];
    return [
        {
            kind: "uncovered",
            level: "warning",
            roles: ["base", "expert"],
            what: `Of the tokens that the expert ${expertText ? "writes" : "would write"}, ${percent(coverage.top20)} are among the base's likeliest 20, and ${percent(coverage.top1)} its likeliest.`,
            meaning: "A delta can bring forward what the base knows; this base hardly knows the expert's ways.",
            advice: "Take a base that was trained on the same kind of text as the small models: their own family's."
        }
    ];
}
