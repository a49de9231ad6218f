import type { ExitCode } from "./exit-codes.js";
import type { FlagGroup, Typed } from "./flag.js";
import type { CommandIo } from "./io.js";

/** What a command is called with. */
export interface CommandCall {
    readonly io: CommandIo;
    /** The whole command line, behind `rast`. */
    readonly args: readonly string[];
    /** Arguments that are no flags. */
    readonly operands: readonly string[];
    /** Flags as they were typed, or as defaults have them: `readFlags` makes options of them. */
    readonly typed: Typed;
    /** The same, without defaults of the environment and the file of settings. */
    readonly given: Typed;
}

/** One command: all that is said of it, and what it does. */
export interface CommandDeclaration {
    readonly name: string;
    /** One line for help. */
    readonly description: string;
    /** Its operands, as commander writes them: "[record...]". */
    readonly operands?: {
        readonly usage: string;
        readonly description: string;
        /** What to do, where there are more than it takes. */
        readonly advice?: string;
    };
    /** Command lines, and what each does; both within 76 columns. */
    readonly examples?: readonly (readonly [line: string, what: string])[];
    /** By the options they stand for. With `--json` ("json") and `--stream-json` ("streamJson") errors are JSON, too. */
    readonly flags: FlagGroup;
    /** Further names under which errors speak of options, and the flag or words for each. */
    readonly aliases?: Readonly<Record<string, string>>;
    /** Whether it means nothing without the file of settings: then a broken one is an error, else it is left out, with a note. */
    readonly needsSettings?: boolean;
    /** What is heavy it imports itself, so that help needs none of it. @throws whatever is to be reported */
    readonly run: (call: CommandCall) => Promise<ExitCode>;
}
