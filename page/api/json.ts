// Checked looks into JSON of another program.

/** An object, or one without anything. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
    return typeof value === "object" && value !== null && !Array.isArray(value)
        ? (value as Record<string, unknown>)
        : {};
}

/** A list, or an empty one. */
export function listOf(value: unknown): readonly unknown[] {
    return Array.isArray(value) ? value : [];
}

/** A text, or "". */
export function textOf(value: unknown): string {
    return typeof value === "string" ? value : "";
}

/** A number that is one, or null. */
export function numberOf(value: unknown): number | null {
    return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** What a text says, or undefined. */
export function parsed(text: string): unknown {
    try {
        return JSON.parse(text) as unknown;
    } catch {
        return undefined;
    }
}
