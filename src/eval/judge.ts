// Whether what was said is right.
import { gradeWithGold } from "../grading/grade.js";
import type { Reply } from "./ask/answerer.js";
import type { DataSet, Problem } from "./data/problem.js";
import type { SampleLine } from "./record/schema.js";
import { isCorrect } from "./sums.js";

/** A verdict, as records have it. */
export type Verdict = Pick<SampleLine, "right" | "extracted" | "reason" | "timedOut">;

/** Judges one answer; whatever it is, neither the event loop nor the process waits for it. @throws ERR_GRADER */
export async function judge(grading: DataSet["grading"], reply: Reply, { answer }: Problem): Promise<Verdict> {
    if (reply.stop === "error") return { right: false, extracted: null, reason: reply.output, timedOut: false };
    if (grading === "sums") return judgeSum(reply, answer);
    const { right, extracted, reason, timedOut } = await gradeWithGold(reply.output, answer);
    return { right, extracted, reason, timedOut };
}

function judgeSum({ output, stop }: Reply, answer: string): Verdict {
    const [, said, more] = output.split("#");
    if (said === undefined || more !== undefined || stop !== "eos") {
        const why =
            said === undefined ? 'there is no "#"' : more !== undefined ? 'there are several "#"' : "it does not end";
        return { right: false, extracted: null, reason: `no answer: ${why}`, timedOut: false };
    }
    const right = isCorrect({ text: output, stopReason: stop }, { prompt: "", sum: "", answer: Number(answer) });
    return { right, extracted: said, reason: right ? "the same number" : "another number", timedOut: false };
}

/** Whether two answers say the same, by the grader's own rules. @throws ERR_GRADER */
export async function saySame(one: string, other: string): Promise<boolean> {
    return (await gradeWithGold(`\\boxed{${one}}`, other)).right;
}
