// Whether two expressions are the same: exactly where they are rational, else by their values at places.
import { Fraction } from "fraction.js";
import { exactValue } from "./exact.js";
import { evaluate, type Evaluation } from "./numeric.js";
import { samePrecisely } from "./precise.js";
import { contains, freeNames, keyOf, type Node } from "./syntax.js";

/** How far a rounded number may be off, in proportion. A little more than 1e-4, so that 0.3333 is a third. */
export const roundedTolerance = 1.000001e-4;
const exactTolerance = 1e-9;

/** Whether the values are the same; undefined where that cannot be told. */
export function sameValue(a: Node, b: Node): boolean | undefined {
    if (keyOf(a) === keyOf(b)) return true;
    const names = [...new Set([...freeNames(a), ...freeNames(b)])];
    const rounded = isRounded(a) || isRounded(b);
    return names.length === 0 ? sameNumber(a, b, rounded) : sameEverywhere(a, b, names, rounded);
}

/** Whether an expression has a decimal that may be rounded. */
export function isRounded(node: Node): boolean {
    return contains(node, (part) => part.kind === "number" && part.rounded);
}

/** Whether numbers are the same. */
export function nearlySame(a: number, b: number, rounded: boolean): boolean {
    if (a === b) return true;
    if (!Number.isFinite(a) || !Number.isFinite(b)) return false;
    return Math.abs(a - b) <= (rounded ? roundedTolerance : exactTolerance) * Math.max(Math.abs(a), Math.abs(b));
}

const nowhere = new Map<string, never>();

function sameNumber(a: Node, b: Node, rounded: boolean): boolean | undefined {
    const [exactA, exactB] = [exactValue(a, nowhere), exactValue(b, nowhere)];
    if (exactA !== undefined && exactB !== undefined) {
        if (exactA.equals(exactB)) return true;
        if (!rounded || !nearlyEqual(exactA, exactB)) return false;
        const whole = (isWhole(a, exactA) && isDecimal(b, exactB)) || (isWhole(b, exactB) && isDecimal(a, exactA));
        return !whole || nearWhole(exactA, exactB);
    }
    const precisely = rounded ? undefined : samePrecisely(a, b, nowhere);
    if (precisely !== undefined) return precisely;
    const [valueA, valueB] = [evaluate(a, nowhere), evaluate(b, nowhere)];
    if (valueA === undefined || valueB === undefined) return undefined;
    if (!isFinite(valueA) || !isFinite(valueB)) return infinityOf(a) !== 0 && infinityOf(a) === infinityOf(b);
    return near(valueA, valueB, rounded);
}

function isWhole(node: Node, { d }: Fraction): boolean {
    return d === 1n && !isRounded(node);
}

// Alone, not in an expression, with something behind the point that does not go on in dots.
function isDecimal(node: Node, { d }: Fraction): boolean {
    const number = node.kind === "negative" ? node.of : node;
    return d !== 1n && number.kind === "number" && number.goesOn !== true;
}

/** How far a decimal may be off an integer: nobody rounds an integer, but programs compute 0.9999999. */
const wholeTolerance = new Fraction(1, 1_000_000);
const doubleEpsilon = new Fraction(1, 2n ** 52n);

function nearWhole(a: Fraction, b: Fraction): boolean {
    const noise = a.abs().mul(doubleEpsilon);
    return (
        a
            .sub(b)
            .abs()
            .compare(noise.compare(wholeTolerance) > 0 ? noise : wholeTolerance) <= 0
    );
}

// Numbers beyond floating point, too.
function nearlyEqual(a: Fraction, b: Fraction): boolean {
    const larger = a.abs().compare(b.abs()) > 0 ? a.abs() : b.abs();
    return (
        a
            .sub(b)
            .abs()
            .mul(1_000_000_000)
            .compare(larger.mul(100_000.1 * 1)) <= 0
    );
}

// Which infinity is meant: that of the sign, not of an overflow.
function infinityOf(node: Node): number {
    if (node.kind === "constant") return node.name === "infinity" ? 1 : 0;
    if (node.kind === "negative") return -infinityOf(node.of);
    return 0;
}

function isFinite({ value }: Evaluation): boolean {
    return Number.isFinite(value.re) && Number.isFinite(value.im);
}

function near(a: Evaluation, b: Evaluation, rounded: boolean): boolean {
    const distance = a.value.sub(b.value).abs();
    const size = Math.max(a.value.abs(), b.value.abs());
    if (distance <= (rounded ? roundedTolerance : exactTolerance) * size) return true;
    return distance <= 1e-14 * Math.max(a.mass, b.mass);
}

const integerNames = /^[ijklmnMNK](?:_\d)?$/;
const discrete = new Set(["floor", "ceil", "factorial", "binomial", "gcd", "lcm"]);

// Letters that stand for integers, in an expression that is only meant for them.
function areIntegers(a: Node, b: Node, names: readonly string[]): boolean {
    if (!names.every((name) => integerNames.test(name))) return false;
    return [a, b].some((node) =>
        contains(
            node,
            (part) =>
                (part.kind === "call" && discrete.has(part.name)) ||
                (part.kind === "power" && isNegativeNumber(part.base) && freeNames(part.exponent).size > 0)
        )
    );
}

function isNegativeNumber(node: Node): boolean {
    return node.kind === "negative" && node.of.kind === "number";
}

/** Places: those where letters are positive, then others. Numbers that no expression is made for. */
const positive = [0.6180339, 1.3247179, 2.2360679, 0.8414709, 1.7320508, 2.6457513, 1.1447298, 0.5772156];
const mixed = [-1.4142135, 0.7071067, -0.3678794, 1.9021605, -2.302585, -0.9159655, 1.2020569];
const placesOfEach = 6;

function placesOf(names: readonly string[], values: readonly number[]): ReadonlyMap<string, number>[] {
    return Array.from(
        { length: placesOfEach },
        (_, at) =>
            new Map(
                names.map((name, index) => [name, values[(at * 3 + index * 5) % values.length]! * (1 + index / 16)])
            )
    );
}

function integerPlacesOf(names: readonly string[]): ReadonlyMap<string, number>[] {
    const values = [7, 4, 9, 12, 5, 10, 3, 8, 11, 6, 13, 2, 1];
    return Array.from(
        { length: values.length },
        (_, at) => new Map(names.map((name, index) => [name, values[(at + index * 4) % values.length]!]))
    );
}

function sameEverywhere(a: Node, b: Node, names: readonly string[], rounded: boolean): boolean | undefined {
    if (areIntegers(a, b, names)) return sameAt(a, b, integerPlacesOf(names), rounded, false);
    const exactly = rounded ? undefined : sameExactly(a, b, names);
    if (exactly !== undefined) return exactly;
    if (!rounded && differPrecisely(a, b, names)) return false;
    const there = sameAt(a, b, placesOf(names, positive), rounded, false);
    if (there !== true) return there;
    return sameAt(a, b, placesOf(names, mixed), rounded, true) ?? true;
}

// What is equal at some fractions that nobody would choose is equal everywhere, if it is rational.
function sameExactly(a: Node, b: Node, names: readonly string[]): boolean | undefined {
    let seen = 0;
    for (let at = 0; at < 4; at++) {
        const place = new Map(
            names.map((name, index) => [
                name,
                new Fraction(1009 + 94 * index + 210 * at, (at % 2 === 0 ? 1 : -1) * (97 + 6 * at + index * 10))
            ])
        );
        const [valueA, valueB] = [exactValue(a, place), exactValue(b, place)];
        if (valueA === undefined && valueB === undefined) continue;
        if (valueA === undefined || valueB === undefined) return undefined;
        if (!valueA.equals(valueB)) return false;
        seen++;
    }
    return seen >= 3 ? true : undefined;
}

// Where letters are positive, so that roots are real.
function differPrecisely(a: Node, b: Node, names: readonly string[]): boolean {
    const place = new Map(names.map((name, index) => [name, new Fraction(1009 + 94 * index, 97 + index * 10)]));
    return samePrecisely(a, b, place) === false;
}

function sameAt(
    a: Node,
    b: Node,
    places: readonly ReadonlyMap<string, number>[],
    rounded: boolean,
    realOnly: boolean
): boolean | undefined {
    let seen = 0;
    for (const place of places) {
        const [valueA, valueB] = [evaluate(a, place), evaluate(b, place)];
        if (valueA === undefined || valueB === undefined || !isFinite(valueA) || !isFinite(valueB)) continue;
        if (realOnly && (!isReal(valueA) || !isReal(valueB))) continue;
        if (!near(valueA, valueB, rounded)) return false;
        seen++;
    }
    return seen >= 2 ? true : undefined;
}

function isReal({ value }: Evaluation): boolean {
    return Math.abs(value.im) <= exactTolerance * Math.max(1, Math.abs(value.re));
}

/**
 * The factor between two expressions that are multiples of each other; undefined where they are none. So equations and
 * inequalities are told to be the same, once all is on one side.
 */
export function constantRatio(a: Node, b: Node): number | undefined {
    const names = [...new Set([...freeNames(a), ...freeNames(b)])];
    const rounded = isRounded(a) || isRounded(b);
    let ratio: number | undefined;
    let seen = 0;
    for (const place of [...placesOf(names, positive), ...placesOf(names, mixed)]) {
        const [valueA, valueB] = [evaluate(a, place), evaluate(b, place)];
        if (valueA === undefined || valueB === undefined || !isFinite(valueA) || !isFinite(valueB)) continue;
        if (valueB.value.abs() <= 1e-12 || valueA.value.abs() <= 1e-12) {
            if (valueA.value.abs() > 1e-9 || valueB.value.abs() > 1e-9) return undefined;
            continue;
        }
        const next = valueA.value.div(valueB.value);
        if (Math.abs(next.im) > exactTolerance * Math.max(1, Math.abs(next.re))) return undefined;
        if (ratio !== undefined && !nearlySame(next.re, ratio, rounded)) return undefined;
        ratio ??= next.re;
        seen++;
    }
    return seen >= 3 ? ratio : undefined;
}
