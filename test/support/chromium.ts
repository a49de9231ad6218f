// A headless Chromium, spoken to over its debugging pipe.
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Readable, Writable } from "node:stream";

const names = ["chromium", "chromium-browser", "google-chrome"];
const folders = ["/usr/bin", ...(process.env["PATH"] ?? "").split(delimiter)];

/** Path of the browser, where there is one. */
export const chromium = names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => existsSync(path));

if (chromium === undefined && process.env["RAST_REQUIRE_CHROMIUM"] === "1") {
    throw new Error("Chromium is missing, and RAST_REQUIRE_CHROMIUM is set");
}

const flags = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe"
];

interface Message {
    readonly id?: number;
    readonly method?: string;
    readonly params?: Record<string, unknown>;
    readonly result?: Record<string, unknown>;
    readonly error?: { readonly message: string };
}

/** How a page is looked at. */
export interface View {
    /** In CSS pixels. */
    readonly width: number;
    readonly scheme: "light" | "dark";
    /** @default "screen" */
    readonly media?: "screen" | "print";
}

/** One browser with one tab. */
export class Browser {
    #session: string | undefined;
    #nextId = 1;
    #buffer = Buffer.alloc(0);
    readonly #waiting = new Map<number, (message: Message) => void>();
    readonly #listeners = new Set<(message: Message) => void>();

    private constructor(
        private readonly process: ChildProcess,
        private readonly folder: string
    ) {
        (process.stdio[4] as Readable).on("data", (data: Buffer) => this.#read(data));
        process.once("exit", () => {
            for (const settle of this.#waiting.values()) settle({ error: { message: "Chromium ended" } });
        });
    }

    static async start(): Promise<Browser> {
        const folder = mkdtempSync(join(tmpdir(), "rast-chromium-"));
        const child = spawn(chromium!, [...flags, `--user-data-dir=${folder}`, "about:blank"], {
            stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"]
        });
        const browser = new Browser(child, folder);
        const { targetId } = await browser.call("Target.createTarget", { url: "about:blank" });
        const { sessionId } = await browser.call("Target.attachToTarget", { targetId, flatten: true });
        browser.#session = sessionId as string;
        await browser.call("Page.enable");
        await browser.call("Network.enable");
        return browser;
    }

    /** Sends a command of the DevTools protocol. */
    async call(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
        const id = this.#nextId++;
        const sessionId = this.#session;
        const answer = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
        (this.process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
        const { result, error } = await answer;
        this.#waiting.delete(id);
        if (error !== undefined) throw new Error(`${method}: ${error.message}`);
        return result ?? {};
    }

    #read(data: Buffer): void {
        this.#buffer = Buffer.concat([this.#buffer, data]);
        for (let end = this.#buffer.indexOf(0); end >= 0; end = this.#buffer.indexOf(0)) {
            const message = JSON.parse(this.#buffer.subarray(0, end).toString()) as Message;
            this.#buffer = this.#buffer.subarray(end + 1);
            if (message.id === undefined) this.#listeners.forEach((listener) => listener(message));
            else this.#waiting.get(message.id)?.(message);
        }
    }

    /** Opens a page. @returns the URLs that were requested for it, its own first */
    async open(url: string, { width, scheme, media = "screen" }: View): Promise<string[]> {
        const urls: string[] = [];
        let loaded: () => void;
        const load = new Promise<void>((resolve) => (loaded = resolve));
        const listener = ({ method, params }: Message): void => {
            if (method === "Network.requestWillBeSent") urls.push((params as { request: { url: string } }).request.url);
            if (method === "Page.loadEventFired") loaded();
        };
        this.#listeners.add(listener);
        const features = [{ name: "prefers-color-scheme", value: scheme }];
        await this.call("Emulation.setEmulatedMedia", { media, features });
        const metrics = { width, height: 800, deviceScaleFactor: 1, mobile: width < 500 };
        await this.call("Emulation.setDeviceMetricsOverride", metrics);
        await this.call("Page.navigate", { url });
        await load;
        this.#listeners.delete(listener);
        return urls;
    }

    /** The value of an expression in the page. */
    async evaluate<T>(expression: string): Promise<T> {
        const { result, exceptionDetails } = await this.call("Runtime.evaluate", { expression, returnByValue: true });
        if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
        return (result as { value: T }).value;
    }

    /** A band of the page as a picture. */
    async screenshot(y: number, width: number, height: number): Promise<Buffer> {
        const clip = { x: 0, y, width, height, scale: 1 };
        const { data } = await this.call("Page.captureScreenshot", { captureBeyondViewport: true, clip });
        return Buffer.from(data as string, "base64");
    }

    /** The page on paper. */
    async pdf(): Promise<Buffer> {
        const { data } = await this.call("Page.printToPDF", { printBackground: true, preferCSSPageSize: true });
        return Buffer.from(data as string, "base64");
    }

    async close(): Promise<void> {
        const ended = new Promise((resolve) => this.process.once("exit", resolve));
        this.#session = undefined;
        await this.call("Browser.close").catch(() => undefined);
        await ended;
        rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    }
}
