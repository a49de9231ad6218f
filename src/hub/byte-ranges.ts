/** Bytes from `start` up to `end`, which is not among them. */
export interface ByteRange {
    readonly start: number;
    readonly end: number;
}

/** Which bytes of a file are there. */
export class ByteSet {
    /** They neither overlap nor touch, and are in order. */
    #ranges: readonly ByteRange[] = [];

    add({ start, end }: ByteRange): void {
        if (end <= start) return;
        const apart = this.#ranges.filter((one) => one.end < start || one.start > end);
        const near = this.#ranges.filter((one) => !(one.end < start || one.start > end));
        const joined = {
            start: Math.min(start, ...near.map((one) => one.start)),
            end: Math.max(end, ...near.map((one) => one.end))
        };
        this.#ranges = [...apart, joined].sort((one, other) => one.start - other.start);
    }

    clear(): void {
        this.#ranges = [];
    }

    get bytes(): number {
        return this.#ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    }

    /** What lacks of the first `size` bytes, in order, in pieces of `piece` bytes at most. */
    missing(size: number, piece = Infinity): ByteRange[] {
        const gaps: ByteRange[] = [];
        let at = 0;
        for (const { start, end } of [...this.#ranges, { start: size, end: size }]) {
            for (; at < Math.min(start, size); at = gaps.at(-1)!.end) {
                gaps.push({ start: at, end: Math.min(start, size, at + piece) });
            }
            at = Math.max(at, end);
        }
        return gaps;
    }
}
