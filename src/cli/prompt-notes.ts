import { stat } from "node:fs/promises";
import type { Rast } from "../engine/engine.js";

/** What may not have been meant of a prompt. */
export async function promptNotes(rast: Rast, prompt: string, isOperand: boolean): Promise<string[]> {
    const notes: string[] = [];
    if (isOperand && (await isFile(prompt))) {
        notes.push(`${prompt} is a file here, and its name is the prompt: -f ${prompt} reads it`);
    }
    // Most of a long one's characters come early.
    const begun = prompt.slice(0, 10_000);
    if ((await rast.detokenize(await rast.tokenize(begun))) === begun) return notes;
    const lacking: string[] = [];
    for (const letter of [...new Set(begun.match(/[^\s\p{Cs}]/gu))].slice(0, 200)) {
        if ((await rast.tokenize(letter)).length === 0) lacking.push(letter);
    }
    if (lacking.length > 0) {
        const shown = `${lacking.slice(0, 10).join(" ")}${lacking.length > 10 ? " ..." : ""}`;
        notes.push(`the models' vocabulary lacks characters of the prompt, which are dropped: ${shown}`);
    }
    return notes;
}

async function isFile(path: string): Promise<boolean> {
    if (path.length > 255 || path.includes("\n") || path.includes("\0")) return false;
    return stat(path).then(
        (found) => found.isFile(),
        () => false
    );
}
