const maxLines = 20;
const maxLineLength = 500;

// Of what llama.cpp, its backends and C++ write before they end the process.
const telling = /GGML_ASSERT|GGML_ABORT|CUDA error|out of memory|terminate called|FATAL ERROR|Assertion/i;

/** The end of what a process wrote to stderr: the last 20 lines, cut to 500 characters each. */
export class LastWords {
    readonly #lines: string[] = [];
    #unfinished = "";

    add(text: string): void {
        const lines = (this.#unfinished + text).split(/\r?\n/);
        // what has no end yet is kept whole, unless nobody would read it to its end
        this.#unfinished = lines.pop()!.slice(0, 2 * maxLineLength);
        for (const line of lines) this.#keep(line);
    }

    /** Oldest first. */
    get lines(): readonly string[] {
        const last = this.#unfinished.trim() === "" ? [] : [cut(this.#unfinished)];
        return [...this.#lines, ...last].slice(-maxLines);
    }

    /** The line that says most of why it ended; "" when there is none. */
    get reason(): string {
        const { lines } = this;
        return (lines.find((line) => telling.test(line)) ?? lines.at(-1) ?? "").trim();
    }

    #keep(line: string): void {
        if (line.trim() === "") return;
        this.#lines.push(cut(line));
        if (this.#lines.length > maxLines) this.#lines.shift();
    }
}

function cut(line: string): string {
    return line.length > maxLineLength ? `${line.slice(0, maxLineLength)}...` : line;
}
