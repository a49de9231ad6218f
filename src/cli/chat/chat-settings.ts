// What a chat's answers are drawn with, and how it is changed while one talks.
import { didYouMean } from "../../checks.js";
import type { GenerateSettings } from "../../engine/generate-options.js";
import { RastError } from "../../errors.js";
import { keyOf, takesValue, type Flag, type FlagGroup } from "../flag.js";
import { chatFlags } from "../flags/chat.js";
import { strengthFlags } from "../flags/models.js";
import { completionFlags, drawFlags } from "../flags/sampling.js";

const { thinking, maxThinkingTokens } = chatFlags;
const { lambda } = strengthFlags;
// By the names of their flags: "top-p".
const flags: FlagGroup = { lambda, ...completionFlags, ...drawFlags, thinking, maxThinkingTokens };
const byName = new Map(Object.entries(flags).map(([option, flag]) => [keyOf(flag), { option, flag }]));

/** Names that `/set` knows. */
export const settingNames: readonly string[] = [...byName.keys()].sort();

/** Settings of answers, by option; each change is checked before it holds. */
export class ChatSettings {
    #values: Readonly<Record<string, unknown>>;
    readonly #initial: Readonly<Record<string, unknown>>;
    readonly #check: (settings: GenerateSettings) => Promise<void>;

    /** @param check throws what is wrong with settings */
    constructor(initial: GenerateSettings, check: (settings: GenerateSettings) => Promise<void>) {
        this.#initial = { ...initial };
        this.#values = this.#initial;
        this.#check = check;
    }

    get values(): GenerateSettings {
        return this.#values;
    }

    /**
     * @param text as it would stand behind the flag; "default" is what was chosen when the chat began
     * @returns what it is now, in words
     * @throws ERR_UNKNOWN_OPTION, ERR_INVALID_OPTION; nothing has changed then
     */
    async set(name: string, text: string): Promise<string> {
        const known = byName.get(name.replace(/^--/, ""));
        if (known === undefined) {
            throw new RastError("ERR_UNKNOWN_OPTION", `There is no setting ${name}.${didYouMean(name, settingNames)}`);
        }
        const { option, flag } = known;
        const others: Record<string, unknown> = { ...this.#values };
        delete others[option];
        const value = text === "default" ? this.#initial[option] : readText(flag, text, name);
        const changed = value === undefined ? others : { ...others, [option]: value };
        await this.#check(changed);
        this.#values = changed;
        return `${keyOf(flag)} ${this.word(option) ?? "as the trio has it"}`;
    }

    /** Takes a setting away, whatever was chosen when the chat began: the trio's own holds. */
    remove(option: string): void {
        const others: Record<string, unknown> = { ...this.#values };
        delete others[option];
        this.#values = others;
    }

    /** "temperature 0.5": a line for each that is not the trio's own. */
    lines(): string[] {
        return [...byName]
            .filter(([, { option }]) => this.#values[option] !== undefined)
            .map(([name, { option }]) => `${name} ${inWords(this.#values[option])}`);
    }

    /** A setting as it is, in words. */
    word(option: string): string | undefined {
        const value = this.#values[option];
        return value === undefined ? undefined : inWords(value);
    }
}

function readText(flag: Flag<unknown>, text: string, name: string): unknown {
    if (!takesValue(flag)) {
        if (text !== "on" && text !== "off") {
            throw new RastError(
                "ERR_INVALID_OPTION",
                `Expected on or off for ${name}, received ${JSON.stringify(text)}.`
            );
        }
        return text === "on" ? true : undefined;
    }
    return flag.read(flag.repeatable ? text.split(/\s+/) : text, name);
}

function inWords(value: unknown): string {
    if (value instanceof Map) return [...value].map(([id, bias]) => `${id}=${bias}`).join(" ");
    if (Array.isArray(value)) return value.map((one) => JSON.stringify(one)).join(" ");
    return value === true ? "on" : value === false ? "off" : String(value);
}
