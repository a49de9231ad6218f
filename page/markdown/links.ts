// Which links of a model's text may be followed.

const allowed = new Set(["http:", "https:", "mailto:"]);
const longest = 2000;

/** The link as the browser will follow it, or null: only absolute ones, of kinds that run nothing, without names and passwords in front. */
export function safeLink(text: string): string | null {
    if (text.length > longest || !/^[a-z]+:/i.test(text)) return null;
    let url: URL;
    try {
        url = new URL(text);
    } catch {
        return null;
    }
    if (!allowed.has(url.protocol) || url.username !== "" || url.password !== "") return null;
    return url.href;
}
