// What both of OpenAI's endpoints have in common, read into settings of the engine. Bodies have passed their schemas.
import type { GenerateSettings, Mode } from "../../engine/generate-options.js";
import type { Speculation } from "../../engine/speculation-options.js";
import { constraintField, promptField } from "../http/error-form.js";
import { wrongField } from "../http/request-error.js";

/** A body that its schema has found right; null counts as left out. */
export interface CommonBody {
    readonly model?: string | null;
    readonly temperature?: number | null;
    readonly top_p?: number | null;
    readonly top_k?: number | null;
    readonly min_p?: number | null;
    readonly frequency_penalty?: number | null;
    readonly presence_penalty?: number | null;
    readonly repeat_penalty?: number | null;
    readonly repetition_penalty?: number | null;
    readonly repeat_last_n?: number | null;
    readonly logit_bias?: Readonly<Record<string, number>> | null;
    readonly seed?: number | null;
    readonly n?: number | null;
    readonly stop?: string | readonly string[] | null;
    readonly stream?: boolean | null;
    readonly stream_options?: { readonly include_usage?: boolean | null } | null;
    readonly ignore_eos?: boolean | null;
    readonly grammar?: string | null;
    readonly json_schema?: Readonly<Record<string, unknown>> | null;
    readonly rast?: RastFields | null;
}

/** RAST's own. */
export interface RastFields {
    readonly lambda?: number | readonly number[] | null;
    readonly speculation?: Speculation | null;
    readonly mode?: Mode | null;
    readonly explain?: boolean | { readonly top?: number | null } | null;
    readonly raw?: boolean | null;
}

/** Settings without those that are undefined. */
export type Settings = Omit<GenerateSettings, "signal" | "ordinal">;

/** Names of the engine's options in OpenAI's bodies. */
const fields: Readonly<Record<string, string>> = {
    topP: "top_p",
    topK: "top_k",
    minP: "min_p",
    frequencyPenalty: "frequency_penalty",
    presencePenalty: "presence_penalty",
    repetitionPenalty: "repeat_penalty",
    penaltyWindow: "repeat_last_n",
    logitBias: "logit_bias",
    maxTokens: "max_tokens",
    maxThinkingTokens: "max_reasoning_tokens",
    ignoreEos: "ignore_eos",
    templateOptions: "chat_template_kwargs",
    continueFinalMessage: "continue_final_message",
    lambda: "rast.lambda",
    speculation: "rast.speculation",
    mode: "rast.mode",
    explain: "rast.explain",
    tokens: "prompt",
    "tools[].name": "tools[].function.name",
    "tools[].parameters": "tools[].function.parameters"
};

/** The name of an option of the engine's. */
export function fieldOf(option: string, body?: unknown): string {
    if (option === "prompt") return promptField(body);
    if (option === "constraint") return constraintField(body, ["grammar", ...schemaFields]);
    if (option === "jsonSchema") return constraintField(body, schemaFields);
    return fields[option] ?? option;
}

const schemaFields = ["response_format", "json_schema", "text.format"];

/** @throws RequestError 400 */
export function readCommon(body: CommonBody): Settings {
    const rast = body.rast ?? {};
    if (given(body.grammar) && given(body.json_schema)) {
        throw wrongField("grammar", "Expected either grammar or json_schema, received both.");
    }
    return defined<Settings>({
        temperature: body.temperature,
        // the engine keeps at least one
        topP: body.top_p === 0 ? 1e-9 : body.top_p,
        topK: body.top_k === null || body.top_k === undefined ? undefined : Math.max(0, body.top_k),
        minP: body.min_p,
        frequencyPenalty: body.frequency_penalty,
        presencePenalty: body.presence_penalty,
        repetitionPenalty: body.repeat_penalty ?? body.repetition_penalty,
        penaltyWindow: body.repeat_last_n,
        logitBias: body.logit_bias,
        seed: readSeed(body.seed),
        stop: body.stop,
        ignoreEos: body.ignore_eos,
        grammar: body.grammar,
        jsonSchema: body.json_schema,
        lambda: rast.lambda,
        speculation: rast.speculation,
        mode: rast.mode,
        explain: readExplain(rast.explain)
    });
}

function readExplain(explain: RastFields["explain"]): boolean | { top?: number } | undefined {
    if (explain === undefined || explain === null || typeof explain === "boolean") return explain ?? undefined;
    return explain.top === undefined || explain.top === null ? {} : { top: explain.top };
}

// Numbers beyond 2^53 come rounded, and are then as good as any other.
function readSeed(seed: number | null | undefined): number | bigint | undefined {
    if (seed === undefined || seed === null || seed === -1) return undefined;
    if (Number.isSafeInteger(seed) && seed >= 0) return seed;
    return BigInt.asUintN(64, BigInt(seed));
}

/** "No limit" as no option. @throws RequestError 400 */
export function readMaxTokens(name: string, value: number | null | undefined): number | undefined {
    if (value === undefined || value === null || value === -1) return undefined;
    if (value === 0) throw wrongField(name, `Expected an integer >= 1 for ${name}, or -1 for no limit, received 0.`);
    return value;
}

/** Whether a field is there. */
export function given<T>(value: T | null | undefined): value is T {
    return value !== undefined && value !== null;
}

type Loose<T> = { readonly [K in keyof T]?: T[K] | null | undefined };

/** What is there of some settings. */
export function defined<T extends object>(values: Loose<T>): T {
    return Object.fromEntries(Object.entries(values).filter(([, value]) => given(value))) as T;
}
