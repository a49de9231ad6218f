import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { templateProgram } from "./template-program.js";

/** What a template ran into. */
export interface TemplateFailure {
    readonly failure: string;
    /** Of the template, from 1, where it is known. */
    readonly line?: number;
}

/** A stretch of a text: from, to (UTF-16 units), and whose words it is: 1 the caller's, 2 those of a continued message. */
export type TextMark = readonly [from: number, to: number, kind: 1 | 2];

/** A text, and which of it are not the template's own words: in order, none empty, none overlapping. */
export interface RenderedText {
    readonly text: string;
    readonly marks: readonly TextMark[];
}

/** What becomes of a template: its text, or what it ran into. */
export type Rendering = RenderedText | TemplateFailure;

/** Which variables are the caller's words. */
export interface GivenVariables {
    readonly names: readonly string[];
    /** Whether the content of the last message is to be told from the others. */
    readonly continued: boolean;
}

/** What a template says of itself. */
export interface TemplateFacts {
    /** Names that it reads or sets, but not those of attributes. */
    readonly names: ReadonlySet<string>;
    /** Whether it loops over a message's content, which then may be a list of parts. */
    readonly readsParts: boolean;
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
    readonly given: GivenVariables;
    readonly limits: TemplateLimits;
    readonly settle: (answer: Answer) => void;
}

const nothingGiven: GivenVariables = { names: [], continued: false };

// Ends with the program, and after so long without work.
const idleMs = 30_000;
/** At once: each may take a core for its time, and memory up to its limit. */
const mostThreads = 8;

/**
 * A thread that does one job at a time. It is made at the first and kept warm; one that reaches a limit is ended and
 * replaced. It keeps no process alive unless it is at work.
 */
class TemplateThread {
    #running: Job | undefined;
    readonly #done: () => void;
    #worker: Worker | undefined;
    #deadline: NodeJS.Timeout | undefined;
    #idle: NodeJS.Timeout | undefined;

    /** @param done is called after every job */
    constructor(done: () => void) {
        this.#done = done;
    }

    /** What it renders now. */
    get template(): string | undefined {
        return this.#running?.template;
    }

    /** Whether a thread is there. */
    get warm(): boolean {
        return this.#worker !== undefined;
    }

    /** Only while it does nothing else. */
    do(job: Job): void {
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
        worker.on("message", (message: "begun" | { readonly value: Answer; readonly worn: boolean }) => {
            if (worker !== this.#worker) return;
            if (message === "begun") {
                if (this.#running !== undefined) this.#watch(worker, this.#running.limits.deadlineMs);
                return;
            }
            // garbage that is not collected yet counts like what is in use
            if (message.worn) this.#end(worker);
            this.#finish(message.value);
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
            this.#end(worker);
            this.#finish({ failure: `it was not done after ${deadlineMs / 1000} s` });
        }, deadlineMs);
    }

    #end(worker: Worker): void {
        this.#worker = undefined;
        void worker.terminate();
    }

    #finish(answer: Answer): void {
        clearTimeout(this.#deadline);
        const job = this.#running;
        this.#running = undefined;
        this.#rest();
        job?.settle(answer);
        this.#done();
    }

    #rest(): void {
        const worker = this.#worker;
        if (worker === undefined) return;
        worker.unref();
        this.#idle = setTimeout(() => {
            this.#end(worker);
        }, idleMs);
        this.#idle.unref();
    }
}

function describe(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}

/**
 * Renders Jinja templates in threads of their own: a template is a program out of a model file, and may loop for ever,
 * double a text with every step or recurse without end. What is asked of one template is done one after the other;
 * another template does not wait for it, unless `mostThreads` others are at work.
 */
class TemplateThreads {
    readonly #waiting = new Map<string, Job[]>();
    readonly #threads: TemplateThread[] = [];

    render(
        template: string,
        variables: Readonly<Record<string, unknown>>,
        limits: TemplateLimits = templateLimits,
        given: GivenVariables = nothingGiven
    ): Promise<Rendering> {
        return this.#ask(template, variables, limits, given) as Promise<Rendering>;
    }

    /** What a template says of itself, without running it. */
    facts(template: string, limits: TemplateLimits = templateLimits): Promise<TemplateFacts | TemplateFailure> {
        return this.#ask(template, null, limits, nothingGiven) as Promise<TemplateFacts | TemplateFailure>;
    }

    #ask(
        template: string,
        variables: Job["variables"],
        limits: TemplateLimits,
        given: GivenVariables
    ): Promise<Answer> {
        return new Promise((settle) => {
            const job = { template, variables, limits, given, settle };
            const others = this.#waiting.get(template);
            if (others === undefined) this.#waiting.set(template, [job]);
            else others.push(job);
            this.#begin();
        });
    }

    // Those whose template is not at work, as long as a thread is free.
    #begin(): void {
        const atWork = new Set(this.#threads.map(({ template }) => template));
        for (const [template, jobs] of this.#waiting) {
            if (atWork.has(template)) continue;
            const thread = this.#free();
            if (thread === undefined) return;
            const job = jobs.shift()!;
            // one that has more comes behind the others
            this.#waiting.delete(template);
            if (jobs.length > 0) this.#waiting.set(template, jobs);
            atWork.add(template);
            thread.do(job);
        }
    }

    #free(): TemplateThread | undefined {
        const free = this.#threads.filter(({ template }) => template === undefined);
        const known = free.find(({ warm }) => warm) ?? free[0];
        if (known !== undefined || this.#threads.length >= mostThreads) return known;
        const made = new TemplateThread(() => this.#begin());
        this.#threads.push(made);
        return made;
    }
}

/** Those of this JavaScript environment. */
export const templateThreads = new TemplateThreads();
