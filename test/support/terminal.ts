// A program on a real terminal of its own: util-linux's script(1) makes it, keys go in and what is shown comes out.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";

const isThere =
    process.platform === "linux" && /util-linux/.test(spawnSync("script", ["--version"]).stdout?.toString() ?? "");

if (!isThere && process.platform === "linux" && process.env["RAST_REQUIRE_CHROMIUM"] === "1") {
    throw new Error("script(1) of util-linux is missing, which makes terminals for tests");
}

/** Whether programs can be given a terminal here. */
export const hasTerminals: boolean = isThere;

/** One program on its terminal, 100 columns wide. */
export class Terminal {
    /** All that was shown, control sequences included. */
    shown = "";
    readonly exitCode: Promise<number | null>;
    readonly #child: ChildProcess;
    #seen = 0;
    #news: () => void = () => {};

    constructor(command: readonly string[], env: NodeJS.ProcessEnv) {
        const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
        const line = `stty cols 100 rows 40; exec ${quoted}`;
        this.#child = spawn("script", ["-qfec", line, "/dev/null"], {
            env: { ...process.env, TERM: "xterm-256color", SHELL: "/bin/sh", ...env },
            stdio: ["pipe", "pipe", "inherit"]
        });
        this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => {
            this.shown += text;
            this.#news();
        });
        this.exitCode = new Promise((resolve) => {
            this.#child.on("close", (code) => {
                resolve(code);
                this.#news();
            });
        });
    }

    /** What is shown without colours and movements of the cursor. */
    get text(): string {
        return this.shown.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "").replaceAll("\r", "");
    }

    type(keys: string): void {
        this.#child.stdin!.write(keys);
    }

    /** Waits until a text is shown behind what was waited for before. @throws Error with all that is shown, after a minute */
    async until(text: string | RegExp): Promise<void> {
        const end = Date.now() + 60_000;
        for (;;) {
            const rest = this.text.slice(this.#seen);
            const at = typeof text === "string" ? rest.indexOf(text) : rest.search(text);
            if (at >= 0) {
                this.#seen += at + (typeof text === "string" ? text.length : (text.exec(rest)?.[0].length ?? 0));
                return;
            }
            if (Date.now() > end || this.#child.exitCode !== null)
                throw new Error(`${String(text)} is not shown: ${this.text}`);
            await new Promise<void>((resolve) => {
                const timer = setTimeout(resolve, 1000);
                this.#news = () => {
                    clearTimeout(timer);
                    resolve();
                };
            });
        }
    }

    /** As `kill` would, to the program and not to what made its terminal. */
    signal(name: NodeJS.Signals): void {
        const pid = this.#child.pid!;
        const [program] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
        process.kill(Number(program), name);
    }

    end(): void {
        this.#child.kill("SIGKILL");
    }
}
