// Conversations in the browser's storage, a key for each, so that two windows do not write over each other's.
import { listOf, objectOf, parsed } from "../api/json.js";
import { hasTokens, readChat, writeChat, type Chat } from "./chat.js";
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

/** What came of a file of chats. */
export interface Imported {
    /** Chats that were not there, or not as late. */
    readonly taken: number;
    /** Those that were there already, and what is no chat. */
    readonly left: number;
    /** Chats that found no room, or went for others. */
    readonly lost: number;
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

    /** Keeps a chat. Where there is no room, others lose the figures of their tokens, and then go, the oldest first; last its own figures go. */
    save(chat: Chat): Saved {
        const own = prefix + chat.id;
        const most = this.#limits.characters;
        const whole = JSON.stringify(writeChat(chat, true));
        const bare = JSON.stringify(writeChat(chat, false));
        let text = whole.length > most ? bare : whole;
        if (text.length > most) return { stored: false, dropped: 0 };
        const others = this.#keys()
            .filter((key) => key !== own)
            .map((key) => {
                const kept = this.#read(key);
                return {
                    key,
                    length: (this.#storage.getItem(key) ?? "").length,
                    updated: kept?.updated ?? -1,
                    withTokens: kept !== null && hasTokens(kept)
                };
            })
            .sort((a, b) => b.updated - a.updated);
        let dropped = 0;
        const slim = (): boolean => {
            const oldest = others.findLast(({ withTokens }) => withTokens);
            if (oldest === undefined) return false;
            const shorter = JSON.stringify(writeChat(this.#read(oldest.key)!, false));
            try {
                this.#storage.setItem(oldest.key, shorter);
            } catch {
                return false;
            }
            oldest.length = shorter.length;
            oldest.withTokens = false;
            return true;
        };
        const drop = (): boolean => {
            const oldest = others.pop();
            if (oldest === undefined) return false;
            this.#storage.removeItem(oldest.key);
            dropped++;
            return true;
        };
        const total = (): number => others.reduce((sum, { length }) => sum + length, text.length);
        while (others.length >= this.#limits.chats) drop();
        while (total() > most) if (!slim()) drop();
        for (;;) {
            try {
                this.#storage.setItem(own, text);
                return { stored: true, dropped };
            } catch {
                if (slim() || drop()) continue;
                // alone with what is not ours, and still too long: its own figures go, too
                if (text.length === bare.length) return { stored: false, dropped };
                text = bare;
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
        const chats = this.list().map((chat) => writeChat(chat, true));
        return `${JSON.stringify({ version: 1, chats }, null, 1)}\n`;
    }

    /**
     * Takes the chats of a file that `export` has made, of this browser or another; of one that is there already the later counts.
     * @throws Error for a text that is none of that
     */
    import(text: string): Imported {
        const { chats } = objectOf(parsed(text));
        if (!Array.isArray(chats)) throw new Error("This is no file of chats.");
        const before = new Set(this.#keys());
        let [taken, left, lost] = [0, 0, 0];
        // the oldest first, so that they are who go where there is no room
        const read = listOf(chats).map(readChat);
        const late = read.filter((chat) => chat !== null).sort((a, b) => a.updated - b.updated);
        left += read.length - late.length;
        for (const chat of late) {
            const known = this.load(chat.id);
            if (chat.turns.length === 0 || (known !== null && known.updated >= chat.updated)) {
                left += 1;
                continue;
            }
            if (this.save(chat).stored) {
                taken += 1;
                before.add(prefix + chat.id);
            } else lost += 1;
        }
        const after = new Set(this.#keys());
        for (const key of before) if (!after.has(key)) lost += 1;
        return { taken, left, lost };
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
