// Right answers that stand in a file of their own, and which of them belongs to an output.
import { isObject, quote } from "../checks.js";

/** A problem with its right answer. */
export interface GradeAnswer {
    /** The data set's name for it; undefined = none. */
    readonly id?: string | undefined;
    /** What was asked. */
    readonly question: string;
    /** The right answer, as `grade` takes it. */
    readonly answer: string;
}

/**
 * Finds the right answer of a record: by its id, else by its question, else by its place, where what was asked holds the
 * question that stands there. A batch's lines have a place (`index`), other records that of their line.
 */
export class AnswerBook {
    readonly #answers: readonly GradeAnswer[];
    readonly #byId = new Map<string, GradeAnswer | undefined>();
    readonly #byQuestion = new Map<string, GradeAnswer | undefined>();

    constructor(answers: readonly GradeAnswer[]) {
        this.#answers = answers;
        for (const one of answers) {
            if (one.id !== undefined) add(this.#byId, one.id, one);
            add(this.#byQuestion, one.question.trim(), one);
        }
    }

    /**
     * @param at the record's line, from 1
     * @returns the right answer, or why there is none
     */
    find(record: unknown, at: number): { readonly answer: string } | string {
        if (Array.isArray(record)) return "it is a list: each record stands on a line of its own";
        if (!isObject(record)) return "it is no object";
        const id = record["id"] ?? record["doc_id"] ?? record["unique_id"] ?? record["idx"];
        const key = typeof id === "string" || typeof id === "number" ? String(id) : undefined;
        const byId = key === undefined ? undefined : this.#byId.get(key);
        if (byId !== undefined) return byId;
        const asked = askedIn(record);
        const byQuestion = asked === undefined ? undefined : this.#byQuestion.get(asked.trim());
        if (byQuestion !== undefined) return byQuestion;
        const index = record["index"];
        const place = typeof index === "number" && Number.isInteger(index) && index >= 0 ? index : at - 1;
        const byPlace = this.#answers[place];
        if (byPlace === undefined) return `there is no answer of it: there are ${this.#answers.length}`;
        if (key !== undefined && asked === undefined && byPlace.id !== undefined)
            return `no answer has its id ${quote(key)}`;
        if (asked !== undefined && !asked.includes(byPlace.question.trim()))
            return `what was asked is not the question of answer ${place + 1}, nor of any other`;
        return byPlace;
    }
}

// What several have says nothing.
function add(map: Map<string, GradeAnswer | undefined>, key: string, one: GradeAnswer): void {
    const known = map.get(key);
    map.set(key, map.has(key) && known?.answer !== one.answer ? undefined : one);
}

const questionNames = ["question", "problem", "prompt", "input", "query"];

/** What was asked: in a field of its own, in a batch's request, or in lm-eval's document. */
function askedIn(record: Readonly<Record<string, unknown>>): string | undefined {
    for (const place of [record, record["request"], record["doc"]]) {
        if (!isObject(place)) continue;
        const text = questionNames.map((name) => place[name]).find((one) => typeof one === "string");
        if (text !== undefined) return text;
        const messages = place["messages"];
        if (!Array.isArray(messages)) continue;
        const last = messages.filter((one) => isObject(one) && one["role"] === "user").at(-1) as unknown;
        if (isObject(last) && typeof last["content"] === "string") return last["content"];
    }
    return undefined;
}
