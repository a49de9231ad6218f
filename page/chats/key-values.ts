/** What the page needs of a browser's storage. */
export interface KeyValues {
    readonly length: number;
    key(index: number): string | null;
    getItem(key: string): string | null;
    /** @throws where there is no room */
    setItem(key: string, value: string): void;
    removeItem(key: string): void;
}

/** One that ends with the page, for browsers that keep nothing. */
export class MemoryValues implements KeyValues {
    readonly #values = new Map<string, string>();

    get length(): number {
        return this.#values.size;
    }

    key(index: number): string | null {
        return [...this.#values.keys()][index] ?? null;
    }

    getItem(key: string): string | null {
        return this.#values.get(key) ?? null;
    }

    setItem(key: string, value: string): void {
        this.#values.set(key, value);
    }

    removeItem(key: string): void {
        this.#values.delete(key);
    }
}
