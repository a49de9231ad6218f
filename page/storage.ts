import { MemoryValues, type KeyValues } from "./chats/key-values.js";

/** The browser's storage; one that ends with the page where it is forbidden. */
export function browserStorage(kind: "localStorage" | "sessionStorage"): KeyValues {
    try {
        const storage = window[kind];
        // A full one has chats to show, and room for others in their place.
        if (storage.length > 0) return storage;
        storage.setItem("rast.try", "");
        storage.removeItem("rast.try");
        return storage;
    } catch {
        return new MemoryValues();
    }
}
