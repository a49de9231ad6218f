// The demo's sums are graded to the letter: what a text ends with behind its one "#".

/** What is found of a sum. */
export interface GradedSum {
    readonly right: boolean;
    /** What stands behind the "#"; null where there is no answer. */
    readonly extracted: string | null;
    readonly reason: string;
}

/** Whether a text ends with one "#", the right number, and then by itself. @param stop why it ended: "eos" is by itself */
export function gradeSum(output: string, stop: string, answer: string): GradedSum {
    const [, said, more] = output.split("#");
    if (said === undefined || more !== undefined || stop !== "eos") {
        const why =
            said === undefined ? 'there is no "#"' : more !== undefined ? 'there are several "#"' : "it does not end";
        return { right: false, extracted: null, reason: `no answer: ${why}` };
    }
    const right = said === answer;
    return { right, extracted: said, reason: right ? "the same number" : "another number" };
}
