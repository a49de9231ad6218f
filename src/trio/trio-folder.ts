import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { isObject, shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
import { systemError } from "../models/files.js";

/** What a trio file is called where nothing else says which it is. */
const usualName = "trio.json";
const maxBytes = 1_048_576;
const maxFiles = 200;

/** Whether a path names a folder. Never throws. */
export async function isFolder(path: string): Promise<boolean> {
    return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/**
 * The trio file of a folder: `trio.json`, else the only JSON file that names a base model. Folders of models have other JSON
 * files, too.
 * @returns its path
 * @throws ERR_TRIO_FILE where there is none, or several; ERR_FILE_UNREADABLE
 */
export async function trioFileIn(folder: string): Promise<string> {
    const names = await readdir(folder).catch((error: unknown) => {
        throw systemError(error, folder, { what: "the trio", details: { trio: folder } });
    });
    if (names.includes(usualName)) return join(folder, usualName);
    const candidates = names.filter((name) => name.toLowerCase().endsWith(".json")).sort();
    const trios: string[] = [];
    const broken: string[] = [];
    for (const name of candidates.slice(0, maxFiles)) {
        const names = await namesBase(join(folder, name));
        if (names === true) trios.push(name);
        if (names === "no JSON") broken.push(name);
    }
    if (trios.length === 1) return join(folder, trios[0]!);
    const found =
        trios.length === 0
            ? `has no trio file: ${usualName}, or another JSON file with a key "base"${notJson(broken)}`
            : `has several trio files, ${trios.slice(0, 5).join(", ")}: name one of them, or call it ${usualName}`;
    throw new RastError("ERR_TRIO_FILE", `The folder ${shortenMiddle(folder)} ${found}.`, {
        details: { trio: folder, found: trios }
    });
}

function notJson(names: readonly string[]): string {
    if (names.length === 0) return "";
    return `; ${names.slice(0, 5).join(", ")} ${names.length === 1 ? "is" : "are"} not valid JSON`;
}

async function namesBase(file: string): Promise<boolean | "no JSON"> {
    try {
        const facts = await stat(file);
        if (!facts.isFile() || facts.size > maxBytes) return false;
        const content: unknown = JSON.parse((await readFile(file, "utf8")).replace(/^\uFEFF/, ""));
        return isObject(content) && (typeof content["base"] === "string" || isObject(content["base"]));
    } catch (error) {
        return error instanceof SyntaxError ? "no JSON" : false;
    }
}
