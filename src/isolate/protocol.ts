// All messages between a program and the child process of its engine. Typed arrays and BigInts pass as they are.
import type { PlainRastError } from "../errors.js";
import type {
    NativeEngineConfig,
    NativeEngineInfo,
    NativeLibraries,
    NativeProgress,
    NativeRequest,
    NativeStep
} from "../native/addon-types.js";
import type { EngineHost } from "../native/engine-host.js";
import type { BackendChoice, KnownLibraries } from "../native/libraries.js";

// A child has one engine, so that no handle crosses.
type OfTheEngine<F> = F extends (handle: number, ...rest: infer Rest) => infer Result
    ? (...rest: Rest) => Result
    : never;

/** What a child answers. `engineCreate` may be called once. */
export interface ChildCalls extends Pick<
    EngineHost,
    "devices" | "connectWorkers" | "inspectModel" | "inspectAdapter" | "compareTokenizers" | "grammarOfSchema"
> {
    engineCreate(config: NativeEngineConfig): Promise<NativeEngineInfo>;
    prepareGrammar: OfTheEngine<EngineHost["prepareGrammar"]>;
    engineDispose: OfTheEngine<EngineHost["engineDispose"]>;
    engineSaveState: OfTheEngine<EngineHost["engineSaveState"]>;
    engineLoadState: OfTheEngine<EngineHost["engineLoadState"]>;
    engineMeasure: OfTheEngine<EngineHost["engineMeasure"]>;
    tokenize: OfTheEngine<EngineHost["tokenize"]>;
    detokenize: OfTheEngine<EngineHost["detokenize"]>;
    tokenBytes: OfTheEngine<EngineHost["tokenBytes"]>;
}

export type CallName = keyof ChildCalls;
export type CallArguments<N extends CallName> = Parameters<ChildCalls[N]>;
export type CallResult<N extends CallName> = Awaited<ReturnType<ChildCalls[N]>>;

/** What a child found of llama.cpp. */
export interface OpenedLibraries {
    readonly libraries: NativeLibraries;
    readonly choice: BackendChoice;
}

export type ToChild =
    /** The first message. */
    | { readonly kind: "open"; readonly known: KnownLibraries | undefined }
    | { readonly kind: "call"; readonly call: number; readonly name: CallName; readonly args: readonly unknown[] }
    | { readonly kind: "submit"; readonly request: number; readonly what: NativeRequest }
    | { readonly kind: "cancel"; readonly request: number }
    | { readonly kind: "stopTokenizing"; readonly id: number }
    | { readonly kind: "dropGrammar"; readonly id: number };

export type FromChild =
    /** The first message, before llama.cpp is opened. */
    | { readonly kind: "started" }
    | { readonly kind: "opened"; readonly opened: OpenedLibraries }
    | { readonly kind: "failed"; readonly error: PlainRastError }
    | { readonly kind: "value"; readonly call: number; readonly value: unknown }
    | { readonly kind: "error"; readonly call: number; readonly error: PlainRastError }
    | { readonly kind: "progress"; readonly progress: NativeProgress }
    /** All that one engine step brought, for all requests. */
    | { readonly kind: "steps"; readonly steps: readonly NativeStep[] };
