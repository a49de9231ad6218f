// Problems from the text of a file: JSON lines, a list in JSON, or CSV with a head.
import { extname } from "node:path";
import { describeError, didYouMean, isObject, quote } from "../../checks.js";
import { RastError } from "../../errors.js";
import { parseJson } from "../../grading/json-text.js";
import { linesOf, rowsOf } from "../../grading/lines.js";
import { chunksOf, Pace } from "../../grading/reading.js";
import { goldNames, readGold } from "../../grading/records.js";
import { beginsList, entriesOf, UnreadableList, type Entry } from "./json-list.js";
import type { Problem } from "./problem.js";

/** Names of fields, where they are not among those that are known. */
export interface ProblemFields {
    readonly question?: string | undefined;
    readonly answer?: string | undefined;
}

/** In the order in which they are looked for. */
const questionNames = ["question", "problem", "prompt", "input", "query", "instruction", "Question", "Problem"];
const solutionNames = ["solution", "rationale", "explanation", "worked_solution"];
const idNames = ["id", "unique_id", "doc_id", "idx", "problem_id", "ID"];

/**
 * The problems of a file, in its order.
 * @param name of the file: a name that ends with .csv or .json says what it is, anything else is JSON lines
 * @throws ERR_DATA_SET naming the line and what is wrong with it; nothing is passed over; the signal's reason
 */
export async function readProblems(
    bytes: Buffer,
    name: string,
    fields: ProblemFields = {},
    signal?: AbortSignal
): Promise<Problem[]> {
    const kind = extname(name).toLowerCase();
    const problems: Problem[] = [];
    if (kind === ".json" && beginsList(bytes)) {
        for await (const entry of entriesIn(bytes, name, signal)) {
            const where = `Entry ${problems.length + 1} of ${name}`;
            if ("bad" in entry) throw dataError(`${where}: ${entry.bad}.`);
            problems.push(toProblem(parsed(entry.text, where), problems.length, where, fields));
        }
    } else {
        const csv = kind === ".csv";
        const lines = linesOf(chunksOf(inPieces(bytes), signal), { keepEmpty: csv, signal });
        for await (const line of csv ? rowsOf(lines) : lines) {
            const where = `Line ${line.at} of ${name}`;
            if ("bad" in line) throw dataError(`${where}: ${line.bad}.`, { line: line.at });
            const value = "text" in line ? parsed(line.text, where, line.at) : line.value;
            problems.push(toProblem(value, problems.length, where, fields));
        }
    }
    if (problems.length === 0) {
        const what = kind === ".csv" && bytes.toString("utf8").trim() !== "" ? "it has a head alone" : "it is empty";
        throw dataError(`There are no problems in ${name}: ${what}.`);
    }
    return problems;
}

/** An error about a data set. */
export function dataError(message: string, details: Readonly<Record<string, unknown>> = {}): RastError {
    return new RastError("ERR_DATA_SET", message, { details });
}

// So that a long file does not hold the event loop up.
async function* inPieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

async function* entriesIn(bytes: Buffer, name: string, signal: AbortSignal | undefined): AsyncGenerator<Entry> {
    try {
        yield* entriesOf(bytes, new Pace(signal));
    } catch (error) {
        if (!(error instanceof UnreadableList)) throw error;
        throw dataError(`${name} is not JSON: ${error.message}.`);
    }
}

function parsed(text: string, where: string, line?: number): unknown {
    try {
        return parseJson(text);
    } catch (error) {
        const details = line === undefined ? {} : { line };
        throw dataError(`${where} is not JSON: ${describeError(error)}.`, details);
    }
}

function toProblem(value: unknown, at: number, where: string, fields: ProblemFields): Problem {
    if (!isObject(value)) throw dataError(`${where} is no object with a question and an answer.`);
    const question = fieldOf(value, fields.question, questionNames, "question", where);
    const gold = readGold(value, fields.answer);
    if (gold === undefined) {
        const empty = (fields.answer === undefined ? goldNames : [fields.answer]).find((name) => value[name] === null);
        if (empty !== undefined) throw dataError(`${where}: its ${quote(empty)} is null.`, { option: "answerField" });
        throw missing(value, fields.answer, "answer", where);
    }
    if (typeof gold === "string") throw dataError(`${where}: ${gold}.`);
    const worked = solutionNames.map((name) => value[name]).find((one) => typeof one === "string" && one.trim() !== "");
    const id = idNames.map((name) => value[name]).find((one) => typeof one === "string" || typeof one === "number");
    return {
        id: String(id ?? at),
        question,
        answer: gold.text,
        solution: (worked as string | undefined) ?? gold.text
    };
}

function fieldOf(
    value: Readonly<Record<string, unknown>>,
    given: string | undefined,
    names: readonly string[],
    what: string,
    where: string
): string {
    const name = (given === undefined ? names : [given]).find((one) => Object.hasOwn(value, one) && value[one] != null);
    if (name === undefined) {
        const empty = (given === undefined ? names : [given]).find((one) => value[one] === null);
        if (empty !== undefined) throw dataError(`${where}: its ${quote(empty)} is null.`, { option: `${what}Field` });
        throw missing(value, given, what, where);
    }
    const text = value[name];
    if (typeof text !== "string" || text.trim() === "") throw dataError(`${where}: its ${quote(name)} is no text.`);
    return text;
}

function missing(
    value: Readonly<Record<string, unknown>>,
    given: string | undefined,
    what: string,
    where: string
): RastError {
    const keys = Object.keys(value);
    const has = keys.length === 0 ? "it has no fields" : `its fields are ${keys.slice(0, 12).map(quote).join(", ")}`;
    const wanted = given === undefined ? `no ${what} under a usual name` : `no ${quote(given)}`;
    const advice = given === undefined ? ` Name it with ${what}Field.` : didYouMean(given, keys);
    return dataError(`${where} has ${wanted}: ${has}.${advice}`, { option: `${what}Field`, keys: keys.slice(0, 100) });
}
