// What may be asked of a plan, read and checked.
import { checkNumber, checkSignal, checkString, invalidOption, readArray, readOptions } from "../checks.js";
import { resolveLoadOptions, type LoadOptions } from "../loading/load-options.js";
import type { SizeOptions } from "../loading/engine-size.js";
import { readEndpoints, type WorkerEndpoint } from "../workers/endpoints.js";

/** What is planned, and for which machine. */
export interface PlanOptions extends Pick<
    LoadOptions,
    "contextSize" | "parallel" | "cacheSize" | "batchSize" | "kvType" | "flashAttention" | "speculation"
> {
    /** Name of a trio, here or in the catalog, or path of its file or folder; instead of the three models. */
    trio?: string | undefined;
    /** The large model: a path, or "hf:owner/repository/file.gguf", of which the header alone is fetched. */
    base?: string | undefined;
    /** The small model after its training, likewise. */
    expert?: string | undefined;
    /** The same small model before it, likewise. */
    antiexpert?: string | undefined;
    /** Of a catalog's trio whose files are not here: the base's quantization, e.g. "Q4_K_M". @default the largest that fits */
    quantization?: string | undefined;
    /** The same for expert and antiexpert. @default likewise */
    pairQuantization?: string | undefined;
    /** Bytes of memory of each card. @default what the devices of this machine have free */
    vram?: number | readonly number[] | undefined;
    /** Bytes of main memory. @default what this machine has available */
    ram?: number | undefined;
    /** Of each card, in GB/s (10^9 bytes). @default a table of usual cards */
    bandwidth?: number | readonly number[] | undefined;
    /** Of main memory, in GB/s. @default 50 */
    hostBandwidth?: number | undefined;
    /** Workers whose devices are counted, as `loadRast` takes them. */
    rpc?: string | readonly string[] | undefined;
    /** How often expert and ensemble are expected to draw the same token, 0 to 1. @default 0.8 */
    agreement?: number | undefined;
    /** Ends the plan. */
    signal?: AbortSignal | undefined;
}

/** The same, read. */
export interface ResolvedPlanOptions {
    readonly trio: string | undefined;
    readonly base: string | undefined;
    readonly expert: string | undefined;
    readonly antiexpert: string | undefined;
    readonly quantization: string | undefined;
    readonly pairQuantization: string | undefined;
    readonly vram: readonly number[] | undefined;
    readonly ram: number | undefined;
    readonly bandwidth: readonly number[] | undefined;
    readonly hostBandwidth: number | undefined;
    readonly rpc: readonly WorkerEndpoint[];
    readonly agreement: number;
    readonly size: SizeOptions;
    readonly signal: AbortSignal | undefined;
}

const own = [
    "trio",
    "base",
    "expert",
    "antiexpert",
    "quantization",
    "pairQuantization",
    "vram",
    "ram",
    "bandwidth",
    "hostBandwidth",
    "rpc",
    "agreement",
    "signal"
] as const;
const ofLoad = [
    "contextSize",
    "parallel",
    "cacheSize",
    "batchSize",
    "kvType",
    "flashAttention",
    "speculation"
] as const;
const mostDevices = 16;
const expectedAgreement = 0.8;

/** @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION */
export function readPlanOptions(options: PlanOptions): ResolvedPlanOptions {
    const given = readOptions("planTrio", "the options of planTrio", options, [...own, ...ofLoad]);
    const sizes: Readonly<Record<string, unknown>> = Object.fromEntries(
        ofLoad.map((name) => [name, given[name]] as const).filter(([, value]) => value !== undefined)
    );
    // a model of some kind is needed to read them as a load does
    const size = resolveLoadOptions({ base: "model.gguf", ...sizes });
    const read = <T>(name: (typeof own)[number], check: (name: string, value: unknown) => T): T | undefined =>
        given[name] === undefined ? undefined : check(name, given[name]);
    const bytes = { min: 1, max: Number.MAX_SAFE_INTEGER };
    const rate = { min: 0, max: 1e6, aboveMin: true };
    return {
        trio: read("trio", checkString),
        base: read("base", checkString),
        expert: read("expert", checkString),
        antiexpert: read("antiexpert", checkString),
        quantization: read("quantization", checkString)?.toUpperCase(),
        pairQuantization: read("pairQuantization", checkString)?.toUpperCase(),
        vram: read("vram", (name, value) => numbers(name, value, { min: 0, max: bytes.max })),
        ram: read("ram", (name, value) => checkNumber(name, value, bytes)),
        bandwidth: read("bandwidth", (name, value) => numbers(name, value, rate)),
        hostBandwidth: read("hostBandwidth", (name, value) => checkNumber(name, value, rate)),
        rpc: read("rpc", readEndpoints) ?? [],
        agreement:
            read("agreement", (name, value) => checkNumber(name, value, { min: 0, max: 1 })) ?? expectedAgreement,
        size,
        signal: read("signal", checkSignal)
    };
}

function numbers(name: string, value: unknown, range: Parameters<typeof checkNumber>[2]): readonly number[] {
    if (typeof value === "number") return [checkNumber(name, value, range)];
    const expected = `a number, or a list of 1 to ${mostDevices}`;
    const list = readArray(name, expected, value, mostDevices);
    if (list.length === 0) throw invalidOption(name, expected, value);
    return list.map((one, index) => checkNumber(`${name}[${index}]`, one, range));
}
