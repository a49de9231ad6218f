// What is said of a command line that cannot be parsed, beyond commander's words: what to write instead.
import { didYouMean, quote, shorten } from "../checks.js";
import type { CommandDeclaration } from "./command.js";
import { commands } from "./commands/index.js";

/** Flags of llama.cpp's programs and the like, and what they are here. */
const elsewhere: Readonly<Record<string, string>> = {
    "-m": "A trio of models is --base, --expert and --antiexpert FILE, or --trio NAME; one model alone is --base FILE.",
    "-p": "The prompt stands by itself, in quotes.",
    "-n": "Write --max-tokens.",
    "-c": "Write --context-size.",
    "-t": "Write --threads.",
    "-b": "Write --batch-size.",
    "-s": "Write --seed.",
    "-ngl": "Write --gpu-layers.",
    "-fa": "Write --flash-attention.",
    "-ncmoe": "Write --cpu-moe.",
    "-j": "Write --json-schema.",
    "-sys": "Write --system.",
    "-ctk": "Write --kv-type.",
    "--temp": "Write --temperature.",
    "--repeat-penalty": "Write --repetition-penalty.",
    "--repeat-last-n": "Write --penalty-window.",
    "--reasoning-budget": "Write --max-thinking-tokens.",
    "--jinja": "Write --chat.",
    "--format": "Write --json-schema, with a schema; the whole result as JSON is --json.",
    "--think": "Write --thinking, with on or off.",
    "--output-format": "Write --json.",
    "--interactive": "There is no dialogue: a call gives a text. --chat asks one question."
};

const sameAs: Readonly<Record<string, string>> = {
    "--no-think": "--think",
    "--nothink": "--think",
    "--model": "-m",
    "--models": "-m",
    "--prompt": "-p",
    "--n-predict": "-n",
    "--predict": "-n",
    "--num-predict": "-n",
    "--max-new-tokens": "-n",
    "--ctx-size": "-c",
    "--num-ctx": "-c",
    "--n-gpu-layers": "-ngl",
    "--n-cpu-moe": "-ncmoe",
    "-cmoe": "-ncmoe",
    "--system-prompt": "-sys",
    "--cache-type-k": "-ctk",
    "--cache-type-v": "-ctk",
    "-ctv": "-ctk",
    "-i": "--interactive",
    "-cnv": "--interactive"
};

/** Commands of such programs. */
const commandsElsewhere: ReadonlyMap<string, string> = new Map([
    ...["list", "ls", "show"].map(
        (name) => [name, "rast trios lists the models that are here. rast models lists those to pull."] as const
    ),
    ...["download", "get", "fetch"].map((name) => [name, "Models come by rast pull NAME."] as const),
    ...["run", "chat", "complete", "prompt"].map((name) => [name, "A text comes from rast generate."] as const)
]);

/** Commander's words, with what to write instead. @param code commander's */
export function adviceOnMisuse(code: string, text: string, declaration: CommandDeclaration | undefined): string {
    const said = text.trim();
    const advice = adviceFor(code, said, declaration);
    if (advice === undefined) return said;
    // Commander knows the nearest name, and not what is meant.
    return `${said.replace(/\s*\(Did you mean [^)]*\)$/, "").replace(/(?<![.?])$/, ".")} ${advice}`;
}

function adviceFor(code: string, said: string, declaration: CommandDeclaration | undefined): string | undefined {
    const operands = declaration?.operands;
    const named = /'([^']*)'/.exec(said)?.[1] ?? "";
    switch (code) {
        case "commander.excessArguments":
            return operands?.advice;
        case "commander.missingArgument":
            return operands === undefined ? undefined : `It is ${operands.description}.`;
        case "commander.unknownOption":
            return flagAdvice(named, declaration);
        case "commander.unknownCommand":
            return unknownCommandAdvice(said);
        default:
            return undefined;
    }
}

function unknownCommandAdvice(said: string): string | undefined {
    const word = /'(.*)'/s.exec(said)?.[1] ?? "";
    const known = commandsElsewhere.get(word);
    if (known !== undefined) return known;
    if (/Did you mean/.test(said)) return undefined;
    // What a shell reads within quotes as it stands; the line breaks of the rest would be lost.
    const shown = /^[^"$`\\!\n]{1,60}$/.test(word) ? word : "...";
    return `rast help lists commands. To ask it: rast generate "${shown}"`;
}

function flagAdvice(option: string, declaration: CommandDeclaration | undefined): string | undefined {
    const flag = option.replace(/^(--[\w-]+)=[^]*$/, "$1");
    const name = sameAs[flag] ?? flag;
    const advice = Object.hasOwn(elsewhere, name) ? elsewhere[name] : undefined;
    if (declaration === undefined)
        return advice === undefined ? undefined : `Flags stand behind the command: rast generate. ${advice}`;
    const known = Object.values(declaration.flags).flatMap(({ usage }) => usage.match(/--?[\w-]+/g) ?? []);
    const written = advice?.match(/--[\w-]+/g) ?? [];
    const fits = written.length > 0 ? written.every((one) => known.includes(one)) : declaration.name === "generate";
    if (advice !== undefined && fits) return advice;
    // "-2+3" was rather meant to be continued.
    return flag.includes(" ") || /^-\W*\d/.test(flag) ? "A text that begins with - stands behind --." : undefined;
}

/** What is said of a word behind `help` that is no command; undefined of any other command line. */
export function unknownTopic(args: readonly string[]): string | undefined {
    const [first, topic] = args;
    if (first !== "help" || topic === undefined || topic.startsWith("-")) return undefined;
    const names = [...commands.map(({ name }) => name), "help"];
    if (names.includes(topic)) return undefined;
    const near = didYouMean(shorten(topic), names);
    return `There is no command ${quote(topic)}.${near === "" ? ` Commands are ${names.join(", ")}.` : near}`;
}
