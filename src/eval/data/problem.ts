// What is asked in an evaluation, and how its answers are judged.

/** One problem of a data set. */
export interface Problem {
    /** The data set's own name for it, else its place, from 0. */
    readonly id: string;
    readonly question: string;
    /** The right answer: plain, in LaTeX, or with a worked solution around it, as `grade` takes it. */
    readonly answer: string;
    /** What stands behind the question in a solved example: a worked solution where there is one, else the answer. */
    readonly solution: string;
}

/** Problems, and where they are from. */
export interface DataSet {
    /** "math500", "sums", or a file's name. */
    readonly name: string;
    /** Where it was read: a file's name, or "hf:datasets/owner/repository/file". */
    readonly source: string;
    /** At least one. */
    readonly problems: readonly Problem[];
    /** "sums": to the letter, as the demo's are; else as `rast grade` does. */
    readonly grading: "math" | "sums";
}
