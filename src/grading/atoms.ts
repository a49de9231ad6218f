// The smallest parts of an answer: numbers, letters, commands, brackets.
import { Fraction } from "fraction.js";
import type { Reading } from "./parse.js";
import type { NamedSet, Node } from "./syntax.js";
import { functionNames, greekNames, inverses, numberOfWord, setOfWords, shortWords } from "./words.js";

const longestNumber = 2000;
const largestExponent = 5000;

/** Reads one. @throws UnreadableAnswer */
export function readAtom(reading: Reading): Node {
    const { scanner } = reading;
    const digits = scanner.take(/\d+(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.(?!\.)\d*)?|\.\d+/y);
    if (digits !== undefined) return number(reading, digits[0]);
    const one = scanner.next;
    if (one === "\\") return command(reading);
    if (/[a-zA-Z]/.test(one)) return letters(reading);
    if (one === "{") return group(reading);
    if (one === "(" || one === "[") return brackets(reading);
    if (scanner.takes("|")) {
        reading.bars++;
        const inner = reading.deeper(() => reading.sum());
        scanner.expect("|");
        reading.bars--;
        return { kind: "call", name: "abs", args: [inner] };
    }
    if (scanner.take(/[$€£]/y) !== undefined) {
        const sign = scanner.text[scanner.at - 1]!;
        return {
            kind: "quantity",
            of: reading.deeper(() => reading.term()),
            unit: sign === "$" ? "dollar" : sign === "€" ? "euro" : sign
        };
    }
    if (scanner.takes("…")) return { kind: "symbol", name: "…" };
    if (scanner.take(/-/y) !== undefined) return { kind: "negative", of: reading.deeper(() => readAtom(reading)) };
    throw scanner.unreadable(one === "" ? "something is missing" : `${one} is not read`);
}

function number(reading: Reading, text: string): Node {
    const { scanner } = reading;
    let written = text;
    if (written.includes(",") && !reading.separators) {
        // a list: only what is in front of the first comma
        scanner.at -= written.length - written.indexOf(",");
        written = written.slice(0, written.indexOf(","));
    }
    written = written.replaceAll(",", "");
    if (written.length > longestNumber) throw scanner.unreadable(`a number of more than ${longestNumber} digits`);
    const [whole = "", decimals = ""] = written.split(".");
    let value = new Fraction(BigInt(`${whole}${decimals}`), 10n ** BigInt(decimals.length));
    let rounded = /[1-9]/.test(decimals);
    const period = written.includes(".") ? scanner.take(/\\(?:overline|bar)\s*\{?\s*(\d{1,30})\s*\}?/y) : undefined;
    if (period !== undefined) {
        const length = BigInt(period[1]!.length);
        value = value.add(new Fraction(BigInt(period[1]!), 10n ** BigInt(decimals.length) * (10n ** length - 1n)));
        return { kind: "number", value, rounded: false };
    }
    const apart = scanner.text[scanner.at] === " ";
    const mixed = written.includes(".") || !apart ? undefined : scanner.take(/(\d{1,30}) *\/ *(\d{1,30})(?![\d.])/y);
    if (mixed !== undefined && BigInt(mixed[2]!) !== 0n) {
        return { kind: "number", value: value.add(new Fraction(BigInt(mixed[1]!), BigInt(mixed[2]!))), rounded: false };
    }
    const power = apart ? undefined : scanner.take(/[eE]([+-]?\d{1,9})(?![a-zA-Z\d])/y);
    if (power !== undefined) {
        const exponent = Number(power[1]);
        if (Math.abs(exponent) > largestExponent) throw scanner.unreadable("an exponent that is too large");
        const scale = 10n ** BigInt(Math.abs(exponent));
        value = exponent < 0 ? value.div(scale) : value.mul(scale);
        rounded = true;
    }
    const goesOn = scanner.takes("…");
    if (goesOn) rounded = true;
    if (scanner.take(/_/y) !== undefined) return based(reading, written);
    return { kind: "number", value, rounded, ...(goesOn ? { goesOn } : {}) };
}

const basesByName = [
    "",
    "",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve"
];

function based(reading: Reading, digits: string): Node {
    const { scanner } = reading;
    const written = scanner.takes("{") ? scanner.braced() : (scanner.take(/\d+/y)?.[0] ?? "");
    const base = written.replace(/\\(?:text|mathrm|textrm|mbox)|[{}()\s]|base/g, "");
    if (base === "") throw scanner.unreadable("a base is missing");
    const named = basesByName.indexOf(base.toLowerCase());
    return { kind: "based", digits, base: named > 1 ? String(named) : base };
}

function group(reading: Reading): Node {
    const { scanner } = reading;
    scanner.expect("{");
    const text = scanner.braced();
    return reading.inside(() => {
        const halves = /^(.*?)\\(over|choose|atop)(?![a-zA-Z])(.*)$/s.exec(text);
        if (halves !== null && !/[{}]/.test(halves[1]!.replace(/\{[^{}]*\}/g, ""))) {
            const [above, below] = [reading.nested(halves[1]!), reading.nested(halves[3]!)];
            return halves[2] === "over"
                ? { kind: "quotient", above, below }
                : { kind: "call", name: "binomial", args: [above, below] };
        }
        const inner = reading.nested(text);
        return inner.kind === "list" ? { kind: "set", items: inner.items } : inner;
    });
}

function brackets(reading: Reading): Node {
    const { scanner } = reading;
    const open = scanner.takes("(") ? "(" : "[";
    if (open === "[") scanner.expect("[");
    const items = reading.inside(() => reading.items());
    const close = scanner.takes(")") ? ")" : "]";
    if (close === "]") scanner.expect("]");
    if (items.length > 1) return { kind: "tuple", open, close, items };
    if ((open === "(") !== (close === ")")) throw scanner.unreadable("brackets that do not match");
    return items[0]!;
}

function letters(reading: Reading): Node {
    const { scanner } = reading;
    const run = scanner.take(/[a-zA-Z]+/y)![0];
    const back = (length: number): void => void (scanner.at -= run.length - length);
    if (/^inf(?:inity|ty)?$/i.test(run)) return { kind: "constant", name: "infinity" };
    if (/^pi$/i.test(run)) return { kind: "constant", name: "pi" };
    if (greekNames.has(run) && run.length > 2) return symbol(reading, run);
    for (let length = run.length; length >= 2; length--) {
        const name = run.slice(0, length);
        if (!Object.hasOwn(functionNames, name)) continue;
        // "max" and "mine": a word of which a function is but the beginning
        if (length < run.length && isWord(run)) break;
        back(length);
        return call(reading, functionNames[name]!);
    }
    if (isWord(run)) {
        const rest = scanner.take(/(?!(?:and|or)\b)[a-zA-Z](?:(?!\s(?:and|or)\s)[a-zA-Z\s'-])*/y)?.[0];
        return words(rest === undefined ? run : `${run} ${rest}`);
    }
    if (run.startsWith("pi")) {
        back(2);
        return { kind: "constant", name: "pi" };
    }
    back(1);
    return letter(reading, run[0]!);
}

function isWord(run: string): boolean {
    if (shortWords.has(run.toLowerCase())) return run.length > 1;
    // a name: Bob
    if (/^[A-Z][a-z]*[aeiou][a-z]*$/.test(run) && run.length === 3) return true;
    if (run.length < 4) return false;
    return !/^[A-Z]+$/.test(run) && /[aeiou]/i.test(run) && !isRow(run);
}

// "abcd"
function isRow(run: string): boolean {
    for (let i = 1; i < run.length; i++) if (run.charCodeAt(i) !== run.charCodeAt(i - 1) + 1) return false;
    return true;
}

function words(text: string): Node {
    const named = setOfWords(text);
    if (named !== undefined) return { kind: "named", set: named };
    if (/^(?:positive )?infinity$/i.test(text.trim())) return { kind: "constant", name: "infinity" };
    if (/^(?:dne|does not exist|undefined)$/i.test(text.trim())) return { kind: "words", text: "undefined" };
    const counted = numberOfWord(text);
    if (counted !== undefined) return { kind: "number", value: new Fraction(counted), rounded: false };
    return {
        kind: "words",
        text: text
            .trim()
            .replace(/\s+/g, " ")
            .toLowerCase()
            .replace(/^(?:the|an?) /, "")
    };
}

function letter(reading: Reading, name: string): Node {
    const { scanner } = reading;
    if ((name === "e" || name === "i") && !scanner.sees(/_/y)) return { kind: "constant", name };
    return symbol(reading, name);
}

const unknownFunctions = /^[fghFGH]$/;

function symbol(reading: Reading, bare: string): Node {
    const { scanner } = reading;
    let name = bare;
    if (unknownFunctions.test(bare) && scanner.take(/\^\s*\{\s*-\s*1\s*\}(?=\s*\()/y) !== undefined) name += "^-1";
    for (;;) {
        if (scanner.take(/_/y) !== undefined) name += `_${subscript(reading)}`;
        else if (scanner.sees(/'|\^\s*\{?\s*\\prime/y)) {
            scanner.take(/'|\^\s*\{?(?:\s*\\prime)+\s*\}?/y);
            name += "'";
        } else break;
    }
    const call = unknownFunctions.test(bare) || scanner.sees(/\(\s*0\s*\)/y) || name.endsWith("'");
    if (call && scanner.sees(/\(/y)) {
        scanner.expect("(");
        const args = reading.inside(() => reading.items());
        scanner.expect(")");
        return { kind: "application", name, args };
    }
    return { kind: "symbol", name };
}

function subscript(reading: Reading): string {
    const { scanner } = reading;
    const text = scanner.takes("{")
        ? scanner.braced()
        : (scanner.take(/\\[a-zA-Z]+(?:\s*\{[^{}]*\})?|\d+|./y)?.[0] ?? "");
    return text.replace(/\\(?:text|mathrm|mbox|textrm|operatorname)|[\s{}\\]/g, "");
}

const namedSets: Readonly<Record<string, NamedSet>> = { R: "R", Z: "Z", Q: "Q", N: "N", C: "C" };
const accents = /^(?:dot|ddot|bar|hat|vec|tilde|overline|overrightarrow|widehat|underline)$/;
const fonts = /^(?:mathbf|mathit|mathsf|boldsymbol|bm|mathcal|mathscr|mathfrak|emph)$/;

function command(reading: Reading): Node {
    const { scanner } = reading;
    const braces = scanner.take(/\\([{|])/y);
    if (braces?.[1] === "{") return set(reading);
    if (braces?.[1] === "|") return closedBy(reading, "\\|", "abs");
    const found = scanner.take(/\\([a-zA-Z]+)\*?/y);
    if (found === undefined) throw scanner.unreadable("a command that is not known");
    const name = found[1]!;
    if (name === "frac") {
        const above = reading.taken();
        return { kind: "quotient", above, below: reading.taken() };
    }
    if (name === "binom") {
        const above = reading.taken();
        return { kind: "call", name: "binomial", args: [above, reading.taken()] };
    }
    if (name === "sqrt") return root(reading);
    if (name === "pi") return { kind: "constant", name: "pi" };
    if (name === "infty") return { kind: "constant", name: "infinity" };
    if (name === "emptyset" || name === "varnothing") return { kind: "named", set: "empty" };
    if (name === "mathbb" || name === "Bbb") return numberSet(reading);
    if (name === "operatorname" || name === "mathrm") return upright(reading);
    if (/^(?:text|mbox|textrm|textbf|textit|hbox|texttt|textsf)$/.test(name)) return inText(reading);
    if (fonts.test(name)) return reading.taken();
    if (name === "boxed" || name === "fbox") return reading.taken();
    if (accents.test(name)) return accented(reading, name);
    if (name === "lfloor") return closedBy(reading, "\\rfloor", "floor");
    if (name === "lceil") return closedBy(reading, "\\rceil", "ceil");
    if (name === "lvert" || name === "vert") return closedBy(reading, name === "vert" ? "\\vert" : "\\rvert", "abs");
    if (name === "lVert" || name === "Vert") return closedBy(reading, name === "Vert" ? "\\Vert" : "\\rVert", "abs");
    if (name === "lbrace") return set(reading, /\\rbrace(?![a-zA-Z])|\\\}/y);
    if (name === "langle") {
        const items = reading.inside(() => reading.items());
        scanner.expect("\\rangle");
        return { kind: "tuple", open: "(", close: ")", items };
    }
    if (name === "begin") return environment(reading);
    if (name === "exp" && scanner.sees(/\{/y)) return { kind: "call", name: "exp", args: [reading.taken()] };
    if (Object.hasOwn(functionNames, name)) return call(reading, functionNames[name]!);
    if (greekNames.has(name)) return symbol(reading, name.replace(/^var/, ""));
    throw scanner.unreadable(`\\${name} is not read`);
}

function root(reading: Reading): Node {
    const { scanner } = reading;
    let degree: Node | undefined;
    if (scanner.takes("[")) {
        degree = reading.inside(() => reading.sum());
        scanner.expect("]");
    }
    // What programs write, and digits that were meant to stand below the root together.
    const of = scanner.sees(/\d/y) ? readAtom(reading) : reading.taken();
    return degree === undefined
        ? { kind: "call", name: "sqrt", args: [of] }
        : { kind: "call", name: "root", args: [of, degree] };
}

function numberSet(reading: Reading): Node {
    const name = reading.scanner.take(/\{\s*([RZQNC])\s*\}|([RZQNC])/y);
    if (name === undefined) throw reading.scanner.unreadable("a set of numbers that is not known");
    const set = namedSets[name[1] ?? name[2]!]!;
    const positive = set === "R" ? reading.scanner.take(/(?:\^|_)\s*(?:\{\s*(?:\+|>\s*0)\s*\}|\+)/y) : undefined;
    if (positive === undefined) return { kind: "named", set };
    const items: Node[] = [
        { kind: "number", value: new Fraction(0), rounded: false },
        { kind: "constant", name: "infinity" }
    ];
    return { kind: "tuple", open: "(", close: ")", items };
}

function upright(reading: Reading): Node {
    const { scanner } = reading;
    if (!scanner.takes("{")) throw scanner.unreadable("a brace is missing");
    const text = scanner.braced().trim();
    if (Object.hasOwn(functionNames, text)) return call(reading, functionNames[text]!);
    if (/^[a-zA-Z]$/.test(text)) return letter(reading, text);
    return textOf(reading, text);
}

function inText(reading: Reading): Node {
    reading.scanner.expect("{");
    return textOf(reading, reading.scanner.braced().trim());
}

function textOf(reading: Reading, text: string): Node {
    if (!/[a-zA-Z]{2}/.test(text)) return reading.nested(text);
    if (/^[\p{L}\s'.,-]+$/u.test(text)) {
        const items = text.replace(/[.,]+$/, "").split(/\s*,\s*(?:and|or)?\s*|\s+(?:and|or)\s+/);
        return items.length === 1 ? words(items[0]!) : { kind: "list", items: items.map(words) };
    }
    return reading.nested(text);
}

function accented(reading: Reading, accent: string): Node {
    const of = reading.taken();
    const name = of.kind === "product" || of.kind === "symbol" || of.kind === "constant" ? of : undefined;
    if (name === undefined) throw reading.scanner.unreadable(`\\${accent} over what is no name`);
    const letters =
        name.kind === "product" ? name.factors.map((one) => ("name" in one ? one.name : "?")).join("") : name.name;
    return symbol(reading, `${accent === "vec" || accent === "overrightarrow" ? "" : `${accent}:`}${letters}`);
}

function closedBy(reading: Reading, end: string, name: string): Node {
    const inner = reading.inside(() => reading.sum());
    reading.scanner.expect(end);
    return { kind: "call", name, args: [inner] };
}

// \{1, 2\}, or \{x \mid x > 2\}, which is what it says of x.
function set(reading: Reading, close: RegExp = /\\\}|\\rbrace(?![a-zA-Z])/y): Node {
    const { scanner } = reading;
    if (scanner.take(close) !== undefined) return { kind: "named", set: "empty" };
    return reading.inside(() => {
        reading.bars = 1;
        const items = reading.items();
        if (items.length === 1 && scanner.take(/\||\\mid(?![a-zA-Z])|:/y) !== undefined) {
            const said = reading.items();
            if (scanner.take(close) === undefined) throw scanner.unreadable("a brace does not close");
            return said.at(-1)!;
        }
        if (scanner.take(close) === undefined) throw scanner.unreadable("a brace does not close");
        return { kind: "set", items };
    });
}

function environment(reading: Reading): Node {
    const { scanner } = reading;
    const name = scanner.take(/\{([a-zA-Z]*?(?:matrix|array|cases|aligned))\*?\}(?:\s*\{[lcr| ]*\})?/y)?.[1];
    if (name === undefined) throw scanner.unreadable("an environment that is not read");
    return reading.inside(() => {
        const rows: Node[][] = [];
        for (;;) {
            scanner.take(/\\hline/y);
            if (scanner.take(/\\end\s*\{[a-zA-Z]*\*?\}/y) !== undefined) break;
            const row = [reading.relation()];
            while (scanner.take(/&/y) !== undefined) row.push(reading.relation());
            rows.push(row);
            if (scanner.take(/\\\\(?:\[[^\]]{0,10}\])?/y) !== undefined) continue;
            if (scanner.take(/\\end\s*\{[a-zA-Z]*\*?\}/y) !== undefined) break;
            throw scanner.unreadable("a matrix does not end");
        }
        // What holds together, line by line.
        if (name === "cases" || name === "aligned") return { kind: "list", items: rows.map((row) => row[0]!) };
        if (rows.length === 0 || rows.some((row) => row.length !== rows[0]!.length))
            throw scanner.unreadable("rows of other lengths");
        return { kind: "matrix", rows };
    });
}

function call(reading: Reading, name: string): Node {
    const { scanner } = reading;
    let fn = name;
    let power: Node | undefined;
    let base: Node | undefined;
    for (;;) {
        if (scanner.take(/\^/y) !== undefined) power = reading.script();
        else if (name === "log" && scanner.take(/_/y) !== undefined) base = reading.taken();
        else break;
    }
    if (power !== undefined && isMinusOne(power) && Object.hasOwn(inverses, name)) {
        fn = inverses[name]!;
        power = undefined;
    }
    const args = callArguments(reading);
    const value: Node = { kind: "call", name: fn, args: base === undefined ? args : [...args, base] };
    return power === undefined ? value : { kind: "power", base: value, exponent: power };
}

function callArguments(reading: Reading): readonly Node[] {
    const { scanner } = reading;
    if (scanner.takes("(")) {
        const args = reading.inside(() => reading.items());
        scanner.expect(")");
        return args;
    }
    if (scanner.sees(/\{/y)) return [reading.taken()];
    return [reading.argument()];
}

function isMinusOne(node: Node): boolean {
    return node.kind === "negative" && node.of.kind === "number" && node.of.value.equals(1);
}
