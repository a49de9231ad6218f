/**
 * Texts of a GBNF grammar, drawn at random: a reader and a walker of its own, so that a test of a grammar does not rest
 * on the code that follows grammars in the product.
 */
export interface Grammar {
    /** A text of the grammar. @param random numbers in [0, 1) */
    sample(random: () => number): string;
    readonly rules: number;
}

type Node =
    | { readonly type: "text"; readonly text: string; size: number }
    | { readonly type: "set"; readonly ranges: readonly (readonly [number, number])[]; size: number }
    | { readonly type: "all" | "one"; readonly parts: readonly Node[]; size: number }
    | { readonly type: "repeat"; readonly part: Node; readonly least: number; readonly most: number; size: number }
    | { readonly type: "rule"; readonly name: string; size: number };

const lastCodePoint = 0x10ffff;

class Reader {
    #at = 0;
    readonly #text: string;

    constructor(text: string) {
        this.#text = text;
    }

    rules(): Map<string, Node> {
        const rules = new Map<string, Node>();
        for (;;) {
            this.#space(true);
            if (this.#at >= this.#text.length) return rules;
            const name = this.#name();
            this.#space(false);
            this.#expect("::=");
            if (rules.has(name)) throw new Error(`rule ${name} is there twice`);
            rules.set(name, this.#choice(false));
        }
    }

    #choice(nested: boolean): Node {
        const parts = [this.#sequence(nested)];
        for (this.#space(nested); this.#text[this.#at] === "|"; this.#space(nested)) {
            this.#at++;
            parts.push(this.#sequence(nested));
        }
        return parts.length === 1 ? parts[0]! : { type: "one", parts, size: Infinity };
    }

    #sequence(nested: boolean): Node {
        const parts: Node[] = [];
        for (;;) {
            this.#space(nested);
            const item = this.#item();
            if (item === undefined) return parts.length === 1 ? parts[0]! : { type: "all", parts, size: Infinity };
            parts.push(this.#repeated(item));
        }
    }

    #item(): Node | undefined {
        const c = this.#text[this.#at];
        if (c === '"') {
            let text = "";
            for (this.#at++; this.#text[this.#at] !== '"';) text += String.fromCodePoint(this.#character());
            this.#at++;
            return { type: "text", text, size: Infinity };
        }
        if (c === "[") {
            const ranges: [number, number][] = [];
            for (this.#at++; this.#text[this.#at] !== "]";) {
                const from = this.#character();
                let to = from;
                if (this.#text[this.#at] === "-" && this.#text[this.#at + 1] !== "]") {
                    this.#at++;
                    to = this.#character();
                }
                if (to < from) throw new Error(`a range out of order at ${this.#at}`);
                ranges.push([from, to]);
            }
            this.#at++;
            return { type: "set", ranges, size: Infinity };
        }
        if (c === "(") {
            this.#at++;
            const inner = this.#choice(true);
            this.#space(true);
            this.#expect(")");
            return inner;
        }
        if (c !== undefined && /[a-zA-Z0-9-]/.test(c)) return { type: "rule", name: this.#name(), size: Infinity };
        return undefined;
    }

    #repeated(part: Node): Node {
        const c = this.#text[this.#at];
        const make = (least: number, most: number): Node => ({ type: "repeat", part, least, most, size: Infinity });
        if (c === "*" || c === "+" || c === "?") {
            this.#at++;
            return make(c === "+" ? 1 : 0, c === "?" ? 1 : Infinity);
        }
        const counts = /^\{(\d+)(,(\d*))?\}/.exec(this.#text.slice(this.#at, this.#at + 40));
        if (counts === null) return part;
        this.#at += counts[0].length;
        const least = Number(counts[1]);
        return make(least, counts[2] === undefined ? least : counts[3] === "" ? Infinity : Number(counts[3]));
    }

    #character(): number {
        const escape = /^\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([trn"\\[\]-]))/.exec(
            this.#text.slice(this.#at, this.#at + 10)
        );
        if (escape !== null) {
            this.#at += escape[0].length;
            const hex = escape[1] ?? escape[2] ?? escape[3];
            if (hex !== undefined) return parseInt(hex, 16);
            return ({ t: "\t", r: "\r", n: "\n" }[escape[4]!] ?? escape[4]!).codePointAt(0)!;
        }
        const code = this.#text.codePointAt(this.#at);
        if (code === undefined || code === 92 || code === 10) throw new Error(`no character at ${this.#at}`);
        this.#at += code > 0xffff ? 2 : 1;
        return code;
    }

    #name(): string {
        const start = this.#at;
        while (/[a-zA-Z0-9-]/.test(this.#text[this.#at] ?? "")) this.#at++;
        if (this.#at === start) throw new Error(`no name at ${start}: ${this.#text.slice(start, start + 30)}`);
        return this.#text.slice(start, this.#at);
    }

    #space(lines: boolean): void {
        while (" \t".includes(this.#text[this.#at] ?? "x") || (lines && this.#text[this.#at] === "\n")) this.#at++;
    }

    #expect(text: string): void {
        if (!this.#text.startsWith(text, this.#at)) throw new Error(`expected ${text} at ${this.#at}`);
        this.#at += text.length;
    }
}

/** @throws Error if it does not parse, or a rule is missing, or no text ends */
export function readGrammar(gbnf: string): Grammar {
    const rules = new Reader(gbnf).rules();
    const rule = (name: string): Node => {
        const found = rules.get(name);
        if (found === undefined) throw new Error(`rule ${name} is missing`);
        return found;
    };
    measure(rules, rule);
    const root = rule("root");
    if (root.size === Infinity) throw new Error("no text of the grammar ends");
    return { rules: rules.size, sample: (random) => new Walk(rule, random).text(root) };
}

// The size of a node's shortest text, by rounds until nothing changes.
function measure(rules: ReadonlyMap<string, Node>, rule: (name: string) => Node): void {
    const size = (node: Node): number => {
        switch (node.type) {
            case "text":
                return [...node.text].length + 0.01;
            case "set":
                return node.ranges.length > 0 ? 1 : Infinity;
            case "all":
                return node.parts.reduce((sum, part) => sum + update(part), 0);
            case "one":
                return node.parts.reduce((least, part) => Math.min(least, update(part)), Infinity);
            case "repeat": {
                const inner = update(node.part);
                return node.least === 0 ? 0 : node.least * inner;
            }
            case "rule":
                return rule(node.name).size + 0.01;
        }
    };
    let changed = true;
    function update(node: Node): number {
        const found = size(node);
        if (found < node.size) {
            node.size = found;
            changed = true;
        }
        return node.size;
    }
    const bodies = [...rules.values()].reverse();
    while (changed) {
        changed = false;
        for (const body of bodies) update(body);
    }
    for (const [name, body] of rules) {
        if (body.size === Infinity) throw new Error(`no text of rule ${name} ends`);
    }
}

const edges = [0x20, 0x22, 0x5c, 0x2f, 0x7e, 0x80, 0xe9, 0x301, 0x2028, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x1f600];

/** One way through a grammar. Once it has become long it takes the shortest ways that are left. */
class Walk {
    #length = 0;
    readonly #rule: (name: string) => Node;
    readonly #random: () => number;
    readonly #long: number;

    constructor(rule: (name: string) => Node, random: () => number) {
        this.#rule = rule;
        this.#random = random;
        this.#long = 10 + Math.floor(random() ** 2 * 300);
    }

    text(node: Node): string {
        // A stack of what is still to come: rules nest as deep as lists are long.
        const todo: Node[] = [node];
        let out = "";
        for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
            const hurry = this.#length > this.#long;
            this.#length += 0.05;
            switch (next.type) {
                case "text":
                    out += next.text;
                    this.#length += next.text.length;
                    break;
                case "set":
                    out += String.fromCodePoint(this.#pick(next.ranges));
                    this.#length++;
                    break;
                case "all":
                    for (const part of [...next.parts].reverse()) todo.push(part);
                    break;
                case "one": {
                    const shortest = next.parts.reduce((best, part) => (part.size < best.size ? part : best));
                    const ways = next.parts.filter((part) => part.size <= shortest.size + 3_000);
                    todo.push(hurry ? shortest : ways[Math.floor(this.#random() * ways.length)]!);
                    break;
                }
                case "repeat": {
                    const room = Math.min(next.most - next.least, Math.ceil(2_000 / Math.max(1, next.part.size)));
                    const spread = this.#random() < 0.1 ? room : Math.min(room, 6);
                    const more = hurry || next.part.size === Infinity ? 0 : Math.floor(this.#random() * (spread + 1));
                    for (let i = 0; i < next.least + more; i++) todo.push(next.part);
                    break;
                }
                case "rule":
                    todo.push(this.#rule(next.name));
            }
        }
        return out;
    }

    #pick(ranges: readonly (readonly [number, number])[]): number {
        const edge = edges[Math.floor(this.#random() * edges.length)]!;
        if (this.#random() < 0.15 && ranges.some(([from, to]) => from <= edge && edge <= to)) return edge;
        const [from, to] = ranges[Math.floor(this.#random() * ranges.length)]!;
        const end = Math.min(to, lastCodePoint);
        const wide = this.#random() < 0.3 ? end : Math.min(end, from + 60);
        return from + Math.floor(this.#random() * (wide - from + 1));
    }
}

/** A generator of numbers in [0, 1): mulberry32. */
export function seeded(seed: number): () => number {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let t = Math.imul(state ^ (state >>> 15), state | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}
