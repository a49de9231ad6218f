// JSON files that lie beside weights: foreign, and read with bounds.
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { describeError } from "../checks.js";
import { JsonProblem, readBoundedJson, type JsonValue } from "../safetensors/bounded-json.js";
import { mostHeaderBytes } from "../safetensors/header.js";
import { graftError } from "./graft-error.js";

/** What such a file holds. */
export class SideFile {
    readonly path: string;
    readonly value: JsonValue;

    constructor(path: string, value: JsonValue) {
        this.path = path;
        this.value = value;
    }

    /** Its first levels as an object; empty for what is none. */
    plain(): Record<string, unknown> {
        return this.value instanceof Map ? (plainOf(this.value, 4) as Record<string, unknown>) : {};
    }
}

function plainOf(value: unknown, depth: number): unknown {
    if (!(value instanceof Map) || depth === 0) return value;
    const out = Object.create(null) as Record<string, unknown>;
    for (const [key, one] of value as ReadonlyMap<string, unknown>) out[key] = plainOf(one, depth - 1);
    return out;
}

/** @returns undefined where there is no such file @throws ERR_GRAFT for one that is no JSON, or cannot be read */
export async function readJsonBeside(folder: string, name: string): Promise<SideFile | undefined> {
    const path = join(folder, name);
    const facts = await stat(path).catch(() => undefined);
    if (facts?.isFile() !== true) return undefined;
    if (facts.size > mostHeaderBytes) throw graftError(`it has ${facts.size} bytes`, { file: path });
    try {
        const handle = await open(path);
        try {
            return new SideFile(path, await readBoundedJson(await handle.readFile()));
        } finally {
            await handle.close();
        }
    } catch (error) {
        const what =
            error instanceof JsonProblem
                ? `it is damaged: ${error.message}`
                : `it cannot be read: ${describeError(error)}`;
        throw graftError(what, { file: path }, error);
    }
}
