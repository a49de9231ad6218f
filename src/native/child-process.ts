import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { fileURLToPath } from "node:url";
import { RastError } from "../errors.js";
import { unpackedPath } from "../package-root.js";

/** How a child process is started. */
export interface ChildOptions {
    /** Variables beside those of this process; undefined takes one away. */
    readonly env?: Readonly<Record<string, string | undefined>>;
    /** Whether it gets a channel for `send` and "message" beside its pipes. @default false */
    readonly channel?: boolean;
    /** The program that runs it: Node.js or Electron. @default the one that runs this */
    readonly execPath?: string | undefined;
    /** Keeps what a terminal sends to this process, such as Ctrl+C, from it. @default false */
    readonly ownGroup?: boolean;
}

/** Set in every child of this package, so that none starts children of its own by mistake. */
export const childVariable = "RAST_CHILD";

/**
 * Starts a script of this package in a Node.js process of its own, with pipes for stdin, stdout and stderr. A script that
 * calls `endWithParent` ends when this process does, as its stdin then ends. Works in worker threads, and in Electron,
 * whose binary runs as Node.js.
 * @param script of the compiled package, e.g. `new URL("./child.js", import.meta.url)`
 * @throws ERR_INTERNAL in a child of this package. Everything else is an "error" event of the child.
 */
export function spawnChild(script: URL, args: readonly string[], options: ChildOptions = {}): ChildProcess {
    if (process.env[childVariable] !== undefined) {
        // As Electron does that was built to refuse ELECTRON_RUN_AS_NODE: its children would be whole apps, without end.
        throw new RastError("ERR_INTERNAL", `A child process of this package started another: ${script.href}.`);
    }
    const stdio: StdioOptions = ["pipe", "pipe", "pipe"];
    if (options.channel === true) stdio.push("ipc");
    return spawn(options.execPath ?? process.execPath, [unpackedPath(fileURLToPath(script)), ...args], {
        stdio,
        env: childEnvironment(process.env, options.env),
        serialization: "advanced",
        // on Windows it would only give the child a console of its own
        detached: options.ownGroup === true && process.platform !== "win32",
        windowsHide: true
    });
}

/** The environment of a child: it runs as Node.js, and no debugger waits for it. */
export function childEnvironment(
    own: Readonly<NodeJS.ProcessEnv>,
    more: ChildOptions["env"] = {},
    electron = process.versions["electron"] !== undefined
): NodeJS.ProcessEnv {
    const env: NodeJS.ProcessEnv = { ...own, ...more, [childVariable]: "1" };
    // With --inspect-brk the child would wait for ever, with --inspect it would want the parent's port.
    const kept = env["NODE_OPTIONS"]?.split(/\s+/).filter((option) => !option.startsWith("--inspect"));
    if (kept !== undefined) env["NODE_OPTIONS"] = kept.join(" ");
    if (electron) env["ELECTRON_RUN_AS_NODE"] = "1";
    return env;
}
