import type { GenerateOptions } from "../engine/generate-options.js";
import type { Rast } from "../engine/engine.js";
import type { NetworkStats, RastResult, RolePlace } from "../engine/results.js";
import type { ReasoningPlace } from "./flags/chat.js";
import type { CommandIo, Output } from "./io.js";
import { formatBytes, painter } from "./output.js";

/** How texts are to be written. */
export interface OutputStyle {
    /** Texts of one prompt; 1 with "json parts". */
    readonly samples: number;
    readonly format: "text" | "json" | "json parts";
    /** Without a line of figures. */
    readonly quiet: boolean;
    /** Where reasoning goes in format "text"; undefined = a terminal's stdout, else stderr unless `quiet`. */
    readonly reasoning?: ReasoningPlace | undefined;
}

/** Generates, and writes what comes to stdout, figures of texts to stderr. @throws what the engine does; what was written stays */
export async function writeTexts(
    rast: Rast,
    options: GenerateOptions,
    { samples, format, quiet, reasoning }: OutputStyle,
    io: CommandIo
): Promise<void> {
    const { stdout, stderr } = io;
    const json = format === "json";
    const place = reasoning ?? (stdout.isTTY === true ? "stdout" : quiet ? "none" : "stderr");
    if (samples !== 1) {
        const results = await rast.completeMany(options, samples);
        if (json) stdout.write(`${JSON.stringify(results)}\n`);
        for (const [index, result] of json ? [] : results.entries()) {
            stdout.write(`--- ${index + 1} of ${results.length} ---\n`);
            const text = new TextWriter(io, place);
            text.write(result.reasoning ?? "", result.answer);
            text.end();
            if (!quiet) stderr.write(`${figures(result)}\n`);
        }
        return;
    }
    const generation = rast.generate(options);
    const text = new TextWriter(io, place);
    for await (const part of generation) {
        if (format === "text") text.write(part.reasoning, part.answer);
        else if (format === "json parts") stdout.write(`${JSON.stringify({ type: "part", ...part })}\n`);
    }
    const result = await generation.result;
    if (json) stdout.write(`${JSON.stringify(result)}\n`);
    else if (format === "json parts") stdout.write(`${JSON.stringify({ type: "result", ...result })}\n`);
    else text.end();
    if (format === "text" && !quiet) stderr.write(`${figures(result)}\n`);
}

/** Writes a text as it comes: the answer to stdout, reasoning to where it goes, with an empty line between them there. */
class TextWriter {
    readonly #stdout: Output;
    readonly #reasoning: Output | undefined;
    readonly #paint: (text: string) => string;
    // Reasoning that nothing stands behind yet, and whether the answer's last line has ended.
    #thinking = false;
    #ended = false;

    constructor(io: CommandIo, place: ReasoningPlace) {
        this.#stdout = io.stdout;
        this.#reasoning = place === "none" ? undefined : io[place];
        const paint = painter(io, this.#reasoning);
        this.#paint = (text) => paint("dim", text);
    }

    write(reasoning: string, answer: string): void {
        if (reasoning !== "" && this.#reasoning !== undefined) {
            this.#reasoning.write(this.#paint(reasoning));
            this.#thinking = true;
        }
        if (answer === "") return;
        this.#separate();
        this.#stdout.write(answer);
        this.#ended = answer.endsWith("\n");
    }

    end(): void {
        const thinking = this.#thinking;
        this.#separate();
        if (!this.#ended && !(thinking && this.#reasoning === this.#stdout)) this.#stdout.write("\n");
    }

    #separate(): void {
        if (this.#thinking) this.#reasoning!.write("\n\n");
        this.#thinking = false;
    }
}

/** One line: what was drawn, how fast, where. */
function figures(result: RastResult): string {
    const { usage, timings } = result;
    const places = [result.devices.base, ...result.devices.pairs.flatMap((pair) => [pair.expert, pair.antiexpert])];
    const { acceptanceRate, drafted, accepted } = result.speculation;
    const cached = usage.cachedPromptTokens === 0 ? "" : `, ${usage.cachedPromptTokens} of them cached`;
    const drafts = acceptanceRate === null ? "" : `; ${accepted} of ${drafted} drafts accepted`;
    const devices = [...new Set(places.map((place) => place.device))].join(" + ");
    return (
        `[${usage.completionTokens} tokens${speed(timings)}; prompt ${usage.promptTokens} tokens${cached}; ${result.stopReason}; ` +
        `seed ${result.seed}${drafts}${network(result)}; drawn on ${result.path === "device" ? devices : `the host (${result.pathReason})`}]`
    );
}

// "; base: 8 layers on RPC0 at 10.0.0.2:50052; network 12.3 KiB and 0.41 ms a token, 40.1 KiB and 1.32 ms a round"
function network({ network: use, devices: { base, pairs } }: RastResult): string {
    const one = (role: string, { workers }: RolePlace): string[] => {
        const places = workers.map(
            ({ device, worker, layers }) => `${layers} ${layers === 1 ? "layer" : "layers"} on ${device} at ${worker}`
        );
        return places.length === 0 ? [] : [`; ${role}: ${places.join(", ")}`];
    };
    const places = [
        ...one("base", base),
        ...pairs.flatMap(({ expert, antiexpert }) => [...one("expert", expert), ...one("antiexpert", antiexpert)])
    ].join("");
    return places + (use === null ? "" : networkUse(use));
}

function networkUse(use: NetworkStats): string {
    const each = (bytes: number | null, ms: number | null, what: string): string[] =>
        bytes === null ? [] : [`${formatBytes(bytes)} and ${ms!.toFixed(2)} ms a ${what}`];
    const parts = [
        ...each(use.bytesPerToken, use.networkMsPerToken, "token"),
        ...each(use.bytesPerRound, use.networkMsPerRound, "round")
    ];
    return `; network ${parts.length === 0 ? formatBytes(use.prompt.sentBytes + use.prompt.receivedBytes) : parts.join(", ")}`;
}

// ", first after 84 ms, then 71.2 tokens/s": a first round with drafts gives more than one token, which the rate leaves out.
function speed({ firstTokenMs, firstRoundTokens, tokensPerSecond }: RastResult["timings"]): string {
    const first = firstRoundTokens > 1 ? `first ${firstRoundTokens}` : "first";
    const after = firstTokenMs === null ? "" : `, ${first} after ${firstTokenMs.toFixed(0)} ms`;
    return after + (tokensPerSecond === null ? "" : `, then ${tokensPerSecond.toFixed(1)} tokens/s`);
}
