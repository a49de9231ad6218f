import type { GenerateOptions } from "../engine/generate-options.js";
import type { Rast } from "../engine/engine.js";
import type { RastResult } from "../engine/results.js";
import type { CommandIo } from "./io.js";

/** How texts are to be written. */
export interface OutputStyle {
    /** Texts of one prompt; 1 with "json parts". */
    readonly samples: number;
    readonly format: "text" | "json" | "json parts";
    /** Without a line of figures. */
    readonly quiet: boolean;
}

/** Generates, and writes what comes to stdout, figures of texts to stderr. @throws what the engine does; what was written stays */
export async function writeTexts(
    rast: Rast,
    options: GenerateOptions,
    { samples, format, quiet }: OutputStyle,
    { stdout, stderr }: CommandIo
): Promise<void> {
    const json = format === "json";
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
        if (format === "text") stdout.write(part.text);
        else if (format === "json parts") stdout.write(`${JSON.stringify({ type: "part", ...part })}\n`);
    }
    const result = await generation.result;
    if (json) stdout.write(`${JSON.stringify(result)}\n`);
    else if (format === "json parts") stdout.write(`${JSON.stringify({ type: "result", ...result })}\n`);
    else if (!result.text.endsWith("\n")) stdout.write("\n");
    if (format === "text" && !quiet) stderr.write(`${figures(result)}\n`);
}

/** One line: what was drawn, how fast, where. */
function figures(result: RastResult): string {
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
