// Flags that were typed and change nothing, beside others that take their effect away.

import type { CommandCall } from "./command.js";
import { attributeName, longName, readFlags, type FlagGroup } from "./flag.js";
import { isModelFile } from "./flags/against.js";

/** Values of flags, by option. */
type Values = Readonly<Record<string, unknown>>;

/** Flags, and when they have no effect. */
export interface IdleRule {
    readonly options: readonly string[];
    /** Why they have no effect; undefined where they may have one. */
    readonly idle: (values: Values, name: (option: string) => string) => string | undefined;
}

const chatOptions = ["chat", "system", "thinking", "templateOptions", "maxThinkingTokens", "answerStart", "reasoning"];
const penalties = ["repetitionPenalty", "presencePenalty", "frequencyPenalty"];
const has = (values: Values, ...options: readonly string[]): boolean =>
    options.some((one) => values[one] !== undefined);

// A line of a batch may have a mode, a temperature and the like of its own.
const alone =
    (idle: IdleRule["idle"]): IdleRule["idle"] =>
    (values, name) =>
        has(values, "batch") ? undefined : idle(values, name);

// Of what is held against others, files stand for bases alone.
function hasTrio(values: Values): boolean {
    const against = (values["against"] ?? []) as readonly string[];
    return has(values, "trio") || against.some((one) => !isModelFile(one));
}

/** What holds for every command that draws, or asks models for scores. */
const rules: readonly IdleRule[] = [
    {
        options: ["logprobs"],
        idle: (values) => (has(values, "json", "streamJson", "batch") ? undefined : "without --json or --stream-json")
    },
    {
        options: ["lambda", "speculation", "speculation.ngram"],
        idle: alone(({ mode }) => (mode === "base" || mode === "expert" ? `with --mode ${mode}` : undefined))
    },
    {
        options: ["expert.lora", "antiexpert.lora"],
        idle: alone(({ mode }) => (mode === "base" ? "with --mode base" : undefined))
    },
    {
        options: ["base.lora", "antiexpert.lora"],
        idle: alone(({ mode }) => (mode === "expert" ? "with --mode expert" : undefined))
    },
    {
        options: ["lambda", "specialTokens"],
        idle: (values) => (hasTrio(values) || has(values, "expert") ? undefined : "without --expert and --antiexpert")
    },
    {
        options: ["topK", "topP", "minP", "seed", "ordinal"],
        idle: alone(({ temperature }) =>
            temperature === 0 ? "with --temperature 0, which takes the likeliest token" : undefined
        )
    },
    {
        options: ["samples"],
        idle: ({ samples, temperature }) =>
            temperature === 0 && Number(samples) > 1 ? "but the same text again with --temperature 0" : undefined
    },
    {
        options: ["ordinal"],
        idle: alone((values) => (has(values, "seed") ? undefined : "without --seed, as draws are others every time"))
    },
    {
        // A trio may have penalties of its own.
        options: ["penaltyWindow"],
        idle: alone((values, name) =>
            has(values, "trio", ...penalties) ? undefined : `without ${penalties.map(name).join(", ")}`
        )
    },
    {
        options: ["raw"],
        idle: (values) => (hasTrio(values) ? undefined : "without --trio, as there is no prompt template")
    },
    {
        options: ["raw"],
        idle: (values, name) => {
            const chat = chatOptions.find((option) => has(values, option));
            return chat === undefined
                ? undefined
                : `with ${name(chat)}, as a conversation has no prompt template around it`;
        }
    },
    {
        options: ["reasoning"],
        idle: (values, name) => {
            const json = ["json", "streamJson", "batch"].find((option) => has(values, option));
            return json === undefined
                ? undefined
                : `but that of --chat with ${name(json)}, where reasoning has a field of its own`;
        }
    },
    {
        options: ["ignoreUnsupported"],
        idle: (values) => (has(values, "jsonSchema") ? undefined : "without --json-schema")
    },
    {
        options: ["maxThinkingTokens"],
        idle: alone(({ thinking }) => (thinking === false ? "with --thinking off" : undefined))
    },
    {
        options: ["ignoreEos"],
        idle: (values, name) => {
            const constraint = ["grammar", "jsonSchema"].find((option) => has(values, option));
            return constraint === undefined ? undefined : `with ${name(constraint)}, which says where the text ends`;
        }
    }
];

/** What holds for `rast generate` besides. */
export const generationRules: readonly IdleRule[] = [
    {
        // Where given texts are scored, they say how many tokens are looked at together, of a base alone as well.
        options: ["speculation", "speculation.ngram"],
        idle: (values) => (has(values, "trio", "expert") ? undefined : "without --expert and --antiexpert")
    },
    {
        options: ["parallel"],
        idle: ({ parallel, samples, batch }) =>
            Number(parallel) > 1 && batch === undefined && !(Number(samples) > 1)
                ? "without --samples or --batch"
                : undefined
    }
];

/**
 * Says on stderr a sentence for every flag that was typed in vain.
 * @param own what holds for this command besides; it comes first
 */
export function sayIdleFlags({ io, typed, given }: CommandCall, flags: FlagGroup, own: readonly IdleRule[] = []): void {
    const values = readFlags(flags, typed);
    const isTyped = (option: string): boolean => {
        const flag = flags[option];
        return flag !== undefined && given[attributeName(flag)] !== undefined;
    };
    const name = (option: string): string => longName(flags[option]!);
    const said = new Map<string, string>();
    for (const { options, idle } of [...own, ...rules]) {
        // Rules may speak of flags that stand beside theirs: of those that a command has.
        const asked = options.filter((option) => isTyped(option) && !said.has(option));
        const why = asked.length === 0 ? undefined : idle(values, name);
        for (const option of why === undefined ? [] : asked) {
            said.set(option, `${name(option)} has no effect ${why!}.`);
        }
    }
    for (const sentence of said.values()) io.stderr.write(`rast: ${sentence}\n`);
}
