// What one ensemble says of a text: a few numbers of every scored token, kept for a comparison with another.
import type { DistributionFigures, ScoredAlternative, TokenScore } from "../engine/token-scores.js";
import { boundedDivergence, type BoundedDivergence, type KnownLogprobs } from "./divergence.js";
import { exponential, share, Sums, type MeanEstimate } from "./estimates.js";

/** An estimate for every distribution; those of a pair are null where there is none. */
export interface DistributionEstimates {
    /** Of the large model, with nothing added. */
    readonly base: MeanEstimate;
    /** Of the small model after its training. */
    readonly expert: MeanEstimate | null;
    /** Of the same before it. */
    readonly antiexpert: MeanEstimate | null;
    /** Of the ensemble. */
    readonly rast: MeanEstimate;
}

/** KL divergences over a text, in nats. */
export interface DivergenceFigures {
    /** Their mean. */
    readonly mean: MeanEstimate;
    /** The largest. */
    readonly maximum: number;
}

/** The distributions that lists of likeliest tokens are of. */
export type ListedDistribution = "base" | "rast";

type Row = Pick<TokenScore, "token" | "logprob" | "rank" | "divergence">;

const none = -1;

/** Figures of all scored tokens of a text, in its order. Plain numbers side by side: a text may have hundreds of thousands. */
export class TextTrace {
    readonly #rows: Row[] = [];
    // The two lists of every row, base's first, each filled up to `top` with no token.
    readonly #top: number;
    readonly #tokens: number[] = [];
    readonly #logprobs: Readonly<Record<ListedDistribution, number[]>> = { base: [], rast: [] };

    /** @param top how long the lists of likeliest tokens are, at least 1 */
    constructor(top: number) {
        this.#top = top;
    }

    add(scores: readonly TokenScore[]): void {
        for (const { token, logprob, rank, divergence, top } of scores) {
            this.#rows.push({ token, logprob, rank, divergence });
            this.#list(top?.base ?? []);
            this.#list(top?.rast ?? []);
        }
    }

    #list(alternatives: readonly ScoredAlternative[]): void {
        for (let index = 0; index < this.#top; index++) {
            const one = alternatives[index];
            this.#tokens.push(one?.token ?? none);
            this.#logprobs.base.push(one?.base ?? 0);
            this.#logprobs.rast.push(one?.rast ?? 0);
        }
    }

    get count(): number {
        return this.#rows.length;
    }

    /** e to the mean of -log p. */
    get perplexity(): DistributionEstimates {
        const of = (name: keyof DistributionFigures): MeanEstimate | null => {
            const sums = new Sums();
            for (const { logprob } of this.#rows) {
                const value = logprob[name];
                if (value === null) return null;
                sums.add(-value);
            }
            return exponential(sums.mean);
        };
        return { base: of("base")!, expert: of("expert"), antiexpert: of("antiexpert"), rast: of("rast")! };
    }

    /** KL(ensemble || base), in nats. */
    get divergence(): DivergenceFigures {
        const sums = new Sums();
        let maximum = 0;
        for (const { divergence } of this.#rows) {
            sums.add(divergence);
            maximum = Math.max(maximum, divergence);
        }
        return { mean: sums.mean, maximum };
    }

    /** Share of tokens that are the likeliest where they stand. */
    greedy(name: ListedDistribution): MeanEstimate {
        return share(this.#rows.filter(({ rank }) => rank[name] === 0).length, this.count);
    }

    /** Share of positions where base and ensemble have the same likeliest token. */
    get sameTop(): MeanEstimate {
        const same = (_: Row, index: number): boolean =>
            this.likeliest("base", index) === this.likeliest("rast", index);
        return share(this.#rows.filter(same).length, this.count);
    }

    token(index: number): number {
        return this.#rows[index]!.token;
    }

    logprob(name: ListedDistribution, index: number): number {
        return this.#rows[index]!.logprob[name];
    }

    likeliest(name: ListedDistribution, index: number): number {
        return this.#tokens[this.#first(index) + (name === "base" ? 0 : this.#top)]!;
    }

    /** KL of another's distribution from this one's at the same place, as far as the likeliest tokens of both tell. */
    divergenceTo(other: TextTrace, name: ListedDistribution, index: number): BoundedDivergence {
        return boundedDivergence(this.#known(name, index), other.#known(name, index));
    }

    #known(name: ListedDistribution, index: number): KnownLogprobs {
        const { token, logprob } = this.#rows[index]!;
        const known = new Map([[token, logprob[name]]]);
        const first = this.#first(index);
        for (let at = first; at < first + 2 * this.#top; at++) {
            const one = this.#tokens[at]!;
            if (one !== none) known.set(one, this.#logprobs[name][at]!);
        }
        return known;
    }

    #first(index: number): number {
        return 2 * this.#top * index;
    }
}
