import type { CommandDeclaration } from "../command.js";
import type { FlagGroup } from "../flag.js";
import { wordsOf, type FlagWords } from "./words.js";

/** Shells that `completionScript` knows. */
export const shells = ["bash", "zsh", "fish"] as const;

export type Shell = (typeof shells)[number];

/** What is completed. */
export interface Completed {
    readonly commands: readonly CommandDeclaration[];
    /** Flags of every command. */
    readonly everywhere: FlagGroup;
}

/** A script that teaches a shell the command: to be evaluated, or kept where the shell looks for completions. */
export function completionScript(shell: Shell, completed: Completed): string {
    return { bash, zsh, fish }[shell](completed);
}

const help: FlagWords = { names: ["-h", "--help"], value: "", choices: [], isPath: false, description: "show this" };

function flagsOf({ flags }: Pick<CommandDeclaration, "flags">, everywhere: FlagGroup): FlagWords[] {
    return [...Object.values({ ...flags, ...everywhere }).map(wordsOf), help];
}

// Works with the bash of macOS, version 3.2.
function bash({ commands, everywhere }: Completed): string {
    const cases = commands.flatMap((command) =>
        flagsOf(command, everywhere).flatMap(({ names, value, choices, isPath }) => {
            if (value === "") return [];
            const patterns = names.map((name) => `"${command.name} ${name}"`).join("|");
            const words = choices.length === 0 ? "" : ` _rast_words "${choices.join(" ")}";`;
            return [`        ${patterns})${words}${isPath ? " _rast_files;" : ""} return ;;`];
        })
    );
    const flags = commands.map((command) => {
        const names = flagsOf(command, everywhere).flatMap((flag) => flag.names);
        return `        ${command.name}) flags="${names.join(" ")}" ;;`;
    });
    const all = [...commands.map(({ name }) => name), "help"].join(" ");
    const top = [...flagsOf({ flags: {} }, everywhere).flatMap(({ names }) => names), "-V", "--version"].join(" ");
    return `# Completion of rast for bash: eval "$(rast completion bash)"
_rast_words() {
    local IFS=$' \\t\\n'
    COMPREPLY+=($(compgen -W "$1" -- "$cur"))
}
_rast_files() {
    local IFS=$'\\n'
    COMPREPLY+=($(compgen -f -- "$cur"))
    type compopt >/dev/null 2>&1 && compopt -o filenames 2>/dev/null
    return 0
}
_rast() {
    local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command="" flags="" index
    COMPREPLY=()
    for ((index = 1; index < COMP_CWORD; index++)); do
        case "\${COMP_WORDS[index]}" in
        -*) ;;
        *) command="\${COMP_WORDS[index]}"; break ;;
        esac
    done
    # "--flag=value" comes in three words.
    if [ "$cur" = "=" ]; then cur=""
    elif [ "$prev" = "=" ]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"
    fi
    case "$command $prev" in
${cases.join("\n")}
        "help "*) ;;
        "completion completion") _rast_words "${shells.join(" ")}" ;;
    esac
    case "$command" in
        "") flags="${all} ${top}" ;;
        help) flags="${commands.map(({ name }) => name).join(" ")}" ;;
${flags.join("\n")}
    esac
    case "$command/$cur" in
        /*|help/*|*/-*) _rast_words "$flags" ;;
        completion/*) ;;
        *) _rast_files ;;
    esac
}
complete -F _rast rast
`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function zsh({ commands, everywhere }: Completed): string {
    const described = (text: string): string => text.replace(/[\\[\]:]/g, "\\$&");
    const spec = ({ names, value, choices, isPath, description }: FlagWords): string[] => {
        // Words and files together: a word that is not among them is typed.
        const action = isPath ? "_files" : choices.length > 0 ? `(${choices.join(" ")})` : " ";
        const argument = value === "" ? "" : `:${described(value)}:${action}`;
        return names.map((name) =>
            quoted(`*${name}${value !== "" && name.startsWith("--") ? "=" : ""}[${described(description)}]${argument}`)
        );
    };
    const cases = commands.map((command) => {
        const specs = flagsOf(command, everywhere).flatMap(spec);
        const rest = command.name === "completion" ? `'1:shell:(${shells.join(" ")})'` : "'*:file:_files'";
        return `    ${command.name})\n        _arguments -s \\\n            ${[...specs, rest].join(" \\\n            ")} ;;`;
    });
    const names = commands.map(({ name, description }) => `        ${quoted(`${name}:${described(description)}`)}`);
    return `#compdef rast
# Completion of rast for zsh: eval "$(rast completion zsh)", or a file _rast in a folder of fpath
_rast() {
    local -a commands
    commands=(
${names.join("\n")}
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    local command=$words[2]
    shift words
    (( CURRENT-- ))
    case $command in
    help) _describe command commands ;;
${cases.join("\n")}
    esac
}
if [ "$funcstack[1]" = "_rast" ]; then _rast "$@"; else compdef _rast rast; fi
`;
}

function fish({ commands, everywhere }: Completed): string {
    const text = (words: string): string => `'${words.replace(/[\\']/g, "\\$&")}'`;
    const lines = commands.flatMap((command) => {
        const within = `complete -c rast -n '__fish_seen_subcommand_from ${command.name}'`;
        return [
            `complete -c rast -f -n __fish_use_subcommand -a ${command.name} -d ${text(command.description)}`,
            ...flagsOf(command, everywhere).map(({ names, value, choices, isPath, description }) => {
                const written = names.map((name) =>
                    name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`
                );
                const kind = value === "" ? "" : isPath ? " -r -F" : " -x";
                const words = choices.length === 0 ? "" : ` -a ${text(choices.join(" "))}`;
                return `${within} ${written.join(" ")}${kind}${words} -d ${text(description)}`;
            })
        ];
    });
    const ofShells = `complete -c rast -f -n '__fish_seen_subcommand_from completion' -a '${shells.join(" ")}'`;
    return `# Completion of rast for fish: rast completion fish | source\n${[...lines, ofShells].join("\n")}\n`;
}
