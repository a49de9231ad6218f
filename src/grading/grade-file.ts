import { constants, createReadStream, open } from "node:fs";
import { stat } from "node:fs/promises";
import { Socket } from "node:net";
import { extname } from "node:path";
import { accuracyOf, type Accuracy } from "../accuracy.js";
import { checkSignal, describeError, invalidOption, isArray, isObject, readOptions, shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
import { packageRoot } from "../package-root.js";
import { AnswerBook, type GradeAnswer } from "./answers.js";
import { gradeWithGold, type Graded } from "./grade.js";
import { gradingThreads } from "./grading-threads.js";
import { parseJson } from "./json-text.js";
import { linesOf, rowsOf } from "./lines.js";
import { chunksOf, untilAborted } from "./reading.js";
import { readRecord, type GradingRecord } from "./records.js";
import { gradeSum } from "./sums.js";

/** What is found of one output of a file. */
export interface GradedLine extends Graded {
    /** Of the file, from 1. */
    readonly line: number;
    /** Which of the record's outputs, from 0. */
    readonly sample: number;
    /** The record's own name: its `id`, `doc_id`, `idx` or `unique_id`. */
    readonly id?: string | number;
    /** The right answer, as it was compared. */
    readonly gold: string;
}

/** A line that could not be graded. */
export interface BadLine {
    /** Of the file, from 1. */
    readonly line: number;
    /** What is wrong with it. */
    readonly reason: string;
}

/** How a file is graded. */
export interface GradeFileOptions {
    /** The field that holds what a model said, one text or a list of them. @default the first of the names that are known */
    readonly outputField?: string;
    /** The field that holds the right answer. @default the first of the names that are known */
    readonly answerField?: string;
    /**
     * Right answers, where the file has none: the outputs of `rast generate --batch`, say. Each is found by its id, its question, or
     * its place. @default those of the file
     */
    readonly answers?: readonly GradeAnswer[];
    /** Called with every output, in the order of the file, and waited for. */
    readonly onGraded?: (graded: GradedLine) => void | Promise<void>;
    /** Called with every line that cannot be graded, in the order of the file, and waited for. */
    readonly onBadLine?: (bad: BadLine) => void | Promise<void>;
    /** Ends the work; what was graded until then is in the error's `details`. */
    readonly signal?: AbortSignal;
}

/** What a file comes to. */
export interface GradeSummary {
    /** Outputs that are right, of all that were graded, with Wilson's 95% interval. */
    readonly accuracy: Accuracy;
    /** Records with at least one output. */
    readonly records: number;
    /** Outputs in which no answer was found: they count as wrong. */
    readonly withoutAnswer: number;
    /** Outputs that took too long: they count as wrong. */
    readonly timedOut: number;
    /** Lines that could not be graded: they count as nothing. */
    readonly badLines: number;
    /** Lines of lm-eval's that repeat a record for a further filter: they count as nothing. */
    readonly repeatedLines: number;
}

const optionNames = ["outputField", "answerField", "answers", "onGraded", "onBadLine", "signal"] as const;

/** Where outputs come from: a file's path, or a stream of bytes such as process.stdin, which then is JSON lines. */
export type GradeSource = string | AsyncIterable<Uint8Array>;

/**
 * Grades the outputs in a file: JSON lines (or CSV with a head, in a file .csv) with what a model said and the right answer in
 * fields of common names, lm-eval's `samples_*.jsonl`, or Math-Verify's tables. The file is streamed: it may be larger than
 * memory. A line that is damaged or lacks its fields is told to `onBadLine` and passed over.
 * @throws ERR_FILE_NOT_FOUND, ERR_IS_DIRECTORY, ERR_FILE_UNREADABLE
 * @throws ERR_GRADE_FILE where no line could be graded
 * @throws ERR_ABORTED by the signal; ERR_GRADER, ERR_BUNDLED
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION
 * @example
 * ```ts
 * import { Readable } from "node:stream";
 * import { gradeFile } from "rast-llama";
 *
 * const outputs = Readable.from([Buffer.from('{"output": "The answer is 8.", "answer": 8}\n')]);
 * const { accuracy } = await gradeFile(outputs, {
 *     onGraded: ({ line, right, extracted }) => console.log(line, right, extracted)
 * });
 * console.log(accuracy.value, accuracy.low, accuracy.high);
 * ```
 */
export async function gradeFile(source: GradeSource, options: GradeFileOptions = {}): Promise<GradeSummary> {
    const read = readOptions("gradeFile", "the options of gradeFile", options, optionNames) as GradeFileOptions;
    for (const name of ["outputField", "answerField"] as const) {
        const value: unknown = read[name];
        if (value !== undefined && (typeof value !== "string" || value === ""))
            throw invalidOption(name, "a name", value);
    }
    for (const name of ["onGraded", "onBadLine"] as const) {
        if (read[name] !== undefined && typeof read[name] !== "function")
            throw invalidOption(name, "a function", read[name]);
    }
    if (read.answers !== undefined) checkAnswers(read.answers);
    if (read.signal !== undefined) checkSignal("signal", read.signal);
    packageRoot();
    const grading = new FileGrading(nameOf(source), read);
    return grading.run(async () => opened(source));
}

function checkAnswers(answers: unknown): void {
    const fits = (one: unknown): boolean =>
        isObject(one) &&
        typeof one["question"] === "string" &&
        typeof one["answer"] === "string" &&
        one["answer"].trim() !== "";
    if (!isArray(answers) || answers.length === 0 || !answers.every(fits))
        throw invalidOption("answers", "an array of questions with answers", answers);
}

function nameOf(source: GradeSource): string {
    return typeof source === "string" ? shortenMiddle(source) : "the stream";
}

interface Opened {
    readonly stream: AsyncIterable<Uint8Array>;
    readonly csv: boolean;
}

async function opened(source: GradeSource): Promise<Opened> {
    if (typeof source !== "string") {
        const iterable: unknown = source;
        if (typeof iterable !== "object" || iterable === null || !(Symbol.asyncIterator in iterable)) {
            throw invalidOption("source", "a path or a stream", source, "ERR_INVALID_ARGUMENT");
        }
        return { stream: source, csv: false };
    }
    const name = nameOf(source);
    const failed = (error: unknown): RastError => {
        const { code } = error as NodeJS.ErrnoException;
        return code === "ENOENT" || code === "ENOTDIR"
            ? new RastError("ERR_FILE_NOT_FOUND", `The file to grade does not exist: ${name}`, {
                  details: { path: source },
                  cause: error
              })
            : new RastError(
                  "ERR_FILE_UNREADABLE",
                  `The file to grade cannot be read: ${name} (${describeError(error)})`,
                  {
                      details: { path: source },
                      cause: error
                  }
              );
    };
    const facts = await stat(source).catch((error: unknown) => {
        throw failed(error);
    });
    if (facts.isDirectory())
        throw new RastError("ERR_IS_DIRECTORY", `The file to grade is a folder: ${name}`, {
            details: { path: source }
        });
    if (facts.isCharacterDevice() || facts.isBlockDevice()) throw failed(new Error("it is a device"));
    const bytes = facts.isFIFO() ? await openedPipe(source, failed) : createReadStream(source);
    const stream: AsyncIterable<Uint8Array> & { destroy(): void } = {
        destroy: () => void bytes.destroy(),
        [Symbol.asyncIterator]: async function* () {
            try {
                for await (const chunk of bytes) yield chunk as Buffer;
            } catch (error) {
                throw failed(error);
            } finally {
                bytes.destroy();
            }
        }
    };
    return { stream, csv: extname(source).toLowerCase() === ".csv" };
}

// Not as a file: a read of a pipe in libuv's threads that nobody writes to could not be ended, nor the process.
async function openedPipe(path: string, failed: (error: unknown) => RastError): Promise<Socket> {
    const descriptor = await new Promise<number>((resolve, reject) => {
        open(path, constants.O_RDONLY | constants.O_NONBLOCK, (error, opened) =>
            error === null ? resolve(opened) : reject(failed(error))
        );
    });
    return new Socket({ fd: descriptor, readable: true, writable: false });
}

function gradingIn(head: Readonly<Record<string, unknown>>): string | undefined {
    if (typeof head["format"] !== "string" || !head["format"].startsWith("rast-eval/")) return undefined;
    const { data } = head;
    return isObject(data) && data["grading"] === "sums" ? "sums" : "math";
}

// As `rast eval` judges it, where that is not by the grader's rules.
function recordedVerdict(
    grading: string | undefined,
    output: string,
    stop: unknown,
    gold: string
): (Graded & { readonly gold: string }) | undefined {
    if (grading === undefined || typeof stop !== "string") return undefined;
    const common = { timedOut: false, gold };
    if (stop === "error")
        return { right: false, extracted: null, foundBy: null, reason: `not asked: ${output}`, ...common };
    if (grading !== "sums") return undefined;
    const sum = gradeSum(output, stop, gold);
    return { ...sum, foundBy: sum.extracted === null ? null : "last number", ...common };
}

type Pending = { readonly bad: BadLine } | { readonly graded: Promise<GradedLine> };

/** Outputs of records that are read ahead of those that are told: enough that no thread waits. */
const ahead = 4;
/** Lines that cannot be graded, with none before them that can, after which no more are read. */
const mostBadFirst = 1000;
/** Characters that wait for a thread: a file of very long outputs must not fill the memory. */
const mostWaiting = 64 * 1_048_576;

class FileGrading {
    readonly #name: string;
    readonly #options: GradeFileOptions;
    readonly #pending: Pending[] = [];
    readonly #book: AnswerBook | undefined;
    #waiting = 0;
    /** How answers of the record of `rast eval` are graded that is read; undefined = it is none. */
    #recorded: string | undefined;
    #filter: string | undefined;
    #right = 0;
    #total = 0;
    #records = 0;
    #withoutAnswer = 0;
    #timedOut = 0;
    #badLines = 0;
    #repeatedLines = 0;
    #firstBad: BadLine | undefined;

    constructor(name: string, options: GradeFileOptions) {
        this.#name = name;
        this.#options = options;
        this.#book = options.answers === undefined ? undefined : new AnswerBook(options.answers);
    }

    async run(source: () => Promise<Opened>): Promise<GradeSummary> {
        const { signal } = this.#options;
        try {
            // A callback that does not end holds an abort up no more than a read does.
            return await untilAborted(() => this.#work(source), signal);
        } catch (error) {
            if (signal?.aborted !== true) throw error;
            throw this.#aborted(signal);
        }
    }

    async #work(source: () => Promise<Opened>): Promise<GradeSummary> {
        const { signal } = this.#options;
        const { stream, csv } = await source();
        const lines = linesOf(chunksOf(stream, signal), { signal, keepEmpty: csv });
        for await (const line of csv ? rowsOf(lines) : lines) {
            signal?.throwIfAborted();
            if ("bad" in line) await this.#add({ bad: { line: line.at, reason: line.bad } });
            else await this.#read(line.at, line);
        }
        while (this.#pending.length > 0) await this.#tell();
        signal?.throwIfAborted();
        if (this.#total === 0) throw this.#nothing();
        return this.#summary();
    }

    async #read(at: number, line: { readonly text: string } | { readonly value: unknown }): Promise<void> {
        let value: unknown;
        try {
            value = "text" in line ? parseJson(line.text) : line.value;
        } catch (error) {
            await this.#add({ bad: { line: at, reason: `it is not JSON: ${describeError(error)}` } });
            return;
        }
        // In a record of `rast eval` not every line is a sample.
        if (isObject(value) && value["type"] === "head") this.#recorded = gradingIn(value);
        if (isObject(value) && (value["type"] === "head" || value["type"] === "contestant")) return;
        const record = this.#recordIn(value, at);
        if (typeof record === "string") {
            await this.#add({ bad: { line: at, reason: record } });
            return;
        }
        if (record.filter !== undefined) {
            this.#filter ??= record.filter;
            if (record.filter !== this.#filter) {
                this.#repeatedLines++;
                return;
            }
        }
        this.#records++;
        const stop = this.#recorded === undefined ? undefined : (value as { readonly stop?: unknown }).stop;
        for (const [sample, output] of record.outputs.entries())
            await this.#add({ graded: this.#grade(at, sample, output, record, stop) });
    }

    #recordIn(value: unknown, at: number): GradingRecord | string {
        const { outputField, answerField } = this.#options;
        const found = this.#book?.find(value, at);
        if (typeof found === "string") return found;
        return readRecord(value, { output: outputField, answer: answerField }, found?.answer);
    }

    async #grade(
        line: number,
        sample: number,
        output: string,
        { gold, id }: GradingRecord,
        stop: unknown
    ): Promise<GradedLine> {
        const recorded = this.#recorded;
        this.#waiting += output.length;
        try {
            const graded = recordedVerdict(recorded, output, stop, gold) ?? (await gradeWithGold(output, gold));
            return { line, sample, ...(id === undefined ? {} : { id }), ...graded };
        } finally {
            this.#waiting -= output.length;
        }
    }

    async #add(pending: Pending): Promise<void> {
        // Whoever waits is told of it later.
        if ("graded" in pending) pending.graded.catch(() => undefined);
        this.#pending.push(pending);
        while (
            this.#pending.length > gradingThreads.most * ahead ||
            (this.#waiting > mostWaiting && this.#pending.length > 0)
        )
            await this.#tell();
    }

    // In the order of the file.
    async #tell(): Promise<void> {
        const first = this.#pending.shift()!;
        this.#options.signal?.throwIfAborted();
        if ("bad" in first) {
            this.#badLines++;
            this.#firstBad ??= first.bad;
            // A program, an archive, a text of another kind: each further line would say the same.
            if (this.#records === 0 && this.#badLines === mostBadFirst) throw this.#nothing();
            await this.#options.onBadLine?.(first.bad);
            return;
        }
        const graded = await first.graded;
        this.#options.signal?.throwIfAborted();
        this.#total++;
        if (graded.right) this.#right++;
        if (graded.timedOut) this.#timedOut++;
        else if (graded.extracted === null) this.#withoutAnswer++;
        await this.#options.onGraded?.(graded);
    }

    #aborted(signal: AbortSignal): RastError {
        return new RastError("ERR_ABORTED", `Grading ${this.#name} was aborted after ${this.#total} outputs.`, {
            details: { ...this.#summary() },
            cause: signal.reason
        });
    }

    #nothing(): RastError {
        const first = this.#firstBad;
        const nothing =
            this.#recorded === undefined ? "it has no lines" : "it is a record of rast eval without an answer";
        const why = first === undefined ? nothing : `line ${first.line}: ${first.reason}`;
        return new RastError("ERR_GRADE_FILE", `Nothing in ${this.#name} could be graded: ${why}.`, {
            details: { badLines: this.#badLines, ...(first ?? {}) }
        });
    }

    #summary(): GradeSummary {
        return {
            accuracy: accuracyOf(this.#right, this.#total),
            records: this.#records,
            withoutAnswer: this.#withoutAnswer,
            timedOut: this.#timedOut,
            badLines: this.#badLines,
            repeatedLines: this.#repeatedLines
        };
    }
}
