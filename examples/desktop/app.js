/**
 * The app: a window, and behind it an engine in a process of its own.
 * @import { Library } from "../chat/engine-service.js"
 * @typedef {object} AppOptions
 * @property {Library} library what rast-llama exports
 * @property {readonly string[]} folders with trio files to choose from
 * @property {import("rast-llama").LoadOptions} [load] further options of every load
 * @property {() => void} [onPage] told when the page has begun, for the first time or again
 * @property {(text: string) => void} [onStranger] told what pages say that are not the app's own
 * @property {number} [silenceMs] after which a page that answers nothing is loaded again
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { EngineService } from "../chat/engine-service.js";
import { chatFile, onePage } from "../chat/one-page.js";
import { trioFilesIn } from "./trio-files.js";
import { AppWindow } from "./window.js";

/**
 * @param {AppOptions} options
 * @returns {Promise<{ window: AppWindow, closed: Promise<void> }>} `closed` resolves when window and engine are gone
 * @throws NoWindowError
 */
export async function startApp({ library, folders, load = {}, onPage, ...ofWindow }) {
    const token = randomUUID();
    let windowIsClosed = () => {};
    /** @type {Promise<void>} */
    const windowClosed = new Promise((resolve) => (windowIsClosed = resolve));
    const service = new EngineService(library, {
        send: (message) => window.send(message),
        isolate: true,
        load,
        moreTrios: async () => (await Promise.all(folders.map(trioFilesIn))).flat()
    });
    const window = await AppWindow.open({
        title: "RAST, side by side",
        width: 1040,
        height: 680,
        html: pageHtml(token),
        token,
        onMessage: (message) => service.receive(message),
        // What a page asked for that is not there any more is of no use to the one that is.
        onReady: () => {
            service.abortAll();
            onPage?.();
        },
        onClosed: windowIsClosed,
        ...ofWindow
    });
    // A second one ends the app where it stands; the engine's process ends with it in any case.
    for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]))
        process.once(signal, () => window.close());
    return { window, closed: windowClosed.then(() => service.close()) };
}

// Modules without imports, one behind the other, are a module: no bundler is needed.
/** @param {string} token */
function pageHtml(token) {
    const parts = ["engine-client.js", "conversation.js", "page.js"].map(chatFile);
    const boot = readFileSync(new URL("./boot.js", import.meta.url), "utf8");
    return onePage([...parts, boot, `boot(${JSON.stringify(token)});`].join("\n"));
}
