// Responses that later ones may go on from, in memory alone: the latest, within bounds.
import type { ChatMessage } from "../../text/chat-template.js";

type Fields = Readonly<Record<string, unknown>>;

/** A response, and the conversation that it ended. */
export interface StoredResponse {
    readonly id: string;
    readonly response: Fields;
    /** What was said before, and the turn of this response; without instructions. */
    readonly messages: readonly ChatMessage[];
    readonly input: readonly Fields[];
    readonly output: readonly Fields[];
}

/** Responses by id. The oldest go when there are too many, or too much of them. */
export class ResponseStore {
    readonly #responses = new Map<string, { readonly stored: StoredResponse; readonly size: number }>();
    readonly #most: number;
    readonly #mostLetters: number;
    #letters = 0;

    constructor(most = 256, mostLetters = 16 * 2 ** 20) {
        this.#most = most;
        this.#mostLetters = mostLetters;
    }

    /** One that is larger than all that may be kept is not kept. */
    keep(stored: StoredResponse): void {
        const size = JSON.stringify([stored.messages, stored.input, stored.response]).length;
        if (size > this.#mostLetters) return;
        this.#responses.set(stored.id, { stored, size });
        this.#letters += size;
        for (const id of this.#responses.keys()) {
            if (this.#responses.size <= this.#most && this.#letters <= this.#mostLetters) return;
            this.forget(id);
        }
    }

    find(id: string): StoredResponse | undefined {
        return this.#responses.get(id)?.stored;
    }

    /** An item of any response's output. */
    findItem(id: string): Fields | undefined {
        for (const { stored } of this.#responses.values()) {
            const found = stored.output.find((item) => item["id"] === id);
            if (found !== undefined) return found;
        }
        return undefined;
    }

    /** @returns whether it was there */
    forget(id: string): boolean {
        const kept = this.#responses.get(id);
        if (kept === undefined) return false;
        this.#letters -= kept.size;
        return this.#responses.delete(id);
    }
}
