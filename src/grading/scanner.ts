/** What was written cannot be read as mathematics; the message says why. */
export class UnreadableAnswer extends Error {}

/** A text and how far it was read. */
export class Scanner {
    readonly text: string;
    at = 0;

    constructor(text: string) {
        this.text = text;
    }

    /** Passes over white space. */
    skip(): void {
        while (this.text.charCodeAt(this.at) === 32) this.at++;
    }

    get done(): boolean {
        this.skip();
        return this.at >= this.text.length;
    }

    /** The next character; "" at the end. */
    get next(): string {
        this.skip();
        return this.text[this.at] ?? "";
    }

    /** Whether the text goes on so. @param pattern with the flag y */
    sees(pattern: RegExp): boolean {
        this.skip();
        pattern.lastIndex = this.at;
        return pattern.test(this.text);
    }

    /** Reads what matches; undefined, and nothing is read, where it does not. @param pattern with the flag y */
    take(pattern: RegExp): RegExpExecArray | undefined {
        this.skip();
        pattern.lastIndex = this.at;
        const found = pattern.exec(this.text);
        if (found === null) return undefined;
        this.at += found[0].length;
        return found;
    }

    /** Reads this very text. */
    takes(piece: string): boolean {
        this.skip();
        if (!this.text.startsWith(piece, this.at)) return false;
        this.at += piece.length;
        return true;
    }

    /** @throws UnreadableAnswer */
    expect(piece: string): void {
        if (!this.takes(piece)) throw this.unreadable(`${piece} is missing`);
    }

    /** The text up to the brace that closes the one in front. @throws UnreadableAnswer where none does */
    braced(): string {
        const start = this.at;
        for (let depth = 1; this.at < this.text.length; this.at++) {
            const one = this.text[this.at];
            if (one === "\\") this.at++;
            else if (one === "{") depth++;
            else if (one === "}" && --depth === 0) return this.text.slice(start, this.at++);
        }
        throw this.unreadable("a brace does not close");
    }

    unreadable(why: string): UnreadableAnswer {
        return new UnreadableAnswer(`${why} at character ${this.at + 1}`);
    }
}
