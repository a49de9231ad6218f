// An evaluation: contestants answer problems, one contestant after the other; finished samples are kept; figures at the end.
import { availableParallelism } from "node:os";
import { describeError, shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
import type { LoadOptions } from "../loading/load-options.js";
import { loadRast } from "../loading/load.js";
import { llamaRelease } from "../native/llama-release.js";
import { packageVersion } from "../package-root.js";
import type { Answerer } from "./ask/answerer.js";
import type { EvalContestant } from "./ask/contestants.js";
import { Engines } from "./ask/engines.js";
import { inPool } from "./ask/pool.js";
import { seedOf } from "./ask/seeds.js";
import { serverAnswerer, serverSampling } from "./ask/server.js";
import { hashOf } from "./data/load-data.js";
import { namedSets } from "./data/named-sets.js";
import { identify, type Identified } from "./identify.js";
import { judge, saySame } from "./judge.js";
import { reportOn } from "./metrics/figures.js";
import type { EvalReport } from "./metrics/report.js";
import {
    resolveEvaluateOptions,
    type EvalProgress,
    type EvaluateOptions,
    type ResolvedEvaluateOptions
} from "./options.js";
import { planEvaluation, type EvalPlan } from "./plan.js";
import { kept, keyOf, type KeptSample } from "./record/parse.js";
import { RecordFile } from "./record/record-file.js";
import { recordFormat, type ContestantLine, type RecordHead, type SampleLine } from "./record/schema.js";

/** What an evaluation needs of the outside; tests hand in their own. */
export interface EvalTools {
    readonly load: typeof loadRast;
    /** @param what its large model is, for messages, where it stands alone */
    readonly identify: (options: LoadOptions, what?: string) => Promise<Identified>;
    /** Wait between tries of a server. */
    readonly waitMs: number;
}

/** Weights of models that are drawn from one text at a time unless somebody says otherwise. */
const mostRepeatableBytes = 64 * 1_048_576;
const mostSideBySide = 4;
const firstWaitMs = 500;

/**
 * Lets models answer problems, and says how well they do: accuracy, pass@k and majority@k with what they are compared with, the
 * recovery rate, and how long texts are. docs/eval.md explains the figures.
 * With `record` every finished sample is on disk before the next figure depends on it: the same call goes on there, after
 * whatever ended the one before.
 * @throws ERR_DATA_SET, ERR_EVAL_RECORD, ERR_SERVER, ERR_GRADER; ERR_ABORTED by the signal; what `loadRast` and `generate` list;
 *     of the hub ERR_HUB_UNREACHABLE and its kin; ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION
 * @example
 * ```ts
 * import { evaluate } from "rast-llama";
 *
 * const report = await evaluate({ models: { trio: "demo" }, limit: 10, samples: 2, lambda: [0.5, 1] });
 * for (const { label, accuracy } of report.contestants) console.log(label, accuracy.value, accuracy.low, accuracy.high);
 * ```
 */
export async function evaluate(options: EvaluateOptions = {}): Promise<EvalReport> {
    return evaluateWith(options, { load: loadRast, identify, waitMs: firstWaitMs });
}

/** `evaluate` with other tools. */
export async function evaluateWith(options: EvaluateOptions, tools: EvalTools): Promise<EvalReport> {
    const resolved = resolveEvaluateOptions(options);
    const signal = resolved.signal ?? new AbortController().signal;
    const run = new Run(resolved, tools, signal);
    try {
        signal.throwIfAborted();
        return await run.run();
    } catch (error) {
        if (!signal.aborted) throw error;
        throw run.aborted();
    }
}

class Run {
    readonly #options: ResolvedEvaluateOptions;
    readonly #tools: EvalTools;
    readonly #signal: AbortSignal;
    readonly #samples = new Map<string, KeptSample>();
    #record: RecordFile | undefined;
    #total = 0;

    constructor(options: ResolvedEvaluateOptions, tools: EvalTools, signal: AbortSignal) {
        this.#options = options;
        this.#tools = tools;
        this.#signal = signal;
    }

    async run(): Promise<EvalReport> {
        this.#tell("data", "");
        const plan = await planEvaluation(this.#options, () => this.#tell("data", ""));
        this.#signal.throwIfAborted();
        this.#total = plan.contestants.length * plan.places.length * plan.samples;
        const identified = await this.#identify(plan.contestants);
        const head = headOf(plan, this.#options);
        const notes = this.#notesOn(plan, [...identified.values()]);
        const { record } = this.#options;
        if (record !== undefined) this.#record = await RecordFile.open(record, head);
        try {
            const lines = plan.contestants.map((one) => lineOf(one, identified, this.#options));
            for (const line of lines) await this.#record?.name(line);
            this.#take(plan);
            await this.#askAll(plan, identified);
            this.#tell("figures", "");
            const answered = lines.map((contestant) => ({
                contestant,
                samples: [...this.#samples.values()].filter((one) => one.contestant === contestant.label)
            }));
            const same = async (one: string, other: string): Promise<boolean> => {
                this.#signal.throwIfAborted();
                return saySame(one, other);
            };
            return (await reportOn({ head, answered, same, notes }))!;
        } finally {
            await this.#record?.close();
        }
    }

    /** What an abort is told as. */
    aborted(): RastError {
        const { record } = this.#options;
        const where = record === undefined ? "they are lost without a record" : `they are in ${shortenMiddle(record)}`;
        const done = this.#samples.size;
        return new RastError(
            "ERR_ABORTED",
            `The evaluation was aborted after ${done} of ${this.#total} samples; ${where}.`,
            { details: { done, total: this.#total, record: record ?? null }, cause: this.#signal.reason }
        );
    }

    // Of a record only what is asked for now: it may have other problems and more samples.
    #take({ contestants, places, samples }: EvalPlan): void {
        if (this.#record === undefined) return;
        const labels = new Set(contestants.map(({ label }) => label));
        const wanted = new Set(places);
        for (const [key, one] of this.#record.content.samples) {
            if (labels.has(one.contestant) && wanted.has(one.problem) && one.sample < samples)
                this.#samples.set(key, one);
        }
    }

    // Loads that are alike are identified once.
    async #identify(contestants: readonly EvalContestant[]): Promise<Map<LoadOptions, Identified>> {
        const found = new Map<LoadOptions, Identified>();
        for (const { load, role } of contestants) {
            if (load === undefined || found.has(load)) continue;
            const what = role === "reference" || role === "antiexpert" ? `the ${role}` : undefined;
            found.set(load, await this.#tools.identify(load, what));
        }
        return found;
    }

    async #askAll(plan: EvalPlan, identified: ReadonlyMap<LoadOptions, Identified>): Promise<void> {
        let loaded: { readonly load: LoadOptions; readonly engines: Engines } | undefined;
        try {
            for (const contestant of plan.contestants) {
                const missing = this.#missing(plan, contestant);
                if (missing.length === 0) continue;
                const { load, label, request } = contestant;
                if (load === undefined) {
                    await this.#ask(plan, label, missing, this.#server(plan));
                    continue;
                }
                if (loaded?.load !== load) {
                    await loaded?.engines.dispose();
                    loaded = undefined;
                    this.#tell("loading", label);
                    const settings = { load, ...this.#running(identified.get(load)!) };
                    loaded = { load, engines: await Engines.load(settings, this.#tools.load, this.#signal) };
                }
                await this.#ask(plan, label, missing, loaded.engines.answerer({ ...plan.request, ...request }));
            }
        } finally {
            await loaded?.engines.dispose();
        }
    }

    // Problem by problem: samples of one share its prompt while they run beside each other.
    #missing({ places, samples }: EvalPlan, { label }: EvalContestant): readonly Place[] {
        const all = places.flatMap((problem) => Array.from({ length: samples }, (_, sample) => ({ problem, sample })));
        return all.filter((place) => !this.#samples.has(keyOf({ contestant: label, ...place })));
    }

    #isRepeatable({ bytes }: Identified): boolean {
        return this.#options.repeatable ?? bytes <= mostRepeatableBytes;
    }

    #running(identified: Identified): { sideBySide: number | undefined; parallel: number } {
        const sideBySide = Math.min(mostSideBySide, availableParallelism());
        const { parallel } = this.#options;
        return { parallel, sideBySide: this.#isRepeatable(identified) ? sideBySide : undefined };
    }

    // The same of a run that goes on as of one that need not.
    #notesOn(plan: EvalPlan, identified: readonly Identified[]): string[] {
        const { data } = plan;
        const { parallel } = this.#options;
        const notes: string[] = [];
        const known = data.source.startsWith("hf:") ? namedSets[data.name]?.problems : undefined;
        const found = data.problems.length;
        if (known !== undefined && known !== found)
            notes.push(`${data.name} has ${found} problems here, and ${known} as it is known.`);
        if (parallel > 1 && identified.some((one) => !this.#isRepeatable(one))) {
            notes.push(
                `Texts were drawn ${parallel} at a time: what is computed beside a text changes how it is rounded, ` +
                    "so that the same seeds may give others another time."
            );
        }
        return notes;
    }

    #server({ sampling, stop, style }: EvalPlan): Answerer {
        const { thinking } = this.#options;
        const { url, model, key, concurrency, timeoutSeconds, retries } = this.#options.server!;
        // What only some servers know is sent where somebody asked for it.
        const chat = style.chat && typeof thinking === "boolean" ? { enable_thinking: thinking } : undefined;
        const body = {
            ...serverSampling(sampling),
            ...(chat === undefined ? {} : { chat_template_kwargs: chat }),
            ...(stop.length === 0 ? {} : { stop })
        };
        const { waitMs } = this.#tools;
        return serverAnswerer({
            url,
            model,
            key,
            atOnce: concurrency,
            timeoutMs: 1000 * timeoutSeconds,
            retries,
            waitMs,
            body
        });
    }

    async #ask(plan: EvalPlan, label: string, missing: readonly Place[], answerer: Answerer): Promise<void> {
        const { data, style } = plan;
        this.#tell("asking", label);
        try {
            await inPool(missing, answerer.ahead, this.#signal, async ({ problem: at, sample }, signal) => {
                const problem = data.problems[at]!;
                const seed = seedOf(this.#options.seed, at);
                const question = { asked: style.ask(problem.question), seed, ordinal: sample };
                const where = `problem ${problem.id}, sample ${sample}`;
                const start = performance.now();
                const reply = await answerer.ask({ ...question, where }, signal);
                const ms = (performance.now() - start) / answerer.ahead;
                const verdict = await judge(data.grading, reply, problem);
                signal.throwIfAborted();
                const line: SampleLine = {
                    type: "sample",
                    contestant: label,
                    problem: at,
                    id: problem.id,
                    sample,
                    seed,
                    ordinal: sample,
                    output: reply.output,
                    answer: problem.answer,
                    ...verdict,
                    stop: reply.stop,
                    tokens: reply.tokens,
                    ms: Math.round(100 * ms) / 100
                };
                await this.#record?.add(line);
                this.#samples.set(keyOf(line), kept(line));
                this.#tell("asking", label);
            });
        } finally {
            await answerer.close();
        }
    }

    #tell(state: EvalProgress["state"], contestant: string): void {
        try {
            this.#options.onProgress?.({ state, contestant, done: this.#samples.size, total: this.#total });
        } catch (error) {
            const message = `The evaluation was aborted, as onProgress failed: ${describeError(error)}.`;
            throw new RastError("ERR_ABORTED", message, { cause: error });
        }
    }
}

interface Place {
    readonly problem: number;
    readonly sample: number;
}

function headOf(plan: EvalPlan, { seed }: ResolvedEvaluateOptions): RecordHead {
    const { data, style, stop, sampling, request } = plan;
    return {
        type: "head",
        format: recordFormat,
        data: {
            name: data.name,
            source: data.source,
            sha256: hashOf(data),
            problems: data.problems.length,
            grading: data.grading
        },
        prompt: {
            style: style.name,
            shots: style.shots,
            sha256: style.sha256,
            stop,
            thinking: style.chat ? (request.thinking ?? "auto") : null
        },
        sampling,
        seed,
        versions: { rast: packageVersion(), llamaCpp: llamaRelease }
    };
}

function lineOf(
    { label, role, trio, lambda, load }: EvalContestant,
    identified: ReadonlyMap<LoadOptions, Identified>,
    { server }: ResolvedEvaluateOptions
): ContestantLine {
    const all = load === undefined ? [] : identified.get(load)!.models;
    const own = all.filter(({ kind }) => role === "rast" || kind === (role === "expert" ? "expert" : "base"));
    return {
        type: "contestant",
        label,
        role,
        trio,
        lambda,
        models: own.map(({ role, file, fingerprint, adapters }) => ({ role, file, fingerprint, adapters })),
        server: load === undefined ? { url: server!.url, model: server!.model } : null
    };
}
