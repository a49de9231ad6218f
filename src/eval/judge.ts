// Whether what was said is right.
import { gradeWithGold } from "../grading/grade.js";
import { gradeSum } from "../grading/sums.js";
import type { Reply } from "./ask/answerer.js";
import type { DataSet, Problem } from "./data/problem.js";
import type { SampleLine } from "./record/schema.js";

/** A verdict, as records have it. */
export type Verdict = Pick<SampleLine, "right" | "extracted" | "reason" | "timedOut">;

/** Judges one answer; whatever it is, neither the event loop nor the process waits for it. @throws ERR_GRADER */
export async function judge(grading: DataSet["grading"], reply: Reply, { answer }: Problem): Promise<Verdict> {
    if (reply.stop === "error") return { right: false, extracted: null, reason: reply.output, timedOut: false };
    if (grading === "sums") return { ...gradeSum(reply.output, reply.stop, answer), timedOut: false };
    const { right, extracted, reason, timedOut } = await gradeWithGold(reply.output, answer);
    return { right, extracted, reason, timedOut };
}

/** Whether two answers say the same, by the grader's own rules. @throws ERR_GRADER */
export async function saySame(one: string, other: string): Promise<boolean> {
    return (await gradeWithGold(`\\boxed{${one}}`, other)).right;
}
