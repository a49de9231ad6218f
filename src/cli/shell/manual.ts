import type { CommandDeclaration } from "../command.js";
import { exitCodes } from "../exit-codes.js";
import type { Flag } from "../flag.js";
import type { Completed } from "./completion.js";

type Described = Pick<Completed, "commands" | "everywhere">;

/** The manual of the command, as `man` reads it. @param description of the whole */
export function manualPage(description: string, { commands, everywhere }: Described): string {
    return `${[
        '.TH RAST 1 "" "rast\\-llama" "User Commands"',
        ".SH NAME",
        `rast \\- ${escaped(description.replace(/\.$/, ""))}`,
        ".SH SYNOPSIS",
        ...commands.map(({ name, operands }) => `.B rast ${name}\n[options] ${escaped(operands?.usage ?? "")}\n.br`),
        ".SH COMMANDS",
        ...commands.flatMap(section),
        ".SH GENERAL OPTIONS",
        ...Object.values(everywhere).flatMap(entry),
        ".PP\nA switch that the file of settings turns on is turned off by its opposite: \\-\\-no\\-json for \\-\\-json.",
        ".SH ENVIRONMENT",
        ".TP\n.B RAST_TRIO\nthe trio, where no flag names models",
        ".TP\n.B RAST_CONFIG\nthe file of settings, instead of config.json in ~/.config/rast; empty: none",
        ".TP\n.B RAST_MODELS\nthe folder of models that are pulled",
        ".TP\n.B HF_TOKEN, HF_TOKEN_PATH, HF_ENDPOINT, HF_HUB_OFFLINE\nas the programs of Hugging Face have them",
        ".SH EXIT STATUS",
        `${exitCodes.ok} done, ${exitCodes.failure} failed, ${exitCodes.misuse} wrong input, ${exitCodes.unreachable} the hub of models cannot be reached, ${exitCodes.unfit} models that do not fit (check), ${exitCodes.interrupted} interrupted (Ctrl-C), ${exitCodes.terminated} terminated (SIGTERM).`
    ].join("\n")}\n`;
}

function section({ name, description, operands, flags, examples = [] }: CommandDeclaration): string[] {
    return [
        `.SS rast ${escaped(`${name} ${operands?.usage ?? ""}`.trim())}`,
        escaped(description),
        ...(operands === undefined ? [] : [`.TP\n.I ${escaped(operands.usage)}\n${escaped(operands.description)}`]),
        ...Object.values(flags).flatMap(entry),
        ...examples.map(([line, what]) => `.PP\n${escaped(what)}\n.RS\n.nf\n${escaped(line)}\n.fi\n.RE`)
    ];
}

function entry({ usage, description }: Flag<unknown>): string {
    return `.TP\n.B ${escaped(usage)}\n${escaped(description)}`;
}

// A line that begins with a dot or a quote would be a request.
function escaped(text: string): string {
    return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^[.']/gm, "\\&$&");
}
