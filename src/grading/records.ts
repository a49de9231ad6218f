// Which fields of a record hold what a model said, and which the right answer.
import { isObject, quote } from "../checks.js";

/** What is to be graded of one record. */
export interface GradingRecord {
    /** What a model said: one text, or one for each sample. */
    readonly outputs: readonly string[];
    readonly gold: string;
    /** The record's own name, where it has one. */
    readonly id?: string | number | undefined;
    /** lm-eval writes a record again for each of its filters: the name of this one. */
    readonly filter?: string | undefined;
}

/** Names of fields, where they are not among those that are known. */
export interface RecordFields {
    readonly output?: string | undefined;
    readonly answer?: string | undefined;
}

/** In the order in which they are looked for. */
const outputNames =
    "output outputs response responses completion completions generation generations generated_text model_output prediction predictions model_answer result resps code text".split(
        " "
    );
/** Of right answers. */
export const goldNames =
    "gold gold_answer gt ground_truth reference reference_answer target expected expected_answer correct_answer final_answer answer label solution".split(
        " "
    );

/**
 * What is to be graded of a record, or what is wrong with it. Records of lm-eval (`resps`, `target`, `doc`), of Math-Verify
 * (`answer` is the model's, `gold` the right one), and of whatever else has an output and an answer under a common name.
 */
export function readRecord(value: unknown, fields: RecordFields, answer?: string): GradingRecord | string {
    if (Array.isArray(value)) return "it is a list: each record stands on a line of its own";
    if (!isObject(value)) return "it is no object";
    // With answers from elsewhere what is called answer here may be what was said.
    const gold = answer === undefined ? goldIn(value, fields) : { name: "", value: answer };
    if (gold === undefined) return `it has no right answer: none of ${fields.answer ?? goldNames.join(", ")}`;
    const output = outputIn(value, fields, gold.name);
    if (output === undefined) return `it has no output: none of ${fields.output ?? outputNames.join(", ")}`;
    const goldText = textOf(gold.value);
    if (goldText === undefined || goldText.trim() === "") return `its ${quote(gold.name)} is no text`;
    const outputs: string[] = [];
    const unfit = gatherOutputs(output.value, outputs, 0);
    if (unfit !== undefined) return `its ${quote(output.name)} ${unfit.why}`;
    const id = value["id"] ?? value["doc_id"] ?? value["idx"] ?? value["unique_id"];
    return {
        outputs,
        gold: goldText,
        id: typeof id === "string" || typeof id === "number" ? id : undefined,
        filter: typeof value["filter"] === "string" && Array.isArray(value["resps"]) ? value["filter"] : undefined
    };
}

/**
 * The right answer of a record of a data set.
 * @param field that holds it; undefined = the first of the names that are known
 * @returns undefined where it has none; a text says what is wrong with it
 */
export function readGold(
    value: Readonly<Record<string, unknown>>,
    field?: string
): { readonly text: string } | string | undefined {
    const gold = goldIn(value, { answer: field });
    if (gold === undefined) return undefined;
    const text = textOf(gold.value);
    return text === undefined || text.trim() === "" ? `its ${quote(gold.name)} is no text` : { text };
}

interface Field {
    readonly name: string;
    readonly value: unknown;
}

function fieldIn(value: Readonly<Record<string, unknown>>, names: readonly string[]): Field | undefined {
    const name = names.find((one) => Object.hasOwn(value, one) && value[one] !== null && value[one] !== undefined);
    return name === undefined ? undefined : { name, value: value[name] };
}

function goldIn(value: Readonly<Record<string, unknown>>, { answer }: RecordFields): Field | undefined {
    if (answer !== undefined) return fieldIn(value, [answer]);
    const own = fieldIn(value, goldNames);
    const { doc } = value;
    // lm-eval's target is what the task makes of the document, and sometimes nothing that can be compared.
    if (isObject(doc) && (own === undefined || textOf(own.value) === undefined || textOf(own.value) === "")) {
        return fieldIn(doc, goldNames);
    }
    return own;
}

function outputIn(
    value: Readonly<Record<string, unknown>>,
    { output }: RecordFields,
    goldName: string
): Field | undefined {
    if (output !== undefined) return fieldIn(value, [output]);
    const known = fieldIn(
        value,
        outputNames.filter((name) => name !== goldName)
    );
    if (known !== undefined) return known;
    // Math-Verify's tables: the answer is what the model said, the gold stands beside it.
    return goldName === "answer" ? undefined : fieldIn(value, ["answer"]);
}

/** Lists and objects in each other: more than anybody's samples have. */
const deepest = 64;
/** Outputs of one record, or parts of its right answer. */
const mostTexts = 100_000;

/** Why what a field holds cannot be read: it ends the walk through it. */
interface Unfit {
    readonly why: string;
}

const noTexts: Unfit = { why: "holds no texts" };
const tooDeep: Unfit = { why: `is more than ${deepest} lists or objects deep` };
const tooMany: Unfit = { why: `holds more than ${mostTexts} texts` };

function textOf(value: unknown): string | undefined {
    const texts: string[] = [];
    return gatherAnswers(value, texts, 0) === undefined ? texts.join(", ") : undefined;
}

function gatherAnswers(value: unknown, texts: string[], depth: number): Unfit | undefined {
    if (depth > deepest) return tooDeep;
    if (typeof value === "string" || typeof value === "number" || typeof value === "bigint") {
        return texts.push(String(value)) > mostTexts ? tooMany : undefined;
    }
    if (!Array.isArray(value) || value.length === 0) return noTexts;
    for (const one of value as unknown[]) {
        const unfit = gatherAnswers(one, texts, depth + 1);
        if (unfit !== undefined) return unfit;
    }
    return undefined;
}

function gatherOutputs(value: unknown, texts: string[], depth: number): Unfit | undefined {
    if (depth > deepest) return tooDeep;
    if (typeof value === "string" || typeof value === "number") {
        return texts.push(String(value)) > mostTexts ? tooMany : undefined;
    }
    // ours, and OpenAI's
    if (isObject(value)) return gatherOutputs(value["text"] ?? value["content"] ?? value["message"], texts, depth + 1);
    if (!Array.isArray(value) || value.length === 0) return noTexts;
    // lm-eval's log-likelihoods of choices: ["-12.3", "False"]
    if (value.length === 2 && (value[1] === "True" || value[1] === "False")) return noTexts;
    for (const one of value as unknown[]) {
        if (typeof one !== "string" && !Array.isArray(one) && !isObject(one)) return noTexts;
        const unfit = gatherOutputs(one, texts, depth + 1);
        if (unfit !== undefined) return unfit;
    }
    return undefined;
}
