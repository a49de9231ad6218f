// The server's endpoints over fetch.
import { readChunk, type Chunk } from "./chunks.js";
import { EventReader } from "./events.js";
import { parsed } from "./json.js";
import { readLoadState, readModels, type ListedTrio, type LoadState } from "./models.js";
import { errorOfStatus, ServerError } from "./server-error.js";

const notOfAKey = "A key has letters of English, digits and signs alone, and no spaces.";

/** Characters of an answer, beyond which it is cut. */
const maxAnswerLength = 8 * 1_048_576;

/** One server, with the key that it may want. */
export class Client {
    /** "" for none. */
    key = "";

    /** @throws ServerError */
    async models(): Promise<ListedTrio[]> {
        return readModels(parsed(await this.#text("v1/models")));
    }

    /** How far a trio's load is; null where nobody says. Never throws. */
    async loadState(name: string): Promise<LoadState | null> {
        try {
            return readLoadState(parsed(await this.#text("props")), name);
        } catch {
            return null;
        }
    }

    /**
     * An answer as it comes. Ends behind the server's `[DONE]`.
     * @throws ServerError; what the signal makes of it when it was given up
     */
    async *chat(body: object, signal: AbortSignal): AsyncGenerator<Chunk, void, undefined> {
        const response = await this.#fetch("v1/chat/completions", {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify(body),
            signal
        });
        const reader = new EventReader();
        const decoder = new TextDecoder();
        const stream = response.body!.getReader();
        let length = 0;
        try {
            for (;;) {
                const { done, value } = await stream.read().catch((error: unknown) => {
                    if (signal.aborted) throw error;
                    throw new ServerError("broken", "The connection broke in the middle of the answer.");
                });
                if (done) throw new ServerError("broken", "The answer ended in the middle.");
                for (const data of reader.push(decoder.decode(value, { stream: true }))) {
                    if (data === "[DONE]") return;
                    const chunk = readChunk(data);
                    if (chunk.error !== null) throw new ServerError("refused", chunk.error);
                    length += chunk.text.length + chunk.thinking.length;
                    if (length > maxAnswerLength) throw new ServerError("broken", "The answer is too long for a page.");
                    yield chunk;
                }
            }
        } finally {
            await stream.cancel().catch(() => undefined);
        }
    }

    async #text(path: string): Promise<string> {
        return (await this.#fetch(path, {})).text();
    }

    async #fetch(path: string, init: RequestInit): Promise<Response> {
        const headers = new Headers(init.headers);
        if (this.key !== "") {
            // A header cannot hold what a keyboard can.
            if (!/^[\x21-\x7e]+$/.test(this.key)) throw new ServerError("key", notOfAKey);
            headers.set("authorization", `Bearer ${this.key}`);
        }
        // Never a cookie, and no address of this page to anybody.
        const options: RequestInit = { ...init, headers, credentials: "omit", referrerPolicy: "no-referrer" };
        const response = await fetch(path, options).catch((error: unknown) => {
            if (init.signal?.aborted === true) throw error;
            throw new ServerError("unreachable", "The server cannot be reached.");
        });
        if (response.ok) return response;
        const text = await response.text().catch(() => "");
        throw errorOfStatus(response.status, text, response.headers.get("retry-after"));
    }
}
