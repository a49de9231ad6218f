import { resolve } from "node:path";
import { checkBoolean, checkNumber, checkSignal, checkString, invalidOption, readOptions } from "../checks.js";
import type { HubOptions } from "../hub/hub-settings.js";
import { modelsFolder } from "../machine/models-folder.js";
import type { PullProgress } from "./progress.js";

/** Options of {@link pullTrio}. */
export interface PullOptions extends HubOptions {
    /** Of the base model: "Q4_K_M". @default what the catalog says */
    quantization?: string | undefined;
    /** Of expert and antiexpert, one for both, as their difference counts. @default what the catalog says */
    pairQuantization?: string | undefined;
    /** Where models and trio file go. @default the folder of RAST_MODELS, else the user's own for data */
    folder?: string | undefined;
    /** Another catalog. @default the file of RAST_CATALOG, else the one of the package */
    catalog?: string | undefined;
    /** Connections at once, in [1, 32]. @default 8 */
    connections?: number | undefined;
    /** Whether checkpoints stay when a model was made of them. @default false */
    keepCheckpoints?: boolean | undefined;
    /** Told of every step. What it throws ends the pull: ERR_ABORTED. */
    onProgress?: ((progress: PullProgress) => void) | undefined;
    /** Ends the pull: ERR_ABORTED. What is there stays for the next. */
    signal?: AbortSignal | undefined;
}

/** The same, checked. */
export interface ResolvedPullOptions {
    readonly quantization: string | undefined;
    readonly pairQuantization: string | undefined;
    readonly folder: string;
    readonly catalog: string | undefined;
    readonly connections: number;
    readonly keepCheckpoints: boolean;
    readonly onProgress: (progress: PullProgress) => void;
    readonly signal: AbortSignal | undefined;
    readonly hub: HubOptions;
}

const names = [
    "quantization",
    "pairQuantization",
    "folder",
    "catalog",
    "connections",
    "keepCheckpoints",
    "onProgress",
    "signal",
    "endpoint",
    "token",
    "offline"
] as const satisfies readonly (keyof PullOptions)[];

/** @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION */
export function resolvePullOptions(value: unknown): ResolvedPullOptions {
    const options = readOptions("pullTrio", "the options of pullTrio", value, names);
    const text = (name: (typeof names)[number]): string | undefined =>
        options[name] === undefined ? undefined : checkString(name, options[name]);
    const { connections, keepCheckpoints, onProgress, signal, offline } = options;
    if (onProgress !== undefined && typeof onProgress !== "function") {
        throw invalidOption("onProgress", "a function", onProgress);
    }
    const folder = text("folder");
    return {
        quantization: text("quantization"),
        pairQuantization: text("pairQuantization"),
        folder: folder === undefined ? modelsFolder() : resolve(folder),
        catalog: text("catalog"),
        connections:
            connections === undefined ? 8 : checkNumber("connections", connections, { min: 1, max: 32, integer: true }),
        keepCheckpoints: keepCheckpoints === undefined ? false : checkBoolean("keepCheckpoints", keepCheckpoints),
        onProgress: (onProgress as PullOptions["onProgress"]) ?? (() => {}),
        signal: signal === undefined ? undefined : checkSignal("signal", signal),
        hub: {
            endpoint: text("endpoint"),
            token: text("token"),
            offline: offline === undefined ? undefined : checkBoolean("offline", offline)
        }
    };
}
