/**
 * The page's beginning in a window of webview-napi: behind engine-client.js, conversation.js and page.js, in one script.
 * @import { FromWindow, ToWindow } from "./window-messages.js"
 */

/** @param {string} token tells the app that it hears its own page */
export function boot(token) {
    const post = (/** @type {FromWindow} */ message) => window.ipc.postMessage(JSON.stringify(message));
    const client = new EngineClient();
    new Page(client, () => new Conversation());
    globalThis.fromApp = (/** @type {ToWindow} */ message) => {
        if (message.kind === "ping") post({ token, kind: "pong" });
        else client.receive(message);
    };
    post({ token, kind: "ready" });
    client.connect({ send: (message) => post({ token, kind: "engine", message }) });
}
