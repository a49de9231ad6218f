// Real values to some 150 digits: enough to tell apart what roots, pi and e make of large numbers.
import type { Fraction } from "fraction.js";
import { exactValue, type ExactPlace } from "./exact.js";
import type { Node } from "./syntax.js";

/** Binary digits behind the point, and those before it at most: beyond, a value counts as unknown. */
const fractionBits = 1024n;
const mostBits = 2048;
const largestDegree = 16n;
const one = 1n << fractionBits;
/** What rounding may have added up to, in proportion to the largest value on the way. */
const lostBits = 512n;

/** A value in units of 2^-1024, and the largest on the way to it. */
interface Precise {
    readonly value: bigint;
    readonly mass: bigint;
}

/** Whether two values are the same; undefined where one is not made of rational numbers, roots, pi and e, or too large or small. */
export function samePrecisely(a: Node, b: Node, place: ExactPlace): boolean | undefined {
    const [preciseA, preciseB] = [preciseOf(a, place), preciseOf(b, place)];
    if (preciseA === undefined || preciseB === undefined) return undefined;
    const mass = larger(preciseA.mass, preciseB.mass);
    return size(preciseA.value - preciseB.value) <= larger(mass, one) >> lostBits;
}

function size(value: bigint): bigint {
    return value < 0n ? -value : value;
}

function larger(a: bigint, b: bigint): bigint {
    return a < b ? b : a;
}

// A value that rounding has most of is unknown; so is one that is too large.
function settled(value: bigint, mass: bigint): Precise | undefined {
    if (size(value) >> (fractionBits + BigInt(mostBits)) !== 0n) return undefined;
    return { value, mass: larger(size(value), mass) };
}

function ofFraction({ s, n, d }: Fraction): Precise | undefined {
    const value = (s * (n << fractionBits)) / d;
    // what is tiny would have few digits left
    return n !== 0n && size(value) >> (fractionBits / 2n) === 0n ? undefined : settled(value, 0n);
}

function preciseOf(node: Node, place: ExactPlace): Precise | undefined {
    const exact = exactValue(node, place);
    if (exact !== undefined) return ofFraction(exact);
    switch (node.kind) {
        case "constant":
            return node.name === "pi" || node.name === "e" ? { value: constantOf(node.name), mass: one } : undefined;
        case "negative": {
            const of = preciseOf(node.of, place);
            return of === undefined ? undefined : { value: -of.value, mass: of.mass };
        }
        case "sum":
            return fold(node.terms, place, (a, b) => settled(a.value + b.value, larger(a.mass, b.mass)));
        case "product":
            return fold(node.factors, place, (a, b) =>
                settled((a.value * b.value) >> fractionBits, larger(a.mass, b.mass))
            );
        case "quotient": {
            const [above, below] = [preciseOf(node.above, place), preciseOf(node.below, place)];
            if (above === undefined || below === undefined || isLost(below)) return undefined;
            return settled((above.value << fractionBits) / below.value, larger(above.mass, below.mass));
        }
        case "power": {
            const exponent = exactValue(node.exponent, place);
            const base = preciseOf(node.base, place);
            return base === undefined || exponent === undefined ? undefined : powerOf(base, exponent);
        }
        case "call": {
            const [first, second] = node.args;
            const of = first === undefined ? undefined : preciseOf(first, place);
            if (of === undefined) return undefined;
            if (node.name === "sqrt" && second === undefined) return rootOf(of, 2n);
            if (node.name === "cbrt" && second === undefined) return rootOf(of, 3n);
            if (node.name !== "root" || second === undefined) return undefined;
            const degree = exactValue(second, place);
            return degree?.d === 1n && degree.s > 0n ? rootOf(of, degree.n) : undefined;
        }
        case "application":
        case "based":
        case "combined":
        case "list":
        case "matrix":
        case "named":
        case "number":
        case "plusminus":
        case "quantity":
        case "relation":
        case "set":
        case "symbol":
        case "tuple":
        case "words":
            return undefined;
    }
}

function isLost({ value, mass }: Precise): boolean {
    return size(value) <= larger(mass, one) >> (lostBits / 2n);
}

function fold(
    nodes: readonly Node[],
    place: ExactPlace,
    step: (a: Precise, b: Precise) => Precise | undefined
): Precise | undefined {
    let value: Precise | undefined;
    for (const [at, node] of nodes.entries()) {
        const next = preciseOf(node, place);
        if (next === undefined) return undefined;
        value = at === 0 ? next : step(value!, next);
        if (value === undefined) return undefined;
    }
    return value;
}

function powerOf(base: Precise, { s, n, d }: Fraction): Precise | undefined {
    if (n > 64n || isLost(base)) return undefined;
    let value: Precise | undefined = rootOf(base, d);
    const root = value;
    if (root === undefined || n === 0n) return undefined;
    for (let i = 1n; i < n && value !== undefined; i++) {
        value = settled((value.value * root.value) >> fractionBits, larger(value.mass, root.mass));
    }
    if (value === undefined || s > 0n) return value;
    return isLost(value) ? undefined : settled((one << fractionBits) / value.value, value.mass);
}

// Of what is above zero: others are complex, or a matter of taste.
function rootOf(of: Precise, degree: bigint): Precise | undefined {
    if (degree === 1n) return of;
    if (degree < 2n || degree > largestDegree || of.value <= 0n || isLost(of)) return undefined;
    const scaled = of.value << (fractionBits * (degree - 1n));
    let guess = 1n << (BigInt(scaled.toString(16).length * 4) / degree + 1n);
    for (;;) {
        const next = ((degree - 1n) * guess + scaled / guess ** (degree - 1n)) / degree;
        if (next >= guess) return settled(guess, of.mass);
        guess = next;
    }
}

const known = new Map<"pi" | "e", bigint>();

function constantOf(name: "pi" | "e"): bigint {
    let value = known.get(name);
    if (value === undefined) {
        // Machin's formula, and the series of e.
        value = name === "pi" ? 16n * arctanOfInverse(5n) - 4n * arctanOfInverse(239n) : eulers();
        known.set(name, value);
    }
    return value;
}

function arctanOfInverse(of: bigint): bigint {
    let sum = 0n;
    let power = one / of;
    for (let i = 1n, sign = 1n; power > 0n; i += 2n, sign = -sign) {
        sum += (sign * power) / i;
        power /= of * of;
    }
    return sum;
}

function eulers(): bigint {
    let sum = 0n;
    for (let i = 1n, term = one; term > 0n; i++) {
        sum += term;
        term /= i;
    }
    return sum;
}
