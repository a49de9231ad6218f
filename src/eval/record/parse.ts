// Reads records, and says what differs between two heads or contestants.
import { createHash } from "node:crypto";
import { isObject, quote, shorten, shortenMiddle } from "../../checks.js";
import { RastError } from "../../errors.js";
import { recordFormat, type ContestantLine, type RecordHead, type RecordLine, type SampleLine } from "./schema.js";
import { contestantShape, headShape, sampleShape, wrongField } from "./shapes.js";

/** A sample without its texts, of which a long record has more than memory need hold. */
export type KeptSample = Omit<SampleLine, "type" | "output" | "answer" | "reason"> & {
    /** Of one that could not be asked. */
    readonly reason?: string;
};

/** All that a record has. */
export interface RecordContent {
    /** undefined of a file without lines. */
    readonly head: RecordHead | undefined;
    readonly contestants: ReadonlyMap<string, ContestantLine>;
    /** By `keyOf`. */
    readonly samples: ReadonlyMap<string, KeptSample>;
}

/** Tells samples apart. */
export function keyOf({ contestant, problem, sample }: Pick<SampleLine, "contestant" | "problem" | "sample">): string {
    return `${problem} ${sample} ${contestant}`;
}

/** Takes the lines of one record, one after the other. A line that is there already, letter by letter, is passed over. */
export class RecordParser {
    readonly #name: string;
    readonly #contestants = new Map<string, ContestantLine>();
    readonly #samples = new Map<string, KeptSample>();
    /** Of all lines, as texts of samples are not kept. */
    readonly #hashes = new Set<string>();
    #head: RecordHead | undefined;
    #line = 0;

    constructor(path: string) {
        this.#name = shortenMiddle(path);
    }

    get content(): RecordContent {
        return { head: this.#head, contestants: this.#contestants, samples: this.#samples };
    }

    /** @throws ERR_EVAL_RECORD naming the line */
    take(text: string): void {
        this.#line++;
        const hash = createHash("sha256").update(text).digest("base64");
        if (this.#hashes.has(hash)) return;
        let value: unknown;
        try {
            value = JSON.parse(text);
        } catch {
            throw this.#wrong(`is not JSON: ${quote(text)}`);
        }
        const line = isObject(value) ? (value as unknown as RecordLine) : undefined;
        if (this.#line === 1) {
            if (line?.type !== "head") throw this.#wrong("is no head of an evaluation's record");
            const format: string = line.format;
            if (format !== recordFormat)
                throw this.#wrong(`has the format ${quote(String(format))}, this version reads rast-eval/1`);
            this.#check(line, headShape);
            this.#head = line;
        } else if (line?.type === "contestant") {
            this.#check(line, contestantShape);
            if (this.#contestants.has(line.label)) throw this.#wrong(`names ${quote(line.label)} once more`);
            this.#contestants.set(line.label, line);
        } else if (line?.type === "sample") {
            this.#check(line, sampleShape(this.#head!.data.problems));
            if (!this.#contestants.has(line.contestant))
                throw this.#wrong(`is of ${quote(line.contestant)}, which no line before it names`);
            const key = keyOf(line);
            if (this.#samples.has(key)) throw this.#wrong("is a sample that was there before");
            this.#samples.set(key, kept(line));
        } else {
            throw this.#wrong("is neither a contestant nor a sample");
        }
        this.#hashes.add(hash);
    }

    #check(line: RecordLine, shape: Parameters<typeof wrongField>[1]): void {
        const wrong = wrongField(line, shape);
        if (wrong !== undefined) throw this.#wrong(`is a ${line.type} whose ${wrong} is missing or wrong`);
    }

    #wrong(what: string): RastError {
        return recordError(`Line ${this.#line} of the record ${this.#name} ${what}.`, { line: this.#line });
    }
}

/** A sample without its texts. */
export function kept(line: SampleLine): KeptSample {
    const { contestant, problem, id, sample, seed, ordinal, right, extracted, timedOut, stop, tokens, ms } = line;
    const sampled = { contestant, problem, id, sample, seed, ordinal, right, extracted, timedOut, stop, tokens, ms };
    return stop === "error" ? { ...sampled, reason: line.reason } : sampled;
}

/** An error about a record. */
export function recordError(message: string, details: Readonly<Record<string, unknown>> = {}): RastError {
    return new RastError("ERR_EVAL_RECORD", message, { details });
}

/**
 * The first thing in which two values differ, in words: "seed: 1 there, 2 here". Keys in any order.
 * @returns undefined where they are the same
 */
export function differenceOf(there: unknown, here: unknown, path = ""): string | undefined {
    if (isObject(there) && isObject(here)) {
        for (const key of new Set([...Object.keys(there), ...Object.keys(here)])) {
            const found = differenceOf(there[key], here[key], path === "" ? key : `${path}.${key}`);
            if (found !== undefined) return found;
        }
        return undefined;
    }
    if (Array.isArray(there) && Array.isArray(here)) {
        if (there.length !== here.length) return `${path}: ${there.length} there, ${here.length} here`;
        for (const [index, one] of there.entries()) {
            const name = isObject(one) && typeof one["role"] === "string" ? one["role"] : String(index);
            const found = differenceOf(one, here[index], `${path}.${name}`);
            if (found !== undefined) return found;
        }
        return undefined;
    }
    // A file holds 0 for -0.
    return there === here ? undefined : `${path}: ${inWords(there)} there, ${inWords(here)} here`;
}

function inWords(value: unknown): string {
    if (value === undefined) return "nothing";
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return /^[0-9a-f]{40,}$/.test(text) ? `${text.slice(0, 12)}...` : shorten(text);
}
