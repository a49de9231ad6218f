import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";

/** What becomes of a template: its text, or what it ran into. */
export type Rendering = { readonly text: string } | { readonly failure: string };

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

interface Job {
    readonly template: string;
    readonly variables: Readonly<Record<string, unknown>>;
    readonly limits: TemplateLimits;
    readonly settle: (rendering: Rendering) => void;
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
            this.#worker.postMessage({ ...job, settle: undefined });
        } catch (error) {
            // variables that cannot be copied, or no thread to be had
            this.#finish({ failure: describe(error) });
        }
    }

    #start(): Worker {
        const jinja = createRequire(import.meta.url).resolve("@huggingface/jinja");
        const worker = new Worker(program, {
            eval: true,
            workerData: { jinja },
            // nothing of the program's own settings
            env: {},
            execArgv: [],
            // beyond maxHeapBytes, as the end of a heap inside one large allocation ends the process
            resourceLimits: { maxOldGenerationSizeMb: 1024, stackSizeMb: 2 }
        });
        worker.on("message", (message: "begun" | Rendering) => {
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

    #finish(rendering: Rendering): void {
        clearTimeout(this.#deadline);
        const job = this.#running;
        this.#running = undefined;
        job?.settle(rendering);
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

// Runs in the thread; a text, so that it needs no file of its own where an application bundles this package. Values are
// looked at after every step, as any of them may be large; the heap after large ones, and now and then.
const program = `
const { parentPort, workerData } = require("node:worker_threads");
const { getHeapStatistics } = require("node:v8");
const { Template, Interpreter } = require(workerData.jinja);
let limits;
let steps = 0;
const { evaluate, run } = Interpreter.prototype;
Interpreter.prototype.evaluate = function (statement, environment) {
    const result = evaluate.call(this, statement, environment);
    const value = result?.value;
    const size = typeof value === "string" || Array.isArray(value) ? value.length : 0;
    if (typeof value === "string" && size > limits.maxLength) throw new Error("a text grew beyond " + limits.maxLength + " characters");
    if (Array.isArray(value) && size > limits.maxElements) throw new Error("a list grew beyond " + limits.maxElements + " elements");
    if ((size > 65536 || ++steps % 256 === 0) && getHeapStatistics().used_heap_size > limits.maxHeapBytes)
        throw new Error("it took more than " + limits.maxHeapBytes / 2 ** 20 + " MiB of memory");
    return result;
};
Interpreter.prototype.run = function (program) {
    const range = this.global.variables.get("range");
    const original = range.value;
    range.value = (args, scope) => {
        const [first, last, step] = args.map((argument) => argument.value);
        const length = last === undefined ? first : (last - first) / (step ?? 1);
        if (length > limits.maxElements) throw new Error("a range is longer than " + limits.maxElements);
        return original(args, scope);
    };
    return run.call(this, program);
};
const parsed = new Map();
function parse(template) {
    let known = parsed.get(template);
    if (known === undefined) {
        known = new Template(template);
        if (parsed.size >= 4) parsed.clear();
        parsed.set(template, known);
    }
    return known;
}
parentPort.on("message", (job) => {
    limits = job.limits;
    parentPort.postMessage("begun");
    try {
        const text = parse(job.template).render(job.variables);
        if (text.length > limits.maxLength) throw new Error("the text is longer than " + limits.maxLength + " characters");
        parentPort.postMessage({ text });
    } catch (error) {
        let failure = "it threw something that is no error";
        try {
            failure = String(error?.message ?? error).slice(0, 1000);
        } catch {}
        parentPort.postMessage({ failure });
    }
});
`;

/** The one of this JavaScript environment. */
export const templateThread = new TemplateThread();
