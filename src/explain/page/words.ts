// Figures of tokens as people read them.

/** "12.3%", "0.04%", "2e-7": a probability from its natural logarithm. */
export function probabilityInWords(logprob: number): string {
    if (logprob === -Infinity) return "0";
    const percent = 100 * Math.exp(logprob);
    if (percent >= 99.95) return percent >= 99.995 ? "100%" : `${percent.toFixed(2)}%`;
    if (percent >= 0.1) return `${percent.toFixed(percent >= 10 ? 1 : 2)}%`;
    return (percent / 100).toExponential(0);
}

/** A log-probability: "-1.234"; what can never come has none. */
export function logprobInWords(logprob: number | null): string {
    if (logprob === null) return "-";
    return logprob === -Infinity ? "never" : (logprob + 0).toFixed(3);
}

/** A divergence or an entropy in nats. */
export function natsInWords(nats: number): string {
    if (nats > 0 && nats < 0.0005) return nats.toExponential(0);
    return nats.toFixed(3);
}

/** "1st", "2nd": a rank that counts from 0. */
export function rankInWords(rank: number): string {
    const place = rank + 1;
    const tens = place % 100;
    const ending = tens >= 11 && tens <= 13 ? "th" : (["th", "st", "nd", "rd"][place % 10] ?? "th");
    return `${place}${ending}`;
}

/** A share from 0 to 1. */
export function shareInWords(share: number): string {
    return `${(100 * share).toFixed(1)}%`;
}

/** "1 token", "3 tokens". */
export function counted(count: number, noun: string): string {
    return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A strength or several: "1", "1 and 0.5". */
export function lambdasInWords(lambdas: readonly number[]): string {
    return lambdas.map((lambda) => String(Number(lambda.toPrecision(6)))).join(" and ");
}
