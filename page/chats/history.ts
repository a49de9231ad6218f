// Conversations in the browser's storage, a key for each, so that two windows do not write over each other's.
import { parsed } from "../api/json.js";
import { readChat, type Chat } from "./chat.js";
import type { KeyValues } from "./key-values.js";

const prefix = "rast.chat.";

/** How much is kept. */
export interface HistoryLimits {
    readonly chats: number;
    /** Of all chats together; a browser's storage holds about 5 million. */
    readonly characters: number;
}

/** What is kept unless something else is said. */
export const historyLimits: HistoryLimits = { chats: 200, characters: 4_000_000 };

/** What saving came to. */
export interface Saved {
    readonly stored: boolean;
    /** Older chats that went for it. */
    readonly dropped: number;
}

/** All conversations. What is broken in the storage is passed over, and removed when room is needed. */
export class History {
    readonly #storage: KeyValues;
    readonly #limits: HistoryLimits;

    constructor(storage: KeyValues, limits: HistoryLimits = historyLimits) {
        this.#storage = storage;
        this.#limits = limits;
    }

    /** The latest first. */
    list(): Chat[] {
        return this.#keys()
            .map((key) => this.#read(key))
            .filter((chat) => chat !== null)
            .sort((a, b) => b.updated - a.updated);
    }

    /** null where it is not there any more. */
    load(id: string): Chat | null {
        return this.#read(prefix + id);
    }

    /** Keeps a chat; the oldest others go where there is no room. */
    save(chat: Chat): Saved {
        const text = JSON.stringify({ version: 1, ...chat });
        const own = prefix + chat.id;
        if (text.length > this.#limits.characters) return { stored: false, dropped: 0 };
        const others = this.#keys()
            .filter((key) => key !== own)
            .map((key) => ({
                key,
                length: (this.#storage.getItem(key) ?? "").length,
                updated: this.#read(key)?.updated ?? -1
            }))
            .sort((a, b) => b.updated - a.updated);
        let dropped = 0;
        const drop = (): boolean => {
            const oldest = others.pop();
            if (oldest === undefined) return false;
            this.#storage.removeItem(oldest.key);
            dropped++;
            return true;
        };
        const total = (): number => others.reduce((sum, { length }) => sum + length, text.length);
        while (others.length >= this.#limits.chats || total() > this.#limits.characters) drop();
        for (;;) {
            try {
                this.#storage.setItem(own, text);
                return { stored: true, dropped };
            } catch {
                if (!drop()) return { stored: false, dropped };
            }
        }
    }

    remove(id: string): void {
        this.#storage.removeItem(prefix + id);
    }

    removeAll(): void {
        for (const key of this.#keys()) this.#storage.removeItem(key);
    }

    /** All of it as JSON text. */
    export(): string {
        return `${JSON.stringify({ version: 1, chats: this.list() }, null, 2)}\n`;
    }

    #read(key: string): Chat | null {
        const chat = readChat(parsed(this.#storage.getItem(key) ?? ""));
        return chat !== null && prefix + chat.id === key ? chat : null;
    }

    #keys(): string[] {
        const keys: string[] = [];
        for (let index = 0; index < this.#storage.length; index++) {
            const key = this.#storage.key(index);
            if (key?.startsWith(prefix) === true) keys.push(key);
        }
        return keys;
    }
}
