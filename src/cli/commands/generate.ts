import { RastError } from "../../errors.js";
import type { GenerateOptions, Mode, PromptOptions } from "../../engine/generate-options.js";
import { loadRast } from "../../engine/load.js";
import type { RastResult } from "../../engine/results.js";
import type { ChatMessage } from "../../text/chat-template.js";
import { given, number, readLoadOptions, readSeed, text, texts, toNumber, type Flags } from "../flags.js";
import { readInput, readStandardInput } from "../input.js";
import { Interruption } from "../interruption.js";
import { exitCodes, StatusLine } from "../output.js";

/** `rast generate`: streams text to stdout, figures to stderr; or one JSON object. */
export async function runGenerate(argument: string | undefined, flags: Flags): Promise<void> {
    const loadOptions = readLoadOptions(flags);
    const wanted = { ...readGenerateOptions(flags), ...(await readConstraint(flags)) };
    const samples = number(flags, "samples") ?? 1;
    const prompt = argument === undefined || argument === "-" ? await readStandardInput() : argument;

    const interruption = new Interruption();
    const { signal } = interruption;
    const status = new StatusLine();
    try {
        const rast = await loadRast({
            ...loadOptions,
            signal,
            onProgress: ({ role, overall }) => status.show(`loading ${role} ... ${Math.floor(overall * 100)}%`)
        }).finally(() => status.clear());
        try {
            // A context that was not asked for may be smaller without a word.
            const notes = loadOptions.contextSize === undefined || flags["quiet"] === true ? [] : rast.info.notes;
            for (const note of notes) process.stderr.write(`rast: ${note}\n`);
            const options = { ...wanted, ...promptOf(prompt, flags), signal };
            const json = flags["json"] === true;
            const [loadFrom, saveTo] = [text(flags["loadState"]), text(flags["saveState"])];
            if (loadFrom !== undefined) await rast.loadState(loadFrom, { signal });
            if (samples !== 1) {
                writeSamples(await rast.completeMany(options, samples), json, flags["quiet"] === true);
                if (interruption.happened) process.exitCode = exitCodes.interrupted;
                else if (saveTo !== undefined) await rast.saveState(saveTo, { ...promptOf(prompt, flags), signal });
                return;
            }
            const generation = rast.generate(options);
            for await (const part of generation) {
                if (!json) process.stdout.write(part.text);
            }
            const result = await generation.result;
            if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
            else if (!result.text.endsWith("\n")) process.stdout.write("\n");
            if (!json && flags["quiet"] !== true) process.stderr.write(`${figures(result)}\n`);
            if (interruption.happened) process.exitCode = exitCodes.interrupted;
            else if (saveTo !== undefined) await rast.saveState(saveTo, { ...promptOf(prompt, flags), signal });
        } finally {
            await rast.dispose();
        }
    } catch (error) {
        const aborted = error instanceof RastError && ["ERR_LOAD_ABORTED", "ERR_ABORTED"].includes(error.code);
        if (!interruption.happened || !aborted) throw error;
        process.exitCode = exitCodes.interrupted;
    } finally {
        interruption.end();
    }
}

function writeSamples(results: readonly RastResult[], json: boolean, quiet: boolean): void {
    if (json) {
        process.stdout.write(`${JSON.stringify(results)}\n`);
        return;
    }
    for (const [index, result] of results.entries()) {
        process.stdout.write(`--- ${index + 1} of ${results.length} ---\n${result.text}\n`);
        if (!quiet) process.stderr.write(`${figures(result)}\n`);
    }
}

async function readConstraint(flags: Flags): Promise<Pick<GenerateOptions, "grammar" | "jsonSchema">> {
    const [grammar, schema] = [text(flags["grammar"]), text(flags["jsonSchema"])];
    const constraint: Pick<GenerateOptions, "grammar" | "jsonSchema"> = {};
    if (grammar !== undefined) constraint.grammar = await readInput(grammar, "the grammar");
    // As text: parsing it here would lose the order of some keys and the digits of large numbers.
    if (schema !== undefined) constraint.jsonSchema = await readInput(schema, "the JSON schema");
    return constraint;
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

function promptOf(prompt: string, flags: Flags): PromptOptions {
    const system = text(flags["system"]);
    if (flags["chat"] !== true && system === undefined) return { prompt };
    const messages: ChatMessage[] = [{ role: "user", content: prompt }];
    if (system !== undefined) messages.unshift({ role: "system", content: system });
    return { messages };
}

/** Generate options, without the prompt, from the command's flags. */
export function readGenerateOptions(flags: Flags): GenerateOptions {
    const unescape = (value: string): string =>
        value.replace(/\\([nrt\\])/g, (_, letter: string) => ({ n: "\n", r: "\r", t: "\t" })[letter] ?? letter);
    return given({
        mode: text(flags["mode"]) as Mode | undefined,
        temperature: number(flags, "temperature"),
        topK: number(flags, "top-k"),
        topP: number(flags, "top-p"),
        minP: number(flags, "min-p"),
        repetitionPenalty: number(flags, "repetition-penalty"),
        presencePenalty: number(flags, "presence-penalty"),
        frequencyPenalty: number(flags, "frequency-penalty"),
        penaltyWindow: number(flags, "penalty-window"),
        logitBias: readBias(texts(flags["logitBias"])),
        seed: readSeed(text(flags["seed"])),
        ordinal: number(flags, "ordinal"),
        maxTokens: number(flags, "max-tokens"),
        stop: texts(flags["stop"])?.map(unescape),
        ignoreEos: flags["ignoreEos"] === true ? true : undefined,
        logprobs: number(flags, "logprobs"),
        raw: flags["raw"] === true ? true : undefined
    });
}

function readBias(values: readonly string[] | undefined): Map<number, number> | undefined {
    if (values === undefined) return undefined;
    return new Map(
        values.map((value) => {
            const [id, bias, more] = value.split("=");
            if (id === undefined || bias === undefined || more !== undefined) {
                throw new RastError("ERR_INVALID_OPTION", `Expected ID=VALUE for --logit-bias, received "${value}".`);
            }
            return [toNumber(id, "--logit-bias"), toNumber(bias, "--logit-bias")];
        })
    );
}
