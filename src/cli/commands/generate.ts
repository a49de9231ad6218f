import type { GenerateOptions, GenerateSettings } from "../../engine/generate-options.js";
import { RastError } from "../../errors.js";
import { isContextNote } from "../../loading/context-note.js";
import type { LoadOptions } from "../../loading/load-options.js";
import type { Rast } from "../../engine/engine.js";
import { fileOutput, streamOutput } from "../batch/output.js";
import { readPrompts, type BatchPrompt } from "../batch/prompts.js";
import { runBatch } from "../batch/run.js";
import { chatOnly, promptOf } from "../chat-prompt.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodeOf, exitCodes, type ExitCode } from "../exit-codes.js";
import {
    expandHome,
    fileFlag,
    longName,
    numberFlag,
    readFlags,
    switchFlag,
    under,
    valueFlag,
    wrongFlag,
    type FlagValues
} from "../flag.js";
import { reasoningFlag } from "../flags/chat.js";
import { engineFlags, readEngineFlags } from "../flags/engine.js";
import { modelFlags, strengthFlags } from "../flags/models.js";
import { promptFlags, rawFlags } from "../flags/prompt.js";
import { pullFlags } from "../flags/pulling.js";
import { completionFlags, samplingFlags } from "../flags/sampling.js";
import { generationRules, sayIdleFlags } from "../idle-flags.js";
import { readInput, readStandardInput } from "../input.js";
import { interruptible } from "../interruption.js";
import type { CommandIo, Input } from "../io.js";
import { assurePulled } from "../offer-pull.js";
import { StatusLine } from "../output.js";
import { loadingLine } from "../loading-line.js";
import { promptNotes } from "../prompt-notes.js";
import { writeTexts, type OutputStyle } from "../texts.js";

/** What goes to a request as it is. */
const requestFlags = {
    ...rawFlags,
    ...completionFlags,
    ...samplingFlags,
    ...under("Output", {
        logprobs: numberFlag(
            "--logprobs <integer>",
            "report log-probabilities with this many alternatives (with --json or --stream-json)"
        )
    })
};

/** What only this command has. */
const ownFlags = {
    ...promptFlags,
    ...under("Prompt", {
        batch: fileFlag(
            "--batch <file>",
            "many prompts: a line each, or JSON lines (.jsonl); prints a line of JSON for each, in order; - is standard input"
        ),
        loadState: fileFlag("--load-state <file>", "begin with what --save-state wrote"),
        saveState: fileFlag("--save-state <file>", "afterwards write what the models know of the prompt")
    }),
    ...under("Text", {
        samples: numberFlag("--samples <integer>", "this many texts of one prompt, which is decoded once (default 1)"),
        parallel: numberFlag(
            "--parallel <integer>",
            "texts generated together (default: as many as samples, at most 16)"
        ),
        grammar: fileFlag("--grammar <file>", "a GBNF grammar that the text must follow"),
        jsonSchema: valueFlag("--json-schema <file|json>", "a JSON schema that the text must follow", toSchemaSource),
        ignoreUnsupported: switchFlag(
            "--ignore-unsupported",
            "leave out keywords of --json-schema that cannot be kept, instead of refusing the schema"
        )
    }),
    ...under("Output", {
        json: switchFlag("--json", "print one JSON object with the whole result; errors as JSON, too"),
        streamJson: switchFlag(
            "--stream-json",
            "print a line of JSON for every part, and the result as the last; errors as JSON, too"
        ),
        output: fileFlag(
            "--output <file>",
            "where lines of --batch go; those it has are kept, and their prompts skipped"
        ),
        reasoning: reasoningFlag,
        quiet: switchFlag("-q, --quiet", "nothing on stderr but errors: no figures, no progress")
    })
};

/** `rast generate`: streams text to stdout, figures to stderr; or one JSON object. */
export const generate: CommandDeclaration = {
    name: "generate",
    description: "generate text from a prompt, or from standard input",
    operands: {
        usage: "[prompt]",
        description: "text to continue; - or nothing reads standard input",
        advice: "Put a prompt of several words in quotes."
    },
    needsSettings: true,
    examples: [
        ['rast generate --trio demo "6+34+63+39"', "A text, with the models and settings of a bundled trio."],
        [
            'rast generate --base b.gguf --expert e.gguf --antiexpert a.gguf --chat "Hi"',
            "Models of your own, and a question for their chat template."
        ],
        ["rast generate --trio ~/my-trio -f question.txt --json", "The prompt from a file, all that is known as JSON."],
        ['rast generate --trio demo --json-schema \'{"type": "integer"}\' "6+7="', "A text that is JSON of some shape."]
    ],
    flags: { ...modelFlags, ...pullFlags, ...strengthFlags, ...ownFlags, ...requestFlags, ...engineFlags },
    aliases: { n: "--samples", pairs: "--expert given twice", continueFinalMessage: "--answer-start" },
    run
};

type Own = FlagValues<typeof ownFlags>;

async function run(call: CommandCall): Promise<ExitCode> {
    const { io, operands, typed } = call;
    const own = readFlags(ownFlags, typed);
    const { maxThinkingTokens } = own;
    const request = { ...readFlags(requestFlags, typed), ...(await readConstraint(own)), maxThinkingTokens };
    const status = new StatusLine(io, own.quiet);
    const engine = await readEngineFlags(typed);
    const ended = await assurePulled(engine.trio, readFlags(pullFlags, typed).pull, io);
    if (ended !== undefined) return exitCodeOf(ended);
    const job =
        own.batch === undefined
            ? await onePrompt(await promptSource(operands[0], own, io.stdin), own, request, io, isPrompt(operands[0]))
            : await batch(own.batch, operands[0], own, request, io, status);
    if (job.isDone) {
        await job.close();
        const code = job.exitCode();
        if (code === exitCodes.ok && own.quiet !== true) io.stderr.write("rast: every prompt has its line already\n");
        return code;
    }
    const loadOptions = { ...engine, ...(job.parallel === undefined ? {} : { parallel: job.parallel }) };

    await checkRequests(job, loadOptions);
    if (own.quiet !== true) sayIdleFlags(call, generate.flags, generationRules);
    const { loadRast } = await import("../../loading/load.js");
    const { interruptedBy } = await interruptible(io.signals, async (signal) => {
        const rast = await loadRast({
            ...loadOptions,
            signal,
            onProgress: (progress) => status.show(loadingLine(progress))
        }).finally(() => status.clear());
        try {
            // A context that was not asked for may be smaller without a word.
            const isNews = (note: string): boolean => loadOptions.contextSize !== undefined || !isContextNote(note);
            const notes = own.quiet === true ? [] : rast.info.notes.filter(isNews);
            for (const note of notes) io.stderr.write(`rast: ${note}\n`);
            await job.work(rast, signal);
        } finally {
            status.clear();
            await rast.dispose();
        }
    })
        .catch((error: unknown) => {
            job.endedEarly(false);
            throw withoutTemplate(error, own);
        })
        .finally(job.close);
    if (interruptedBy !== undefined) job.endedEarly(true);
    return interruptedBy === undefined ? job.exitCode() : exitCodeOf(interruptedBy);
}

// Nobody who typed a flag has asked for a template.
function withoutTemplate(error: unknown, own: Own): unknown {
    if (!(error instanceof RastError) || error.details["chatTemplate"] !== null) return error;
    const flags = chatOnly.filter((name) => own[name] !== undefined).map((name) => longName(ownFlags[name]));
    const implied = own.chat === true || flags.length === 0 ? "" : `${flags.join(" and ")} implies --chat, and the `;
    const out = own.chat === true ? ["--chat", ...flags] : flags;
    return new RastError(
        error.code,
        `${implied === "" ? "The" : implied.replace(/ the $/, " the")} base model's file has no chat template. ` +
            `Leave out ${out.join(" and ")}, or take models with one: --trio demo-chat.`,
        { cause: error }
    );
}

function say(io: CommandIo, text: string): void {
    io.stderr.write(`rast: ${text}\n`);
}

function isPrompt(operand: string | undefined): boolean {
    return operand !== undefined && operand !== "-";
}

/** What is to be done with an engine. */
interface Job {
    /** Nothing is left to do. */
    readonly isDone: boolean;
    /** Texts generated together; undefined = as the engine likes. */
    readonly parallel: number | undefined;
    /** What will be asked, each with where it stands ("" for the command line). */
    requests(): Iterable<{ readonly options: GenerateOptions; readonly where: string }>;
    work(rast: Rast, signal: AbortSignal): Promise<void>;
    /** Says what is left undone, if there is anything to say. */
    endedEarly(interrupted: boolean): void;
    close(): Promise<void>;
    exitCode(): ExitCode;
}

async function onePrompt(
    prompt: string,
    own: Own,
    request: GenerateSettings,
    io: CommandIo,
    isOperand: boolean
): Promise<Job> {
    const style = outputStyle(own);
    const text = promptOf(prompt, own);
    return {
        isDone: false,
        parallel: own.parallel ?? parallelFor(own.samples),
        work: async (rast, signal) => {
            if (own.loadState !== undefined) await rast.loadState(own.loadState, { signal });
            if (own.quiet !== true) for (const note of await promptNotes(rast, prompt, isOperand)) say(io, note);
            await writeTexts(rast, { ...request, ...text, signal }, style, io);
            if (!signal.aborted && own.saveState !== undefined) {
                await rast.saveState(own.saveState, { ...text, signal });
            }
        },
        requests: () => [{ options: { ...request, ...text }, where: "" }],
        endedEarly: () => {},
        close: async () => {},
        exitCode: () => exitCodes.ok
    };
}

const notWithBatch = ["file", "samples", "loadState", "saveState", "streamJson"] as const;

async function batch(
    file: string,
    operand: string | undefined,
    own: Own,
    request: GenerateSettings,
    io: CommandIo,
    status: StatusLine
): Promise<Job> {
    if (operand !== undefined) throw clash("a prompt", "--batch");
    const other = notWithBatch.find((name) => own[name] !== undefined);
    if (other !== undefined) throw clash(longName(ownFlags[other]), "--batch");
    const say = (text: string): void => {
        if (own.quiet !== true) io.stderr.write(`rast: ${text}\n`);
    };
    const prompts = await readPrompts(file, io.stdin, say);
    const output = own.output === undefined ? streamOutput(io.stdout) : await fileOutput(own.output, prompts);
    const parallel = own.parallel ?? Math.min(4, prompts.length);
    let failures = output.keptFailures;
    let done = output.kept;
    let began = false;
    const requestOf = (prompt: BatchPrompt): GenerateOptions => batchRequest(prompt, own, request);
    return {
        isDone: output.kept === prompts.length,
        parallel,
        work: async (rast, signal) => {
            began = true;
            const onLine = (lines: number): void => {
                done = lines;
                status.show(`${lines} of ${prompts.length} prompts`);
            };
            onLine(output.kept);
            failures += await runBatch(rast, { prompts, output, requestOf, ahead: 4 * parallel, signal, onLine });
        },
        requests: function* () {
            // What is wrong with the flags is not a line's fault.
            yield { options: { ...request, ...promptOf("?", own) }, where: "" };
            for (const prompt of prompts.slice(output.kept)) yield { options: requestOf(prompt), where: prompt.where };
        },
        endedEarly: (interrupted) => {
            if (!interrupted && !began) return;
            const next =
                own.output === undefined
                    ? "with --output FILE a second run goes on where the first ended"
                    : "the same command goes on there";
            say(`${done} of ${prompts.length} prompts are done; ${next}`);
        },
        close: () => output.close(),
        exitCode: () => {
            if (failures === 0) return exitCodes.ok;
            say(`${failures} of ${prompts.length} prompts failed`);
            return exitCodes.failure;
        }
    };
}

// What needs no model is found out before any is loaded.
async function checkRequests(job: Job, engine: LoadOptions): Promise<void> {
    const { requestCheckFor } = await import("../../loading/request-check.js");
    const check = await requestCheckFor(engine);
    for (const { options, where } of job.requests()) {
        try {
            await check(options);
        } catch (error) {
            if (where === "" || !(error instanceof RastError)) throw error;
            const details = { ...error.details, option: "--batch" };
            throw new RastError(error.code, `${where}: ${error.message}`, { details, cause: error });
        }
    }
}

// What a line says comes before what the flags say; a constraint of its own leaves no room for theirs.
function batchRequest({ request: line }: BatchPrompt, own: Own, request: GenerateSettings): GenerateOptions {
    const constrained = line.grammar !== undefined || line.jsonSchema !== undefined;
    const theirs = constrained ? { ...request, grammar: undefined, jsonSchema: undefined } : request;
    if (line.prompt === undefined) return { ...theirs, ...line };
    const { prompt, ...options } = line;
    return { ...theirs, ...options, ...promptOf(prompt, own) };
}

function parallelFor(samples: number | undefined): number | undefined {
    return samples === undefined || !(samples > 1) ? undefined : Math.min(16, Math.ceil(samples));
}

/** Where a schema comes from. */
type SchemaSource = { readonly text: string } | { readonly file: string };

// A file of such a name is reached as "./{...".
function toSchemaSource(text: string, name: string): SchemaSource {
    if (/^\s*\{\s*(?:[A-Za-z_$]|')/.test(text)) {
        const advice =
            'Its keys and texts stand in double quotes, within single quotes of the shell: \'{"type": "integer"}\'.';
        throw wrongFlag(name, "JSON", text, advice);
    }
    return /^\s*(?:\{|true\s*$|false\s*$)/.test(text) ? { text } : { file: expandHome(text) };
}

function outputStyle({ samples = 1, json = false, streamJson = false, quiet = false, reasoning }: Own): OutputStyle {
    if (json && streamJson) throw clash("--json", "--stream-json");
    if (streamJson && samples !== 1) throw clash("--samples", "--stream-json");
    return { samples, format: streamJson ? "json parts" : json ? "json" : "text", quiet, reasoning };
}

function clash(one: string, other: string): RastError {
    return new RastError("ERR_INVALID_OPTION", `Expected either ${one} or ${other}, received both.`);
}

async function promptSource(operand: string | undefined, { file, output }: Own, stdin: Input): Promise<string> {
    if (output !== undefined)
        throw new RastError("ERR_INVALID_OPTION", "--output is where lines of --batch go: give --batch.");
    if (file !== undefined && operand !== undefined) throw clash("a prompt", "--file");
    const source = file ?? operand ?? "-";
    if (source === "-") return readStandardInput(stdin);
    // As of standard input, the newline that ends it is not part of the prompt.
    return file === undefined ? source : (await readInput(file, "the prompt")).replace(/\r?\n$/, "");
}

async function readConstraint({
    grammar,
    jsonSchema,
    ignoreUnsupported
}: Own): Promise<Pick<GenerateSettings, "grammar" | "jsonSchema">> {
    const constraint: Pick<GenerateSettings, "grammar" | "jsonSchema"> = {};
    if (grammar !== undefined) constraint.grammar = await readInput(grammar, "the grammar");
    // As text: parsing it here would lose the order of some keys and the digits of large numbers.
    if (jsonSchema !== undefined) {
        const schema = "text" in jsonSchema ? jsonSchema.text : await readInput(jsonSchema.file, "the JSON schema");
        constraint.jsonSchema = ignoreUnsupported === true ? { schema, unsupported: "ignore" } : schema;
    }
    return constraint;
}
