import { describeValue } from "../checks.js";
import { RastError } from "../errors.js";
import type { TemplateFacts } from "./template-thread.js";

/**
 * Whether a model is to reason before its answer, where its chat template has a say. "auto": yes where the template can,
 * and no error where it cannot.
 */
export type Thinking = boolean | "auto";

interface Switch {
    readonly variable: string;
    /** Only in templates with this in their text, as the variable has other meanings or values elsewhere. */
    readonly where?: RegExp;
    /** Left to the template where it is not given. */
    readonly on?: boolean | string | number;
    readonly off?: boolean | string | number;
}

/** How templates turn thinking on and off, by the variables that they read. */
const switches: readonly Switch[] = [
    // Qwen 3, QwQ, R1-Distill, GLM, Gemma 4, SmolLM3, Nemotron 3, Command R7B, Apertus, Granite 4 ...
    { variable: "enable_thinking", on: true, off: false },
    // DeepSeek V3.1 and later, Kimi K3, Granite 3.3
    { variable: "thinking", on: true, off: false },
    // Ling 3
    { variable: "thinking_option", on: "on", off: "off" },
    // MiniMax M3
    { variable: "thinking_mode", where: /["']disabled["']/, on: "enabled", off: "disabled" },
    // Command A and other Cohere2 models
    { variable: "reasoning", where: /\breasoning is (not )?(un)?defined/, on: true, off: false },
    // Seed-OSS; without a limit it thinks
    { variable: "thinking_budget", off: 0 },
    // Hunyuan: the default is not to
    { variable: "reasoning_effort", where: /["']no_think["']/, on: "high", off: "no_think" },
    // Solar Open; without one it thinks
    { variable: "reasoning_effort", where: /["']minimal["']/, off: "minimal" },
    { variable: "reasoning_effort", where: /["']none["']/, off: "none" }
];

// Such a template writes out reasoning, or begins it, whatever its variables are.
const thinks = /<[^<>\s]{0,9}think|\[THINK\]|START_THINKING|channel\|?>['"]?analysis|reasoning (steps|strength)/i;

/**
 * The variables that turn thinking on or off in a template.
 * @param given variables of the caller's own: what they say of thinking holds
 * @throws ERR_CHAT_TEMPLATE when the template cannot do what is asked
 * @throws ERR_INVALID_OPTION for a text such as "false" where a boolean is asked for
 */
export function thinkingVariables(
    thinking: Thinking,
    template: string,
    facts: TemplateFacts,
    given: Readonly<Record<string, unknown>>
): Record<string, boolean | string | number> {
    const known = switches.filter(
        ({ variable, where }) => facts.names.has(variable) && (where === undefined || where.test(template))
    );
    for (const one of known) if (Object.hasOwn(given, one.variable)) checkSwitch(one, given[one.variable], template);
    if (known.some(({ variable }) => Object.hasOwn(given, variable))) return {};
    const wanted = thinking !== false;
    const variables: Record<string, boolean | string | number> = {};
    for (const { variable, on, off } of known) {
        const value = wanted ? on : off;
        if (value !== undefined) variables[variable] = value;
    }
    if (thinking === true && known.length === 0 && !thinks.test(template)) {
        throw refused("cannot turn thinking on", "true");
    }
    if (thinking === false && Object.keys(variables).length === 0 && thinks.test(template)) {
        throw refused("cannot turn thinking off", "false");
    }
    return variables;
}

// Any text that is not empty counts as true, "false" among them.
const meantAsBoolean = /^(true|false|on|off|yes|no|none|enabled|disabled|0|1)$/i;

function checkSwitch({ variable, on }: Switch, value: unknown, template: string): void {
    if (on !== true || typeof value !== "string" || !meantAsBoolean.test(value)) return;
    // Some templates compare with words of their own.
    if (template.includes(`'${value}'`) || template.includes(`"${value}"`)) return;
    throw new RastError(
        "ERR_INVALID_OPTION",
        `Expected true or false without quotes for templateOptions.${variable}, received ${describeValue(value)}.`,
        { details: { option: `templateOptions.${variable}` } }
    );
}

function refused(what: string, value: string): RastError {
    return new RastError(
        "ERR_CHAT_TEMPLATE",
        `The base model's chat template ${what}: it reads no variable such as enable_thinking. Leave out thinking: ${value}, ` +
            "or pass what the template reads in templateOptions.",
        { details: { option: "thinking" } }
    );
}
