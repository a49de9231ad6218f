// A text that comes in pieces, and readers of it. A reader is a generator: where it needs a letter that is not there yet it yields, and
// goes on where it stopped when more has come, so that it reads as if the text were whole.

/** Yields where more is needed; returns what was read. */
export type Reading<T> = Generator<undefined, T, undefined>;

/** A text that grows at its end and is read from its beginning. */
export class Incoming {
    /** Place of the next letter. */
    at = 0;
    #text = "";
    #ended = false;

    push(text: string): void {
        this.#text += text;
    }

    /** Nothing more comes. */
    end(): void {
        this.#ended = true;
    }

    slice(from: number, to = this.at): string {
        return this.#text.slice(from, to);
    }

    /** Waits for a letter. @returns false at the end of the text */
    *more(): Reading<boolean> {
        while (this.at >= this.#text.length) {
            if (this.#ended) return false;
            yield;
        }
        return true;
    }

    /** The next letter, which stays; "" at the end of the text. */
    *letter(): Reading<string> {
        return this.at < this.#text.length || (yield* this.more()) ? this.#text.charAt(this.at) : "";
    }

    /** Reads letters as long as they are of a kind. @param kind sticky, and matches nothing, too @param most letters, or fewer */
    *all(kind: RegExp, most = Infinity): Reading<string> {
        const from = this.at;
        while (this.at - from < most && (yield* this.more())) {
            kind.lastIndex = this.at;
            const end = this.at + (kind.exec(this.#text)?.[0].length ?? 0);
            if (end === this.at) break;
            this.at = Math.min(end, from + most);
        }
        return this.slice(from);
    }

    /** Reads exactly this, or nothing. */
    *word(word: string): Reading<boolean> {
        const from = this.at;
        for (let i = 0; i < word.length; i++) {
            if ((yield* this.letter()) !== word[i]) {
                this.at = from;
                return false;
            }
            this.at++;
        }
        return true;
    }

    /** Reads white space, as JSON has it. */
    *space(): Reading<void> {
        yield* this.all(/[ \t\n\r]*/y);
    }

    /**
     * Reads up to a mark, which is read too. Places that were there before are none any more.
     * @param tell what stands in front of it, as soon as that is certain
     * @returns false at the end of the text
     */
    *upTo(mark: string, tell: (text: string) => void): Reading<boolean> {
        return (yield* this.upToAny([mark], tell)) !== undefined;
    }

    /** The same of several marks, none of which begins with another: whichever comes first. @returns it; undefined at the end of the text */
    *upToAny(marks: readonly string[], tell: (text: string) => void): Reading<string | undefined> {
        for (;;) {
            let [first, found]: [string | undefined, number] = [undefined, this.#text.length];
            for (const mark of marks) {
                const place = this.#text.indexOf(mark, this.at);
                if (place >= 0 && place < found) [first, found] = [mark, place];
            }
            const begun = this.#ended ? 0 : Math.max(...marks.map((mark) => this.#begun(mark)));
            const certain = first === undefined ? this.#text.length - begun : found;
            if (certain > this.at) tell(this.#text.slice(this.at, certain));
            this.at = certain + (first?.length ?? 0);
            this.#forget();
            if (first !== undefined) return first;
            if (this.#ended) return undefined;
            yield;
        }
    }

    /** Reads up to a mark, and the mark. @returns what stands in front of it; undefined where the text ends without */
    *before(mark: string): Reading<string | undefined> {
        const from = this.at;
        for (;;) {
            const found = this.#text.indexOf(mark, this.at);
            if (found >= 0) {
                this.at = found + mark.length;
                return this.#text.slice(from, found);
            }
            this.at = Math.max(from, this.#text.length - mark.length + 1);
            if (this.#ended) return undefined;
            yield;
        }
    }

    // What is read for good need not be kept: places count from here.
    #forget(): void {
        this.#text = this.#text.slice(this.at);
        this.at = 0;
    }

    /** Letters at the end that are the beginning of a mark. */
    #begun(mark: string): number {
        let n = Math.min(mark.length - 1, this.#text.length - this.at);
        while (n > 0 && !this.#text.endsWith(mark.slice(0, n))) n--;
        return n;
    }
}

/** Runs a reader, and tells of what it has read as it goes. */
export function* told<T>(input: Incoming, reading: Reading<T>, tell: (text: string) => void): Reading<T> {
    let from = input.at;
    for (;;) {
        const step = reading.next();
        if (input.at > from) tell(input.slice(from));
        from = input.at;
        if (step.done === true) return step.value;
        yield;
    }
}
