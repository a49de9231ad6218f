// Values that are rational, without any error, as long as they stay within bounds.
import { Fraction } from "fraction.js";
import type { Node } from "./syntax.js";

/** Bits of a numerator or denominator: above it a value counts as unknown. */
const mostBits = 131_072;
const largestFactorial = 5000;

/** Values of names, as {@link keyOf} writes them. */
export type ExactPlace = ReadonlyMap<string, Fraction>;

/** The rational value of an expression; undefined where it is none, or too large. */
export function exactValue(node: Node, place: ExactPlace): Fraction | undefined {
    switch (node.kind) {
        case "number":
            return node.value;
        case "symbol":
            return place.get(node.name);
        case "negative":
            return exactValue(node.of, place)?.neg();
        case "sum":
            return fold(node.terms, place, new Fraction(0), (a, b) => a.add(b));
        case "product":
            return fold(node.factors, place, new Fraction(1), (a, b) => a.mul(b));
        case "quotient": {
            const above = exactValue(node.above, place);
            const below = exactValue(node.below, place);
            return above === undefined || below === undefined || below.n === 0n ? undefined : above.div(below);
        }
        case "power":
            return exactPower(node.base, node.exponent, place);
        case "call":
            return exactCall(node.name, node.args, place);
        case "application":
        case "based":
        case "combined":
        case "constant":
        case "list":
        case "matrix":
        case "named":
        case "plusminus":
        case "quantity":
        case "relation":
        case "set":
        case "tuple":
        case "words":
            return undefined;
    }
}

function fold(
    nodes: readonly Node[],
    place: ExactPlace,
    start: Fraction,
    step: (a: Fraction, b: Fraction) => Fraction
): Fraction | undefined {
    let value = start;
    for (const node of nodes) {
        const next = exactValue(node, place);
        if (next === undefined) return undefined;
        value = step(value, next);
        if (bitsOf(value) > mostBits) return undefined;
    }
    return value;
}

function bitsOf({ n, d }: Fraction): number {
    // a hexadecimal digit is four bits
    return n < 2n ** 64n && d < 2n ** 64n ? 64 : Math.max(n.toString(16).length, d.toString(16).length) * 4;
}

function exactPower(baseNode: Node, exponentNode: Node, place: ExactPlace): Fraction | undefined {
    const exponent = exactValue(exponentNode, place);
    if (exponent === undefined) return undefined;
    const base = exactValue(baseNode, place);
    if (base === undefined) return undefined;
    if (base.n === 0n) return exponent.s > 0n && exponent.n > 0n ? new Fraction(0) : undefined;
    if (exponent.n * BigInt(bitsOf(base) === 64 ? bitLength(base) : bitsOf(base)) > BigInt(mostBits)) {
        return base.n === 1n && base.d === 1n && base.s > 0n ? base : undefined;
    }
    if (exponent.d !== 1n) return rationalRoot(base, exponent);
    const size = exponent.n;
    const power = new Fraction(base.s ** (size & 1n) * base.n ** size, base.d ** size);
    return exponent.s < 0n ? power.inverse() : power;
}

function bitLength({ n, d }: Fraction): number {
    return Math.max(n.toString(2).length, d.toString(2).length);
}

// 4^{1/2}: where the root is rational.
function rationalRoot(base: Fraction, exponent: Fraction): Fraction | undefined {
    if (base.s < 0n || exponent.d > 16n || bitsOf(base) > 4096) return undefined;
    const degree = Number(exponent.d);
    const n = integerRoot(base.n, degree);
    const d = integerRoot(base.d, degree);
    if (n === undefined || d === undefined) return undefined;
    const power = new Fraction(n ** exponent.n, d ** exponent.n);
    return exponent.s < 0n ? power.inverse() : power;
}

function integerRoot(value: bigint, degree: number): bigint | undefined {
    const k = BigInt(degree);
    let guess = 1n << BigInt(Math.ceil(value.toString(2).length / degree));
    for (;;) {
        const next = ((k - 1n) * guess + value / guess ** (k - 1n)) / k;
        if (next >= guess) break;
        guess = next;
    }
    return guess ** k === value ? guess : undefined;
}

function exactCall(name: string, args: readonly Node[], place: ExactPlace): Fraction | undefined {
    const values: Fraction[] = [];
    for (const arg of args) {
        const value = exactValue(arg, place);
        if (value === undefined) return undefined;
        values.push(value);
    }
    const [first, second] = values;
    if (first === undefined) return undefined;
    switch (name) {
        case "abs":
            return first.abs();
        case "floor":
            return first.floor();
        case "ceil":
            return first.ceil();
        case "sqrt":
            return first.n === 0n ? first : rationalRoot(first, new Fraction(1, 2));
        case "max":
            return values.reduce((a, b) => (a.compare(b) < 0 ? b : a));
        case "min":
            return values.reduce((a, b) => (a.compare(b) > 0 ? b : a));
        case "gcd":
            return values.every(({ d }) => d === 1n) ? values.reduce((a, b) => a.gcd(b)) : undefined;
        case "lcm":
            return values.every(({ d }) => d === 1n) ? values.reduce((a, b) => a.lcm(b)) : undefined;
        case "factorial": {
            if (first.d !== 1n || first.s < 0n || first.n > BigInt(largestFactorial)) return undefined;
            let value = 1n;
            for (let i = 2n; i <= first.n; i++) value *= i;
            return new Fraction(value);
        }
        case "binomial":
            return second === undefined ? undefined : binomial(first, second);
        default:
            return undefined;
    }
}

function binomial(of: Fraction, choose: Fraction): Fraction | undefined {
    if (choose.d !== 1n || choose.s < 0n || of.d !== 1n || of.s < 0n) return undefined;
    if (choose.n > of.n) return new Fraction(0);
    const small = choose.n * 2n > of.n ? of.n - choose.n : choose.n;
    if (small > BigInt(largestFactorial)) return undefined;
    let value = 1n;
    for (let i = 1n; i <= small; i++) {
        value = (value * (of.n - small + i)) / i;
        if ((i & 255n) === 0n && value.toString(16).length * 4 > mostBits) return undefined;
    }
    return new Fraction(value);
}
