// Runs in a worker thread: computer algebra on texts of strangers may take any time, and a thread can be ended.
import { parentPort } from "node:worker_threads";
import { compareAnswers } from "./equivalence.js";
import { extractAnswer } from "./extract.js";
import { goldOf } from "./gold.js";
import type { GradingAnswer, GradingJob } from "./grading-threads.js";

const longestShown = 2000;

parentPort!.on("message", ({ output, gold }: GradingJob) => {
    parentPort!.postMessage("begun");
    parentPort!.postMessage(gradeOutput(output, gold));
});

function gradeOutput(output: string, gold: string): GradingAnswer {
    const wanted = goldOf(gold);
    const found = extractAnswer(output, wanted);
    if ("missing" in found)
        return {
            right: false,
            extracted: null,
            foundBy: null,
            reason: `no answer: ${found.missing}`,
            gold: shown(wanted)
        };
    const verdicts = found.candidates.map((candidate) => ({ candidate, ...compareAnswers(candidate, wanted) }));
    const best = verdicts.find(({ right }) => right) ?? verdicts[0]!;
    return {
        right: best.right,
        extracted: shown(best.candidate),
        foundBy: found.by,
        reason: best.reason,
        gold: shown(wanted)
    };
}

function shown(text: string): string {
    return text.length > longestShown ? `${text.slice(0, longestShown)}...` : text;
}
