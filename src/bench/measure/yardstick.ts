// A fixed piece of work: where it takes longer than before, so does everything else, and not for anything measured here.

// 8 MiB: as with weights, it is memory that most of the time goes to.
const values = new Float64Array(1 << 20).fill(1.000001);
const passes = 4;
let warmedUp = false;

/** Does it. @returns the milliseconds that it took: some five on a machine of 2024 */
export function yardstickMs(): number {
    // the first times compile it
    if (!warmedUp) for (let i = 0; i < 5; ++i) work();
    warmedUp = true;
    const start = performance.now();
    const sum = work();
    const ms = performance.now() - start;
    if (!(sum > 0)) throw new Error("the yardstick adds up to nothing");
    return ms;
}

function work(): number {
    let sum = 0;
    for (let pass = 0; pass < passes; ++pass) {
        let [even, odd] = [0, 0];
        for (let i = 0; i < values.length; i += 2) {
            even += values[i]! * 0.5;
            odd += values[i + 1]! * 0.5;
        }
        sum += even + odd;
    }
    return sum;
}
