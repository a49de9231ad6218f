// The matrix of a benchmark, sorted by the engines it needs: pure arithmetic.
import type { LoadOptions } from "../../loading/load-options.js";
import type { ResolvedBenchOptions } from "./options.js";
import { RastError } from "../../errors.js";
import { benchPeers, type BenchKind, type BenchMode, type BenchPeer } from "../record/schema.js";

/** One row to measure, before an engine has said what "auto" came to. */
export interface MatrixCase {
    readonly kind: BenchKind;
    readonly mode: BenchMode | BenchPeer;
    readonly tokens: number;
    readonly depth: number;
    readonly sequences: number;
    /** Undefined = the trio's. */
    readonly lambda: number | undefined;
    readonly temperature: number;
}

/** Rows that one engine measures, in turn. */
export interface MatrixEngine {
    /** "host" draws on the host; "draft" has the expert draft; "plain" is neither. */
    readonly kind: "plain" | "host" | "draft";
    readonly load: Required<Pick<LoadOptions, "gpuLayers" | "kvType" | "contextSize" | "parallel" | "batchSize">> &
        Pick<LoadOptions, "threads" | "sampler" | "speculation">;
    readonly cases: readonly MatrixCase[];
}

/** The words of llama-bench for a row: "pp512", "tg128", "tg128 @ d4096". */
export function testName({ kind, tokens, depth }: Pick<MatrixCase, "kind" | "tokens" | "depth">): string {
    return `${kind}${tokens}${depth > 0 ? ` @ d${depth}` : ""}`;
}

/** Whether a peer draws the tokens. */
export function isPeer(mode: BenchMode | BenchPeer): mode is BenchPeer {
    return (benchPeers as readonly string[]).includes(mode);
}

const engineOf = { base: "plain", device: "plain", host: "host", draft: "draft" } as const;

/**
 * All rows of a matrix, by engine: those with the same threads, layers, cache and way of drawing share one.
 * A prompt is decoded in the same way whoever draws, so "pp" is measured for the base and for one mode of RAST.
 * @param hasPairs whether there are small models
 * @throws ERR_INVALID_OPTION for modes of RAST without them
 */
export function benchMatrix(options: ResolvedBenchOptions, hasPairs: boolean): MatrixEngine[] {
    const modes = options.modes ?? (hasPairs ? (["base", "device", "draft"] as const) : (["base"] as const));
    const lacking = hasPairs ? undefined : (modes.find((mode) => mode !== "base") ?? options.peers[0]);
    if (lacking !== undefined) {
        throw new RastError("ERR_INVALID_OPTION", `Mode "${lacking}" needs an expert and an antiexpert.`, {
            details: { option: "modes", mode: lacking }
        });
    }
    const cases = [...promptCases(options, modes), ...generationCases(options, modes)];
    const engines: MatrixEngine[] = [];
    for (const threads of options.threads) {
        for (const gpuLayers of options.gpuLayers) {
            for (const kvType of options.kvTypes) {
                const load = { threads, gpuLayers, kvType, batchSize: options.batchSize };
                for (const kind of ["plain", "draft", "host"] as const) engines.push(...engineFor(kind, cases, load));
            }
        }
    }
    return engines;
}

// None where it has nothing to measure.
function engineFor(
    kind: MatrixEngine["kind"],
    all: readonly MatrixCase[],
    load: Pick<MatrixEngine["load"], "threads" | "gpuLayers" | "kvType" | "batchSize">
): MatrixEngine[] {
    const cases = all.filter(({ mode }) => (isPeer(mode) ? "plain" : engineOf[mode]) === kind);
    if (cases.length === 0) return [];
    const parallel = Math.max(...cases.map((one) => one.sequences));
    return [{ kind, load: { ...load, contextSize: contextFor(all), parallel, ...drawing[kind] }, cases }];
}

// As options of the load.
const drawing = {
    plain: { speculation: "off" },
    host: { sampler: "host", speculation: "off" },
    draft: { speculation: "auto" }
} as const;

// The same for all engines; caches are made of 256 cells anyway.
function contextFor(cases: readonly MatrixCase[]): number {
    return Math.ceil((Math.max(...cases.map((one) => one.depth + one.tokens)) + 8) / 256) * 256;
}

function promptCases(options: ResolvedBenchOptions, modes: readonly BenchMode[]): MatrixCase[] {
    const rast = modes.find((mode) => mode === "device") ?? modes.find((mode) => mode !== "base");
    const measured = modes.filter((mode) => mode === "base" || mode === rast);
    return options.depths.flatMap((depth) =>
        options.sequences.flatMap((sequences) =>
            options.prompts.flatMap((tokens) =>
                measured.map((mode) => ({
                    kind: "pp" as const,
                    mode,
                    tokens,
                    depth,
                    sequences,
                    lambda: options.lambdas[0],
                    temperature: options.temperatures[0]!
                }))
            )
        )
    );
}

function generationCases(options: ResolvedBenchOptions, modes: readonly BenchMode[]): MatrixCase[] {
    const out: MatrixCase[] = [];
    for (const depth of options.depths) {
        for (const sequences of options.sequences) {
            for (const tokens of options.generates) {
                for (const temperature of options.temperatures) {
                    const one = { kind: "tg" as const, tokens, depth, sequences, temperature };
                    if (modes.includes("base")) out.push({ ...one, mode: "base", lambda: undefined });
                    for (const lambda of options.lambdas) {
                        for (const mode of modes) if (mode !== "base") out.push({ ...one, mode, lambda });
                        // peers generate one text at a time
                        if (sequences === 1) for (const mode of options.peers) out.push({ ...one, mode, lambda });
                    }
                }
            }
        }
    }
    return out;
}
