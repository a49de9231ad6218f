// The page as one text: its style and script stand in it, and its policy allows these two by their hashes and nothing else.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** @param {string} name of a file beside this one */
export const chatFile = (name) => readFileSync(new URL(`./${name}`, import.meta.url), "utf8");

/**
 * @param {string} script a module without imports
 * @returns {string} HTML
 */
export function onePage(script) {
    if (/<\/script|<!--/i.test(script))
        throw new Error("The script would end, or change, where it stands in the page.");
    const style = chatFile("page.css");
    const hash = (/** @type {string} */ text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
    const policy = [
        "default-src 'none'",
        `script-src ${hash(script)}`,
        `style-src ${hash(style)}`,
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'"
    ].join("; ");
    /** @type {readonly (readonly [string, string])[]} */
    const parts = [
        ['content="policy"', `content="${policy}"`],
        ["<!-- style -->", `<style>${style}</style>`],
        ["<!-- script -->", `<script type="module">${script}</script>`]
    ];
    return parts.reduce((page, [place, part]) => page.replace(place, () => part), chatFile("page.html"));
}
