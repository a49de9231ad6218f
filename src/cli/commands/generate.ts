import type { GenerateOptions, PromptOptions } from "../../engine/generate-options.js";
import type { Rast } from "../../engine/engine.js";
import type { RastResult } from "../../engine/results.js";
import type { ChatMessage } from "../../text/chat-template.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import { numberFlag, readFlags, switchFlag, textFlag, type FlagValues } from "../flag.js";
import { engineFlags, readEngineFlags } from "../flags/engine.js";
import { completionFlags, samplingFlags } from "../flags/sampling.js";
import { readInput, readStandardInput } from "../input.js";
import { interruptible } from "../interruption.js";
import type { CommandIo } from "../io.js";
import { StatusLine } from "../output.js";

/** What goes to a request as it is. */
const requestFlags = {
    ...completionFlags,
    ...samplingFlags,
    logprobs: numberFlag("--logprobs <integer>", "report log-probabilities with this many alternatives (with --json)"),
    raw: switchFlag("--raw", "leave out the trio's prompt template")
};

/** What only this command has. */
const ownFlags = {
    samples: numberFlag("--samples <integer>", "this many texts of one prompt, which is decoded once (default 1)"),
    parallel: numberFlag("--parallel <integer>", "texts generated together (default: as many as samples, at most 16)"),
    grammar: textFlag("--grammar <file>", "a GBNF grammar that the text must follow"),
    jsonSchema: textFlag("--json-schema <file>", "a JSON schema that the text must follow"),
    ignoreUnsupported: switchFlag(
        "--ignore-unsupported",
        "leave out keywords of --json-schema that cannot be kept, instead of refusing the schema"
    ),
    loadState: textFlag("--load-state <file>", "begin with what --save-state wrote"),
    saveState: textFlag("--save-state <file>", "afterwards write what the models know of the prompt"),
    chat: switchFlag("--chat", "write the prompt out with the base model's chat template"),
    system: textFlag("--system <text>", "system message; implies --chat"),
    json: switchFlag("--json", "print one JSON object with the whole result; errors as JSON, too"),
    quiet: switchFlag("--quiet", "no line of figures")
};

/** `rast generate`: streams text to stdout, figures to stderr; or one JSON object. */
export const generate: CommandDeclaration = {
    name: "generate",
    description: "generate text from a prompt, or from standard input",
    operands: { usage: "[prompt]", description: "text to continue; - or nothing reads standard input" },
    flags: { ...engineFlags, ...requestFlags, ...ownFlags },
    aliases: { n: "--samples", pairs: "--expert given twice" },
    run
};

type Own = FlagValues<typeof ownFlags>;

async function run({ io, operands, typed }: CommandCall): Promise<ExitCode> {
    const own = readFlags(ownFlags, typed);
    const parallel = own.parallel ?? parallelFor(own.samples);
    const loadOptions = { ...readEngineFlags(typed), ...(parallel === undefined ? {} : { parallel }) };
    const request = { ...readFlags(requestFlags, typed), ...(await readConstraint(own)) };
    const prompt = operands[0] === undefined || operands[0] === "-" ? await readStandardInput(io.stdin) : operands[0];

    const { loadRast } = await import("../../loading/load.js");
    const status = new StatusLine(io.stderr);
    const { interrupted } = await interruptible(io.signals, async (signal) => {
        const rast = await loadRast({
            ...loadOptions,
            signal,
            onProgress: ({ role, overall }) => status.show(`loading ${role} ... ${Math.floor(overall * 100)}%`)
        }).finally(() => status.clear());
        try {
            // A context that was not asked for may be smaller without a word.
            const notes = loadOptions.contextSize === undefined || own.quiet === true ? [] : rast.info.notes;
            for (const note of notes) io.stderr.write(`rast: ${note}\n`);
            const text = promptOf(prompt, own);
            if (own.loadState !== undefined) await rast.loadState(own.loadState, { signal });
            await write(rast, { ...request, ...text, signal }, own, io);
            if (!signal.aborted && own.saveState !== undefined) {
                await rast.saveState(own.saveState, { ...text, signal });
            }
        } finally {
            await rast.dispose();
        }
    });
    return interrupted ? exitCodes.interrupted : exitCodes.ok;
}

function parallelFor(samples: number | undefined): number | undefined {
    return samples === undefined || !(samples > 1) ? undefined : Math.min(16, Math.ceil(samples));
}

async function write(
    rast: Rast,
    options: GenerateOptions,
    { samples = 1, json = false, quiet = false }: Own,
    { stdout, stderr }: CommandIo
): Promise<void> {
    if (samples !== 1) {
        const results = await rast.completeMany(options, samples);
        if (json) stdout.write(`${JSON.stringify(results)}\n`);
        for (const [index, result] of json ? [] : results.entries()) {
            stdout.write(`--- ${index + 1} of ${results.length} ---\n${result.text}\n`);
            if (!quiet) stderr.write(`${figures(result)}\n`);
        }
        return;
    }
    const generation = rast.generate(options);
    for await (const part of generation) {
        if (!json) stdout.write(part.text);
    }
    const result = await generation.result;
    if (json) stdout.write(`${JSON.stringify(result)}\n`);
    else if (!result.text.endsWith("\n")) stdout.write("\n");
    if (!json && !quiet) stderr.write(`${figures(result)}\n`);
}

async function readConstraint({
    grammar,
    jsonSchema,
    ignoreUnsupported
}: Own): Promise<Pick<GenerateOptions, "grammar" | "jsonSchema">> {
    const constraint: Pick<GenerateOptions, "grammar" | "jsonSchema"> = {};
    if (grammar !== undefined) constraint.grammar = await readInput(grammar, "the grammar");
    // As text: parsing it here would lose the order of some keys and the digits of large numbers.
    if (jsonSchema !== undefined) {
        const schema = await readInput(jsonSchema, "the JSON schema");
        constraint.jsonSchema = ignoreUnsupported === true ? { schema, unsupported: "ignore" } : schema;
    }
    return constraint;
}

function promptOf(prompt: string, { chat, system }: Own): PromptOptions {
    if (chat !== true && system === undefined) return { prompt };
    const messages: ChatMessage[] = [{ role: "user", content: prompt }];
    if (system !== undefined) messages.unshift({ role: "system", content: system });
    return { messages };
}

/** One line: what was drawn, how fast, where. */
export function figures(result: RastResult): string {
    const { usage, timings } = result;
    const rate = timings.tokensPerSecond === null ? "" : `, ${timings.tokensPerSecond.toFixed(1)} tokens/s`;
    const first = timings.firstTokenMs === null ? "" : `, first after ${timings.firstTokenMs.toFixed(0)} ms`;
    const places = [result.devices.base, ...result.devices.pairs.flatMap((pair) => [pair.expert, pair.antiexpert])];
    const { acceptanceRate, drafted, accepted } = result.speculation;
    const cached = usage.cachedPromptTokens === 0 ? "" : `, ${usage.cachedPromptTokens} of them cached`;
    const drafts = acceptanceRate === null ? "" : `; ${accepted} of ${drafted} drafts accepted`;
    const devices = [...new Set(places.map((place) => place.device))].join(" + ");
    return (
        `[${usage.completionTokens} tokens${rate}${first}; prompt ${usage.promptTokens} tokens${cached}; ${result.stopReason}; ` +
        `seed ${result.seed}${drafts}; drawn on ${result.path === "device" ? devices : `the host (${result.pathReason})`}]`
    );
}
