// The task of the demo: small sums, in words or figures.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RastError } from "../errors.js";
import { bundledTrioFolder } from "../trio/trio.js";
import type { Answer, Task } from "./task.js";

/** A held-out problem of the demo task. */
export interface DemoProblem {
    /** As it is asked: "Ann has 34 pens, buys 17, loses 42" or "34+17-42". */
    readonly prompt: string;
    readonly answer: number;
    /** The same for every wording. */
    readonly sum: string;
}

/** The held-out problems that come with the package. @throws ERR_FILE_UNREADABLE */
export async function readDemoProblems(folder = bundledTrioFolder()): Promise<DemoProblem[]> {
    const file = join(folder, "problems.jsonl");
    try {
        const lines = (await readFile(file, "utf8")).trim().split("\n");
        return lines.map((line) => JSON.parse(line) as DemoProblem);
    } catch (error) {
        throw new RastError("ERR_FILE_UNREADABLE", `The problems of the demo cannot be read: ${file}`, {
            cause: error
        });
    }
}

/** Whether a completion ends with the right answer: one "#", then the number, then the end of the text. */
export function isCorrect({ text, stopReason }: Answer, problem: DemoProblem): boolean {
    const parts = text.split("#");
    return stopReason === "eos" && parts.length === 2 && parts[1] === String(problem.answer);
}

/** The demo's sums as a task. */
export function sumsTask(problems: readonly DemoProblem[]): Task<DemoProblem> {
    return {
        problems,
        promptOf: ({ prompt }) => prompt,
        grade: (answer, problem) => ({
            correct: isCorrect(answer, problem),
            workedOut: answer.text.startsWith("S:")
        })
    };
}
