import { createRequire } from "node:module";
import { errorCatalogue, RastError, type ErrorCode } from "../errors.js";
import { llamaPackages, packageRoot } from "../package-root.js";
import { addonFile } from "./addon-file.js";
import { noAnswer, type NativeAddon, type NativeLibraries } from "./addon-types.js";
import { cudaKernels } from "./cuda-kernels.js";
import { driverPatienceMs } from "./driver-advice.js";
import { adviceToAdd, adviceToBuild, installerOf } from "./installation.js";
import {
    attemptOf,
    candidatesFor,
    findLibraries,
    wantedBackend,
    type BackendAttempt,
    type BackendCandidate,
    type BackendChoice,
    type KnownLibraries
} from "./libraries.js";

export interface LoadedNative {
    readonly addon: NativeAddon;
    readonly libraries: NativeLibraries;
    readonly choice: BackendChoice;
}

let loaded: Promise<LoadedNative> | undefined;

/**
 * The addon with llama.cpp's libraries open, once per process and thread.
 * @param known from another process, so that it need not be found out again
 * @throws ERR_ADDON_MISSING, ERR_ADDON_INVALID, ERR_LIBRARIES, ERR_VERSION_MISMATCH, ERR_BACKEND_UNAVAILABLE
 */
export function loadNative(known?: KnownLibraries): Promise<LoadedNative> {
    loaded ??= openNative(known).catch((error: unknown) => {
        loaded = undefined; // a repaired installation may be tried again
        throw error;
    });
    return loaded;
}

async function openNative(known: KnownLibraries | undefined): Promise<LoadedNative> {
    const addon = typedErrors(openAddon());
    process.once("exit", () => addon.stopEngines());
    const wanted = wantedBackend();
    const found = known?.found ?? (await findLibraries());
    const { load, attempts } = candidatesFor(wanted, found.candidates);

    // Opening all at once: the process may open its libraries only once, and one that fails does no harm.
    const vainOf = (candidate: BackendCandidate): KnownLibraries["vain"][number] | undefined =>
        known?.vain.find(
            ({ attempt: { kind, source } }) => kind === candidate.kind && source === candidate.source
        );
    const asked = load.filter((candidate) => vainOf(candidate) === undefined);
    const opened = await addon.openLibraries({
        ...found.core,
        cpu: known?.cpu ?? "",
        backends: asked.map(({ kind, path }) => ({
            path: path!,
            kind,
            kernels: kind === "cuda" ? cudaKernels(path!) : []
        })),
        patienceMs: driverPatienceMs()
    });
    const tried = load.map((candidate) => {
        const vain = vainOf(candidate);
        if (vain !== undefined) return vain;
        // none where another thread of this process has opened its libraries, which happens once
        const nothing = { path: candidate.path!, loaded: false, devices: 0, answer: noAnswer };
        const outcome = opened.backends[asked.indexOf(candidate)] ?? nothing;
        return { outcome, attempt: attemptOf(candidate, outcome) };
    });
    const libraries = { ...opened, backends: tried.map(({ outcome }) => outcome) };
    const own = found.localBuild === undefined ? [] : [found.localBuild];
    const all = [...tried.map(({ attempt }) => attempt), ...attempts, ...own];
    const used = tried.find(({ attempt }) => attempt.outcome === "used");
    if (used !== undefined) {
        const { attempt } = used;
        return { addon, libraries, choice: { backend: attempt.kind, reason: attempt.reason, attempts: all } };
    }
    if (wanted !== "auto" && wanted !== "cpu") {
        // several packages of a kind may fail alike
        const why = [...new Set(all.filter((attempt) => attempt.kind === wanted).map(withAdvice))];
        throw new RastError(
            "ERR_BACKEND_UNAVAILABLE",
            `RAST_BACKEND asks for ${wanted}, which cannot be used: ${why.join("; ") || "this platform has none"}.`,
            { details: { backend: wanted, attempts: all } }
        );
    }
    const reason = wanted === "cpu" ? "RAST_BACKEND asks for cpu" : "no GPU backend found a device";
    return { addon, libraries, choice: { backend: "cpu", reason, attempts: all } };
}

function withAdvice({ source, outcome, reason, install }: BackendAttempt): string {
    const version = llamaPackages()[source];
    const missing = outcome === "not installed" && version !== undefined;
    const advice = missing ? adviceToAdd(installerOf(packageRoot()), source, version) : install;
    if (advice === undefined) return reason;
    // a sentence in brackets, within another one
    const first = /^[A-Z]+\b/.test(advice) ? advice.charAt(0) : advice.charAt(0).toLowerCase();
    return `${reason} (${first}${advice.slice(1).replace(/\.$/, "")})`;
}

let alone: NativeAddon | undefined;

/**
 * The addon without llama.cpp, for what needs none of it.
 * @throws ERR_ADDON_MISSING, ERR_ADDON_INVALID
 */
export function openAddonAlone(): Pick<NativeAddon, "grammarOfSchema"> {
    return (alone ??= typedErrors(openAddon()));
}

function openAddon(): NativeAddon {
    const file = addonFile();
    try {
        return createRequire(import.meta.url)(file) as NativeAddon;
    } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new RastError("ERR_ADDON_INVALID", `The addon ${file} cannot be loaded: ${why}`, {
            details: { file },
            cause: error
        });
    }
}

// Every function of the addon, with its errors as RastError.
function typedErrors(addon: NativeAddon): NativeAddon {
    const call = (name: string, run: (...args: unknown[]) => unknown): unknown => {
        if (typeof run !== "function") {
            throw new RastError("ERR_ADDON_INVALID", `The addon has no function ${name}: it is of another version. ${adviceToBuild(installerOf(packageRoot()))}`);
        }
        return (...args: unknown[]): unknown => {
            try {
                return settle(run(...args));
            } catch (error) {
                throw toRastError(error);
            }
        };
    };
    const names: (keyof NativeAddon)[] = [
        "buildInfo",
        "openLibraries",
        "devices",
        "askWorker",
        "connectWorkers",
        "workerTraffic",
        "serveWorker",
        "inspectModel",
        "inspectAdapter",
        "modelTensors",
        "takeDifference",
        "stopDifference",
        "inspectHeaders",
        "compareTokenizers",
        "matchTokenizers",
        "compareTensors",
        "engineCreate",
        "engineSubmit",
        "engineCancel",
        "engineDispose",
        "engineSaveState",
        "engineLoadState",
        "engineMeasure",
        "grammarOfSchema",
        "prepareGrammar",
        "dropGrammar",
        "layoutOf",
        "tensorTypes",
        "convertRows",
        "compareTexts",
        "quantizations",
        "quantizeModel",
        "tokenize",
        "stopTokenizing",
        "detokenize",
        "tokenBytes",
        "probeModel",
        "limitProcess",
        "stopEngines",
        "liveEngines"
    ];
    const entries = names.map((name) => [name, call(name, addon[name] as (...args: unknown[]) => unknown)]);
    return Object.fromEntries(entries) as NativeAddon;
}

function settle(value: unknown): unknown {
    if (value instanceof Promise) return value.catch(rethrow);
    if (typeof value === "object" && value !== null && "ready" in value && value.ready instanceof Promise) {
        return { ...value, ready: value.ready.catch(rethrow) };
    }
    return value;
}

function rethrow(error: unknown): never {
    throw toRastError(error);
}

function toRastError(error: unknown): unknown {
    if (!(error instanceof Error) || error instanceof RastError) return error;
    const { code, details } = error as Error & { code?: unknown; details?: Record<string, unknown> };
    if (typeof code !== "string") return error;
    const known = code in errorCatalogue ? (code as ErrorCode) : "ERR_INTERNAL";
    return new RastError(known, error.message, { details: details ?? {}, cause: error });
}
