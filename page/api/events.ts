// Server-sent events as they come over fetch.

/** Characters of one event, beyond which a stream is taken for broken. */
const maxEventLength = 16 * 1_048_576;

/** Takes a stream's text in pieces of any size, gives the data of its events. */
export class EventReader {
    #line = "";
    #data: string[] = [];
    #length = 0;
    // The last piece ended in a carriage return, which may be half of a line's end.
    #afterReturn = false;

    /** @returns data of the events that this piece completes @throws Error for an event that does not end */
    push(piece: string): string[] {
        const events: string[] = [];
        const text = this.#afterReturn && piece.startsWith("\n") ? piece.slice(1) : piece;
        if (piece !== "") this.#afterReturn = piece.endsWith("\r");
        const lines = text.split(/\r\n|\r|\n/);
        lines[0] = this.#line + lines[0]!;
        this.#line = lines.pop()!;
        if (this.#line.length + this.#length > maxEventLength) throw new Error("An event of the stream does not end.");
        for (const line of lines) {
            if (line === "") {
                if (this.#data.length > 0) events.push(this.#data.join("\n"));
                this.#data = [];
                this.#length = 0;
            } else if (line === "data" || line.startsWith("data:")) {
                const data = line.slice(5).replace(/^ /, "");
                this.#data.push(data);
                this.#length += data.length;
            }
            // Comments and other fields say nothing here.
        }
        return events;
    }
}
