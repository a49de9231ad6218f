import type { CommandDeclaration } from "../command.js";
import type { FlagGroup } from "../flag.js";
import { modelFlags } from "../flags/models.js";
import { wordsOf, type FlagWords } from "./words.js";

/** Shells that `completionScript` knows. */
export const shells = ["bash", "zsh", "fish"] as const;

export type Shell = (typeof shells)[number];

/** What is completed. */
export interface Completed {
    readonly commands: readonly CommandDeclaration[];
    /** Flags of every command. */
    readonly everywhere: FlagGroup;
    /** Names of trios that there are now. */
    readonly trios: readonly string[];
}

/** A script that teaches a shell the command: to be evaluated, or kept where the shell looks for completions. */
export function completionScript(shell: Shell, completed: Completed): string {
    // They are names of files: what a shell would read as more than a word is left out, or it would run it.
    const trios = completed.trios.filter((name) => /^[\w.+@][\w.+@-]*$/.test(name));
    return { bash, zsh, fish }[shell]({ ...completed, trios });
}

const help: FlagWords = { names: ["-h", "--help"], value: "", choices: [], isPath: false, description: "show this" };

function flagsOf(
    { flags }: Pick<CommandDeclaration, "flags">,
    { everywhere, trios }: Pick<Completed, "everywhere" | "trios">
): FlagWords[] {
    const words = Object.values({ ...flags, ...everywhere }).map((flag) => {
        return flag === modelFlags.trio ? { ...wordsOf(flag), choices: trios } : wordsOf(flag);
    });
    return [...words, help];
}

// Works with the bash of macOS, version 3.2.
function bash(completed: Completed): string {
    const { commands } = completed;
    const cases = commands.flatMap((command) =>
        flagsOf(command, completed).flatMap(({ names, value, choices, isPath }) => {
            if (value === "") return [];
            const patterns = names.map((name) => `"${command.name} ${name}"`).join("|");
            const words = choices.length === 0 ? "" : ` _rast_words "${choices.join(" ")}";`;
            return [`        ${patterns})${words}${isPath ? " _rast_files;" : ""} return ;;`];
        })
    );
    const flags = commands.map((command) => {
        const names = flagsOf(command, completed).flatMap((flag) => flag.names);
        return `        ${command.name}) flags="${names.join(" ")}" ;;`;
    });
    const all = [...commands.map(({ name }) => name), "help"].join(" ");
    const top = [...flagsOf({ flags: {} }, completed).flatMap(({ names }) => names), "-V", "--version"].join(" ");
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

function zsh(completed: Completed): string {
    const { commands } = completed;
    const described = (text: string): string => text.replace(/[\\[\]:]/g, "\\$&");
    const spec = ({ names, value, choices, isPath, description }: FlagWords): string[] => {
        const words = `(${choices.join(" ")})`;
        // A space in front: as it stands, and not with arguments for compadd in between.
        const both = ` _rast_words_or_files ${choices.join(" ")}`;
        const action = isPath ? (choices.length > 0 ? both : "_files") : choices.length > 0 ? words : " ";
        const argument = value === "" ? "" : `:${described(value)}:${action}`;
        return names.map((name) =>
            quoted(`*${name}${value !== "" && name.startsWith("--") ? "=" : ""}[${described(description)}]${argument}`)
        );
    };
    const cases = commands.map((command) => {
        const specs = flagsOf(command, completed).flatMap(spec);
        const rest = command.name === "completion" ? `'1:shell:(${shells.join(" ")})'` : "'*:file:_files'";
        return `    ${command.name})\n        _arguments -s \\\n            ${[...specs, rest].join(" \\\n            ")} ;;`;
    });
    const names = commands.map(({ name, description }) => `        ${quoted(`${name}:${described(description)}`)}`);
    return `#compdef rast
# Completion of rast for zsh: eval "$(rast completion zsh)", or a file _rast in a folder of fpath
_rast_words_or_files() {
    _alternative "words:word:($*)" files:file:_files
}
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

function fish(completed: Completed): string {
    const { commands } = completed;
    const text = (words: string): string => `'${words.replace(/[\\']/g, "\\$&")}'`;
    const lines = commands.flatMap((command) => {
        const within = `complete -c rast -n '__fish_seen_subcommand_from ${command.name}'`;
        return [
            `complete -c rast -f -n __fish_use_subcommand -a ${command.name} -d ${text(command.description)}`,
            ...flagsOf(command, completed).map(({ names, value, choices, isPath, description }) => {
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
