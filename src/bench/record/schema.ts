// The record of a benchmark: plain JSON that holds every sample. Printers, comparison and page read nothing else.
import type { Samples } from "./statistics.js";

/** Raised when a field changes its meaning or goes. */
export const recordSchema = "rast-bench/2";
/**
 * What is read. Before version 2 the rates of generated tokens left out the first token and the time before it, and so
 * flattered drafts, which may come with the first.
 */
export const readableSchemas = ["rast-bench/1", recordSchema] as const;

/**
 * Who draws the tokens, and how. "base": the base alone. "host": RAST, every row read to the host and drawn there.
 * "device": RAST, drawn in the compute graph. "draft": that, and the expert drafts. Others are peers, measured in the
 * same run: "node-llama-cpp" is RAST over that package's own interface, logits in JavaScript.
 */
export const benchModes = ["base", "host", "device", "draft"] as const;
export type BenchMode = (typeof benchModes)[number];
export const benchPeers = ["node-llama-cpp"] as const;
export type BenchPeer = (typeof benchPeers)[number];

/** Machine that a record was made on. */
export interface BenchMachine {
    readonly cpu: string;
    /** Logical. */
    readonly cores: number;
    readonly memoryBytes: number;
    readonly platform: string;
    readonly arch: string;
    /** Version of the operating system's kernel. */
    readonly release: string;
    readonly node: string;
    /** Devices that are not the CPU. */
    readonly devices: readonly {
        readonly name: string;
        readonly description: string;
        readonly backend: string;
        readonly memoryTotalBytes: number;
    }[];
    /** Of NVIDIA's driver, where there is one. */
    readonly driver: string | null;
}

/** What a model is in a trio. */
export const benchRoles = ["base", "expert", "antiexpert"] as const;
export type BenchRole = (typeof benchRoles)[number];

/** A model file of a record. */
export interface BenchModel {
    readonly role: BenchRole;
    /** 0 to 2; 0 for the base. */
    readonly pair: number;
    /** Name of the file, without its folder. */
    readonly file: string;
    readonly fileBytes: number;
    /** What its file calls it (general.name); null where it does not. */
    readonly name: string | null;
    /** In llama.cpp's words, e.g. "qwen2 7B Q4_K - Medium", where it has any for such a model. */
    readonly description: string;
    readonly quantization: string | null;
    readonly parameterCount: number;
    readonly vocabularySize: number;
}

/** What is measured: a prompt that is decoded ("pp"), or tokens that are generated ("tg"). */
export type BenchKind = "pp" | "tg";

/** One row of the matrix. Two rows of two records are comparable when all of this is equal. */
export interface BenchCase {
    /** In llama-bench's words: "pp512", "tg128", "tg128 @ d4096". */
    readonly test: string;
    readonly kind: BenchKind;
    readonly mode: BenchMode | BenchPeer;
    /** Prompt tokens ("pp") or generated tokens ("tg") of each sequence. */
    readonly tokens: number;
    /** Tokens in the context before. */
    readonly depth: number;
    readonly sequences: number;
    readonly threads: number;
    /** Of the base; its output layer counts as one more. "auto" is resolved. */
    readonly gpuLayers: number;
    readonly kvType: string;
    /** One per pair; empty for "base". */
    readonly lambdas: readonly number[];
    /** 0 = greedy. */
    readonly temperature: number;
    readonly topP: number;
}

/** What a step took, as shares of its time that add up to 1. */
export interface BenchShares {
    readonly base: number;
    readonly expert: number;
    readonly antiexpert: number;
    /** Fusing, filtering and drawing; part of the decodes on a device, where it is what they take beyond a bare one. */
    readonly sampling: number;
    /** Everything between the decodes. */
    readonly overhead: number;
}

/** What a token needed of the network to workers: means over the tokens behind the first. */
export interface BenchNetwork {
    /** Both ways. */
    readonly bytes: number;
    /** Milliseconds that waiting took beyond the workers' work: latency and transfer. */
    readonly networkMs: number;
    /** Milliseconds that workers were at work while they were waited for. */
    readonly workerMs: number;
    /** Milliseconds of everything else: this machine's own work. */
    readonly hereMs: number;
    /** How often an answer was waited for. */
    readonly waits: number;
}

/** What the machine did beside the samples of a row. */
export interface BenchNoise {
    /** Milliseconds that a fixed piece of work took, just before each sample. */
    readonly yardstickMs: Samples;
    /** CPUs' worth that other programs used meanwhile; null of peers, which are other programs. */
    readonly othersCpus: number | null;
    /** Share of the CPUs' time that a hypervisor took; null where nobody says. */
    readonly stealShare: number | null;
    /** Share of the time that threads were held back for a quota; null where nobody says. */
    readonly throttledShare: number | null;
}

/** One measured row. */
export interface BenchResult extends BenchCase {
    /**
     * Tokens per second over all sequences, load by load: all tokens over the time from the call to the end of the last,
     * what stands in the context before them decoded already.
     */
    readonly samples: Samples;
    /**
     * What bare decodes of the same models, measured in turn with each sample, would give without anything between them:
     * 1 / (t_base + t_expert + t_antiexpert), for the base alone 1 / t_base. Empty where it was not measured.
     */
    readonly idealSamples: Samples;
    /** Read from the device per token, everything counted; null where nothing is drawn ("pp") or nobody counts. */
    readonly hostBytesPerToken: number | null;
    /** Null for "pp" and peers. */
    readonly shares: BenchShares | null;
    /** Milliseconds of a step: medians. Null for "pp" and peers. */
    readonly stepMs: number | null;
    /** Share of positions where expert and ensemble drew the same; null without drafts. */
    readonly agreement: number | null;
    readonly tokensPerRound: number | null;
    /** Null without workers, for "pp", and in records of before. */
    readonly network: BenchNetwork | null;
    /** Where rows were drawn, e.g. "device: ..."; empty for peers. */
    readonly path: string;
    /** Null in records of version 1. */
    readonly noise: BenchNoise | null;
    /** Why the row must not be believed as it stands, a sentence each without an end. */
    readonly warnings: readonly string[];
}

/** Bytes of one engine, by what they are for. */
export interface BenchMemory {
    /** The case's settings that decide it. */
    readonly threads: number;
    readonly gpuLayers: number;
    readonly kvType: string;
    readonly sampler: "device" | "host";
    readonly speculation: boolean;
    readonly contextSize: number;
    readonly sequences: number;
    /** What the engine says it holds, of each model in main memory and on devices. */
    readonly models: readonly {
        readonly role: BenchRole;
        readonly pair: number;
        readonly fileBytes: number;
        /** llama.cpp's copies of mapped weights, in the layout that the processor computes with. */
        readonly repackedBytes: number;
        readonly cacheBytes: number;
        readonly computeBytes: number;
        /** llama.cpp's output buffer. */
        readonly outputBytes: number;
        /** Rows of experts and antiexperts, fused rows, settings of the sampler. */
        readonly samplerBytes: number;
    }[];
    /** Sum of all of these. */
    readonly accountedBytes: number;
    /** Resident memory of the process at its peak beyond what it was before loading; null where it cannot be read. */
    readonly peakBytes: number | null;
    /** Device memory taken, as the driver tells it; null without a device. */
    readonly deviceBytes: number | null;
}

/** What the machine did around a run. */
export interface BenchActivity {
    /** Load average of the last minute; null where there is none. */
    readonly loadBefore: number | null;
    readonly loadAfter: number | null;
    /** Spent on `--wait-quiet`; null without it. */
    readonly waitedMs: number | null;
}

/** A whole run of `rast bench`. */
export interface BenchRecord {
    readonly schema: (typeof readableSchemas)[number];
    /** ISO 8601, to the second. */
    readonly date: string;
    /** What was typed, files without their folders. */
    readonly command: string;
    readonly machine: BenchMachine;
    readonly versions: {
        readonly rast: string;
        readonly nodeLlamaCpp: string;
        /** llama.cpp's tag, e.g. "v0.5.0". */
        readonly llamaCpp: string;
        readonly ggml: string;
        readonly ggmlCommit: string;
    };
    /** e.g. "CPU", "CUDA", "Vulkan": what holds the base's output layer. */
    readonly backend: string;
    readonly backendReason: string;
    /** Name of the trio, where one was named. */
    readonly trio: string | null;
    readonly models: readonly BenchModel[];
    /** Samples of every row in each load. */
    readonly repetitions: number;
    /** How often every engine was loaded. */
    readonly loads: number;
    /** Load averages (of a minute) before and after, and how long a quiet machine was waited for; null in version 1. */
    readonly activity: BenchActivity | null;
    /** What there is to be said against the whole. */
    readonly warnings: readonly string[];
    readonly seed: number;
    readonly memory: readonly BenchMemory[];
    readonly results: readonly BenchResult[];
}
