import type { NativeKvType } from "../../native/addon-types.js";
import type { LoadOptions } from "../../loading/load-options.js";
import type { NgramDrafts, Speculation } from "../../engine/speculation-options.js";
import { checkOneOf } from "../../checks.js";
import {
    listFlag,
    numberFlag,
    readFlags,
    repeatableFlag,
    switchFlag,
    textFlag,
    toLayers,
    toNumber,
    under,
    valueFlag,
    type Flag,
    type FlagValues,
    type Typed
} from "../flag.js";
import type { Placement } from "./models.js";

const layers = (usage: string, description: string): Flag<"auto" | number> => valueFlag(usage, description, toLayers);
const devices = (usage: string, description: string): Flag<readonly string[]> =>
    repeatableFlag(usage, description, (texts) => texts);

/** Where models run, and with how much memory. */
export const placementFlags = under("Where models run", {
    contextSize: numberFlag("--context-size <integer>", "tokens of context (default 4096, or what the models hold)"),
    cacheSize: numberFlag(
        "--cache-size <integer>",
        "tokens of context of all texts together (default: context size each)"
    ),
    batchSize: numberFlag("--batch-size <integer>", "tokens per prefill step (default 512)"),
    gpuLayers: layers("--gpu-layers <auto|integer>", "layers on the GPU (default auto)"),
    cpuMoeLayers: layers(
        "--cpu-moe <auto|integer>",
        "layers of a mixture whose experts stay in main memory (default auto: as many as do not fit)"
    ),
    "base.gpuLayers": layers("--base-gpu-layers <auto|integer>", "the same, for the base alone"),
    "expert.gpuLayers": layers("--expert-gpu-layers <auto|integer>", "the same, for the experts"),
    "antiexpert.gpuLayers": layers("--antiexpert-gpu-layers <auto|integer>", "the same, for the antiexperts"),
    device: devices("--device <name>", "device to use, as `rast devices` names it; repeatable; cpu = none"),
    "base.device": devices("--base-device <name>", "the same, for the base alone; repeatable"),
    "expert.device": devices("--expert-device <name>", "the same, for the experts; repeatable"),
    "antiexpert.device": devices("--antiexpert-device <name>", "the same, for the antiexperts; repeatable"),
    rpc: listFlag(
        "--rpc <host:port>[,<host:port>]",
        "machines that run `rast worker`: their devices are RPC0, RPC1, ...",
        (text) => text
    ),
    workerTimeoutMs: numberFlag(
        "--worker-timeout <ms>",
        "without a sign of life for so long, a worker is lost (default 15000)"
    ),
    threads: numberFlag("--threads <integer>", "CPU threads (default: physical cores, fewer while they are busy)"),
    kvType: textFlag("--kv-type <type>", "f16, q8_0, ...: type of the KV cache (default f16)") as Flag<NativeKvType>,
    flashAttention: valueFlag("--flash-attention <auto|on|off>", "(default auto)", (text, name) => {
        const choice = checkOneOf(name, text, ["auto", "on", "off"]);
        return choice === "auto" ? choice : choice === "on";
    }),
    mmap: switchFlag("--no-mmap", "read weights instead of mapping them"),
    mlock: switchFlag("--mlock", "keep weights from being swapped out")
});

/** How tokens come about. */
export const drawingFlags = under("Drafts", {
    sampler: textFlag("--sampler <auto|device|host>", "where tokens are drawn (default auto)") as Flag<
        NonNullable<LoadOptions["sampler"]>
    >,
    speculation: valueFlag<Speculation>(
        "--draft <auto|off|integer>",
        "tokens the expert drafts per round (default auto)",
        (text, name) => (text === "auto" || text === "off" ? text : { draft: toNumber(text, name) })
    ),
    "speculation.ngram": valueFlag<NgramDrafts>(
        "--ngram <auto|on|off>",
        "drafts taken from the text where it repeats itself (default auto; off with --draft <integer>)",
        (text, name) => {
            const choice = checkOneOf(name, text, ["auto", "on", "off"]);
            return choice === "auto" ? choice : choice === "on";
        }
    )
});

/** One option of the two flags of drafts. */
export function readSpeculation(typed: Typed): { speculation?: Speculation } {
    const { speculation, "speculation.ngram": ngram } = readFlags(drawingFlags, typed);
    if (ngram === undefined) return speculation === undefined ? {} : { speculation };
    if (speculation === "off") return { speculation };
    return { speculation: typeof speculation === "object" ? { ...speculation, ngram } : { ngram } };
}

type Values = FlagValues<typeof placementFlags>;

/** What is to differ for a role. */
export function placementOf(role: "base" | "expert" | "antiexpert", values: Values): Placement {
    const [gpuLayers, device] = [values[`${role}.gpuLayers`], values[`${role}.device`]];
    return { ...(gpuLayers === undefined ? {} : { gpuLayers }), ...(device === undefined ? {} : { device }) };
}
