// The desktop example in a process of its own, with its page driven from here.
import { fork, type ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./native.js";
import { xvfb, type XServer } from "./x-server.js";
import { canSeeProcesses, isRunning } from "./engine-processes.js";

const webview = join(root, "examples", "node_modules", "webview-napi");
const webkit = ["/usr/lib", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"]
    .map((folder) => join(folder, "libwebkit2gtk-4.1.so.0"))
    .find((path) => existsSync(path));

/** Why there can be no window here; undefined where there can. */
export const noWindow =
    xvfb === undefined
        ? "Xvfb is missing (Debian: xvfb)"
        : webkit === undefined
          ? "WebKitGTK is missing (Debian: libwebkit2gtk-4.1-0)"
          : !existsSync(webview)
            ? "webview-napi is missing (node scripts/example-packages.mjs)"
            : !canSeeProcesses
              ? "processes cannot be looked at here"
              : undefined;

if (noWindow !== undefined && process.env["RAST_REQUIRE_WEBVIEW"] === "1") {
    throw new Error(`${noWindow}, and RAST_REQUIRE_WEBVIEW is set`);
}

/** What the driven app is started with. */
export interface DesktopOptions {
    readonly folders: readonly string[];
    readonly load: object;
    readonly silenceMs: number;
}

/** One run of the app. */
export class DesktopApp {
    readonly pid: number;
    /** Exit code, or signal. */
    readonly ended: Promise<number | NodeJS.Signals | null>;
    output = "";
    /** How often a page has begun. */
    pages = 0;
    #lastId = 0;
    readonly #waiting = new Map<number, (value: unknown) => void>();

    private constructor(private readonly child: ChildProcess) {
        this.pid = child.pid!;
        this.ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal ?? code)));
        child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.output += text));
        child.on("message", (message: { page?: true; id?: number; value?: unknown }) => {
            if (message.page === true) this.pages += 1;
            else this.#waiting.get(message.id!)?.(message.value);
        });
    }

    static async start(server: XServer, options: DesktopOptions): Promise<DesktopApp> {
        const script = join(root, "test", "e2e", "scripts", "desktop-app.mjs");
        const env = { ...process.env, DISPLAY: server.display, NO_AT_BRIDGE: "1" };
        const stdio = ["ignore", "ignore", "pipe", "ipc"] as const;
        const app = new DesktopApp(fork(script, [JSON.stringify(options)], { env, stdio: [...stdio] }));
        await app.until("its trios", "document.querySelectorAll('#trio option').length > 0");
        return app;
    }

    /** The value of an expression in the page. @throws where no page answers */
    evaluate<T>(expression: string, ms = 20_000): Promise<T> {
        const id = ++this.#lastId;
        return new Promise<T>((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error(`No answer: ${expression}\n${this.output}`)), ms);
            this.#waiting.set(id, (value) => {
                clearTimeout(timer);
                resolve(value as T);
            });
            this.child.send({ id, expression }, () => {});
        });
    }

    /** Waits until an expression in the page is true. @throws after some time, with what the page shows */
    async until(what: string, expression: string, ms = 20_000): Promise<void> {
        const end = Date.now() + ms;
        // What is asked before the page is there, or of one that has gone, is never answered.
        while (!(await this.evaluate(expression, 200).catch(() => false))) {
            if (Date.now() > end) {
                const shown = await this.evaluate<string>("document.body.innerText", 2000).catch(
                    () => "no page answers"
                );
                throw new Error(`After ${ms} ms not yet: ${what}\n${shown.slice(0, 2000)}\n${this.output}`);
            }
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
    }

    /** Chooses a trio of the list, or types a path. */
    async load(trio: string): Promise<void> {
        const value = JSON.stringify(trio);
        await this.evaluate(
            `(trio.value = ${value}, path.value = trio.value === ${value} ? "" : ${value}, loader.requestSubmit())`
        );
        await this.until(`${trio} is loaded`, `!ask.disabled && document.getElementById("progress").hidden`);
    }

    /** Types a question and presses the button. */
    async ask(text: string, settings: { readonly [id: string]: number | string } = {}): Promise<void> {
        const set = Object.entries(settings).map(
            ([id, value]) => `document.getElementById("${id}").value = "${value}"`
        );
        await this.evaluate(
            `(${[...set, `question.value = ${JSON.stringify(text)}`, "composer.requestSubmit()"].join(",")})`
        );
    }

    /** The text of the last turn's answers. */
    async answers(): Promise<{ readonly base: string; readonly rast: string }> {
        const text = (side: string): string => `document.querySelector(".turn:last-child .${side} .text").textContent`;
        return this.evaluate(`({ base: ${text("base")}, rast: ${text("rast")} })`);
    }

    kill(signal: NodeJS.Signals): void {
        process.kill(this.pid, signal);
    }

    /** All processes below it, by the names of their commands. */
    processes(): ReadonlyMap<number, string> {
        const found = new Map<number, string>();
        const visit = (pid: number): void => {
            for (const child of childrenOf(pid)) {
                if (!isRunning(child)) continue;
                found.set(child, readFileSync(`/proc/${child}/cmdline`, "utf8").replaceAll("\0", " "));
                visit(child);
            }
        };
        visit(this.pid);
        return found;
    }
}

function childrenOf(pid: number): number[] {
    try {
        return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
            readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(/\s+/).filter(Boolean).map(Number)
        );
    } catch {
        return []; // it has ended
    }
}
