// The Electron example without Electron: its main process over a module that stands in for Electron's, its engine's process
// as a fork, its preload script and page in Chromium. All files are those that are shipped.
import { fork, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { root } from "./native.js";
import { WatchedPage } from "./watched-page.js";

type FromMain =
    | {
          readonly kind: "page";
          readonly url: string;
          readonly preferences: { readonly preload: string } & Record<string, unknown>;
      }
    | { readonly kind: "port"; readonly channel: string; readonly id: number }
    | { readonly kind: "portData"; readonly id: number; readonly data: unknown }
    | { readonly kind: "send"; readonly channel: string; readonly args: readonly unknown[] };

// Electron's part of a page: the preload script's modules, and ports.
const pageShim = (preload: string): string => `(() => {
    const listeners = new Map();
    const ports = new Map();
    const toMain = (message) => globalThis.toMain(JSON.stringify(message));
    globalThis.fromMain = (message) => {
        if (message.kind === "port") {
            const { port1, port2 } = new MessageChannel();
            ports.set(message.id, port2);
            port2.onmessage = ({ data }) => toMain({ kind: "portData", id: message.id, data });
            listeners.get(message.channel)({ ports: [port1] });
        } else if (message.kind === "portData") {
            ports.get(message.id).postMessage(message.data);
        } else {
            listeners.get(message.channel)({}, ...message.args);
        }
    };
    const electron = {
        ipcRenderer: {
            on: (channel, listener) => listeners.set(channel, listener),
            send: (channel) => toMain({ kind: "ipc", channel, url: location.href })
        },
        contextBridge: { exposeInMainWorld: (name, api) => (globalThis[name] = api) }
    };
    ((require) => { ${preload} })((name) => ({ electron })[name]);
})()`;

/** One run of the app. */
export class ElectronApp {
    /** Exit code, or signal. */
    readonly ended: Promise<number | NodeJS.Signals | null>;
    readonly pid: number;
    output = "";
    preferences: Record<string, unknown> = {};
    #tab!: WatchedPage;

    private constructor(private readonly child: ChildProcess) {
        this.pid = child.pid!;
        this.ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal ?? code)));
        child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.output += text));
    }

    /** @param folder of the app: with package.json, dist and node_modules */
    static async start(browser: Browser, folder: string): Promise<ElectronApp> {
        const register = new URL("./electron/register.mjs", import.meta.url).href;
        const child = fork(join(folder, "dist", "main.js"), [], {
            execArgv: ["--import", register],
            env: { ...process.env, STAND_IN_APP: folder },
            cwd: root,
            stdio: ["ignore", "ignore", "pipe", "ipc"],
            serialization: "advanced"
        });
        const app = new ElectronApp(child);
        const early: FromMain[] = [];
        child.on("message", (message: FromMain) => early.push(message));
        while (early.length === 0) {
            if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}.\n${app.output}`);
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
        const first = early[0]!;
        if (first.kind !== "page") throw new Error("The app does not begin with its page.");
        app.preferences = first.preferences;
        const shim = pageShim(readFileSync(first.preferences.preload, "utf8"));
        app.#tab = await WatchedPage.open(browser, first.url, {}, async (page) => {
            await page.exposeFunction("toMain", (text: string) => child.send(JSON.parse(text) as object, () => {}));
            await page.addInitScript(shim);
        });
        // From here on the page is told; in order, with what has come meanwhile.
        const told = (message: FromMain): void => void app.evaluate(`fromMain(${JSON.stringify(message)})`);
        child.removeAllListeners("message");
        child.on("message", told);
        early.slice(1).forEach(told);
        await app.until("its trios", "document.querySelectorAll('#trio option').length > 0");
        return app;
    }

    evaluate<T>(expression: string): Promise<T> {
        return this.#tab.evaluate<T>(expression);
    }

    get problems(): readonly string[] {
        return this.#tab.problems;
    }

    /** Waits until an expression in the page is true. @throws after some time, with what the page shows */
    async until(what: string, expression: string, ms = 20_000): Promise<void> {
        const end = Date.now() + ms;
        while (!(await this.evaluate<boolean>(expression))) {
            if (Date.now() > end) {
                const shown = await this.evaluate<string>("document.body.innerText");
                throw new Error(
                    `After ${ms} ms not yet: ${what}\n${shown}\n${this.output}\n${this.problems.join("\n")}`
                );
            }
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
    }

    /** The window's button. */
    close(): void {
        this.child.send({ kind: "closed" });
    }

    kill(): void {
        this.child.kill("SIGKILL");
    }
}
