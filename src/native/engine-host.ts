import type { NativeAddon } from "./addon-types.js";

/**
 * What the engine layer asks of native code, wherever that runs: the addon of this process, or one in a child process.
 * Ids of requests are the caller's, and nothing but a handle comes back at once, so that every call can be a message.
 * `engineSubmit` may throw its refusal or send it as the request's only step.
 */
export type EngineHost = Pick<
    NativeAddon,
    | "devices"
    | "connectWorkers"
    | "inspectModel"
    | "inspectAdapter"
    | "compareTokenizers"
    | "grammarOfSchema"
    | "prepareGrammar"
    | "dropGrammar"
    | "engineCreate"
    | "engineSubmit"
    | "engineCancel"
    | "engineDispose"
    | "engineSaveState"
    | "engineLoadState"
    | "engineMeasure"
    | "tokenize"
    | "stopTokenizing"
    | "detokenize"
    | "tokenBytes"
>;
