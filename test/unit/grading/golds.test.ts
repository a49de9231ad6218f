// Every gold of the six data sets is right where it is the answer. They are not part of the project: RAST_EVAL_DATA names
// the folder with their files; where there is none this is skipped.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { compareAnswers } from "../../../src/grading/equivalence.js";
import { extractAnswer } from "../../../src/grading/extract.js";
import { goldOf } from "../../../src/grading/gold.js";

const folder = process.env["RAST_EVAL_DATA"] ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));

type Row = Readonly<Record<string, unknown>>;

const sets: readonly (readonly [file: string, problems: number, gold: (row: Row) => string])[] = [
    ["aime24", 30, ({ answer }) => String(answer)],
    ["amc23", 40, ({ answer }) => (answer as number).toFixed(1)],
    ["gsm8k", 1319, ({ answer }) => answer as string],
    ["math500", 500, ({ answer }) => answer as string],
    ["minerva_math", 272, ({ solution }) => solution as string],
    ["olympiadbench", 675, ({ final_answer }) => (final_answer as string[]).join(", ")]
];

test.skipIf(!existsSync(folder)).each(sets)("%s: %d golds", (file, problems, goldIn) => {
    const rows = readFileSync(join(folder, `${file}.jsonl`), "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Row);
    expect(rows).toHaveLength(problems);
    for (const row of rows) {
        const gold = goldOf(goldIn(row));
        const outputs = [
            gold,
            `We get \\boxed{${gold}}.`,
            `The final answer is $${gold}$. I hope it is correct.`,
            `The answer is ${gold}.`
        ];
        for (const output of outputs) {
            const found = extractAnswer(output, gold);
            const right = "candidates" in found && found.candidates.some((one) => compareAnswers(one, gold).right);
            expect(right, `${output} for ${gold}`).toBe(true);
        }
    }
});
