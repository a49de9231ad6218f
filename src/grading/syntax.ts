// What an answer says, as a tree. Numbers are exact; how they were written is kept, as a decimal may be rounded.
import type { Fraction } from "fraction.js";

/** The signs that relate two sides. */
export type Relation = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "in" | "implies";

/** Number sets and the like. */
export type NamedSet = "R" | "Z" | "Q" | "N" | "C" | "empty";

/** Part of an answer. */
export type Node =
    | NumberNode
    | { readonly kind: "symbol"; readonly name: string }
    /** pi, e, i, infinity. */
    | { readonly kind: "constant"; readonly name: "pi" | "e" | "i" | "infinity" }
    | { readonly kind: "sum"; readonly terms: readonly Node[] }
    | { readonly kind: "product"; readonly factors: readonly Node[] }
    | { readonly kind: "quotient"; readonly above: Node; readonly below: Node }
    | { readonly kind: "power"; readonly base: Node; readonly exponent: Node }
    | { readonly kind: "negative"; readonly of: Node }
    /** Both signs: `both` is the sign that is written, "+-" or "-+". */
    | { readonly kind: "plusminus"; readonly both: "+-" | "-+"; readonly of: Node }
    | { readonly kind: "call"; readonly name: string; readonly args: readonly Node[] }
    /** A function that nobody knows, at a place: f(x). */
    | { readonly kind: "application"; readonly name: string; readonly args: readonly Node[] }
    /** Digits with a base below: 101_2. */
    | { readonly kind: "based"; readonly digits: string; readonly base: string }
    | { readonly kind: "tuple"; readonly open: "(" | "["; readonly close: ")" | "]"; readonly items: readonly Node[] }
    | { readonly kind: "set"; readonly items: readonly Node[] }
    | { readonly kind: "list"; readonly items: readonly Node[] }
    | { readonly kind: "matrix"; readonly rows: readonly (readonly Node[])[] }
    | { readonly kind: "named"; readonly set: NamedSet }
    | { readonly kind: "combined"; readonly by: "union" | "intersection" | "without"; readonly parts: readonly Node[] }
    | { readonly kind: "relation"; readonly sides: readonly Node[]; readonly signs: readonly Relation[] }
    | { readonly kind: "quantity"; readonly of: Node; readonly unit: string }
    | { readonly kind: "words"; readonly text: string };

/** A number as it was written. */
export interface NumberNode {
    readonly kind: "number";
    readonly value: Fraction;
    /** Whether it has decimals that may be rounded: 0.5 and 1e3, but not 27.0. */
    readonly rounded: boolean;
    /** Whether dots stand behind it: what is written is but its beginning. */
    readonly goesOn?: boolean;
}

/** The parts of a node that are nodes. */
export function partsOf(node: Node): readonly Node[] {
    switch (node.kind) {
        case "number":
        case "symbol":
        case "constant":
        case "based":
        case "named":
        case "words":
            return [];
        case "sum":
            return node.terms;
        case "product":
            return node.factors;
        case "quotient":
            return [node.above, node.below];
        case "power":
            return [node.base, node.exponent];
        case "negative":
        case "plusminus":
        case "quantity":
            return [node.of];
        case "call":
        case "application":
            return node.args;
        case "tuple":
        case "set":
        case "list":
            return node.items;
        case "matrix":
            return node.rows.flat();
        case "combined":
            return node.parts;
        case "relation":
            return node.sides;
    }
}

/** Whether a node or a part of it is as asked. */
export function contains(node: Node, asked: (part: Node) => boolean): boolean {
    return asked(node) || partsOf(node).some((part) => contains(part, asked));
}

/** The same node with other parts, in the order of {@link partsOf}. */
export function withParts(node: Node, parts: readonly Node[]): Node {
    switch (node.kind) {
        case "number":
        case "symbol":
        case "constant":
        case "based":
        case "named":
        case "words":
            return node;
        case "sum":
            return { ...node, terms: parts };
        case "product":
            return { ...node, factors: parts };
        case "quotient":
            return { ...node, above: parts[0]!, below: parts[1]! };
        case "power":
            return { ...node, base: parts[0]!, exponent: parts[1]! };
        case "negative":
        case "plusminus":
        case "quantity":
            return { ...node, of: parts[0]! };
        case "call":
        case "application":
            return { ...node, args: parts };
        case "tuple":
        case "set":
        case "list":
            return { ...node, items: parts };
        case "matrix": {
            let at = 0;
            return { ...node, rows: node.rows.map((row) => row.map(() => parts[at++]!)) };
        }
        case "combined":
            return { ...node, parts };
        case "relation":
            return { ...node, sides: parts };
    }
}

/** Names of what is free in an expression: symbols, and functions at a place. */
export function freeNames(node: Node, names = new Set<string>()): Set<string> {
    if (node.kind === "symbol") names.add(node.name);
    else if (node.kind === "application" || node.kind === "based" || node.kind === "words") names.add(keyOf(node));
    else for (const part of partsOf(node)) freeNames(part, names);
    return names;
}

/** A text that is the same for the same tree. */
export function keyOf(node: Node): string {
    switch (node.kind) {
        case "number":
            return node.value.toFraction();
        case "symbol":
        case "constant":
            return node.name;
        case "based":
            return `${node.digits}_${node.base}`;
        case "named":
            return `#${node.set}`;
        case "words":
            return `"${node.text}"`;
        case "call":
        case "application":
            return `${node.name}(${node.args.map(keyOf).join(",")})`;
        case "tuple":
            return `${node.open}${node.items.map(keyOf).join(",")}${node.close}`;
        case "matrix":
            return `matrix(${node.rows.map((row) => row.map(keyOf).join(",")).join(";")})`;
        case "combined":
            return `${node.by}(${node.parts.map(keyOf).join(",")})`;
        case "relation":
            return `relation(${node.sides.map(keyOf).join(",")};${node.signs.join(",")})`;
        case "quantity":
            return `${keyOf(node.of)} ${node.unit}`;
        case "plusminus":
            return `${node.both}(${keyOf(node.of)})`;
        case "list":
        case "negative":
        case "power":
        case "product":
        case "quotient":
        case "set":
        case "sum":
            return `${node.kind}(${partsOf(node).map(keyOf).join(",")})`;
    }
}
