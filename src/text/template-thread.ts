import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { templateProgram } from "./template-program.js";

/** What a template ran into. */
export interface TemplateFailure {
    readonly failure: string;
}

/** What becomes of a template: its text, or what it ran into. */
export type Rendering = { readonly text: string } | TemplateFailure;

/** What a template says of itself. */
export interface TemplateFacts {
    /** Names that it reads or sets, but not those of attributes. */
    readonly names: ReadonlySet<string>;
}

/** How far a template may go. */
export interface TemplateLimits {
    /** Of one rendering, from the moment it begins. */
    readonly deadlineMs: number;
    /** UTF-16 units of any text on the way, and of the result. */
    readonly maxLength: number;
    /** Elements of any list on the way. */
    readonly maxElements: number;
    /** What the thread's heap may hold. */
    readonly maxHeapBytes: number;
}

export const templateLimits: TemplateLimits = {
    deadlineMs: 5000,
    maxLength: 4 * 2 ** 20,
    maxElements: 2 ** 20,
    maxHeapBytes: 256 * 2 ** 20
};

type Answer = Rendering | TemplateFacts;

interface Job {
    readonly template: string;
    /** null: what it says of itself is asked, instead of its text. */
    readonly variables: Readonly<Record<string, unknown>> | null;
    readonly limits: TemplateLimits;
    readonly settle: (answer: Answer) => void;
}

// Ends with the program, and after so long without work.
const idleMs = 30_000;

/**
 * Renders Jinja templates, one after the other, in a thread of its own: a template is a program out of a model file, and
 * may loop for ever, double a text with every step or recurse without end. The thread is made at the first template and
 * kept warm; one that reaches a limit is ended and replaced. It keeps no process alive unless it is at work.
 */
class TemplateThread {
    readonly #jobs: Job[] = [];
    #running: Job | undefined;
    #worker: Worker | undefined;
    #deadline: NodeJS.Timeout | undefined;
    #idle: NodeJS.Timeout | undefined;

    render(
        template: string,
        variables: Readonly<Record<string, unknown>>,
        limits: TemplateLimits = templateLimits
    ): Promise<Rendering> {
        return this.#ask(template, variables, limits) as Promise<Rendering>;
    }

    /** What a template says of itself, without running it. */
    facts(template: string, limits: TemplateLimits = templateLimits): Promise<TemplateFacts | TemplateFailure> {
        return this.#ask(template, null, limits) as Promise<TemplateFacts | TemplateFailure>;
    }

    #ask(template: string, variables: Job["variables"], limits: TemplateLimits): Promise<Answer> {
        return new Promise((settle) => {
            this.#jobs.push({ template, variables, limits, settle });
            this.#next();
        });
    }

    #next(): void {
        if (this.#running !== undefined) return;
        const job = this.#jobs.shift();
        if (job === undefined) {
            this.#rest();
            return;
        }
        this.#running = job;
        clearTimeout(this.#idle);
        try {
            this.#worker ??= this.#start();
            this.#worker.ref();
            this.#worker.postMessage({ ...job, settle: undefined, now: Date.now() });
        } catch (error) {
            // variables that cannot be copied, or no thread to be had
            this.#finish({ failure: describe(error) });
        }
    }

    #start(): Worker {
        const jinja = createRequire(import.meta.url).resolve("@huggingface/jinja");
        const worker = new Worker(templateProgram, {
            eval: true,
            workerData: { jinja },
            // nothing of the program's own settings
            env: {},
            execArgv: [],
            // beyond maxHeapBytes, as the end of a heap inside one large allocation ends the process
            resourceLimits: { maxOldGenerationSizeMb: 1024, stackSizeMb: 2 }
        });
        worker.on("message", (message: "begun" | Answer) => {
            if (worker !== this.#worker) return;
            if (message !== "begun") this.#finish(message);
            else if (this.#running !== undefined) this.#watch(worker, this.#running.limits.deadlineMs);
        });
        const broken = (error: unknown): void => {
            if (worker !== this.#worker) return;
            this.#worker = undefined;
            this.#finish({ failure: `its thread ended: ${describe(error)}` });
        };
        worker.on("error", broken);
        worker.on("messageerror", broken);
        worker.on("exit", (code) => broken(`exit code ${code}`));
        return worker;
    }

    #watch(worker: Worker, deadlineMs: number): void {
        this.#deadline = setTimeout(() => {
            this.#worker = undefined;
            void worker.terminate();
            this.#finish({ failure: `it was not done after ${deadlineMs / 1000} s` });
        }, deadlineMs);
    }

    #finish(answer: Answer): void {
        clearTimeout(this.#deadline);
        const job = this.#running;
        this.#running = undefined;
        job?.settle(answer);
        this.#next();
    }

    #rest(): void {
        const worker = this.#worker;
        if (worker === undefined) return;
        worker.unref();
        this.#idle = setTimeout(() => {
            this.#worker = undefined;
            void worker.terminate();
        }, idleMs);
        this.#idle.unref();
    }
}

function describe(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}

/** The one of this JavaScript environment. */
export const templateThread = new TemplateThread();
