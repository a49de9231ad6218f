import { checkNumber, checkOneOf, checkString, invalidOption, isObject, readOptions } from "../checks.js";
import type { RastError } from "../errors.js";

/** How an engine in a process of its own is treated. */
export interface IsolationOptions {
    /**
     * What follows a crash: "onNextCall" starts the process anew when something is asked of the engine, "atOnce" without
     * waiting for that, "never" lets every later call fail with ERR_ENGINE_CRASHED. @default "onNextCall"
     */
    restart?: "onNextCall" | "atOnce" | "never" | undefined;
    /** Most new starts, 0 to 1,000, in a row: without a generation that came to its end between them. @default 3 */
    maxRestarts?: number | undefined;
    /** How long `dispose` waits for an orderly end before it kills the process, 0 to 600,000 ms. @default 5000 */
    graceMs?: number | undefined;
    /** The Node.js (or Electron) program that the process runs. @default the one that runs this */
    execPath?: string | undefined;
    /** Told of every crash after loading, those of an idle engine too. */
    onCrash?: ((error: RastError) => void) | undefined;
}

/** `IsolationOptions` with their defaults. */
export interface ResolvedIsolation {
    readonly restart: "onNextCall" | "atOnce" | "never";
    readonly maxRestarts: number;
    readonly graceMs: number;
    readonly execPath: string | undefined;
    readonly onCrash: ((error: RastError) => void) | undefined;
}

const names = ["restart", "maxRestarts", "graceMs", "execPath", "onCrash"] as const;

/**
 * @param value true, false or an object
 * @returns undefined for false
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION
 */
export function readIsolation(
    value: unknown,
    isBun = process.versions["bun"] !== undefined
): ResolvedIsolation | undefined {
    if (value === undefined || value === false) return undefined;
    if (value !== true && !isObject(value)) {
        throw invalidOption("isolate", "true, false or an object", value);
    }
    if (isBun) {
        // its pipes and channels to children keep a program alive, and have no way not to
        throw invalidOption("isolate", "false, as Bun cannot do it (Node.js, Electron and Deno can),", value);
    }
    const options = readOptions("isolate", "isolate", value === true ? {} : value, names);
    const integer = (name: "maxRestarts" | "graceMs", max: number, otherwise: number): number =>
        options[name] === undefined
            ? otherwise
            : checkNumber(`isolate.${name}`, options[name], { min: 0, max, integer: true });
    const { restart, execPath, onCrash } = options;
    if (onCrash !== undefined && typeof onCrash !== "function") {
        throw invalidOption("isolate.onCrash", "a function", onCrash);
    }
    return {
        restart:
            restart === undefined
                ? "onNextCall"
                : checkOneOf("isolate.restart", restart, ["onNextCall", "atOnce", "never"]),
        maxRestarts: integer("maxRestarts", 1000, 3),
        graceMs: integer("graceMs", 600_000, 5000),
        execPath: execPath === undefined ? undefined : checkString("isolate.execPath", execPath),
        onCrash: onCrash as ResolvedIsolation["onCrash"]
    };
}
