import { join } from "node:path";
import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { packageRoot, unpackedPath } from "../package-root.js";
import type { AnswerFoundBy } from "./extract.js";

/** One output to grade. */
export interface GradingJob {
    readonly output: string;
    readonly gold: string;
}

/** What a thread finds of it. */
export interface GradingAnswer {
    readonly right: boolean;
    readonly extracted: string | null;
    readonly foundBy: AnswerFoundBy | null;
    readonly reason: string;
    /** The gold alone, as it was compared. */
    readonly gold: string;
}

/** What became of a job: its answer, what it ran into, or why there is no thread to do it. */
export type GradingOutcome =
    | GradingAnswer
    | { readonly ended: "time" | "memory"; readonly reason: string }
    | { readonly ended: "failure"; readonly cause: unknown };

/** How far a job may go. */
export interface GradingLimits {
    /** From the moment a thread begins with it. */
    readonly deadlineMs: number;
    /** What a thread's heap may hold. */
    readonly maxHeapMiB: number;
}

export const gradingLimits: GradingLimits = { deadlineMs: 3000, maxHeapMiB: 512 };

// Ends with the program, and after so long without work.
const idleMs = 5000;
// A thread that does not even begin is taken to be broken.
const startMs = 30_000;

interface Waiting extends GradingJob {
    readonly limits: GradingLimits;
    readonly settle: (outcome: GradingOutcome) => void;
}

/** A thread that does one job at a time; one that reaches a limit is ended and replaced. It keeps no process alive without work. */
class GradingThread {
    #running: Waiting | undefined;
    #worker: Worker | undefined;
    #deadline: NodeJS.Timeout | undefined;
    #idle: NodeJS.Timeout | undefined;
    readonly #done: () => void;

    readonly #script: (() => string) | undefined;

    /** @param done is called after every job @param script what the thread runs, where it is not ours */
    constructor(done: () => void, script?: () => string) {
        this.#done = done;
        this.#script = script;
    }

    get busy(): boolean {
        return this.#running !== undefined;
    }

    get warm(): boolean {
        return this.#worker !== undefined;
    }

    /** Only while it does nothing else. */
    do(job: Waiting): void {
        this.#running = job;
        clearTimeout(this.#idle);
        try {
            this.#worker ??= this.#start(job.limits);
            this.#worker.ref();
            this.#watch(this.#worker, startMs);
            this.#worker.postMessage({ output: job.output, gold: job.gold } satisfies GradingJob);
        } catch (error) {
            this.#finish({ ended: "failure", cause: error });
        }
    }

    #start({ maxHeapMiB }: GradingLimits): Worker {
        const script = this.#script?.() ?? unpackedPath(join(packageRoot(), "dist", "grading", "thread.js"));
        const worker = new Worker(pathToFileURL(script), {
            // nothing of the program's own settings
            env: {},
            execArgv: [],
            resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB, stackSizeMb: 4 }
        });
        worker.on("message", (message: "begun" | GradingAnswer) => {
            if (worker !== this.#worker || this.#running === undefined) return;
            if (message === "begun") this.#watch(worker, this.#running.limits.deadlineMs);
            else this.#finish(message);
        });
        const broken = (error: unknown): void => {
            if (worker !== this.#worker) return;
            this.#worker = undefined;
            const memory = error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
            this.#finish(
                memory ? { ended: "memory", reason: "it took too much memory" } : { ended: "failure", cause: error }
            );
        };
        worker.on("error", broken);
        worker.on("messageerror", broken);
        worker.on("exit", (code) => broken(new Error(`The thread ended with exit code ${code}.`)));
        return worker;
    }

    #watch(worker: Worker, ms: number): void {
        clearTimeout(this.#deadline);
        this.#deadline = setTimeout(() => {
            this.#end(worker);
            this.#finish({ ended: "time", reason: `it was not done after ${ms / 1000} s` });
        }, ms);
    }

    #end(worker: Worker): void {
        this.#worker = undefined;
        void worker.terminate();
    }

    #finish(outcome: GradingOutcome): void {
        clearTimeout(this.#deadline);
        const job = this.#running;
        this.#running = undefined;
        const worker = this.#worker;
        if (worker !== undefined) {
            worker.unref();
            this.#idle = setTimeout(() => this.#end(worker), idleMs);
            this.#idle.unref();
        }
        job?.settle(outcome);
        this.#done();
    }
}

/** Threads that grade. Jobs begin in the order in which they come. */
export class GradingThreads {
    readonly #waiting: Waiting[] = [];
    readonly #threads: GradingThread[] = [];
    readonly most: number;
    readonly #script: (() => string) | undefined;

    /** @param most threads at a time @param script for tests: what a thread runs */
    constructor(most = Math.max(1, Math.min(4, availableParallelism())), script?: () => string) {
        this.most = most;
        this.#script = script;
    }

    /** Never rejects. */
    grade(job: GradingJob, limits: GradingLimits = gradingLimits): Promise<GradingOutcome> {
        return new Promise((settle) => {
            this.#waiting.push({ ...job, limits, settle });
            this.#begin();
        });
    }

    #begin(): void {
        while (this.#waiting.length > 0) {
            const thread = this.#free();
            if (thread === undefined) return;
            thread.do(this.#waiting.shift()!);
        }
    }

    #free(): GradingThread | undefined {
        const free = this.#threads.filter(({ busy }) => !busy);
        const known = free.find(({ warm }) => warm) ?? free[0];
        if (known !== undefined || this.#threads.length >= this.most) return known;
        const made = new GradingThread(() => this.#begin(), this.#script);
        this.#threads.push(made);
        return made;
    }
}

/** Those of this JavaScript environment. */
export const gradingThreads = new GradingThreads();
