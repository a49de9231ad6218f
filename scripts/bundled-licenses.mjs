// Licenses of what was put into a bundle, which go along with it.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * @param {string} what holds them: "page"
 * @param {readonly string[]} inputs files of the bundle, as esbuild names them
 */
export function licensesOf(what, inputs) {
    const folders = new Set();
    for (const input of inputs) {
        const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(input) ?? [];
        if (folder !== undefined) folders.add(folder);
    }
    const texts = [...folders].map((folder) => {
        const path = join(root, folder);
        const file = readdirSync(path).find((one) => /^licen[cs]e(?:-mit)?(?:\.(?:md|txt))?$/i.test(one));
        const { name, version, license } = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
        const text = file === undefined ? `License: ${license}` : readFileSync(join(path, file), "utf8").trim();
        return `${name} ${version}\n\n${text}\n`;
    });
    return `The ${what} contains parts of these packages.\n\n${texts.sort().join(`\n${"-".repeat(80)}\n\n`)}`;
}
