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
const goldNames =
    "gold gold_answer gt ground_truth reference reference_answer target expected expected_answer correct_answer final_answer answer label solution".split(
        " "
    );

/**
 * What is to be graded of a record, or what is wrong with it. Records of lm-eval (`resps`, `target`, `doc`), of Math-Verify
 * (`answer` is the model's, `gold` the right one), and of whatever else has an output and an answer under a common name.
 */
export function readRecord(value: unknown, fields: RecordFields): GradingRecord | string {
    if (!isObject(value)) return "it is no object";
    const gold = goldIn(value, fields);
    if (gold === undefined) return `it has no right answer: none of ${fields.answer ?? goldNames.join(", ")}`;
    const output = outputIn(value, fields, gold.name);
    if (output === undefined) return `it has no output: none of ${fields.output ?? outputNames.join(", ")}`;
    const goldText = textOf(gold.value);
    if (goldText === undefined || goldText.trim() === "") return `its ${quote(gold.name)} is no text`;
    const outputs = textsOf(output.value);
    if (outputs === undefined) return `its ${quote(output.name)} holds no texts`;
    const id = value["id"] ?? value["doc_id"] ?? value["idx"] ?? value["unique_id"];
    return {
        outputs,
        gold: goldText,
        id: typeof id === "string" || typeof id === "number" ? id : undefined,
        filter: typeof value["filter"] === "string" && Array.isArray(value["resps"]) ? value["filter"] : undefined
    };
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

function textOf(value: unknown): string | undefined {
    if (typeof value === "string") return value;
    if (typeof value === "number" || typeof value === "bigint") return String(value);
    if (Array.isArray(value) && value.length > 0) {
        const texts = value.map(textOf);
        return texts.some((text) => text === undefined) ? undefined : texts.join(", ");
    }
    return undefined;
}

function textsOf(value: unknown): string[] | undefined {
    if (typeof value === "string") return [value];
    if (typeof value === "number") return [String(value)];
    // ours, and OpenAI's
    if (isObject(value)) return textsOf(value["text"] ?? value["content"] ?? value["message"]);
    if (!Array.isArray(value) || value.length === 0) return undefined;
    // lm-eval's log-likelihoods of choices: ["-12.3", "False"]
    if (value.length === 2 && (value[1] === "True" || value[1] === "False")) return undefined;
    const texts: string[] = [];
    for (const one of value as unknown[]) {
        if (typeof one !== "string" && !Array.isArray(one) && !isObject(one)) return undefined;
        const inner = textsOf(one);
        if (inner === undefined) return undefined;
        texts.push(...inner);
    }
    return texts;
}
