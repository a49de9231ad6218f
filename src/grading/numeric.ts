// Values in floating point: complex, as roots and logarithms of negative numbers are.
import { Complex } from "complex.js";
import { keyOf, type Node } from "./syntax.js";

/** Values of names, as {@link keyOf} writes them. */
export type Place = ReadonlyMap<string, number>;

/** A value, and how large what it was summed up from was: its error grows with that. */
export interface Evaluation {
    readonly value: Complex;
    readonly mass: number;
}

// Of the evaluation that goes on.
let mass = 0;

/** The value of an expression at a place; undefined where it has none. */
export function evaluate(node: Node, place: Place): Evaluation | undefined {
    mass = 0;
    const value = valueOf(node, place);
    return value === undefined || Number.isNaN(value.re) || Number.isNaN(value.im) ? undefined : { value, mass };
}

/** The same, its value alone. */
export function numericValue(node: Node, place: Place): Complex | undefined {
    return evaluate(node, place)?.value;
}

/** The value, where it is a real number. */
export function realValue(node: Node, place: Place): number | undefined {
    const value = numericValue(node, place);
    if (value === undefined) return undefined;
    return Math.abs(value.im) <= 1e-9 * Math.max(1, Math.abs(value.re)) ? value.re : undefined;
}

function valueOf(node: Node, place: Place): Complex | undefined {
    switch (node.kind) {
        case "number":
            return new Complex(node.value.valueOf(), 0);
        case "symbol":
        case "application":
        case "based": {
            const value = place.get(keyOf(node));
            return value === undefined ? undefined : new Complex(value, 0);
        }
        case "constant":
            return constants[node.name];
        case "negative":
            return valueOf(node.of, place)?.neg();
        case "sum":
            return fold(node.terms, place, new Complex(0, 0), (a, b) => {
                mass = Math.max(mass, b.abs());
                return a.add(b);
            });
        case "product":
            return fold(node.factors, place, new Complex(1, 0), (a, b) => a.mul(b));
        case "quotient": {
            const above = valueOf(node.above, place);
            const below = valueOf(node.below, place);
            return above === undefined || below === undefined || below.abs() === 0 ? undefined : above.div(below);
        }
        case "power": {
            const base = valueOf(node.base, place);
            const exponent = valueOf(node.exponent, place);
            if (base === undefined || exponent === undefined) return undefined;
            if (base.abs() === 0 && !(exponent.re > 0)) return undefined;
            return realPower(base, exponent) ?? base.pow(exponent);
        }
        case "quantity": {
            if (node.unit !== "°" && node.unit !== "%") return undefined;
            const value = valueOf(node.of, place);
            return value?.mul(node.unit === "°" ? Math.PI / 180 : 0.01);
        }
        case "call":
            return callOf(node.name, node.args, place);
        case "combined":
        case "list":
        case "matrix":
        case "named":
        case "plusminus":
        case "relation":
        case "set":
        case "tuple":
        case "words":
            return undefined;
    }
}

const constants: Readonly<Record<"pi" | "e" | "i" | "infinity", Complex>> = {
    pi: new Complex(Math.PI, 0),
    e: new Complex(Math.E, 0),
    i: new Complex(0, 1),
    infinity: new Complex(Infinity, 0)
};

function fold(
    nodes: readonly Node[],
    place: Place,
    start: Complex,
    step: (a: Complex, b: Complex) => Complex
): Complex | undefined {
    let value = start;
    for (const node of nodes) {
        const next = valueOf(node, place);
        if (next === undefined) return undefined;
        value = step(value, next);
    }
    return value;
}

// Powers of real numbers as exactly as the machine has them.
function realPower(base: Complex, exponent: Complex): Complex | undefined {
    if (base.im !== 0 || exponent.im !== 0) return undefined;
    const value = base.re ** exponent.re;
    return Number.isNaN(value) ? undefined : new Complex(value, 0);
}

function callOf(name: string, args: readonly Node[], place: Place): Complex | undefined {
    const values: Complex[] = [];
    for (const arg of args) {
        const value = valueOf(arg, place);
        if (value === undefined) return undefined;
        values.push(value);
    }
    const [first, second] = values;
    if (first === undefined) return undefined;
    if (second !== undefined && !twoOrMore.has(name)) return undefined;
    // They have zeros that rounding misses.
    if (!exactZeros.has(name)) mass = Math.max(mass, 1);
    return functions[name]?.(first, second, values);
}

type Evaluated = (x: Complex, y: Complex | undefined, all: readonly Complex[]) => Complex | undefined;

const exactZeros = new Set(["sqrt", "abs", "root", "cbrt", "exp"]);
const twoOrMore = new Set(["log", "root", "binomial", "max", "min"]);

const real = (x: Complex): number | undefined =>
    Math.abs(x.im) <= 1e-9 * Math.max(1, Math.abs(x.re)) ? x.re : undefined;

function ofReal(fn: (x: number) => number): Evaluated {
    return (x) => {
        const value = real(x);
        return value === undefined ? undefined : new Complex(fn(value), 0);
    };
}

function ofReals(fn: (...xs: number[]) => number): Evaluated {
    return (_x, _y, all) => {
        const values = all.map(real);
        return values.some((one) => one === undefined) ? undefined : new Complex(fn(...(values as number[])), 0);
    };
}

// What is an integer but for rounding is one.
const settled = (x: number): number => (Math.abs(x - Math.round(x)) < 1e-9 ? Math.round(x) : x);

const functions: Readonly<Record<string, Evaluated>> = {
    sin: (x) => x.sin(),
    cos: (x) => x.cos(),
    tan: (x) => x.tan(),
    cot: (x) => x.cot(),
    sec: (x) => x.sec(),
    csc: (x) => x.csc(),
    sinh: (x) => x.sinh(),
    cosh: (x) => x.cosh(),
    tanh: (x) => x.tanh(),
    coth: (x) => x.coth(),
    asin: (x) => x.asin(),
    acos: (x) => x.acos(),
    atan: (x) => x.atan(),
    acot: (x) => x.acot(),
    asinh: (x) => x.asinh(),
    acosh: (x) => x.acosh(),
    atanh: (x) => x.atanh(),
    exp: (x) => x.exp(),
    log: (x, base) => (x.abs() === 0 ? undefined : base === undefined ? x.log() : x.log().div(base.log())),
    lg: (x) => (x.abs() === 0 ? undefined : x.log().div(Math.LN10)),
    sqrt: (x) => (x.im === 0 && x.re >= 0 ? new Complex(Math.sqrt(x.re), 0) : x.sqrt()),
    cbrt: (x) => rootOf(x, new Complex(3, 0)),
    root: (x, degree) => (degree === undefined ? undefined : rootOf(x, degree)),
    abs: (x) => new Complex(x.abs(), 0),
    re: (x) => new Complex(x.re, 0),
    im: (x) => new Complex(x.im, 0),
    sgn: ofReal(Math.sign),
    floor: ofReal((x) => Math.floor(settled(x))),
    ceil: ofReal((x) => Math.ceil(settled(x))),
    max: ofReals(Math.max),
    min: ofReals(Math.min),
    factorial: ofReal((x) => gamma(x + 1)),
    binomial: ofReals((n = NaN, k = NaN) => gamma(n + 1) / (gamma(k + 1) * gamma(n - k + 1)))
};

// The real root where there is one.
function rootOf(x: Complex, degree: Complex): Complex {
    const odd = degree.im === 0 && Math.abs(degree.re % 2) === 1;
    if (odd && x.im === 0 && x.re < 0) return new Complex(-((-x.re) ** (1 / degree.re)), 0);
    return realPower(x, degree.inverse()) ?? x.pow(degree.inverse());
}

// Lanczos' approximation: g = 7, nine terms.
const lanczos = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7
] as const;

function gamma(x: number): number {
    if (x < 0.5) return Math.PI / (Math.sin(Math.PI * x) * gamma(1 - x));
    const z = x - 1;
    let sum: number = lanczos[0];
    for (let i = 1; i < lanczos.length; i++) sum += lanczos[i]! / (z + i);
    const t = z + 7.5;
    return Math.sqrt(2 * Math.PI) * t ** (z + 0.5) * Math.exp(-t) * sum;
}
