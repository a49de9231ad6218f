// Two texts of tokens side by side: where they part, and where they meet again.

/** A stretch of two texts: the same tokens in both, or what each has instead. Ends are excluded. */
export interface AlignedStretch {
    /** "same": the tokens of both stretches are equal, one by one. "apart": each has its own, perhaps none. */
    readonly kind: "same" | "apart";
    /** Of the first text, from the first of these to before the second. */
    readonly rast: readonly [from: number, to: number];
    /** Of the second text. */
    readonly base: readonly [from: number, to: number];
}

/** Cells of the table that finds what two texts have in common: 2,048 tokens against as many. Longer texts are aligned at their ends alone. */
const mostCells = 4_194_304;
/** Common tokens in a row that count as meeting again: fewer are there by chance. */
const shortestMeeting = 2;

/**
 * The stretches of two texts, from their beginnings to their ends. Behind the first difference they meet where they have the
 * longest common subsequence, in runs of at least two tokens.
 */
export function alignTokens(rast: readonly number[], base: readonly number[]): AlignedStretch[] {
    const same = commonStart(rast, base);
    const end = commonEnd(rast, base, same);
    const [lastRast, lastBase] = [rast.length - end, base.length - end];
    const runs: Run[] = [{ rast: 0, base: 0, length: same }];
    if ((lastRast - same) * (lastBase - same) <= mostCells) {
        const inner = commonRuns(rast.slice(same, lastRast), base.slice(same, lastBase));
        runs.push(...inner.map((run) => ({ ...run, rast: run.rast + same, base: run.base + same })));
    }
    runs.push({ rast: lastRast, base: lastBase, length: end });
    return stretchesOf(joined(runs), rast.length, base.length);
}

/** How many tokens two texts begin with in common. */
export function commonStart(a: readonly number[], b: readonly number[]): number {
    const most = Math.min(a.length, b.length);
    let length = 0;
    while (length < most && a[length] === b[length]) length++;
    return length;
}

function commonEnd(a: readonly number[], b: readonly number[], start: number): number {
    const most = Math.min(a.length, b.length) - start;
    let length = 0;
    while (length < most && a[a.length - 1 - length] === b[b.length - 1 - length]) length++;
    // One token in common is no meeting, but for a text that ends there.
    return length >= shortestMeeting ? length : 0;
}

interface Run {
    readonly rast: number;
    readonly base: number;
    readonly length: number;
}

// By dynamic programming from the ends: a row is kept of lengths, a table of ways.
function commonRuns(a: readonly number[], b: readonly number[]): Run[] {
    const width = b.length + 1;
    // 0: both go on, 1: skip a's token, 2: skip b's
    const ways = new Uint8Array(a.length * width);
    let below = new Uint16Array(width);
    for (let i = a.length - 1; i >= 0; i--) {
        const row = new Uint16Array(width);
        ways[i * width + b.length] = 1;
        for (let j = b.length - 1; j >= 0; j--) {
            if (a[i] === b[j]) {
                row[j] = below[j + 1]! + 1;
            } else {
                const skipsA = below[j]! >= row[j + 1]!;
                row[j] = skipsA ? below[j]! : row[j + 1]!;
                ways[i * width + j] = skipsA ? 1 : 2;
            }
        }
        below = row;
    }
    const runs: Run[] = [];
    let [i, j, length] = [0, 0, 0];
    const finish = (): void => {
        if (length >= shortestMeeting) runs.push({ rast: i - length, base: j - length, length });
        length = 0;
    };
    while (i < a.length && j < b.length) {
        const way = ways[i * width + j];
        if (way === 0) length++;
        else finish();
        if (way !== 2) i++;
        if (way !== 1) j++;
    }
    finish();
    return runs;
}

// Runs without a gap between them are one.
function joined(runs: readonly Run[]): Run[] {
    const result: Run[] = [];
    for (const run of runs) {
        if (run.length === 0) continue;
        const last = result.at(-1);
        const follows =
            last !== undefined && last.rast + last.length === run.rast && last.base + last.length === run.base;
        if (follows) result[result.length - 1] = { ...last, length: last.length + run.length };
        else result.push(run);
    }
    return result;
}

function stretchesOf(runs: readonly Run[], rastLength: number, baseLength: number): AlignedStretch[] {
    const stretches: AlignedStretch[] = [];
    let [rast, base] = [0, 0];
    const apart = (rastTo: number, baseTo: number): void => {
        if (rastTo > rast || baseTo > base)
            stretches.push({ kind: "apart", rast: [rast, rastTo], base: [base, baseTo] });
    };
    for (const run of runs) {
        apart(run.rast, run.base);
        rast = run.rast + run.length;
        base = run.base + run.length;
        stretches.push({ kind: "same", rast: [run.rast, rast], base: [run.base, base] });
    }
    apart(rastLength, baseLength);
    return stretches;
}
