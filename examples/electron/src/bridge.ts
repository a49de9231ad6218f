// What the page finds in its window, put there by preload.ts, and the names of the messages behind it.
import type { PlainEngineError } from "../../chat/protocol.js";

/** The page's way to the app, beside the engine's port, which comes as a message to the window. */
export interface EngineBridge {
    /** The page is there, and takes a port. */
    ready(): void;
    /** Something is asked of an engine that is not there. */
    want(): void;
    onLost(listener: (why: PlainEngineError) => void): void;
}

/** Of the message to the window that brings the port. */
export const portMessage = "rast-engine-port";

export const channels = {
    /** page to app */
    ready: "rast-page-ready",
    want: "rast-engine-wanted",
    /** app to page */
    port: "rast-engine-port",
    lost: "rast-engine-lost"
} as const;

declare global {
    interface Window {
        readonly engineBridge: EngineBridge;
    }
}
