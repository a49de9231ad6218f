import { RastError } from "../../errors.js";
import type { PulledModel, PulledTrio } from "../../pulling/pull.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodeOf, exitCodes, type ExitCode } from "../exit-codes.js";
import { readFlags, switchFlag } from "../flag.js";
import { quietFlag } from "../flags/files.js";
import { catalogFlags, fetchFlags } from "../flags/pulling.js";
import { formatBytes } from "../output.js";
import { pullWithProgress } from "../pull-progress.js";

const ownFlags = {
    json: switchFlag("--json", "print one JSON object with the files; errors as JSON, too"),
    quiet: quietFlag
};

/** `rast pull`: a trio of the catalog to this disk. */
export const pull: CommandDeclaration = {
    name: "pull",
    description: "bring a trio of the catalog to this disk",
    operands: { usage: "<name>", description: "as rast models has it" },
    examples: [
        ["rast pull r1-distill-7b-deepscaler-1.5b", "Its three files; a second time what is missing of them."],
        ["rast pull qwen2.5-32b-simplerl-7b --quantization Q3_K_M", "A smaller base, for a smaller card."]
    ],
    flags: { ...fetchFlags, ...catalogFlags, ...ownFlags },
    run
};

async function run({ io, operands, typed }: CommandCall): Promise<ExitCode> {
    const name = operands[0];
    if (name === undefined) throw new RastError("ERR_INVALID_ARGUMENT", "Expected the name of a trio.");
    const { json, quiet } = readFlags(ownFlags, typed);
    const options = readFlags({ ...fetchFlags, ...catalogFlags }, typed);
    const { value, interruptedBy } = await pullWithProgress(name, options, io, quiet === true);
    if (value === undefined) return exitCodeOf(interruptedBy!);
    if (quiet !== true && json !== true) for (const note of value.notes) io.stderr.write(`rast: ${note}\n`);
    io.stdout.write(`${json === true ? JSON.stringify(value) : told(value, options.folder !== undefined)}\n`);
    return exitCodes.ok;
}

function told(trio: PulledTrio, elsewhere: boolean): string {
    const lines = (["base", "expert", "antiexpert"] as const).map((role) => {
        const { path, bytes, quantization, by, proof }: PulledModel = trio[role];
        const checked = proof === "sha256" || proof === "git" ? ", hash compared" : "";
        return `${role.padEnd(11)}${quantization.padEnd(8)}${formatBytes(bytes).padStart(9)}  ${path} (${by}${checked})`;
    });
    const shown = elsewhere ? trio.file : trio.name;
    return [...lines, `rast generate --trio ${shown} "..."`].join("\n");
}
