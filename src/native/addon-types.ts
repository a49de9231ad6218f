/**
 * The whole seam between TypeScript and the native addon, on one page.
 *
 * Every value that crosses is listed here; `binding.ts` is the only importer of the `.node` file.
 * Native functions throw (or reject with) an `Error` that carries `code` (one of the catalogue in
 * `errors.ts`) and `details`; `binding.ts` turns it into a `RastError`. Handles are plain integers
 * looked up in a table of the environment that made them: a wrong, stale or foreign one is
 * `ERR_DISPOSED`, never a crash. No logits and no vocabulary ever cross.
 */

/** One of the three models of a trio. */
export type NativeRole = "base" | "expert" | "antiexpert";

/** What the addon was compiled against; the loaded libraries must report the same. */
export interface NativeBuildInfo {
    /** Version of this package's addon, e.g. "0.1.0". */
    readonly addonVersion: string;
    /** llama.cpp release, e.g. "v0.5.0". */
    readonly llamaTag: string;
    /** `ggml_version()` that the libraries must report. */
    readonly ggmlVersion: string;
    /** `ggml_commit()` that the libraries must report. */
    readonly ggmlCommit: string;
    /** Compiler and its version. */
    readonly compiler: string;
    /** Ranges of numbers, as `limits.ts` has them. */
    readonly limits: Readonly<Record<string, { readonly min: number; readonly max: number; readonly aboveMin: boolean }>>;
}

/** Absolute paths of the shared libraries, opened at run time. */
export interface NativeLibraryPaths {
    readonly ggmlBase: string;
    readonly ggml: string;
    readonly llama: string;
    /** Folder with the CPU libraries, one per micro-architecture; ggml picks the best. */
    readonly cpuFolder: string;
    /** The library in it that fits best, where that is known from before; "" = all are looked at. */
    readonly cpu: string;
    /** Backend libraries to load beside the CPU (CUDA, Vulkan, Metal); each may fail on its own. */
    readonly backends: readonly NativeBackendCandidate[];
    /** How long a driver is waited for, in milliseconds. */
    readonly patienceMs: number;
}

/** A backend library to load. */
export interface NativeBackendCandidate {
    /** Absolute. */
    readonly path: string;
    /** "cuda", "vulkan" or "metal". */
    readonly kind: string;
    /** Of a CUDA backend: for which cards it holds code; none where that is not known. */
    readonly kernels: readonly NativeCudaKernel[];
}

/** Code for cards in a CUDA backend. */
export interface NativeCudaKernel {
    /** Compute capability, e.g. 86 for 8.6. */
    readonly capability: number;
    /** Whether the driver compiles it for newer cards (PTX). */
    readonly isPortable: boolean;
    /** Whether it is for cards of this capability alone. */
    readonly isExact: boolean;
}

/** A device as its driver names it. */
export interface NativeDriverDevice {
    /** In the driver's words. */
    readonly name: string;
    /** Of CUDA: compute capability, e.g. 86 for 8.6; otherwise 0. */
    readonly capability: number;
    /** Whether it is the processor, which imitates a GPU. */
    readonly isProcessor: boolean;
    /** Of CUDA: whether the backend holds code for it. */
    readonly hasKernels: boolean;
}

/** What a driver said when it was asked why there is no device, or before a CUDA backend was loaded. */
export interface NativeDriverAnswer {
    /**
     * Where asking came to an end: a library did not open, a call of driver or runtime failed, there are no devices, no code
     * for one of them, no answer in time, ggml did not take the library, another one of the kind is in use. "" = nowhere.
     */
    readonly stage: "" | "library" | "driver" | "runtime" | "devices" | "kernels" | "time" | "ggml" | "other";
    /** The function that failed, or the library that did not open. */
    readonly call: string;
    /** What the function returned. */
    readonly code: number;
    /** In words of the system, the driver or ggml. */
    readonly said: string;
    /** Of CUDA: 12040 for 12.4; of Vulkan: 1003 for 1.3; 0 = not said. */
    readonly driverVersion: number;
    /** Of CUDA: the version that the backend was made for, as CUDA's runtime says; 0 = not said. */
    readonly runtimeVersion: number;
    /** All that the driver shows, those of no use here, too. */
    readonly devices: readonly NativeDriverDevice[];
}

/** A backend library, and what came of loading it. */
export interface NativeBackendOutcome {
    /** Absolute. */
    readonly path: string;
    /** Whether it could be opened. */
    readonly loaded: boolean;
    /** Devices this library added (0 when it did not load, or found none). */
    readonly devices: number;
    /** Why there are none, as far as that can be asked. */
    readonly answer: NativeDriverAnswer;
}

/** Of a driver that was not asked. */
export const noAnswer: NativeDriverAnswer = {
    stage: "",
    call: "",
    code: 0,
    said: "",
    driverVersion: 0,
    runtimeVersion: 0,
    devices: []
};

/** A device that llama.cpp can compute on. */
export interface NativeDevice {
    /** Name as ggml gives it, e.g. "CUDA0", "Vulkan0", "CPU". */
    readonly name: string;
    /** In the driver's words. */
    readonly description: string;
    /** "igpu" shares the main memory; "accel" helps the CPU and holds no layers. */
    readonly type: "cpu" | "gpu" | "igpu" | "accel";
    /** Backend registry that owns it, e.g. "CUDA"; "RPC" on another machine. */
    readonly backend: string;
    /** "host:port" of the worker that has it; null, or not there: this machine. */
    readonly worker?: string | null;
    /** 0 when the device does not say. */
    readonly memoryFreeBytes: number;
    /** 0 when the device does not say. */
    readonly memoryTotalBytes: number;
}

/** Where a worker listens. */
export interface NativeWorker {
    /** A name or a literal address, without brackets. */
    readonly host: string;
    readonly port: number;
    /** So long without a sign of life, it is lost. */
    readonly silenceMs: number;
}

/** What a worker answered. */
export interface NativeWorkerAnswer {
    /** What it says of itself: checked by nobody yet. */
    readonly json: string;
    /** Until the answer was there. */
    readonly connectMs: number;
    /** The least of several questions. */
    readonly roundTripMs: number;
}

/** What went over the network. */
export interface NativeNetworkUse {
    readonly sentBytes: number;
    readonly receivedBytes: number;
    /** How often an answer was waited for. */
    readonly waits: number;
    /** For answers, and until what was sent had gone. */
    readonly waitMs: number;
    /** Of that, the workers were computing. */
    readonly workerMs: number;
}

/** To and from one worker since this process began. */
export interface NativeWorkerTraffic extends NativeNetworkUse {
    /** "host:port". */
    readonly worker: string;
    /** Weights that it had in its cache, and that were not sent. */
    readonly cachedBytes: number;
}

/** What a worker of this process offers. */
export interface NativeWorkerOptions {
    readonly host: string;
    /** 0 = any. */
    readonly port: number;
    /** Names; none = the GPUs, or else the processor. */
    readonly devices: readonly string[];
    readonly threads: number;
    /** "" = none. */
    readonly cacheFolder: string;
    /** That clients may take together. */
    readonly mainMemoryBytes: number;
    readonly maxConnections: number;
    /** Who may connect; none = everybody. */
    readonly allowed: readonly { readonly address: Uint8Array; readonly bits: number }[];
}

/** The libraries of llama.cpp that were opened. */
export interface NativeLibraries {
    /** `ggml_version()`. */
    readonly ggmlVersion: string;
    /** `ggml_commit()`. */
    readonly ggmlCommit: string;
    /** Instruction sets and the like, in llama.cpp's words. */
    readonly systemInfo: string;
    /** The CPU library that was taken; "" where ggml chose it. */
    readonly cpu: string;
    /** Those that were tried beside the CPU's. */
    readonly backends: readonly NativeBackendOutcome[];
}

/** What a GGUF file says of itself, read with llama.cpp's own reader (header only, no weights). */
export interface NativeModelFacts {
    readonly architecture: string;
    readonly name: string | null;
    readonly fileBytes: number;
    /** Files of a split model, in order; one entry otherwise. */
    readonly files: readonly string[];
    readonly layers: number;
    readonly contextLength: number;
    readonly embeddingLength: number;
    /** Attention heads of the first layer; 0 where it has none. */
    readonly headCount: number;
    /** Those of its keys and values. */
    readonly kvHeadCount: number;
    /** Bytes of K plus V per cached token over all layers, by cache type, as elements: multiply by bytes per element. */
    readonly kvElementsPerToken: { readonly k: number; readonly v: number };
    /** Of the states that a recurrent model keeps of one sequence, at most. */
    readonly stateBytes: number;
    readonly vocabularySize: number;
    /** `tokenizer.ggml.model`, or null when the file has no tokenizer. */
    readonly tokenizerModel: string | null;
    readonly chatTemplate: string | null;
    /** Bytes of the weights of each layer, index 0 first; the output layer and the embedding apart. */
    readonly layerBytes: readonly number[];
    /** Of those, what the experts of a mixture take. */
    readonly expertBytes: readonly number[];
    /** Where it is tied, the embedding's once more. */
    readonly outputBytes: number;
    readonly tiedOutput: boolean;
    readonly embeddingBytes: number;
    readonly parameterCount: number;
    /** e.g. "Q4_K - Medium", from `general.file_type`; null when absent. */
    readonly quantization: string | null;
    /** SHA-256 of headers and of samples of every tensor, 64 hexadecimal digits; the same for copies of a model. "" of headers alone. */
    readonly fingerprint: string;
    /** `general.finetune`: what its maker calls what was done to it; null when the file does not say. */
    readonly finetune: string | null;
    /** Names and addresses of the models it was made from, as the file says. */
    readonly baseModels: readonly string[];
    /** Of the widest layer; of a mixture that of one expert. */
    readonly feedForwardLength: number;
    /** Of the layer with the most. */
    readonly mostHeads: number;
    /** Elements of a key of one head. */
    readonly headWidth: number;
    /** Of a mixture; 0 otherwise. */
    readonly experts: number;
    /** Per token. */
    readonly expertsUsed: number;
}

/** A file that is not here: what to call it, how large it is, and as many of its first bytes as there are. */
export interface NativeDistantFile {
    readonly name: string;
    readonly start: Uint8Array;
    readonly fileBytes: number;
}

/** How two tokenizers differ. */
export interface NativeTokenizerDifference {
    readonly kind: "model" | "preTokenizer" | "tokens" | "merges" | "specialTokens" | "tokenTypes" | "scores";
    /** Whether the models cannot be added for it; otherwise they may cut a text into other tokens, no more. */
    readonly keepsApart: boolean;
    /** A sentence without its end. */
    readonly what: string;
    /** Tokens that differ so; 1 where nothing is counted. */
    readonly count: number;
    /** The first of them, at most five. */
    readonly examples: readonly NativeTokenExample[];
}

export interface NativeTokenExample {
    readonly token: number;
    /** What it is in the first model: its text, kind or score. */
    readonly reference: string;
    readonly other: string;
}

/** A tokenizer against the first one. */
export interface NativeTokenizerMatch {
    readonly differences: readonly NativeTokenizerDifference[];
    /** As `compareTokenizers` gives them. */
    readonly specialTokens: readonly NativeSpecialToken[];
}

/** Names, shapes and types of two models' tensors. */
export interface NativeTensorComparison {
    /** Tensors of the same name. */
    readonly common: number;
    readonly onlyFirst: number;
    readonly onlySecond: number;
    /** Of the same name and another shape. */
    readonly shapes: number;
    /** Of the same shape and another type. */
    readonly types: number;
    /** A few of each. */
    readonly examples: readonly NativeTensorDifference[];
}

export interface NativeTensorDifference {
    readonly name: string;
    /** Four dimensions, innermost first; zeros for a tensor that is not there. */
    readonly shape: readonly number[];
    readonly otherShape: readonly number[];
    /** "" for a tensor that is not there. */
    readonly type: string;
    readonly otherType: string;
}

/** What a LoRA adapter's file says of itself, and what it does to a model. */
export interface NativeAdapterFacts {
    readonly fileBytes: number;
    /** What its weights take when it is loaded. */
    readonly tensorBytes: number;
    /** Tensors of the model that it changes. */
    readonly targets: readonly string[];
    /** The largest of its pairs. */
    readonly rank: number;
    /** A pair counts alpha / its rank times; 0: once. */
    readonly alpha: number;
    /** Of `tensorBytes` by layer of the model; the output layer and the embedding apart. */
    readonly layerBytes: readonly number[];
    readonly outputBytes: number;
    readonly embeddingBytes: number;
    /** Norms in it, which llama.cpp does not change. */
    readonly leftOut: readonly string[];
    /** As that of a model. */
    readonly fingerprint: string;
}

/** A tensor of a model file. */
export interface NativeModelTensor {
    readonly name: string;
    /** Innermost dimension first, without ones at the end. */
    readonly shape: readonly number[];
    /** As ggml names it: "f16", "q4_K". */
    readonly type: string;
}

/** Which difference of two models' tensors is to be taken apart. */
export interface NativeDifferenceRequest {
    /** Paths. */
    readonly expert: string;
    readonly antiexpert: string;
    readonly tensor: string;
    /** Which matrix of a tensor with three dimensions; 0 otherwise. */
    readonly slice: number;
    /** 0: only how large it is. */
    readonly rank: number;
}

/** expert - antiexpert, about left * right^T, with the square root of each singular value on either side. */
export interface NativeDifference {
    /** f32[rows, rank]; the rank is no more than rows or columns. */
    readonly left: Float32Array;
    /** f32[columns, rank]. */
    readonly right: Float32Array;
    /** f64[rank], descending. */
    readonly values: Float64Array;
    /** Squared Frobenius norms: of the difference, of what the factors hold of it, of the antiexpert's tensor. */
    readonly differenceEnergy: number;
    readonly keptEnergy: number;
    readonly antiexpertEnergy: number;
}

/** A quantization by the name that llama.cpp's tools give it, e.g. "Q4_K_M". */
export interface NativeQuantization {
    readonly name: string;
    /** llama.cpp refuses to quantize to it without; models that are quantized already come in it. */
    readonly needsImportanceMatrix: boolean;
}

/** How a model is quantized. */
export interface NativeQuantizeOptions {
    /** A name of `quantizations`, in any case. */
    readonly type: string;
    readonly threads: number;
    /** Path; "" = none. */
    readonly importanceMatrix: string;
    /** Regular expressions over names of tensors, and types of ggml for those; the first that fits counts. */
    readonly tensorTypes: readonly { readonly pattern: string; readonly type: string }[];
}

/** A type of tensors, by the name that ggml gives it, e.g. "q4_K". */
export interface NativeTensorType {
    readonly name: string;
    /** In GGUF files. */
    readonly id: number;
    /** Numbers in a block; rows are whole blocks. */
    readonly blockSize: number;
    readonly blockBytes: number;
    /** Whether `convertRows` makes it. */
    readonly isWritable: boolean;
}

/** A key of a GGUF file. */
export interface NativeGgufKey {
    readonly name: string;
    /** Of the whole record, from the beginning of the file: name, type and value. */
    readonly offset: number;
    readonly bytes: number;
    /** In GGUF's numbers. */
    readonly type: number;
    /** Elements of an array, else 1. */
    readonly count: number;
    /** null for arrays, and for texts of more than 4 KiB. */
    readonly value: number | boolean | string | null;
}

/** A tensor of a GGUF file. */
export interface NativeGgufTensor {
    readonly name: string;
    /** A name of `tensorTypes`. */
    readonly type: string;
    /** Innermost dimension first. */
    readonly shape: readonly number[];
    /** From the beginning of the file. */
    readonly offset: number;
    readonly bytes: number;
}

/** Where everything in a GGUF file lies; of one file, also where a model has several. */
export interface NativeGgufLayout {
    readonly fileBytes: number;
    readonly version: number;
    readonly alignment: number;
    readonly dataOffset: number;
    readonly keys: readonly NativeGgufKey[];
    readonly tensors: readonly NativeGgufTensor[];
    /** 0 without a tokenizer. */
    readonly vocabularySize: number;
    /** Ids up to the last that is not padding. */
    readonly textVocabularySize: number;
}

/** What `convertRows` is to do. */
export interface NativeRowConversion {
    readonly from: "f32" | "f16" | "bf16";
    /** A name of `tensorTypes`. */
    readonly to: string;
    readonly rowLength: number;
    /** Adds 1 to every number. */
    readonly addOne: boolean;
    /** Rows of a head, whose first and second half become every other row; 0 = as they are. */
    readonly headRows: number;
}

/** What `compareTexts` found. */
export interface NativeTextComparison {
    /** Of the file's list. */
    readonly size: number;
    readonly compared: number;
    /** Of those. */
    readonly differing: number;
    /** Given entries behind the end of the file's list. */
    readonly beyond: number;
    /** Index of the first that differs, -1 for none, with both texts. */
    readonly first: number;
    readonly own: string;
    readonly given: string;
}

/** How special tokens of other models fall together with the first one's. */
export interface NativeSpecialTokenRule {
    /** Otherwise all must be the same. */
    readonly byRole: boolean;
    /** Texts, before the rule; "" for no counterpart. */
    readonly map: readonly { readonly base: string; readonly own: string }[];
}

/** A special token of the base that a small model has under another id or text, or not at all. */
export interface NativeSpecialToken {
    /** Of the base. */
    readonly token: number;
    readonly text: string;
    /** -1: it has none. */
    readonly own: number;
    readonly ownText: string;
    /** Whether the small model's is this one when it draws it; of several with one role only one is. */
    readonly back: boolean;
}

/** A LoRA on a model, of one role alone. */
export interface NativeAdapterConfig {
    /** A GGUF file. */
    readonly path: string;
    /** As `inspectAdapter` gave it. */
    readonly fingerprint: string;
    readonly scale: number;
}

export interface NativeModelConfig {
    readonly path: string;
    /** As `inspectModel` gave it: states are taken from engines of equal models alone. */
    readonly fingerprint: string;
    /** The same number for models of one file, whatever its names: in the same place they share its weights. */
    readonly weights: number;
    readonly adapters: readonly NativeAdapterConfig[];
    /** Devices to use, by name, in order; empty = CPU only. */
    readonly devices: readonly string[];
    /** Layers on the devices; the output layer counts as one more. */
    readonly gpuLayers: number;
    /** f32[devices]: how many of them each device has, in its order; empty = as llama.cpp shares them out. */
    readonly split: Float32Array;
    /** Layers, from the first, whose experts stay in main memory. */
    readonly cpuMoeLayers: number;
    /** The output layer stays in main memory, wherever the last layers are. */
    readonly outputInMainMemory: boolean;
    readonly threads: number;
    /** Earlier states of every sequence, of a model that has states and verifies drafts: so many can be taken back. */
    readonly snapshots: number;
    /**
     * Of a small model: i32[n, 3], tokens of the base that have other ids in it: the base's id, its own (-1 for none),
     * and 1 where its own is that token when it draws it. Empty for the base.
     */
    readonly tokens: Int32Array;
}

export interface NativePairConfig {
    readonly expert: NativeModelConfig;
    readonly antiexpert: NativeModelConfig;
}

/** Types of the KV cache, by the names of ggml. */
export type NativeKvType = "f32" | "f16" | "bf16" | "q8_0" | "q4_0" | "q4_1" | "q5_0" | "q5_1" | "iq4_nl";

export interface NativeEngineConfig {
    readonly base: NativeModelConfig;
    /** 0 (base alone) to 3 pairs. */
    readonly pairs: readonly NativePairConfig[];
    /** Tokens of context per sequence. */
    readonly contextSize: number;
    /** Sequences decoded together. */
    readonly slots: number;
    /** Tokens of all sequences in a cache. */
    readonly cacheSize: number;
    /** Prompt tokens per step while others generate; 0 = as many as take 0.2 s. */
    readonly prefillChunk: number;
    /** Requests that may wait for a slot. */
    readonly maxQueue: number;
    /** Keep what ended requests had in the caches, for prompts with the same beginning. */
    readonly reusePrefixes: boolean;
    /** Tokens per prefill decode (n_batch = n_ubatch). */
    readonly batchSize: number;
    /** Most tokens that the expert drafts per round; 0 = never. */
    readonly maxDraft: number;
    /** Outputs of one decode at most, over all sequences: at least one per slot. */
    readonly rows: number;
    readonly kvTypeK: NativeKvType;
    readonly kvTypeV: NativeKvType;
    readonly flashAttention: "auto" | "on" | "off";
    /** Decode on as many of the models' `threads` as pay at the time, instead of all. */
    readonly adaptThreads: boolean;
    readonly mmap: boolean;
    readonly mlock: boolean;
    /** Where the fused distribution is filtered and drawn. "auto": on the device when it has every operation. */
    readonly sampler: "auto" | "device" | "host";
    /** What an engine with the same configuration gave as `learned`; empty, or anything else, is as none. */
    readonly learned: Float64Array;
}

export interface NativeContextInfo {
    /** Device that holds the output layer, e.g. "Vulkan0". */
    readonly outputDevice: string;
    readonly gpuLayers: number;
    readonly layers: number;
    readonly threads: number;
    readonly vocabularySize: number;
    readonly modelBytes: number;
    /** Whether another context of the engine holds the weights already. */
    readonly sharesWeights: boolean;
    /** Weights of the adapters, wherever they lie. */
    readonly adapterBytes: number;
    readonly loadMs: number;
    readonly description: string;
    /** Whether its cache can be cut back; false for recurrent and hybrid models. */
    readonly canTruncate: boolean;
    /** Splits of the compute graph; 1 = all on one backend. */
    readonly graphSplits: number;
    readonly memory: NativeContextMemory;
    /** The same, and the weights, piece by piece as llama.cpp logs it. */
    readonly buffers: readonly NativeBuffer[];
}

/** A piece of memory that llama.cpp holds. */
export interface NativeBuffer {
    /** In llama.cpp's words: "CUDA0", "CPU", "CPU_Mapped" (of the file), "CUDA_Host" (main memory that a device reaches). */
    readonly place: string;
    /** "model", "KV", "RS", "compute", "output". */
    readonly kind: string;
    /** In steps of a hundredth of a MiB. */
    readonly bytes: number;
}

/** What a model and its context hold beside the weights' file, in bytes, wherever it lies. */
export interface NativeContextMemory {
    /** Copies of mapped weights in the layout that the processor computes with; 0 when weights are read, not mapped. */
    readonly repackedBytes: number;
    /** The KV cache, or what takes its place. */
    readonly cacheBytes: number;
    /** Intermediate results of a decode. */
    readonly computeBytes: number;
    /** llama.cpp's own copy of what a decode gives. */
    readonly outputBytes: number;
    /** Rows of small models, fused rows, settings. */
    readonly samplerBytes: number;
}

export interface NativeEngineInfo {
    readonly base: NativeContextInfo;
    readonly pairs: readonly { readonly expert: NativeContextInfo; readonly antiexpert: NativeContextInfo }[];
    readonly samplerPath: "device" | "host";
    /** Why that path: one sentence. */
    readonly samplerReason: string;
    /** As configured; 0 where drafts are not possible. */
    readonly maxDraft: number;
    /** Why there are no drafts; "" when there are. */
    readonly draftReason: string;
    /** Whether the configuration's `learned` was taken, and nothing measured. */
    readonly costsRemembered: boolean;
    /** What rows cost and how often drafts are right, for later loads; empty without drafts. */
    readonly learned: Float64Array;
    readonly contextSize: number;
    readonly vocabularySize: number;
    /** Ids that may be drawn: text in all models of the engine, padding in none. */
    readonly drawableTokens: number;
    readonly bosToken: number;
    readonly eosToken: number;
    readonly addBos: boolean;
    readonly chatTemplate: string | null;
    readonly loadMs: number;
}

export interface NativeSampling {
    /** One per pair of the engine. */
    readonly lambdas: readonly number[];
    readonly temperature: number;
    /** 0 = off. */
    readonly topK: number;
    /** 1 = off. */
    readonly topP: number;
    /** 0 = off. */
    readonly minP: number;
    /** 1 = off. */
    readonly repetitionPenalty: number;
    readonly presencePenalty: number;
    readonly frequencyPenalty: number;
    /** Latest tokens of prompt and completion that penalties look at; 0 = none, -1 = the whole context. */
    readonly penaltyWindow: number;
    readonly biasTokens: Int32Array;
    /** Added to the fused logit; -Infinity = never drawn. */
    readonly biasValues: Float32Array;
    /** Unsigned 64 bits. */
    readonly seed: bigint;
    /** Which of several samples of one seed; the random numbers are a function of (seed, ordinal, position). */
    readonly ordinal: number;
}

/** Reasoning before an answer. Marks are texts, at most 16 of a kind; control tokens among them are those tokens. */
export interface NativeReasoning {
    /** Whether the prompt has begun it. */
    readonly open: boolean;
    /** Begin it, before anything but white space. */
    readonly opens: readonly string[];
    readonly closes: readonly string[];
    /** Stand in an answer, and are no part of it. */
    readonly drops: readonly string[];
    /** Whether an answer may be followed by more of it. */
    readonly reopens: boolean;
    /** Tokens of reasoning, after which `ending` follows; -1 = any number. */
    readonly maxTokens: number;
    /** Begins it before a constrained answer, where its first token is drawn. */
    readonly opening: Int32Array;
    /** Ends it, up to where the answer begins. */
    readonly ending: Int32Array;
    /** What of that stands behind the closing mark, in front of a constrained answer. */
    readonly separator: Int32Array;
}

export interface NativeRequest {
    readonly prompt: Int32Array;
    readonly mode: "rast" | "base" | "expert";
    /** -1 = until the context is full. */
    readonly maxTokens: number;
    readonly stopStrings: readonly string[];
    readonly stopTokens: Int32Array;
    /** Do not stop at the model's end-of-generation tokens. */
    readonly ignoreEos: boolean;
    /** Render control tokens in the text. */
    readonly showSpecial: boolean;
    /** Control tokens that are rendered where others are not; at most as many as stop strings. */
    readonly shownTokens: Int32Array;
    /** Top alternatives per token, 0 to 20; -1 = no log-probabilities at all. */
    readonly logprobs: number;
    /** Figures of each token with so many alternatives, 0 to 20 (`NativeFigures`); -1 = none. Not in mode "expert". */
    readonly figures: number;
    /**
     * A completion that is given, so that nothing is drawn: every token is decoded, several at a time, and ends the request
     * with "maxTokens" when it is the last. Empty: tokens are drawn. Not with a grammar, reasoning or mode "expert".
     */
    readonly given: Int32Array;
    /** Tokens to draft per round; -1 = as many as pay, up to `maxDraft`. */
    readonly draft: number;
    readonly maxDraft: number;
    /** Whether drafts are taken from the text where it repeats itself; "auto": where they are likelier to pay than the expert's. */
    readonly ngram: "never" | "auto" | "always";
    /** A number of `prepareGrammar`, which belongs to the request from now on; 0 = any text. Of the answer alone. */
    readonly grammar: number;
    /** null: all of the text is the answer. */
    readonly reasoning: NativeReasoning | null;
    readonly sampling: NativeSampling;
}

/** Log-probabilities of the fused distribution at temperature 1 after bias and penalties, before the filters. */
export interface NativeLogprobs {
    /** f32[n]: of each drawn token; 0 for one that was put there. */
    readonly drawn: Float32Array;
    /** i32[n, top]: ids, most likely first. */
    readonly topTokens: Int32Array;
    /** f32[n, top]. */
    readonly topLogprobs: Float32Array;
}

/** What the models say of tokens: of their rows at temperature 1 and nothing else (no bias, penalties, filters), over the ids that all models have. Nats. */
export interface NativeFigures {
    /**
     * f64[n, 16]: log-probabilities under base, expert, antiexpert and ensemble, entropies of the same, ranks under base and
     * ensemble, KL(ensemble || base), who had proposed it (0 nobody, 1 the expert, 2 the text), and 0 for a token that nobody
     * drew; KL(expert || antiexpert), and the ranks in base and antiexpert of the expert's likeliest token. NaN for expert and
     * antiexpert, and ranks of -1, where no pair adds anything.
     */
    readonly values: Float64Array;
    /** i32[n, 2, top]: the likeliest under base and under ensemble, likeliest first; -1 behind the last. */
    readonly topTokens: Int32Array;
    /** f64[n, 2, top, 2]: of each its log-probability under base and ensemble. */
    readonly topLogprobs: Float64Array;
}

/** Why a generation ended: the model's end of text, a stop string or token, a limit, or an abort. */
export type NativeStopReason = "eos" | "stop" | "maxTokens" | "contextFull" | "abort";

/** Time of one role, in milliseconds, and what it did in it. */
export interface NativeRoleTimes {
    /** Decoding the prompt. */
    readonly prefillMs: number;
    /** Decoding and drawing the completion. */
    readonly decodeMs: number;
    /** Of `decodeMs`: fusing, filtering, drawing and handing rows over, where the CPU does it; 0 where a device does. */
    readonly samplingMs: number;
    /** Prompt tokens that it decoded. */
    readonly prefillTokens: number;
    /** Decodes of the completion. */
    readonly decodeSteps: number;
}

export interface NativeRequestResult {
    readonly stopReason: NativeStopReason;
    /** The stop string that ended it. */
    readonly stopString: string | null;
    /** The end-of-generation or stop token that ended it; not part of the completion tokens. */
    readonly stopToken: number | null;
    readonly promptTokens: number;
    readonly completionTokens: number;
    /** Of those, drawn ones of reasoning and the marks behind it. */
    readonly reasoningTokens: number;
    /** Prompt tokens that a cache held already. */
    readonly cachedTokens: number;
    /** How often it gave way to others for lack of cache space. */
    readonly restarts: number;
    /** Draws that the grammar refused. */
    readonly refused: number;
    readonly queueMs: number;
    readonly prefillMs: number;
    readonly decodeMs: number;
    /** From submission to the first token; null when there was none. */
    readonly firstTokenMs: number | null;
    /** Of the completion, those of the round that drew the first: more than one where that verified drafts. */
    readonly firstRoundTokens: number;
    readonly roles: { readonly base: NativeRoleTimes; readonly expert: NativeRoleTimes; readonly antiexpert: NativeRoleTimes };
    readonly drafts: {
        /** Decodes of the base that gave tokens. */
        readonly rounds: number;
        readonly drafted: number;
        readonly accepted: number;
        /** Of both, those that were taken from the text. */
        readonly ngramDrafted: number;
        readonly ngramAccepted: number;
        /** Positions where expert and ensemble drew after the same tokens, and those with the same draw. */
        readonly compared: number;
        readonly agreed: number;
    };
    /** Bytes read from the sampler's device for rows drawn there. */
    readonly hostBytes: number;
    /** Rows whose draw was finished on the host, and the bytes read for them. */
    readonly hostRows: number;
    readonly hostRowBytes: number;
    /** CPU threads of its last round; 0 when there was none. */
    readonly threads: number;
    /** With workers, while its prompt was decoded. What a decode used counts for every request in it. */
    readonly promptNetwork: NativeNetworkUse;
    /** The same of its completion. */
    readonly network: NativeNetworkUse;
}

/** One callback per engine step, with every new token of every live request. */
export interface NativeStep {
    readonly request: number;
    readonly tokens: Int32Array;
    /** New text: valid UTF-8, nothing of a stop string or of an unfinished character. May be empty. */
    readonly text: string;
    /** Of requests with `reasoning`: what of the text is reasoning or answer; none where nothing is. May lag behind. */
    readonly reasoning?: string;
    readonly answer?: string;
    readonly logprobs?: NativeLogprobs;
    readonly figures?: NativeFigures;
    readonly result?: NativeRequestResult;
    /** With the result of a request that drafted: what the engine has learned so far. */
    readonly learned?: Float64Array;
    /** The engine failed on this request. Nothing follows. */
    readonly error?: { readonly code: string; readonly message: string; readonly details: Record<string, unknown> };
}

export interface NativeProgress {
    readonly role: NativeRole;
    /** Which pair, 0 to 2; 0 for the base. */
    readonly pair: number;
    /** 0 to 1. */
    readonly fraction: number;
    /** What has gone to workers, where there are any. */
    readonly workers?: readonly NativeWorkerTraffic[];
}

/** What `engineMeasure` times. */
export interface NativeBareDecodes {
    readonly role: NativeRole;
    /** Which pair, 0 to 2; 0 for the base. */
    readonly pair: number;
    /** At most the slots. */
    readonly sequences: number;
    /** Tokens that each sequence holds before. */
    readonly depth: number;
    /** Steps, or tokens of a prompt in each sequence. */
    readonly tokens: number;
    readonly prompt: boolean;
}

/** What of a text is to become tokens. */
export interface NativeTokenizing {
    readonly parseSpecial: boolean;
    /** More tokens than so many need not be all; below 2^32. */
    readonly enough: number;
    /** It is the beginning of a longer text: tokens that its rest could change are left out. */
    readonly goesOn: boolean;
    /**
     * i32[n, 2]: from, and behind the last byte of UTF-8, in order and without overlaps. In these stretches no control
     * token begins or ends, whatever `parseSpecial` says.
     */
    readonly contents: Int32Array;
}

/** Of a text. */
export interface NativeTokens {
    readonly tokens: Int32Array;
    /** Otherwise there may be more. */
    readonly whole: boolean;
}

export interface NativeAddon {
    buildInfo(): NativeBuildInfo;
    /** Opens the libraries once per process; later calls with the same paths return the same answer. */
    openLibraries(paths: NativeLibraryPaths): Promise<NativeLibraries>;
    /** Devices of the opened libraries, with memory as of now. */
    devices(): Promise<readonly NativeDevice[]>;
    /**
     * Asks a worker what it is, without using it.
     * Rejects with ERR_WORKER_UNREACHABLE, ERR_WORKER_REFUSED, ERR_WORKER_VERSION.
     */
    askWorker(worker: NativeWorker): Promise<NativeWorkerAnswer>;
    /**
     * Makes the devices of workers known, as RPC0, RPC1 and so on. From here on this process ends when one of them is lost.
     * Rejects as `askWorker`.
     */
    connectWorkers(workers: readonly NativeWorker[]): Promise<void>;
    /** All workers that this process has connected to. */
    workerTraffic(): readonly NativeWorkerTraffic[];
    /**
     * Makes this process a worker until it ends; what happens is said on stdout, a line of JSON each.
     * @returns the port. Rejects with ERR_INVALID_OPTION, ERR_DEVICE_NOT_FOUND, ERR_FILE_UNWRITABLE.
     */
    serveWorker(options: NativeWorkerOptions): Promise<number>;
    /** Reads a GGUF file's header. */
    inspectModel(path: string): Promise<NativeModelFacts>;
    /**
     * Reads an adapter's header and proves that it fits a model.
     * Rejects with ERR_ADAPTER_INVALID, ERR_ADAPTER_MISMATCH, ERR_ADAPTER_UNSUPPORTED and what `inspectModel` rejects with.
     */
    inspectAdapter(path: string, model: string): Promise<NativeAdapterFacts>;
    /** All tensors of a model, in the order of its files. Rejects with what `inspectModel` rejects with. */
    modelTensors(path: string): Promise<readonly NativeModelTensor[]>;
    /**
     * The largest singular values of what one model's tensor has over another's, with their vectors; both may be of any type.
     * Takes a processor for as long as it takes; several run beside each other.
     * @param id one that none at work has
     * Rejects with ERR_MODEL_INVALID (no such tensor, other shapes, numbers that are not finite), ERR_FILE_UNREADABLE, and
     * with ERR_DISPOSED when it is stopped.
     */
    takeDifference(what: NativeDifferenceRequest, id: number): Promise<NativeDifference>;
    /** Ends it soon; unknown ids are ignored. */
    stopDifference(id: number): void;
    /**
     * The same of a model that is not here, by the headers of all its parts, or of the first ones: `files` has the names of all.
     * `fingerprint` is "".
     * @returns null when one of the headers goes on behind the bytes that are given
     */
    inspectHeaders(parts: readonly NativeDistantFile[]): Promise<NativeModelFacts | null>;
    /**
     * Proves that the files have one tokenizer: model, pre-tokenizer, merges by what they make of texts, ordinary tokens'
     * texts over the common ids; and says how the special tokens of each file but the first fall together with the first's.
     * @returns for each but the first, ascending by token; empty where they are the same
     * Rejects with ERR_TOKENIZER_MISMATCH naming the first token that differs, ERR_INVALID_OPTION for a map of other tokens.
     */
    compareTokenizers(
        paths: readonly string[],
        rule: NativeSpecialTokenRule
    ): Promise<readonly (readonly NativeSpecialToken[])[]>;

    /** All that tells each file's tokenizer from the first's, for a person. Rejects as `compareTokenizers`, but for a mismatch. */
    matchTokenizers(
        paths: readonly string[],
        rule: NativeSpecialTokenRule
    ): Promise<readonly NativeTokenizerMatch[]>;
    /** Names, shapes and types of two models' tensors, all parts of both. Rejects with what `inspectModel` rejects with. */
    compareTensors(first: string, second: string): Promise<NativeTensorComparison>;

    /** Starts an engine thread and loads on it. The handle is valid at once, for abort and dispose. */
    engineCreate(
        config: NativeEngineConfig,
        onProgress: (progress: NativeProgress) => void,
        onSteps: (steps: readonly NativeStep[]) => void
    ): { readonly handle: number; readonly ready: Promise<NativeEngineInfo> };
    /** Queues a request under an id of the caller's that no unfinished one has; its steps come through `onSteps`. */
    engineSubmit(handle: number, id: number, request: NativeRequest): void;
    /** Ends a request with stop reason "abort"; unknown ids are ignored. */
    engineCancel(handle: number, request: number): void;
    /** Aborts loading or generation, frees everything. Idempotent. Requests end with "abort" first. */
    engineDispose(handle: number): Promise<void>;

    /**
     * GBNF of a JSON schema, which is given as JSON text: every text of the grammar is valid by the schema, but for
     * keywords that are to be ignored. Rejects with ERR_JSON_SCHEMA.
     */
    grammarOfSchema(schema: string, ignoreUnsupported: boolean): Promise<string>;

    /**
     * Makes a grammar ready for one request: GBNF, with what the vocabulary shows of its tokens.
     * @param grammar a number of the caller's choice, for a request when this has resolved, or for `dropGrammar`
     * Rejects with ERR_GRAMMAR, ERR_CONSTRAINT_LIMIT, ERR_DISPOSED
     */
    prepareGrammar(handle: number, grammar: number, gbnf: string, showSpecial: boolean): Promise<void>;
    /** Ends its preparation soon, and forgets it; unknown numbers are ignored. */
    dropGrammar(handle: number, grammar: number): void;

    /** Quantizations that llama.cpp can make. */
    quantizations(): readonly NativeQuantization[];
    /**
     * Writes a model in another quantization over a file, by llama.cpp's own quantizer, as it goes: whoever calls gives
     * the file its name when this has resolved. It cannot be stopped, and llama.cpp may end the process.
     * Rejects with ERR_INVALID_ARGUMENT, ERR_FILE_UNWRITABLE, ERR_QUANTIZE and what `inspectModel` rejects with.
     */
    quantizeModel(input: string, output: string, options: NativeQuantizeOptions): Promise<void>;

    /** Reads a GGUF file's header. Rejects as `inspectModel` does. */
    layoutOf(path: string): Promise<NativeGgufLayout>;
    tensorTypes(): readonly NativeTensorType[];
    /**
     * Whole rows of numbers, little endian, in another type. The source is copied when it is called.
     * Rejects with ERR_INVALID_ARGUMENT, and ERR_GRAFT for numbers that the type cannot hold.
     */
    convertRows(source: Uint8Array, how: NativeRowConversion): Promise<Uint8Array>;
    /**
     * Compares a list of texts in a GGUF file with others: one after the other a u32 index, a u32 length and so many bytes.
     * Rejects with ERR_INVALID_ARGUMENT and as `inspectModel` does.
     */
    compareTexts(path: string, key: string, entries: Uint8Array): Promise<NativeTextComparison>;

    /**
     * Writes what the caches hold of these tokens to a file, for every model.
     * @returns tokens written. Rejects with ERR_STATE_FILE, ERR_DISPOSED
     */
    engineSaveState(handle: number, path: string, tokens: Int32Array): Promise<number>;
    /** Reads such a file into a free slot. Rejects with ERR_STATE_FILE, ERR_DISPOSED. @returns its tokens */
    engineLoadState(handle: number, path: string): Promise<Int32Array>;

    /**
     * Milliseconds of bare decodes of one model, no sampler and no other model beside it: f64[tokens] of steps with a token of every sequence each, or f64[1] of a prompt.
     * Runs between the steps of requests. Rejects with ERR_INVALID_ARGUMENT, ERR_CONTEXT_CREATE, ERR_DECODE, ERR_DISPOSED
     */
    engineMeasure(handle: number, decodes: NativeBareDecodes): Promise<Float64Array>;


    /**
     * Tokens of a text (a Uint8Array is its UTF-8), with nothing around it; `id` is one that no tokenizing at work has.
     * Rejects with ERR_TOKENIZE, ERR_INSUFFICIENT_MEMORY, and with ERR_DISPOSED when it is stopped.
     */
    tokenize(handle: number, text: string | Uint8Array, what: NativeTokenizing, id: number): Promise<NativeTokens>;
    /** Ends a tokenizing as soon as possible; unknown ids are ignored. */
    stopTokenizing(handle: number, id: number): void;
    /** Without `continuation`, a space that the tokenizer puts in front of every text is taken off again. */
    detokenize(handle: number, tokens: Int32Array, showSpecial: boolean, continuation: boolean): Promise<string>;
    /** Bytes of each token by itself; control tokens have theirs, too. A part of a character is what it is. */
    tokenBytes(handle: number, tokens: Int32Array): Promise<readonly Uint8Array[]>;

    /**
     * Loads a model without its weights, makes a context and tokenizes, all as llama.cpp does it: for a child process,
     * which a model that llama.cpp cannot stand ends.
     */
    probeModel(path: string): Promise<void>;
    /** From here on this process may map so many bytes more (Linux), and leaves no core dump. */
    limitProcess(bytes: number): void;

    /**
     * Ends the threads of all engines of this environment and waits for them. For the end of the process alone:
     * process.exit() destroys what they use without running cleanup hooks.
     */
    stopEngines(): void;
    /** Testing and introspection: live engines of this environment. */
    liveEngines(): number;
}
