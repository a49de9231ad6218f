/**
 * A window with a page in it.
 * @import { Application, BrowserWindow, Webview } from "webview-napi"
 * @import { ToEngine } from "../chat/protocol.js"
 * @import { FromWindow, ToWindow } from "./window-messages.js"
 * @typedef {object} WindowOptions
 * @property {string} title
 * @property {number} width
 * @property {number} height
 * @property {string} html
 * @property {string} token of the page's messages
 * @property {(message: ToEngine) => void} onMessage
 * @property {() => void} onReady the page has begun, for the first time or again
 * @property {() => void} onClosed the window is gone
 * @property {(text: string) => void} [onStranger] told what pages say that are not the app's own
 * @property {number} [silenceMs] after which a page that answers nothing is loaded again
 */

// Texts come to the page in turns of this length, and so do its clicks to the app.
const turnMs = 8;
const defaultSilenceMs = 8000;

/** What keeps a window from opening, in words for whoever wants it open. */
export class NoWindowError extends Error {
    /** @override */
    name = "NoWindowError";
}

const howTo = {
    linux: "It needs WebKitGTK 4.1: on Debian and Ubuntu, sudo apt-get install libwebkit2gtk-4.1-0.",
    win32: "It needs the WebView2 runtime, which is part of Windows 11 and of Edge: https://developer.microsoft.com/microsoft-edge/webview2/",
    darwin: "WebKit is part of macOS."
};

/** @returns {Promise<typeof import("webview-napi")>} */
async function loadWebview() {
    const { platform, env } = process;
    const noDisplay = (env["DISPLAY"] ?? "") === "" && (env["WAYLAND_DISPLAY"] ?? "") === "";
    if (platform === "linux" && noDisplay) {
        throw new NoWindowError(
            "There is no display to open a window on: DISPLAY and WAYLAND_DISPLAY are empty. Without a screen: xvfb-run npm start."
        );
    }
    try {
        return await import("webview-napi");
    } catch (error) {
        const advice = platform === "linux" || platform === "win32" || platform === "darwin" ? howTo[platform] : "";
        const why = error instanceof Error ? error.message : String(error);
        throw new NoWindowError(`webview-napi cannot be used here. ${advice} ${why}`, { cause: error });
    }
}

/**
 * One window. It lives by `pollEvents` on a timer, so that Node.js goes on beside it. A page whose process has ended, or that
 * hangs or was led elsewhere, is loaded again.
 */
export class AppWindow {
    #options;
    /** @type {Application} */
    #app;
    /** @type {BrowserWindow} */
    #window;
    /** @type {Webview} */
    #view;
    /** @type {NodeJS.Timeout} */
    #pump;
    /** @type {NodeJS.Timeout} */
    #watch;
    /** @type {ToWindow[]} */
    #unsent = [];
    #isReady = false;
    #isClosed = false;
    #heardAt = performance.now();

    /**
     * @param {WindowOptions} options
     * @throws NoWindowError
     */
    static async open(options) {
        return new AppWindow(await loadWebview(), options);
    }

    /**
     * @param {typeof import("webview-napi")} webview
     * @param {WindowOptions} options
     */
    constructor(webview, options) {
        const { title, width, height, html, silenceMs = defaultSilenceMs } = options;
        this.#options = options;
        this.#app = new webview.Application();
        this.#window = this.#app.createBrowserWindow({ title, width, height });
        this.#view = this.#window.createWebview({ html, incognito: true, enableDevtools: false });
        this.#view.onIpcMessage((error, text) => {
            if (error === null) this.#receive(text);
        });
        this.#pump = setInterval(() => this.#turn(), turnMs);
        this.#watch = setInterval(() => this.#watchPage(silenceMs), silenceMs / 4);
    }

    /** @param {ToWindow} message */
    send(message) {
        if (!this.#isClosed) this.#unsent.push(message);
    }

    /** Runs a script in the page. @param {string} script */
    evaluate(script) {
        if (!this.#isClosed) this.#view.evaluateScript(script);
    }

    /** Closes it, as its button does. `onClosed` follows. */
    close() {
        if (!this.#isClosed) this.#window.close();
    }

    #turn() {
        if (this.#isReady && this.#unsent.length > 0) {
            // JSON is an expression of JavaScript, whatever texts are in it.
            const calls = this.#unsent.splice(0).map((message) => `fromApp(${JSON.stringify(message)})`);
            this.evaluate(calls.join(";"));
        }
        const { hasWindows, exitRequested } = this.#app.pollEvents();
        if (hasWindows && !exitRequested) return;
        this.#isClosed = true;
        clearInterval(this.#pump);
        clearInterval(this.#watch);
        this.#options.onClosed();
    }

    /** @param {string} text */
    #receive(text) {
        const message = readMessage(text, this.#options.token);
        if (message === undefined) {
            this.#options.onStranger?.(text);
            return;
        }
        this.#heardAt = performance.now();
        if (message.kind === "ready") {
            this.#isReady = true;
            this.#options.onReady();
        } else if (message.kind === "engine") {
            this.#options.onMessage(message.message);
        }
    }

    /** @param {number} silenceMs */
    #watchPage(silenceMs) {
        if (performance.now() - this.#heardAt > silenceMs) {
            this.#heardAt = performance.now();
            this.#isReady = false;
            this.#unsent.length = 0;
            this.#view.loadHtml(this.#options.html);
        } else {
            this.evaluate('fromApp({ kind: "ping" })');
        }
    }
}

/**
 * @param {string} text
 * @param {string} token
 * @returns {FromWindow | undefined}
 */
function readMessage(text, token) {
    try {
        const message = /** @type {unknown} */ (JSON.parse(text));
        const isOwn = typeof message === "object" && message !== null && "token" in message && message.token === token;
        return isOwn ? /** @type {FromWindow} */ (message) : undefined;
    } catch {
        return undefined; // not our page
    }
}
