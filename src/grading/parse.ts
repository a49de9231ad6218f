// Reads an answer as LaTeX, or as what people and programs write in its place. The grammar is that of answers, not of LaTeX:
// letters beside each other are a product, 3\frac12 is a mixed number, what stands behind a value may be its unit.
import { Fraction } from "fraction.js";
import { readAtom } from "./atoms.js";
import { Scanner } from "./scanner.js";
import type { Node, Relation } from "./syntax.js";
import { readUnit } from "./unit-text.js";

const deepest = 60;

const relations: readonly (readonly [pattern: RegExp, sign: Relation])[] = [
    [/\\(?:leqslant|leqq|leq|le)(?![a-zA-Z])|<=|=</y, "<="],
    [/\\(?:geqslant|geqq|geq|ge)(?![a-zA-Z])|>=/y, ">="],
    [/\\(?:neq|ne)(?![a-zA-Z])|!=|\\not\s*=/y, "!="],
    [/\\(?:lt)(?![a-zA-Z])|</y, "<"],
    [/\\(?:gt)(?![a-zA-Z])|>/y, ">"],
    [/\\(?:approx|simeq|sim|cong)(?![a-zA-Z])|\\doteq/y, "~"],
    [/\\in(?![a-zA-Z])/y, "in"],
    [/\\(?:implies|Rightarrow|Longrightarrow|iff|Leftrightarrow|rightarrow|to)(?![a-zA-Z])|=>|->/y, "implies"],
    [/\\equiv(?![a-zA-Z])|==?/y, "="]
];

const separator =
    /[,;]|\\(?:text|mbox|textrm|mathrm)\s*\{\s*,?\s*(?:or|and)\s*,?\s*\}|\b(?:or|and)\b|\\(?:lor|vee|land|wedge|&)(?![a-zA-Z])/y;
const combining = /\\(cup|cap|setminus|backslash|bigcup)(?![a-zA-Z])|\bU\b(?=\s*[([\\{])/y;

/** One reading of a text. */
export class Reading {
    readonly scanner: Scanner;
    /** Whether a comma may stand between thousands: outside of brackets, and in one reading of two. */
    separators: boolean;
    /** Bars of absolute values that are open. */
    bars = 0;
    #depth = 0;

    constructor(text: string, separators: boolean) {
        this.scanner = new Scanner(text);
        this.separators = separators;
    }

    /** @throws UnreadableAnswer */
    whole(): Node {
        const node = this.list();
        if (!this.scanner.done) throw this.scanner.unreadable("more than can be read");
        return node;
    }

    /** Part of the text, or of another, with bounds on how deep parts lie in parts. @throws UnreadableAnswer */
    deeper<T>(read: () => T): T {
        if (++this.#depth > deepest) throw this.scanner.unreadable(`more than ${deepest} brackets in brackets`);
        try {
            return read();
        } finally {
            this.#depth--;
        }
    }

    /** What stands inside brackets: no comma there is between thousands. */
    inside<T>(read: () => T): T {
        const { separators, bars } = this;
        this.separators = false;
        this.bars = 0;
        const value = this.deeper(read);
        this.separators = separators;
        this.bars = bars;
        return value;
    }

    /** Another text, read within the bounds of this one. */
    nested(text: string): Node {
        const other = new Reading(text, false);
        other.#depth = this.#depth + 1;
        if (other.#depth > deepest) throw this.scanner.unreadable("too deep");
        return other.whole();
    }

    /** Things between commas, "or" and "and". */
    list(): Node {
        const items = this.items();
        return items.length === 1 ? items[0]! : { kind: "list", items };
    }

    items(): Node[] {
        const items = [this.relation()];
        while (this.scanner.take(separator) !== undefined) {
            // "3, 5, and 7"
            while (this.scanner.take(separator) !== undefined);
            items.push(this.relation());
        }
        return items;
    }

    relation(): Node {
        const sides = [this.side()];
        const signs: Relation[] = [];
        for (let sign = this.#sign(); sign !== undefined; sign = this.#sign()) {
            signs.push(sign);
            sides.push(this.side());
        }
        return signs.length === 0 ? sides[0]! : { kind: "relation", sides, signs };
    }

    #sign(): Relation | undefined {
        return relations.find(([pattern]) => this.scanner.take(pattern) !== undefined)?.[1];
    }

    side(): Node {
        const parts = [this.quantity()];
        let by: "union" | "intersection" | "without" | undefined;
        for (let found = this.scanner.take(combining); found !== undefined; found = this.scanner.take(combining)) {
            const next =
                found[1] === "cap"
                    ? "intersection"
                    : found[1] === "setminus" || found[1] === "backslash"
                      ? "without"
                      : "union";
            if (by !== undefined && by !== next) {
                const combined: Node = { kind: "combined", by, parts: [...parts] };
                parts.splice(0, parts.length, combined);
            }
            by = next;
            parts.push(this.quantity());
        }
        return by === undefined ? parts[0]! : { kind: "combined", by, parts };
    }

    quantity(): Node {
        const of = this.sum();
        const unit = readUnit(this.scanner);
        if (unit === undefined) return of;
        // A sign of degrees was read with its number: of "°C" it is a part.
        if (of.kind === "quantity") return { kind: "quantity", of: of.of, unit: `${of.unit}${unit}` };
        return { kind: "quantity", of, unit };
    }

    sum(): Node {
        const terms: Node[] = [];
        let first = true;
        for (;;) {
            const sign = this.scanner.take(/\\(pm|mp)(?![a-zA-Z])|\+\s*\/?-|\+|-/y);
            if (sign === undefined && !first) break;
            const term = this.term();
            if (sign?.[1] === "pm" || sign?.[1] === "mp" || (sign !== undefined && sign[0].length > 1)) {
                terms.push({ kind: "plusminus", both: sign[1] === "mp" ? "-+" : "+-", of: term });
            } else terms.push(sign?.[0] === "-" ? { kind: "negative", of: term } : term);
            first = false;
        }
        return terms.length === 1 ? terms[0]! : { kind: "sum", terms };
    }

    term(): Node {
        let value = this.deeper(() => this.factor());
        for (;;) {
            if (this.scanner.take(/\*|\\(?:cdot|times|ast|bullet)(?![a-zA-Z])/y) !== undefined) {
                value = product(value, this.signed());
            } else if (this.scanner.take(/\/|\\div(?![a-zA-Z])|\\slash(?![a-zA-Z])/y) !== undefined) {
                value = { kind: "quotient", above: value, below: this.signed() };
            } else if (this.scanner.sees(/:\s*\d/y) && value.kind === "number") {
                this.scanner.expect(":");
                value = { kind: "quotient", above: value, below: this.factor() };
            } else if (this.#multiplies(value)) {
                value = this.#beside(value);
            } else return value;
        }
    }

    /** A factor behind a sign of operation may have a sign of its own: 2 \cdot -3. */
    signed(): Node {
        if (this.scanner.take(/-/y) !== undefined) return { kind: "negative", of: this.deeper(() => this.signed()) };
        this.scanner.take(/\+/y);
        return this.deeper(() => this.factor());
    }

    /** The factors that stand beside each other behind a function's name: \sin 2x. */
    argument(): Node {
        const negative = this.scanner.take(/-/y) !== undefined;
        let value = this.deeper(() => this.factor());
        while (this.#multiplies(value) && !this.scanner.sees(functionAhead)) value = this.#beside(value);
        return negative ? { kind: "negative", of: value } : value;
    }

    #multiplies(before: Node): boolean {
        const { scanner } = this;
        if (scanner.sees(/[({[]|\\\{/y)) return before.kind !== "words" && !scanner.sees(/\\\{/y);
        if (scanner.sees(/\|/y)) return this.bars === 0;
        if (scanner.sees(/\d/y)) return /[)!]\s*$/.test(scanner.text.slice(Math.max(0, scanner.at - 4), scanner.at));
        if (scanner.sees(notFactor)) return false;
        return scanner.sees(/\\[a-zA-Z]/y) || (scanner.sees(/[a-zA-Z]/y) && readUnit(scanner, true) === undefined);
    }

    #beside(value: Node): Node {
        const mixed = /\\frac/y;
        const isFraction = this.scanner.sees(mixed);
        const next = this.factor();
        // 33\frac{1}{3}\%
        if (isFraction && isWhole(value) && next.kind === "quantity" && isProper(next.of)) {
            return { kind: "quantity", of: { kind: "sum", terms: [value, next.of] }, unit: next.unit };
        }
        if (isFraction && isWhole(value) && isProper(next)) return { kind: "sum", terms: [value, next] };
        return product(value, next);
    }

    /** An atom with its powers and what else stands behind it. */
    factor(): Node {
        const { scanner } = this;
        let value = readAtom(this);
        for (;;) {
            if (
                scanner.take(
                    /\^\s*(?:\\circ|\{\s*\\circ\s*\}|\{\s*o\s*\}|\{\s*\\text\s*\{\s*o\s*\}\s*\})|\\degree(?![a-zA-Z])/y
                ) !== undefined
            ) {
                const scale = scanner.take(/(?:\\(?:text|mathrm|mbox|textrm)\s*\{\s*([CF])\s*\}|([CF]))(?![a-zA-Z])/y);
                value = { kind: "quantity", of: value, unit: `°${scale?.[1] ?? scale?.[2] ?? ""}` };
            } else if (value.kind === "number" && scanner.sees(/'|\^\s*\{?\s*\\prime/y)) {
                const marks = scanner.take(/(?:'|\^\s*\{?(?:\s*\\prime)+\s*\}?)+/y)![0];
                const count = marks.match(/'|\\prime/g)!.length;
                value = { kind: "quantity", of: value, unit: count === 1 ? "arcminute" : "arcsecond" };
            } else if (value.kind === "number" && scanner.take(/"/y) !== undefined) {
                value = { kind: "quantity", of: value, unit: "inch" };
            } else if (scanner.take(/\^/y) !== undefined) {
                value = { kind: "power", base: value, exponent: this.deeper(() => this.script()) };
            } else if (scanner.take(/!(?![=!])/y) !== undefined) {
                value = { kind: "call", name: "factorial", args: [value] };
            } else if (scanner.take(/%|\\(?:text|mbox|textrm)\s*\{\s*%\s*\}/y) !== undefined) {
                value = { kind: "quantity", of: value, unit: "%" };
            } else return value;
        }
    }

    /** What follows "^": a group, or one thing. */
    script(): Node {
        const { scanner } = this;
        if (scanner.takes("{")) return this.inside(() => this.nested(scanner.braced()));
        if (scanner.take(/-/y) !== undefined) return { kind: "negative", of: this.script() };
        scanner.take(/\+/y);
        return readAtom(this);
    }

    /** What a command takes: a group, a command, or one character. */
    taken(): Node {
        const { scanner } = this;
        if (scanner.takes("{")) return this.inside(() => this.nested(scanner.braced()));
        const digit = scanner.take(/\d/y);
        if (digit !== undefined) return numberOf(digit[0]);
        const letter = scanner.take(/[a-zA-Z]/y);
        if (letter !== undefined)
            return letter[0] === "i" || letter[0] === "e"
                ? { kind: "constant", name: letter[0] }
                : { kind: "symbol", name: letter[0] };
        return this.deeper(() => readAtom(this));
    }
}

const functionAhead = /\\?(?:arc|a)?(?:sin|cos|tan|cot|sec|csc)h?(?![a-z])|\\?(?:ln|log|exp)(?![a-z])/y;
const notFactor =
    /\\(?:text|mbox|mathrm|textrm|textbf|hbox|cup|cap|setminus|backslash|bigcup|lor|vee|land|wedge|in|to|implies|Rightarrow|rightarrow|iff|Longrightarrow|Leftrightarrow|rfloor|rceil|rangle|rvert|rVert|right|end|over|choose|atop|mid|pm|mp|le|leq|leqslant|leqq|ge|geq|geqslant|geqq|ne|neq|lt|gt|approx|simeq|sim|cong|equiv|times|cdot|div|ast|bullet|slash|circ|not|doteq|AA|Omega|prime)(?![a-zA-Z])|\b(?:or|and|U)\b/y;

function product(a: Node, b: Node): Node {
    return { kind: "product", factors: a.kind === "product" ? [...a.factors, b] : [a, b] };
}

function isWhole(node: Node): boolean {
    return node.kind === "number" && !node.rounded && node.value.d === 1n;
}

function isProper(node: Node): boolean {
    return (
        node.kind === "quotient" &&
        node.above.kind === "number" &&
        node.below.kind === "number" &&
        node.above.value.compare(node.below.value) < 0
    );
}

/** A whole number. @param digits nothing but digits */
export function numberOf(digits: string): Node {
    return { kind: "number", value: new Fraction(BigInt(digits)), rounded: false };
}

/**
 * An answer as a tree.
 * @param text as `tidy` leaves it
 * @param separators whether commas outside of brackets may stand between thousands
 * @throws UnreadableAnswer
 */
export function parseAnswer(text: string, separators: boolean): Node {
    return new Reading(text, separators).whole();
}
