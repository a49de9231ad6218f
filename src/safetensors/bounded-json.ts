// JSON of strangers: read in slices, so that no text holds up the event loop, with bounds on depth and on the number of values.
import { setImmediate } from "node:timers/promises";
import { shortenMiddle } from "../checks.js";

/** What JSON is here: objects are maps, so that no key means anything to JavaScript. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | ReadonlyMap<string, JsonValue>;

/** Why a text is no JSON, or more of it than is read. */
export class JsonProblem extends Error {}

const deepest = 32;
const mostValues = 8_000_000;
const longestNumber = 40;
const sliceMs = 8;

/**
 * Reads a JSON text in UTF-8; white space around it is allowed.
 * @throws JsonProblem for what is no JSON, for keys that an object has twice, and for more than 32 levels or 8,000,000 values
 */
export async function readBoundedJson(bytes: Uint8Array): Promise<JsonValue> {
    let text: string;
    try {
        text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
        throw new JsonProblem("it is not UTF-8");
    }
    const reader = new JsonReader(text);
    for (let slice = 0; !reader.step(performance.now() + sliceMs); ++slice) await setImmediate();
    return reader.value();
}

/** An object or array whose end has not come yet. */
type Open = { map: Map<string, JsonValue>; key: string } | { list: JsonValue[] };

// Without recursion: what is open lies on a stack, so that reading can stop and go on between any two values.
class JsonReader {
    readonly #text: string;
    readonly #stack: Open[] = [];
    #at = 0;
    #values = 0;
    #result: JsonValue | undefined;

    constructor(text: string) {
        this.#text = text;
    }

    /** Reads on until some time. @returns whether all is read */
    step(untilMs: number): boolean {
        for (let count = 0; this.#result === undefined; ++count) {
            if (count % 256 === 255 && performance.now() > untilMs) return false;
            this.#readValue();
        }
        this.#skipSpace();
        if (this.#at < this.#text.length) this.#fail("something follows it");
        return true;
    }

    value(): JsonValue {
        return this.#result!;
    }

    #readValue(): void {
        if (++this.#values > mostValues) this.#fail(`it has more than ${mostValues} values`);
        this.#skipSpace();
        const letter = this.#text[this.#at];
        if (letter === "{" || letter === "[") {
            if (this.#stack.length === deepest) this.#fail(`it is more than ${deepest} levels deep`);
            ++this.#at;
            this.#skipSpace();
            if (this.#take(letter === "{" ? "}" : "]")) return this.#close(letter === "{" ? new Map() : []);
            if (letter === "[") this.#stack.push({ list: [] });
            else {
                const open = { map: new Map<string, JsonValue>(), key: "" };
                this.#stack.push(open);
                this.#readKey(open);
            }
            return;
        }
        this.#close(letter === '"' ? this.#readString() : this.#readWord());
    }

    // A value has ended; so may what it stands in.
    #close(value: JsonValue): void {
        for (let done = value; ;) {
            const open = this.#stack.at(-1);
            if (open === undefined) {
                this.#result = done;
                return;
            }
            if ("map" in open) open.map.set(open.key, done);
            else open.list.push(done);
            this.#skipSpace();
            if (this.#take(",")) {
                if ("map" in open) {
                    this.#skipSpace();
                    this.#readKey(open);
                }
                return;
            }
            if (!this.#take("map" in open ? "}" : "]")) this.#fail('expected "," or an end');
            this.#stack.pop();
            done = "map" in open ? open.map : open.list;
        }
    }

    #readKey(open: { map: Map<string, JsonValue>; key: string }): void {
        if (this.#text[this.#at] !== '"') this.#fail("expected a key");
        const at = this.#at;
        open.key = this.#readString();
        if (open.map.has(open.key)) {
            this.#at = at;
            this.#fail(`the key ${JSON.stringify(shortenMiddle(open.key))} stands there twice`);
        }
        this.#skipSpace();
        if (!this.#take(":")) this.#fail('expected ":"');
    }

    #readString(): string {
        const begin = this.#at;
        for (let end = begin; ;) {
            end = this.#text.indexOf('"', end + 1);
            if (end < 0) this.#fail("a string does not end");
            let slashes = 0;
            while (this.#text[end - 1 - slashes] === "\\") ++slashes;
            if (slashes % 2 === 1) continue;
            this.#at = end + 1;
            break;
        }
        const written = this.#text.slice(begin, this.#at);
        try {
            return JSON.parse(written) as string;
        } catch {
            this.#at = begin;
            return this.#fail("a string is damaged");
        }
    }

    #readWord(): number | boolean | null {
        const rest = this.#text.slice(this.#at, this.#at + longestNumber + 1);
        const word = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/.exec(rest)?.[0];
        if (word === undefined || word.length > longestNumber) this.#fail("expected a value");
        this.#at += word.length;
        return JSON.parse(word) as number | boolean | null;
    }

    #take(letter: string): boolean {
        if (this.#text[this.#at] !== letter) return false;
        ++this.#at;
        return true;
    }

    #skipSpace(): void {
        for (; ; ++this.#at) {
            const code = this.#text.charCodeAt(this.#at);
            if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
        }
    }

    #fail(what: string): never {
        throw new JsonProblem(`${what} at character ${this.#at}`);
    }
}
