// What an evaluation asks, and how it grades what it is answered. A further task is a further implementation.

/** A completion, as a grader sees it. */
export interface Answer {
    readonly text: string;
    /** Why it ended, e.g. "eos" or "maxTokens". */
    readonly stopReason: string;
}

/** What a grader finds of an answer. */
export interface Grade {
    readonly correct: boolean;
    /** Worked out step by step, right or wrong. */
    readonly workedOut: boolean;
}

/** Problems that are answered one by one. Its functions are pure, and called in any order. */
export interface Task<Problem> {
    readonly problems: readonly Problem[];
    /** What a person would ask, without a trio's template around it. */
    readonly promptOf: (problem: Problem) => string;
    readonly grade: (answer: Answer, problem: Problem) => Grade;
}
