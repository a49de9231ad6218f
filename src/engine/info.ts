import type {
    NativeAdapterFacts,
    NativeBuffer,
    NativeContextInfo,
    NativeContextMemory,
    NativeDevice,
    NativeEngineInfo,
    NativeLibraries,
    NativeModelFacts,
    NativeSpecialToken
} from "../native/addon-types.js";
import type { BackendChoice } from "../native/libraries.js";
import type { RolePlace, RolePlaces, WorkerPlace } from "./results.js";

/** A special token of the base, and what a small model has of it. */
export interface SpecialTokenInfo {
    /** Its id in the base. */
    readonly token: number;
    /** Its text in the base. */
    readonly text: string;
    /** The small model's id; null where it has no counterpart: then the token gets no delta and is not drafted. */
    readonly ownToken: number | null;
    /** The small model's text. */
    readonly ownText: string | null;
}

/** A LoRA adapter that a model runs with. */
export interface AdapterInfo {
    /** As it was given: a GGUF file, or a PEFT folder. */
    readonly path: string;
    /** How much of it is added, beside what it says itself. */
    readonly scale: number;
    /** The largest rank of its pairs. */
    readonly rank: number;
    /** A pair counts alpha / its rank times; 0: once. */
    readonly alpha: number;
    /** Tensors of the model that it changes. */
    readonly tensors: number;
    /** What it takes in memory, wherever that lies. */
    readonly bytes: number;
}

/** A loaded model, and where it runs. */
export interface ModelInfo extends RolePlace {
    /** Absolute. */
    readonly path: string;
    /** In llama.cpp's words, e.g. "qwen2 7B Q4_K - Medium". */
    readonly description: string;
    /** As llama.cpp names it, e.g. "qwen2". */
    readonly architecture: string;
    /** E.g. "Q4_K - Medium"; null when the file does not say. */
    readonly quantization: string | null;
    /** Weights of the model, one by one. */
    readonly parameterCount: number;
    /** Size of the weights. */
    readonly modelBytes: number;
    /** Whether another role has the same file in the same place, so that its weights are in memory once, for that role. */
    readonly sharesWeights: boolean;
    /** LoRA adapters of this role, in the order given. */
    readonly adapters: readonly AdapterInfo[];
    /** Devices it was given; empty = CPU only. */
    readonly devices: readonly string[];
    /** Layers, from the first, whose experts are in main memory though their layer is on a device; 0 of models without experts. */
    readonly cpuMoeLayers: number;
    /** CPU threads at most; `notes` says why, when more were asked for. */
    readonly threads: number;
    /** Tokens that the model was made for. */
    readonly contextLength: number;
    /** Width of its output, padding included. */
    readonly vocabularySize: number;
    /** Time that loading took. */
    readonly loadMs: number;
    /** Parts of the compute graph; 1 = all on one backend. */
    readonly graphSplits: number;
    /** What it holds beside the file of its weights, in bytes, wherever that lies. */
    readonly memory: NativeContextMemory;
    /** The same and the weights by place, as llama.cpp logs it. None of a model that another role has loaded but its context's. */
    readonly buffers: readonly NativeBuffer[];
    /** Whether its cache can be cut back; false for recurrent and hybrid models. */
    readonly canTruncate: boolean;
    /** Special tokens of the base that have another id or text in this model, or no counterpart; ascending. */
    readonly specialTokens: readonly SpecialTokenInfo[];
}

/** A loaded pair. */
export interface PairInfo {
    /** The small model after reinforcement learning. */
    readonly expert: ModelInfo;
    /** The same small model before it. */
    readonly antiexpert: ModelInfo;
    /** Strength where a request gives none. */
    readonly lambda: number;
}

/** What was loaded, where it runs and why. Plain data: `JSON.stringify` loses nothing. */
export interface RastInfo {
    /** Name of the trio, or null when the models were given by path. */
    readonly trio: string | null;
    /** The large model. */
    readonly base: ModelInfo;
    /** None to three, in the order given. */
    readonly pairs: readonly PairInfo[];
    /** Where tokens are drawn, and why there. */
    readonly path: "device" | "host";
    /** One sentence. */
    readonly pathReason: string;
    /** Which libraries of llama.cpp were loaded, and why those. */
    readonly backend: BackendChoice;
    /** Their versions and what they say of the machine. */
    readonly libraries: NativeLibraries;
    /** Tokens of context per sequence. */
    readonly contextSize: number;
    /** Generations that run together. */
    readonly parallel: number;
    /** Longest draft of a round; 0 = no speculation. */
    readonly maxDraft: number;
    /** Why there is none; null where there is. */
    readonly draftReason: string | null;
    /** Whether what drafts cost was measured by this load, or an earlier one's was taken; null without drafts. */
    readonly draftCosts: "measured" | "remembered" | null;
    /** Width of the base's vocabulary. */
    readonly vocabularySize: number;
    /** How many of its ids may be drawn: text in all models, padding in none. */
    readonly drawableTokens: number;
    /** The base's token for the beginning of a text; -1 for none. */
    readonly bosToken: number;
    /** Its token for the end of one; -1 for none. */
    readonly eosToken: number;
    /** Whether `messages` can be written out. */
    readonly hasChatTemplate: boolean;
    /** Time that loading took, all models. */
    readonly loadMs: number;
    /** What differs from what was asked for, or costs speed; in sentences. */
    readonly notes: readonly string[];
}

/** What one model is: as it was chosen, as its file says, and as it was loaded. */
export interface ModelParts {
    readonly path: string;
    readonly workers: readonly WorkerPlace[];
    readonly devices: readonly string[];
    readonly cpuMoeLayers: number;
    readonly facts: NativeModelFacts;
    readonly specialTokens: readonly NativeSpecialToken[];
    readonly adapters: readonly {
        readonly source: string;
        readonly scale: number;
        readonly facts: NativeAdapterFacts;
    }[];
}

/** Everything told about one model. */
export function buildModelInfo(
    { path, workers, devices, cpuMoeLayers, facts, specialTokens, adapters }: ModelParts,
    native: NativeContextInfo
): ModelInfo {
    return {
        path,
        description: native.description,
        architecture: facts.architecture,
        quantization: facts.quantization,
        parameterCount: facts.parameterCount,
        modelBytes: native.modelBytes,
        sharesWeights: native.sharesWeights,
        adapters: adapters.map(({ source, scale, facts: { rank, alpha, targets, tensorBytes } }) => ({
            path: source,
            scale,
            rank,
            alpha,
            tensors: targets.length,
            bytes: tensorBytes
        })),
        device: native.outputDevice,
        workers,
        devices,
        gpuLayers: native.gpuLayers,
        cpuMoeLayers,
        layers: native.layers,
        threads: native.threads,
        contextLength: facts.contextLength,
        vocabularySize: native.vocabularySize,
        loadMs: native.loadMs,
        graphSplits: native.graphSplits,
        memory: native.memory,
        buffers: native.buffers,
        canTruncate: native.canTruncate,
        specialTokens: specialTokens.map(({ token, text, own, ownText }) => ({
            token,
            text,
            ownToken: own < 0 ? null : own,
            ownText: own < 0 ? null : ownText
        }))
    };
}

/**
 * Where each role runs, for results. All results of an engine share it, so it is frozen.
 * @param workers of each model: the base first, then each expert with its antiexpert
 */
export function rolePlaces(native: NativeEngineInfo, workers: readonly (readonly WorkerPlace[])[]): RolePlaces {
    const place = ({ outputDevice, gpuLayers, layers }: NativeContextInfo, index: number): RolePlace => {
        const remote = Object.freeze((workers[index] ?? []).map((one) => Object.freeze({ ...one })));
        return Object.freeze({ device: outputDevice, workers: remote, gpuLayers, layers });
    };
    const pairs = native.pairs.map((pair, index) =>
        Object.freeze({ expert: place(pair.expert, 2 * index + 1), antiexpert: place(pair.antiexpert, 2 * index + 2) })
    );
    return Object.freeze({ base: place(native.base, 0), pairs: Object.freeze(pairs) });
}

/** The layers of a model that workers have. */
export function workerPlaces(
    placed: {
        readonly devices: readonly string[];
        /** Layers on each, the output layer on the last. */
        readonly split: readonly number[];
        readonly outputInMainMemory: boolean;
    },
    devices: readonly NativeDevice[]
): WorkerPlace[] {
    const { split, outputInMainMemory } = placed;
    return placed.devices.flatMap((device, index) => {
        const worker = devices.find(({ name }) => name === device)?.worker;
        const isLast = index === split.length - 1;
        const layers = split[index]! - (isLast && outputInMainMemory ? 1 : 0);
        return typeof worker === "string" && layers > 0 ? [{ device, worker, layers }] : [];
    });
}
