// Who can be asked: an engine here, or a server.
import type { Asked } from "./styles.js";

/** One sample to draw. */
export interface Question {
    readonly asked: Asked;
    readonly seed: number;
    readonly ordinal: number;
    /** "problem 12, sample 3", for messages. */
    readonly where: string;
}

/** What came of it. */
export interface Reply {
    /** The text, behind the reasoning of a chat's model. */
    readonly output: string;
    /** Why it ended; "error" where the problem cannot be asked at all: `output` says why then. */
    readonly stop: string;
    /** Of the whole text; null where nobody says. */
    readonly tokens: number | null;
}

/** Somebody who answers, from `open` until `close`. */
export interface Answerer {
    /** Questions that it works on together. */
    readonly atOnce: number;
    /** Questions to hand it at a time: a few more than it works on, so that none of its slots waits. */
    readonly ahead: number;
    /** @throws whatever ends the evaluation; the signal's reason */
    ask(question: Question, signal: AbortSignal): Promise<Reply>;
    close(): Promise<void>;
}
