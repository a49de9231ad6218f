// JSON of strangers: read in slices, so that no text holds up the event loop, with bounds on depth and on the number of values.
import { isUtf8 } from "node:buffer";
import { shortenMiddle } from "../checks.js";
import { Slices } from "./slices.js";

/** What JSON is here: objects are maps, so that no key means anything to JavaScript. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | ReadonlyMap<string, JsonValue>;

/** Why a text is no JSON, or more of it than is read. */
export class JsonProblem extends Error {}

const deepest = 32;
const longestNumber = 40;
/** Bytes of a string as it is written: one is read at a stroke. */
const longestString = 8 * 1_048_576;
/** The same of white space. */
const longestSpace = 1_048_576;
/** Bytes that count as one step of a slice. */
const bytesPerStep = 1024;

/**
 * Reads a JSON text in UTF-8; white space around it is allowed.
 * @throws JsonProblem for what is no JSON, for keys that an object has twice, and for more than 32 levels, values than given, 8 MiB
 *     of one string or 1 MiB of white space in a row
 */
export async function readBoundedJson(bytes: Uint8Array, mostValues = 8_000_000): Promise<JsonValue> {
    if (!isUtf8(bytes)) throw new JsonProblem("it is not UTF-8");
    const reader = new JsonReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), mostValues);
    const slices = new Slices();
    while (!reader.step(slices)) await slices.next();
    return reader.value();
}

/** An object or array whose end has not come yet. */
type Open = { map: Map<string, JsonValue>; key: string } | { list: JsonValue[] };

const [quote, backslash, space, lineFeed, carriageReturn, tab] = [0x22, 0x5c, 0x20, 0x0a, 0x0d, 0x09];
const [openBrace, closeBrace, openBracket, closeBracket, comma, colon] = [0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x3a];

// Without recursion: what is open lies on a stack, so that reading can stop and go on between any two values. Over bytes, as a text of
// 100 MB would be made at a stroke.
class JsonReader {
    readonly #bytes: Buffer;
    readonly #mostValues: number;
    readonly #stack: Open[] = [];
    #at = 0;
    #values = 0;
    #result: JsonValue | undefined;

    constructor(bytes: Buffer, mostValues: number) {
        this.#bytes = bytes;
        this.#mostValues = mostValues;
    }

    /** Reads on until the slice is over. @returns whether all is read */
    step(slices: Slices): boolean {
        while (this.#result === undefined) {
            const from = this.#at;
            this.#readValue();
            if (slices.over(1 + Math.floor((this.#at - from) / bytesPerStep))) return false;
        }
        this.#skipSpace();
        if (this.#at < this.#bytes.length) this.#fail("something follows it");
        return true;
    }

    value(): JsonValue {
        return this.#result!;
    }

    #readValue(): void {
        if (++this.#values > this.#mostValues) this.#fail(`it has more than ${this.#mostValues} values`);
        this.#skipSpace();
        const byte = this.#bytes[this.#at];
        if (byte === openBrace || byte === openBracket) {
            if (this.#stack.length === deepest) this.#fail(`it is more than ${deepest} levels deep`);
            ++this.#at;
            this.#skipSpace();
            const isMap = byte === openBrace;
            if (this.#take(isMap ? closeBrace : closeBracket)) return this.#close(isMap ? new Map() : []);
            if (!isMap) this.#stack.push({ list: [] });
            else {
                const open = { map: new Map<string, JsonValue>(), key: "" };
                this.#stack.push(open);
                this.#readKey(open);
            }
            return;
        }
        this.#close(byte === quote ? this.#readString() : this.#readWord());
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
            if (this.#take(comma)) {
                if ("map" in open) {
                    this.#skipSpace();
                    this.#readKey(open);
                }
                return;
            }
            if (!this.#take("map" in open ? closeBrace : closeBracket)) this.#fail('expected "," or an end');
            this.#stack.pop();
            done = "map" in open ? open.map : open.list;
        }
    }

    #readKey(open: { map: Map<string, JsonValue>; key: string }): void {
        if (this.#bytes[this.#at] !== quote) this.#fail("expected a key");
        const at = this.#at;
        open.key = this.#readString();
        if (open.map.has(open.key)) {
            this.#at = at;
            this.#fail(`the key ${JSON.stringify(shortenMiddle(open.key))} stands there twice`);
        }
        this.#skipSpace();
        if (!this.#take(colon)) this.#fail('expected ":"');
    }

    #readString(): string {
        const begin = this.#at;
        const bytes = this.#bytes;
        const most = Math.min(bytes.length, begin + longestString);
        let end = begin + 1;
        while (end < most && bytes[end] !== quote) end += bytes[end] === backslash ? 2 : 1;
        if (end >= most) {
            const isLong = most < bytes.length;
            this.#fail(isLong ? `a string has more than ${longestString} bytes` : "a string does not end");
        }
        this.#at = end + 1;
        try {
            return JSON.parse(bytes.toString("utf8", begin, this.#at)) as string;
        } catch {
            this.#at = begin;
            return this.#fail("a string is damaged");
        }
    }

    #readWord(): number | boolean | null {
        const rest = this.#bytes.toString("latin1", this.#at, this.#at + longestNumber + 1);
        const word = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/.exec(rest)?.[0];
        if (word === undefined || word.length > longestNumber) this.#fail("expected a value");
        this.#at += word.length;
        return JSON.parse(word) as number | boolean | null;
    }

    #take(byte: number): boolean {
        if (this.#bytes[this.#at] !== byte) return false;
        ++this.#at;
        return true;
    }

    #skipSpace(): void {
        const bytes = this.#bytes;
        const most = this.#at + longestSpace;
        let at = this.#at; // a field of the class takes ten times as long
        for (; ; ++at) {
            if (at > most) this.#fail(`it has more than ${longestSpace} bytes of white space in a row`);
            const byte = bytes[at];
            if (byte !== space && byte !== lineFeed && byte !== carriageReturn && byte !== tab) break;
        }
        this.#at = at;
    }

    #fail(what: string): never {
        throw new JsonProblem(`${what} at byte ${this.#at}`);
    }
}
