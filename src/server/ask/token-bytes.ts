import type { Rast } from "../../engine/engine.js";

/** What a token says. */
export interface TokenSays {
    /** U+FFFD for bytes that are no character of their own. */
    readonly text: string;
    readonly bytes: readonly number[];
}

const nothing: TokenSays = { text: "", bytes: [] };
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Texts and bytes of an engine's tokens, each asked for once: no more of them than its vocabulary has. */
export class TokenBytes {
    readonly #rast: Pick<Rast, "tokenBytes">;
    readonly #known = new Map<number, TokenSays>();

    constructor(rast: Pick<Rast, "tokenBytes">) {
        this.#rast = rast;
    }

    /** Asks for those that are not known yet. @throws what `Rast.tokenBytes` does */
    async prepare(tokens: Iterable<number>): Promise<void> {
        const missing = [...new Set(tokens)].filter((token) => !this.#known.has(token));
        if (missing.length === 0) return;
        const bytes = await this.#rast.tokenBytes(missing);
        missing.forEach((token, index) => {
            const own = bytes[index]!;
            this.#known.set(token, { text: decoder.decode(own), bytes: Array.from(own) });
        });
    }

    /** Of one that was prepared. */
    of(token: number): TokenSays {
        return this.#known.get(token) ?? nothing;
    }
}

const ofEngines = new WeakMap<object, TokenBytes>();

/** The one of an engine. */
export function tokenBytesOf(rast: Pick<Rast, "tokenBytes">): TokenBytes {
    let known = ofEngines.get(rast);
    if (known === undefined) {
        known = new TokenBytes(rast);
        ofEngines.set(rast, known);
    }
    return known;
}
