// Pieces of GBNF, and how they are put together.

/** A text as a literal. */
export function literal(text: string): string {
    const escaped = Array.from(text, (letter) => {
        const code = letter.codePointAt(0)!;
        if (letter === '"' || letter === "\\") return `\\${letter}`;
        if (letter === "\n") return "\\n";
        if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
        return letter;
    });
    return `"${escaped.join("")}"`;
}

/** A class of letters, each by itself. */
function letters(set: Iterable<string>, not = false): string {
    const inside = Array.from(set, (letter) => {
        const code = letter.codePointAt(0)!;
        return `\\U${code.toString(16).padStart(8, "0")}`;
    });
    return `[${not ? "^" : ""}${inside.join("")}]`;
}

/** Rules under names that do not meet, the first of which is `root`. */
export class GrammarText {
    readonly #rules: string[] = [];
    #names = 0;

    /** @returns the name of a rule with this body */
    rule(body: string): string {
        const name = this.#newName();
        this.#rules.push(`${name} ::= ${body}`);
        return name;
    }

    /** @returns the name of another grammar's root; its rules get names of their own */
    embed(gbnf: string): string {
        const prefix = this.#newName();
        this.#rules.push(renamed(gbnf, (name) => `${prefix}-${name}`).trimEnd());
        return `${prefix}-root`;
    }

    /**
     * Any text up to a word, and what follows.
     * @param behind an expression
     * @param mayEnd whether the text may end without the word
     */
    textUpTo(word: string, behind: string, mayEnd: boolean): string {
        const text = Array.from(word);
        const names = text.map(() => this.#newName());
        // as Knuth, Morris and Pratt: how much of the word is there after a letter that does not go on with it
        const next = (length: number, letter: string): number => {
            const have = [...text.slice(0, length), letter];
            for (let n = Math.min(text.length, have.length); n > 0; n--) {
                if (have.slice(-n).every((one, i) => one === text[i])) return n;
            }
            return 0;
        };
        const alphabet = new Set(text);
        text.forEach((wanted, length) => {
            const ways = mayEnd ? ['""'] : [];
            for (const letter of alphabet) {
                const to = next(length, letter);
                if (to < text.length) ways.push(`${letters([letter])} ${names[to]!}`);
            }
            ways.push(`${letters(alphabet, true)} ${names[0]!}`);
            if (length === text.length - 1) ways.push(`${letters([wanted])} ${behind}`);
            this.#rules.push(`${names[length]!} ::= ${ways.join(" | ")}`);
        });
        return names[0]!;
    }

    /** All of it, with this as the root's body. */
    write(root: string): string {
        return [`root ::= ${root}`, ...this.#rules].join("\n") + "\n";
    }

    #newName(): string {
        return `x${++this.#names}`;
    }
}

// Literals, classes and tokens are passed over; what is left of letters are names, but for the dot and counts.
const parts = /"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|<[^>\n]*>|#[^\n]*|\{[0-9, ]*\}|[A-Za-z][A-Za-z0-9-]*/g;

function renamed(gbnf: string, rename: (name: string) => string): string {
    return gbnf.replace(parts, (part) => (/^[A-Za-z]/.test(part) ? rename(part) : part));
}
