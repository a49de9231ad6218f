// Sets of real numbers: intervals, their unions, what inequalities in one letter say.
import { isRounded, nearlySame } from "./identity.js";
import { realValue } from "./numeric.js";
import { freeNames, type Node, type Relation } from "./syntax.js";

/** An interval; a point is one whose ends are the same. */
interface Stretch {
    readonly from: number;
    readonly to: number;
    readonly withFrom: boolean;
    readonly withTo: boolean;
}

/** A set of real numbers. */
export interface RealSet {
    /** In order, none touching another. */
    readonly stretches: readonly Stretch[];
    /** The letter that it is said of, where one is. */
    readonly name?: string | undefined;
    readonly rounded: boolean;
}

const everything: Stretch = { from: -Infinity, to: Infinity, withFrom: false, withTo: false };

/** What a node says as a set of real numbers; undefined where it says something else. */
export function realSetOf(node: Node): RealSet | undefined {
    const rounded = isRounded(node);
    switch (node.kind) {
        case "named":
            if (node.set === "R") return { stretches: [everything], rounded };
            return node.set === "empty" ? { stretches: [], rounded } : undefined;
        case "tuple": {
            const [first, last, ...more] = node.items;
            if (first === undefined || last === undefined || more.length > 0) return undefined;
            const [from, to] = [endOf(first), endOf(last)];
            if (from === undefined || to === undefined || !(from < to)) return undefined;
            return { stretches: [{ from, to, withFrom: node.open === "[", withTo: node.close === "]" }], rounded };
        }
        case "set": {
            const points = node.items.map(endOf);
            if (points.some((point) => point === undefined || !Number.isFinite(point))) return undefined;
            return { stretches: joined((points as number[]).map(pointAt)), rounded };
        }
        case "combined": {
            const parts = node.parts.map(realSetOf);
            if (parts.some((part) => part === undefined)) return undefined;
            return (parts as RealSet[]).reduce((a, b) => ({ ...combine(a, b, node.by), rounded }));
        }
        case "relation":
            return ofRelation(node.sides, node.signs, rounded);
        case "list": {
            // "x < 2 or x > 3"
            const parts = node.items.map((item) => (item.kind === "relation" ? realSetOf(item) : undefined));
            if (parts.length === 0 || parts.some((part) => part === undefined || part.name === undefined))
                return undefined;
            // "x < 5, x \ne 4": what is left out is so of all of it
            const without = node.items.map((item) => item.kind === "relation" && item.signs.includes("!="));
            return (parts as RealSet[]).reduce((a, b, at) => ({
                ...combine(a, b, without[at] === true || without[at - 1] === true ? "intersection" : "union"),
                name: a.name === b.name ? a.name : "?",
                rounded
            }));
        }
        case "application":
        case "based":
        case "call":
        case "constant":
        case "matrix":
        case "negative":
        case "number":
        case "plusminus":
        case "power":
        case "product":
        case "quantity":
        case "quotient":
        case "sum":
        case "symbol":
        case "words":
            return undefined;
    }
}

/** Whether two sets are the same. */
export function sameRealSet(a: RealSet, b: RealSet): boolean {
    if (a.name !== undefined && b.name !== undefined && a.name !== b.name) return false;
    if (a.stretches.length !== b.stretches.length) return false;
    const rounded = a.rounded || b.rounded;
    return a.stretches.every((one, at) => {
        const other = b.stretches[at]!;
        return (
            nearlySame(one.from, other.from, rounded) &&
            nearlySame(one.to, other.to, rounded) &&
            one.withFrom === other.withFrom &&
            one.withTo === other.withTo
        );
    });
}

const nowhere = new Map<string, number>();

function endOf(node: Node): number | undefined {
    if (node.kind === "constant" && node.name === "infinity") return Infinity;
    if (node.kind === "negative" && node.of.kind === "constant" && node.of.name === "infinity") return -Infinity;
    return realValue(node, nowhere);
}

function pointAt(at: number): Stretch {
    return { from: at, to: at, withFrom: true, withTo: true };
}

function combine(a: RealSet, b: RealSet, by: "union" | "intersection" | "without"): RealSet {
    const name = a.name ?? b.name;
    const rounded = a.rounded || b.rounded;
    if (by === "union") return { stretches: joined([...a.stretches, ...b.stretches]), name, rounded };
    const others = by === "intersection" ? b.stretches : complement(b.stretches);
    return {
        stretches: joined(a.stretches.flatMap((one) => others.flatMap((other) => overlap(one, other)))),
        name,
        rounded
    };
}

function overlap(a: Stretch, b: Stretch): Stretch[] {
    const [from, withFrom] =
        a.from > b.from
            ? [a.from, a.withFrom]
            : b.from > a.from
              ? [b.from, b.withFrom]
              : [a.from, a.withFrom && b.withFrom];
    const [to, withTo] = a.to < b.to ? [a.to, a.withTo] : b.to < a.to ? [b.to, b.withTo] : [a.to, a.withTo && b.withTo];
    return from < to || (from === to && withFrom && withTo) ? [{ from, to, withFrom, withTo }] : [];
}

function complement(stretches: readonly Stretch[]): Stretch[] {
    const gaps: Stretch[] = [];
    let from = -Infinity;
    let withFrom = false;
    for (const one of joined(stretches)) {
        gaps.push({ from, withFrom, to: one.from, withTo: !one.withFrom && one.from !== -Infinity });
        from = one.to;
        withFrom = !one.withTo;
    }
    gaps.push({ from, withFrom: withFrom && from !== Infinity, to: Infinity, withTo: false });
    return gaps.filter((gap) => gap.from < gap.to || (gap.from === gap.to && gap.withFrom && gap.withTo));
}

// In order; those that touch made one.
function joined(stretches: readonly Stretch[]): Stretch[] {
    const result: Stretch[] = [];
    for (const one of [...stretches].sort((a, b) => a.from - b.from || Number(b.withFrom) - Number(a.withFrom))) {
        const last = result.at(-1);
        if (last === undefined || last.to < one.from || (last.to === one.from && !last.withTo && !one.withFrom)) {
            result.push(one);
            continue;
        }
        const further = one.to > last.to;
        const to = further ? one.to : last.to;
        const withTo = one.to === last.to ? one.withTo || last.withTo : further ? one.withTo : last.withTo;
        result[result.length - 1] = {
            ...last,
            to,
            withTo,
            withFrom: last.withFrom || (one.from === last.from && one.withFrom)
        };
    }
    return result;
}

function ofRelation(sides: readonly Node[], signs: readonly Relation[], rounded: boolean): RealSet | undefined {
    if (signs.length === 1 && signs[0] === "in") {
        const [name, set] = [sides[0]!, realSetOf(sides[1]!)];
        if (name.kind !== "symbol" || set === undefined) return undefined;
        return { ...set, name: name.name };
    }
    let whole: RealSet | undefined;
    for (const [at, sign] of signs.entries()) {
        const part = ofInequality(sides[at]!, sign, sides[at + 1]!, rounded);
        if (part === undefined) return undefined;
        whole = whole === undefined ? part : combine(whole, part, "intersection");
    }
    return whole;
}

// Linear ones, in one letter.
function ofInequality(left: Node, sign: Relation, right: Node, rounded: boolean): RealSet | undefined {
    if (sign !== "<" && sign !== "<=" && sign !== ">" && sign !== ">=" && sign !== "!=") return undefined;
    const names = [...new Set([...freeNames(left), ...freeNames(right)])];
    const [name] = names;
    if (name === undefined || names.length > 1) return undefined;
    const unbounded = endsAtInfinity(left, sign, right, name, rounded);
    if (unbounded !== undefined) return unbounded;
    const difference = (x: number): number | undefined => {
        const place = new Map([[name, x]]);
        const [l, r] = [realValue(left, place), realValue(right, place)];
        return l === undefined || r === undefined ? undefined : l - r;
    };
    const [atZero, atOne, atTwo, far] = [difference(0), difference(1), difference(2), difference(-3)];
    if (atZero === undefined || atOne === undefined || atTwo === undefined || far === undefined) {
        return bent(difference, sign, name, rounded);
    }
    const slope = atOne - atZero;
    const size = 1e-9 * Math.max(Math.abs(atZero), Math.abs(atOne), Math.abs(slope));
    if (!(Math.abs(slope) > size)) return bent(difference, sign, name, rounded);
    if (Math.abs(atTwo - atZero - 2 * slope) > size || Math.abs(far - atZero + 3 * slope) > 3 * size)
        return bent(difference, sign, name, rounded);
    const end = -atZero / slope;
    if (sign === "!=") return { stretches: complement([pointAt(end)]), name, rounded };
    const above = sign.startsWith(">") === slope > 0;
    const closed = sign.endsWith("=");
    const stretch: Stretch = above
        ? { from: end, withFrom: closed, to: Infinity, withTo: false }
        : { from: -Infinity, withFrom: false, to: end, withTo: closed };
    return { stretches: [stretch], name, rounded };
}

// -\infty < x: it says nothing.
function endsAtInfinity(left: Node, sign: Relation, right: Node, name: string, rounded: boolean): RealSet | undefined {
    if (sign === "!=") return undefined;
    const [lower, upper] = sign.startsWith("<") ? [left, right] : [right, left];
    const nothing =
        (lower.kind === "symbol" && endOf(upper) === Infinity) ||
        (upper.kind === "symbol" && endOf(lower) === -Infinity);
    return nothing ? { stretches: [everything], name, rounded } : undefined;
}

// Where an inequality that is not linear is looked at: densely near zero, and further and further away. No root is among them.
const looks: readonly number[] = (() => {
    const places: number[] = [];
    for (let at = 0; at < 1200; at++) places.push(0.0317 + at * 0.05003);
    for (let at = 61; at < 1e7; at *= 1.05) places.push(at);
    return [...places.map((at) => -at).reverse(), ...places];
})();
const mostEnds = 12;

/** The set that any other inequality says, by the places where its sides change; undefined where that is not to be told. */
function bent(
    difference: (x: number) => number | undefined,
    sign: Relation,
    name: string,
    rounded: boolean
): RealSet | undefined {
    if (sign === "!=") return undefined;
    const wanted = sign.startsWith(">") ? 1 : -1;
    const holds = (x: number): boolean => {
        const value = difference(x);
        return value !== undefined && value * wanted > 0;
    };
    const closedAt = (x: number): boolean => {
        const value = difference(x);
        return sign.endsWith("=") && value !== undefined && Math.abs(value) < 1e-6 * Math.max(1, Math.abs(x));
    };
    const ends: number[] = [];
    let before = holds(looks[0]!);
    const first = before;
    for (let at = 1; at < looks.length; at++) {
        const now = holds(looks[at]!);
        if (now === before) continue;
        if (ends.length === mostEnds) return undefined;
        ends.push(changeBetween(looks[at - 1]!, looks[at]!, holds));
        before = now;
    }
    if (ends.length === 0) return undefined;
    const all = [-Infinity, ...ends, Infinity];
    const stretches: Stretch[] = [];
    for (let at = first ? 0 : 1; at + 1 < all.length; at += 2) {
        const [from, to] = [all[at]!, all[at + 1]!];
        stretches.push({ from, to, withFrom: closedAt(from), withTo: closedAt(to) });
    }
    return { stretches: joined(stretches), name, rounded };
}

function changeBetween(from: number, to: number, holds: (x: number) => boolean): number {
    const start = holds(from);
    let [low, high] = [from, to];
    for (let step = 0; step < 100; step++) {
        const middle = (low + high) / 2;
        if (holds(middle) === start) low = middle;
        else high = middle;
    }
    const end = (low + high) / 2;
    // A round number is one.
    return Math.abs(end - Math.round(end * 1e6) / 1e6) < 1e-11 * Math.max(1, Math.abs(end))
        ? Math.round(end * 1e6) / 1e6
        : end;
}
