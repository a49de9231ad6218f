import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RastError } from "../errors.js";
import { bundledTrioFolder } from "../models/trio.js";

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
export function isCorrect({ text, stopReason }: { text: string; stopReason: string }, problem: DemoProblem): boolean {
    const parts = text.split("#");
    return stopReason === "eos" && parts.length === 2 && parts[1] === String(problem.answer);
}

/** A share with its 95% interval. */
export interface Accuracy {
    readonly correct: number;
    readonly total: number;
    readonly value: number;
    readonly low: number;
    readonly high: number;
}

/** Share of successes with Wilson's score interval at 95%. */
export function accuracyOf(correct: number, total: number): Accuracy {
    if (total === 0) return { correct, total, value: 0, low: 0, high: 1 };
    const z = 1.959964;
    const value = correct / total;
    const centre = value + (z * z) / (2 * total);
    const spread = z * Math.sqrt((value * (1 - value)) / total + (z * z) / (4 * total * total));
    const scale = 1 + (z * z) / total;
    return { correct, total, value, low: Math.max(0, (centre - spread) / scale), high: (centre + spread) / scale };
}
