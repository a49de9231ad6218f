// What a window and its page say to each other, as JSON.
import type { EngineClient as Client } from "../chat/engine-client.js";
import type { Conversation as OneConversation } from "../chat/conversation.js";
import type { Page as OnePage } from "../chat/page.js";
import type { FromEngine, ToEngine } from "../chat/protocol.js";

export type ToWindow = FromEngine | { readonly kind: "ping" };

/** `token` is known to the app's own page alone, not to one that somebody has dropped into the window. */
export type FromWindow = { readonly token: string } & (
    { readonly kind: "ready" } | { readonly kind: "pong" } | { readonly kind: "engine"; readonly message: ToEngine }
);

// What boot.js finds where it runs.
declare global {
    interface Window {
        readonly ipc: { postMessage(message: string): void };
    }
    var EngineClient: typeof Client;
    var Conversation: typeof OneConversation;
    var Page: typeof OnePage;
    var fromApp: (message: ToWindow) => void;
}
