import { isError, plainError, type PlainError, type PlainValue } from "./plain-value.js";

/** What the catalogue says of one error code. */
export interface ErrorEntry {
    /** What went wrong, in one sentence. */
    readonly summary: string;
    /** What the reader can do about it, in one sentence. */
    readonly whatToDo: string;
    /** Whether the caller's input caused it: the command line then exits with 2 instead of 1. */
    readonly byInput: boolean;
}

function byInput(summary: string, whatToDo: string): ErrorEntry {
    return { summary, whatToDo, byInput: true };
}

function byRuntime(summary: string, whatToDo: string): ErrorEntry {
    return { summary, whatToDo, byInput: false };
}

const entries = {
    ERR_INVALID_OPTION: byInput(
        "An option has the wrong type or lies outside its range.",
        "The message names the option, what is expected and what was received."
    ),
    ERR_UNKNOWN_OPTION: byInput(
        "An option is not known.",
        "Check the spelling: the message names the nearest known option."
    ),
    ERR_INVALID_ARGUMENT: byInput(
        "An argument of a call has the wrong type or value.",
        "The message names the argument, what is expected and what was received."
    ),
    ERR_TOKENIZE: byInput(
        "A text cannot be turned into tokens: it is too long, or the model's tokenizer lacks a character of it.",
        "Shorten the text, or cut it where nothing hangs together; the message names the limit."
    ),
    ERR_EMPTY_PROMPT: byInput(
        "The prompt has no tokens, or a text to score has nothing before its only token.",
        "Give at least one token of prompt."
    ),
    ERR_PROMPT_TOO_LONG: byInput(
        "The prompt, with what is to be scored behind it, has more tokens than the context can hold.",
        "Shorten the prompt, or raise `contextSize` where the models hold more; both numbers are in `details`."
    ),
    ERR_QUEUE_FULL: byRuntime(
        "More generations wait than `maxQueue` allows.",
        "Start fewer at a time, or raise `maxQueue`."
    ),
    ERR_GRAMMAR: byInput(
        "A grammar does not parse, or allows nothing that the model could say next.",
        "The message says where; `root` must be defined, and every character be part of the model's vocabulary."
    ),
    ERR_CONSTRAINT_LIMIT: byInput(
        "A grammar or schema needs more work than one request may cost.",
        "Make it less ambiguous: what may follow should be told by the next few characters."
    ),
    ERR_JSON_SCHEMA: byInput(
        "A JSON schema is not valid, allows nothing, or asks for what cannot be kept.",
        'The message names the keyword and its place; `unsupported: "ignore"` leaves out what cannot be kept.'
    ),
    ERR_STATE_FILE: byInput(
        "A saved state cannot be written or read, is damaged, or belongs to other models or settings.",
        "Save it again with the models and the `kvType` of this engine."
    ),
    ERR_FILE_NOT_FOUND: byInput("A file does not exist.", "Check the path; the message says what the file is for."),
    ERR_FILE_UNREADABLE: byInput(
        "A file exists and cannot be read.",
        "Check its permissions, and that it is a regular file."
    ),
    ERR_FILE_UNWRITABLE: byInput(
        "A file cannot be written.",
        "Check that its folder exists, its permissions and the free space."
    ),
    ERR_FILE_EMPTY: byInput("A model file has no bytes.", "Download or copy the file again."),
    ERR_IS_DIRECTORY: byInput("A path names a folder where a file is needed.", "Give the path of the file itself."),
    ERR_NOT_GGUF: byInput("A model file is not in GGUF format.", "Convert the model to GGUF first."),
    ERR_MODEL_TRUNCATED: byInput(
        "A model file is shorter than its header says.",
        "Download or copy the file again, and all parts of a split model."
    ),
    ERR_MODEL_INVALID: byInput(
        "The header of a model file is damaged, or its architecture is not supported.",
        "Download the file again, or choose a model that llama.cpp supports."
    ),
    ERR_SAFETENSORS: byInput(
        "A safetensors file is damaged, or files of a checkpoint are missing or do not belong together.",
        "The message names the file, and the tensor where it is one; download that file again."
    ),
    ERR_GRAFT: byInput(
        "A checkpoint's tensors do not fit the template.",
        "Give the GGUF file of the very model that the checkpoint was trained from; the message names the tensor."
    ),
    ERR_WORKER_UNREACHABLE: byRuntime(
        "A worker is not there: nobody listens at its address, its name is not known, or it does not answer.",
        "Start `rast worker` there, and check address, port and firewall."
    ),
    ERR_WORKER_REFUSED: byRuntime(
        "A worker does not take this connection: the address is not among those it allows, it has too many, or it cannot offer its devices.",
        "The message says which: start it with `--allow` for this machine, with a larger `--max-connections`, or look at what it writes."
    ),
    ERR_WORKER_VERSION: byRuntime(
        "A worker has another protocol, llama.cpp or ggml, or what listens there is no worker.",
        "Install the same version of this package on both machines; nothing was sent."
    ),
    ERR_WORKER_LOST: byRuntime(
        "A worker went away, or gave no sign of life, while an engine used it.",
        "Ask again: the next request connects anew, or says what is missing."
    ),
    ERR_MODEL_LOAD: byRuntime(
        "llama.cpp could not load a model.",
        "The message gives llama.cpp's own words; check the file and the free memory."
    ),
    ERR_ADAPTER_INVALID: byInput(
        "A LoRA adapter is damaged, or no adapter.",
        "The message names the file, and the tensor or key; get the adapter again."
    ),
    ERR_ADAPTER_MISMATCH: byInput(
        "A LoRA adapter does not belong to the model that it was given for.",
        "Use the model that the adapter was made for; the message names the first tensor that does not fit."
    ),
    ERR_ADAPTER_UNSUPPORTED: byInput(
        "A LoRA adapter holds what cannot be kept: an aLoRA, DoRA, trained embeddings or biases, a tensor that llama.cpp computes without adapters.",
        "Merge the adapter into its model, and use the merged model."
    ),
    ERR_ADAPTER_LOAD: byRuntime(
        "llama.cpp could not load a LoRA adapter.",
        "The message gives llama.cpp's own words; check the file and the free memory."
    ),
    ERR_EXTRACT: byInput(
        "An adapter cannot be made of two models: they are of different kinds, or have no difference that it could hold.",
        "Give a fine-tuned model and the very model that it was made from."
    ),
    ERR_QUANTIZE: byRuntime(
        "llama.cpp could not quantize a model.",
        "The message gives llama.cpp's own words; check the file and the free space."
    ),
    ERR_NO_TOKENIZER: byInput(
        "A model file has no tokenizer.",
        "Use a GGUF file that was converted with its tokenizer."
    ),
    ERR_TOKENIZER_MISMATCH: byInput(
        "The models have different tokenizers, so that their logits cannot be added.",
        "Use an expert and an antiexpert of the base's own family; the message names the first difference. Special tokens may differ, as the option `specialTokens` says."
    ),
    ERR_CONFIG_FILE: byInput(
        "The command's file of settings is not valid.",
        "The message names the file and the key; `RAST_CONFIG=` in front of the command leaves the file out."
    ),
    ERR_TRIO_FILE: byInput("A trio file is not valid.", "The message names the file and the key."),
    ERR_UNKNOWN_TRIO: byInput(
        "No trio has this name.",
        "Use one of the names in the message, or the path of a trio file."
    ),
    ERR_CATALOG: byInput("A catalog of trios is not valid.", "The message names the file and the place in it."),
    ERR_HUB_UNREACHABLE: byRuntime(
        "The hub of models cannot be reached, or does not answer any more.",
        "Check the network, a proxy and `HF_ENDPOINT`, and pull again: it goes on where it ended."
    ),
    ERR_HUB_ACCESS: byInput(
        "The hub gives a model only to those who may have it.",
        "Accept its terms on its page, and set `HF_TOKEN`; the message has the page."
    ),
    ERR_HUB_NOT_FOUND: byInput(
        "The hub has no such repository, revision or file.",
        "Check the name; the message names what there is instead."
    ),
    ERR_HUB_ANSWER: byRuntime(
        "The hub, or something between here and there, answers with what is not a file.",
        "The message says what came; a proxy, a sign-in page of the network or a wrong `HF_ENDPOINT` are likely."
    ),
    ERR_DOWNLOAD_DAMAGED: byRuntime(
        "A downloaded file is not what the hub says: its size or its hash differs.",
        "Pull again; where it happens twice, the mirror or the proxy changes files."
    ),
    ERR_DEVICE_NOT_FOUND: byInput("A device is not present.", "`rast devices` lists the devices of this machine."),
    ERR_INSUFFICIENT_MEMORY: byInput(
        "The models do not fit into the free memory, or it ran out while generating.",
        "Lower `gpuLayers`, `contextSize`, `parallel` or `batchSize`, or use smaller quantizations."
    ),
    ERR_CONTEXT_CREATE: byRuntime(
        "llama.cpp could not create a context.",
        "Lower `contextSize` or `batchSize`, or choose another `kvType`."
    ),
    ERR_DECODE: byRuntime(
        "llama.cpp failed to decode a batch.",
        "Free memory on the device and load the engine again."
    ),
    ERR_ENGINE_CRASHED: byRuntime(
        "The process of an engine that was loaded with `isolate` ended by itself.",
        "`details` has its signal or exit code and its last words; what is asked of the engine next starts it anew."
    ),
    ERR_DISPOSED: byRuntime("The engine was disposed of.", "Load a new one with `loadRast`."),
    ERR_LOAD_ABORTED: byRuntime(
        "Loading was aborted by its signal, or by an exception in `onProgress`.",
        "The reason of the signal, or the exception, is the error's `cause`."
    ),
    ERR_ABORTED: byRuntime(
        "What was asked for was aborted by its signal, or by an exception in `onProgress`: work on a state, on files, or a download.",
        "The reason of the signal, or the exception, is the error's `cause`."
    ),
    ERR_BUNDLED: byRuntime(
        "The package has become part of a bundle.",
        "Tell the bundler to keep `rast-llama` external; docs/install.md has the lines."
    ),
    ERR_ADDON_MISSING: byRuntime(
        "The native addon is not installed.",
        "`rast build` makes it where the package brings none for the platform; the message has the command."
    ),
    ERR_ADDON_INVALID: byRuntime(
        "The native addon is damaged or belongs to another version of this package.",
        "Install the package again."
    ),
    ERR_LIBRARIES: byRuntime(
        "The shared libraries of llama.cpp could not be found or opened.",
        "The message names the package that is missing and the command that brings it."
    ),
    ERR_VERSION_MISMATCH: byRuntime(
        "The loaded llama.cpp is not the one the addon was compiled for.",
        "Install the package again, and load no other llama.cpp into the same process."
    ),
    ERR_BACKEND_UNAVAILABLE: byInput(
        "The backend that was asked for is not available here.",
        "Install its driver, or leave `RAST_BACKEND` unset to have one chosen."
    ),
    ERR_CHAT_TEMPLATE: byInput(
        "The model has no chat template, or the template failed, or cannot do what is asked of it.",
        "The message names the template's line; give it what it asks for, or write the conversation out and pass it as `prompt`."
    ),
    ERR_PEER: byRuntime(
        "A peer in a benchmark failed.",
        "The message gives its own words; the benchmark runs without it too."
    ),
    ERR_BENCH_RECORD: byInput(
        "A file is not a benchmark record, or two records cannot be compared.",
        "The message names the field that does not fit, or what differs; `rast bench` writes records."
    ),
    ERR_GRADER: byRuntime(
        "The threads that grade answers cannot be started.",
        "The message has the system's words: a package that is missing (`complex.js`, `fraction.js`), or no thread to be had."
    ),
    ERR_GRADE_FILE: byInput(
        "A file has nothing that could be graded.",
        "The message names the first line and what it lacks; `outputField` and `answerField` name fields of other names."
    ),
    ERR_DATA_SET: byInput(
        "A data set cannot be used: it is not known, is empty, or has a line that is damaged or lacks its fields.",
        "The message names the line and what it has; `questionField` and `answerField` name fields of other names."
    ),
    ERR_EVAL_RECORD: byInput(
        "A record of an evaluation is damaged, is of other models, data or settings, or is being written by another process.",
        "The message names the line, or what differs: choose another file, or the settings that the record has."
    ),
    ERR_SERVER: byRuntime(
        "A server that is to answer fails: it cannot be reached, refuses what it is asked, or does not end its answers.",
        "The message has its own words; finished samples are in the record, and the same command goes on there."
    ),
    ERR_LISTEN: byInput(
        "A server or a worker cannot listen on the address or port that was chosen.",
        "The message says why; `--port 0` takes a free port."
    ),
    ERR_SCORE_INPUT: byInput(
        "What is to be scored cannot be used: a line of a file is no record, or a text fills no window.",
        "The message names the line and what it lacks, or the tokens that are there and that are needed."
    ),
    ERR_OUTPUT_UNWRITABLE: byRuntime(
        "The command's standard output cannot be written.",
        "Check the free space where it goes; the message has the system's code."
    ),
    ERR_INTERNAL: byRuntime("Something happened that should not.", "Please report it, with the message and the stack.")
} as const satisfies Record<string, ErrorEntry>;

/**
 * A stable code of the catalogue.
 * @useDeclaredType
 */
export type ErrorCode = Extract<keyof typeof entries, string>;

/** Every code that this package reports, from TypeScript and from native code; `docs/errors.md` lists the same. */
export const errorCatalogue: Readonly<Record<ErrorCode, ErrorEntry>> = entries;

/** Whether a value is a code of the catalogue; native code reports codes as plain strings. */
export function isErrorCode(value: unknown): value is ErrorCode {
    return typeof value === "string" && Object.hasOwn(errorCatalogue, value);
}

/** A {@link RastError} as plain JSON: what `toJSON` gives and `RastError.from` takes. */
export interface PlainRastError extends PlainError {
    /** Tells it from other errors. */
    readonly name: "RastError";
    /** Stable across releases. */
    readonly code: ErrorCode;
    /** The facts in the message. */
    readonly details: { [key: string]: PlainValue };
}

/**
 * The one error class of this package: branch on `code`.
 * To other threads, processes and logs it goes as `toJSON()`, and comes back by `RastError.from`. Where the error itself was
 * cloned, its code comes back too, and its details do not: cloning keeps an error's message, stack and cause alone.
 * @example
 * ```ts
 * import { loadRast, RastError } from "rast-llama";
 *
 * try {
 *     await loadRast({ base: "/nowhere.gguf" });
 * } catch (error) {
 *     if (!(error instanceof RastError) || error.code !== "ERR_FILE_NOT_FOUND") throw error;
 *     console.log(error.message, error.details);
 * }
 * ```
 */
export class RastError extends Error {
    /** Tells it from other errors, where classes are lost. */
    override readonly name = "RastError";
    /** Stable across releases; the catalogue explains it. */
    readonly code: ErrorCode;
    /** The facts in the message, for programs. Sizes are in bytes. */
    readonly details: Readonly<Record<string, unknown>>;

    /**
     * @param code a code of the catalogue
     * @param message for a person: what failed, with names, numbers and units
     * @param extra `details` for programs, `cause` the error behind this one
     */
    constructor(
        code: ErrorCode,
        message: string,
        extra: { readonly details?: Readonly<Record<string, unknown>>; readonly cause?: unknown } = {}
    ) {
        super(withinReason(message), "cause" in extra ? { cause: extra.cause } : undefined);
        this.code = code;
        this.details = extra.details ?? {};
        // The stack is what cloning keeps, so that it says the code.
        if (typeof this.stack === "string")
            this.stack = this.stack.replace(/^(?:Rast)?Error(?=:|\n|$)/, `RastError [${code}]`);
    }

    /**
     * The error as plain JSON, with its causes; never throws. What JSON lacks becomes text, what refers to itself is named so,
     * and the whole is cut to 8 levels, 2,000 values and 16,384 characters a text.
     */
    toJSON(): PlainRastError {
        return plainError(this) as PlainRastError;
    }

    /**
     * The error that a plain form stands for, or the clone of an error. Whatever is neither becomes the `cause` of an
     * ERR_INTERNAL; a `RastError` stays what it is.
     */
    static from(value: unknown): RastError {
        if (value instanceof RastError) return value;
        const known = restored(value);
        if (known instanceof RastError) return known;
        const message = isError(known) ? known.message : `Expected a RastError, received ${typeof value}.`;
        return new RastError("ERR_INTERNAL", message, { cause: known });
    }
}

// Names and texts in messages are shortened where they are put in; this is for what slipped through.
const longestMessage = 4096;

function withinReason(message: string): string {
    if (message.length <= longestMessage) return message;
    const half = longestMessage / 2;
    const begin = message.slice(0, half).replace(/[\uD800-\uDBFF]$/, "");
    return `${begin} ... ${message.slice(-half).replace(/^[\uDC00-\uDFFF]/, "")}`;
}

// An error's plain form, or its clone, as an error; anything else as it is.
function restored(value: unknown): unknown {
    if (typeof value !== "object" || value === null || value instanceof RastError) return value;
    const { name, message, code, details, stack } = value as Partial<Record<keyof PlainError, unknown>>;
    if (typeof message !== "string" || typeof name !== "string") return value;
    const cause = "cause" in value ? { cause: restored(value.cause) } : {};
    const stated =
        name === "RastError" ? code : /^RastError \[(\w+)\]/.exec(typeof stack === "string" ? stack : "")?.[1];
    if (isErrorCode(stated)) {
        const known = typeof details === "object" && details !== null ? (details as Record<string, unknown>) : {};
        return withStack(new RastError(stated, message, { details: known, ...cause }), stack);
    }
    if (isError(value)) return value;
    const error: Error & { code?: string; details?: unknown } = new Error(message, cause);
    Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
    if (typeof code === "string") error.code = code;
    if (details !== undefined) error.details = details;
    return withStack(error, stack);
}

function withStack<T extends Error>(error: T, stack: unknown): T {
    if (typeof stack === "string") error.stack = stack;
    return error;
}
