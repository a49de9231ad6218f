// The demo trio with its digits as tokens that were added, which may then have any ids.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demo } from "./demo.js";
import { readGguf, writeGgufBytes, type Gguf } from "./header-edit.js";
import { moveTokens, setToken, tokenTexts, tokenType } from "./token-edit.js";

const texts = tokenTexts(readGguf(demo.base));

/** The ids of "0" to "9" in the base. */
export const digits = [..."0123456789"].map((digit) => texts.indexOf(digit));

/** A folder of changed models. */
export class EditedModels {
    readonly folder = mkdtempSync(join(tmpdir(), "rast-specials-"));
    #files = 0;

    /** @returns the path of a changed copy */
    edited(path: string, edit: (file: Gguf) => void): string {
        const file = readGguf(path);
        edit(file);
        const to = join(this.folder, `${this.#files++}.gguf`);
        writeFileSync(to, writeGgufBytes(file));
        return to;
    }

    withDigits(path: string): string {
        return this.edited(path, (file) => {
            for (const id of digits) setToken(file, id, texts[id]!, tokenType.userDefined);
        });
    }

    /** The same model with each digit at the id of the one that is `by` further. */
    rotated(path: string, by: number): string {
        const to = new Map(digits.map((id, i) => [id, digits[(i + by) % digits.length]!] as const));
        return this.edited(path, (file) => moveTokens(file, to));
    }

    /** Digits called by letters from `first` on, so that no text says which is which. */
    renamed(path: string, first: string): string {
        return this.edited(path, (file) => {
            for (const [i, id] of digits.entries()) setToken(file, id, letter(first, i), tokenType.userDefined);
        });
    }

    remove(): void {
        rmSync(this.folder, { recursive: true, force: true });
    }
}

/** What `renamed` calls a digit. */
export const letter = (first: string, digit: number): string => `<${String.fromCharCode(first.charCodeAt(0) + digit)}>`;

/** A map of all digits to what `renamed` calls them. */
export const mapToLetters = (first: string): Record<string, string> =>
    Object.fromEntries(digits.map((_, i) => [String(i), letter(first, i)]));

/** Trios over the same base: all digits where they were, and each small model's elsewhere. */
export function digitTrios(
    models: EditedModels,
    { base: ofBase, expert, antiexpert } = demo
): {
    readonly plain: { base: string; expert: string; antiexpert: string };
    readonly moved: { base: string; expert: string; antiexpert: string };
} {
    const base = models.withDigits(ofBase);
    const plain = { base, expert: models.withDigits(expert), antiexpert: models.withDigits(antiexpert) };
    const moved = {
        base,
        expert: models.rotated(plain.expert, 3),
        antiexpert: models.rotated(plain.antiexpert, 7)
    };
    return { plain, moved };
}
