// What the families' readers have in common: where pieces go, and an object that is a call.
import { isObject } from "../../checks.js";
import { Incoming, told, type Reading } from "./incoming.js";
import { readObject, readValue } from "./json-reading.js";
import type { CallSplitter, SplitPiece } from "./prepared-chat.js";

/** Takes what a family's reader finds. White space around calls is no text of anybody's. */
export class CallSink {
    readonly #pieces: SplitPiece[] = [];
    readonly #newId: () => string;
    readonly #ids = new Set<string>();
    #calls = 0;
    #space = "";

    constructor(newId: () => string) {
        this.#newId = newId;
    }

    /** Calls so far. */
    get calls(): number {
        return this.#calls;
    }

    readonly text = (text: string): void => {
        const all = this.#space + text;
        const words = all.trimEnd();
        this.#space = all.slice(words.length);
        if (words !== "") this.#pieces.push({ kind: "text", text: words });
    };

    /**
     * A call begins; the arguments that follow are its own.
     * @param id as the model wrote it, where its family has it so
     */
    call(name: string, id?: string): void {
        this.#space = "";
        const own = id === undefined || this.#ids.has(id) ? this.#newId() : id;
        this.#ids.add(own);
        this.#pieces.push({ kind: "toolCall", call: this.#calls++, id: own, name });
    }

    readonly arguments = (text: string): void => {
        if (text !== "") this.#pieces.push({ kind: "toolArguments", call: this.#calls - 1, text });
    };

    /** Nothing more comes: white space at the end of a text without calls is its own. */
    end(): void {
        if (this.#calls === 0 && this.#space !== "") this.#pieces.push({ kind: "text", text: this.#space });
        this.#space = "";
    }

    /** What came since it was asked last. */
    take(): SplitPiece[] {
        return this.#pieces.splice(0);
    }
}

/** How a family's answers are read, to their end. */
export type AnswerReader = (input: Incoming, out: CallSink, how: HowToRead) => Reading<void>;

/** What a reader is told. */
export interface HowToRead {
    /** A grammar holds, so that arguments may be given before they are whole: what begins as a call is one. */
    readonly certain: boolean;
    /** Tools by name, with what their arguments are. */
    readonly parameters: ReadonlyMap<string, Readonly<Record<string, unknown>> | undefined>;
}

/** Runs a reader over what is pushed. */
export class ReadingSplitter implements CallSplitter {
    readonly #input = new Incoming();
    readonly #out: CallSink;
    readonly #reading: Reading<void>;

    constructor(read: AnswerReader, newId: () => string, how: HowToRead) {
        this.#out = new CallSink(newId);
        this.#reading = read(this.#input, this.#out, how);
    }

    push(text: string): readonly SplitPiece[] {
        this.#input.push(text);
        this.#reading.next();
        return this.#out.take();
    }

    end(): readonly SplitPiece[] {
        this.#input.end();
        this.#reading.next();
        this.#out.end();
        return this.#out.take();
    }
}

/** What became of a call: none of it was given out; it was, and broke off; it is whole. */
export type Outcome = "none" | "broken" | "whole";

const nameKeys: ReadonlySet<string> = new Set(["name"]);
const argumentKeys: ReadonlySet<string> = new Set(["arguments", "parameters"]);

/**
 * Reads an object with a name and arguments, from its brace on.
 * @param known names that count; undefined: any does, and arguments may be missing
 */
export function* readCall(
    input: Incoming,
    out: CallSink,
    { certain }: HowToRead,
    known?: ReadonlyMap<string, unknown>
): Reading<Outcome> {
    if ((yield* input.letter()) !== "{") return "none";
    let name: unknown;
    let given: string | undefined;
    let begun = false;
    const isName = (value: unknown): value is string =>
        typeof value === "string" && value !== "" && (known === undefined || known.has(value));
    const whole = yield* readObject(input, function* (key) {
        if (argumentKeys.has(key) && certain && !begun && isName(name) && (yield* input.letter()) === "{") {
            begun = true;
            out.call(name);
            return yield* told(input, readValue(input), out.arguments);
        }
        const from = input.at;
        if (!(yield* readValue(input))) return false;
        if (nameKeys.has(key)) name = JSON.parse(input.slice(from));
        if (argumentKeys.has(key)) given = input.slice(from);
        return true;
    });
    if (begun) return whole ? "whole" : "broken";
    if (!whole || !isName(name) || (given === undefined && known !== undefined)) return "none";
    const text = argumentsOf(given);
    if (text === undefined) return "none";
    out.call(name);
    out.arguments(text);
    return "whole";
}

/** Arguments as a JSON object's text; some models write that as a string. */
function argumentsOf(given: string | undefined): string | undefined {
    if (given === undefined || given === "null" || given === '""') return "{}";
    if (given.startsWith("{")) return given;
    if (!given.startsWith('"')) return undefined;
    const inner = JSON.parse(given) as string;
    try {
        return isObject(JSON.parse(inner)) ? inner : undefined;
    } catch {
        return undefined;
    }
}

/** Reads an object that is all of a call's arguments, from its brace on. @param id as `CallSink.call` takes it */
export function* readArguments(
    input: Incoming,
    out: CallSink,
    { certain }: HowToRead,
    name: string,
    id?: string
): Reading<Outcome> {
    if ((yield* input.letter()) !== "{") return "none";
    if (certain) {
        out.call(name, id);
        return (yield* told(input, readValue(input), out.arguments)) ? "whole" : "broken";
    }
    const from = input.at;
    if (!(yield* readValue(input))) return "none";
    out.call(name, id);
    out.arguments(input.slice(from));
    return "whole";
}

/** Letters of a function's name, as clients may give them. */
export function* readName(input: Incoming): Reading<string> {
    return yield* input.all(/[A-Za-z0-9_.:/-]*/y, 256);
}
