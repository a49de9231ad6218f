import { checkNumber, checkPath, invalidOption, isArray, isObject, readArray, readOptions } from "../checks.js";
import { limits } from "../limits.js";

/** A LoRA adapter on a model. */
export interface LoraOptions {
    /** A GGUF file, or a PEFT folder (adapter_config.json with adapter_model.safetensors). */
    path: string;
    /** How much of it is added, in [-100, 100], beside what it says itself (alpha / rank). @default 1 */
    scale?: number | undefined;
}

/** An adapter, checked. */
export interface Adapter {
    /** A GGUF file or a PEFT folder. */
    readonly path: string;
    readonly scale: number;
}

const adapterKeys = ["path", "scale"] as const satisfies readonly (keyof LoraOptions)[];
const expected = `a path, an object with a path, or an array of at most ${limits.adapters.max} of these`;

/**
 * The adapters of a model: one, or several that are added up.
 * @param name of the option or key: "expert.lora"
 * @param scale of an adapter that is given as a path
 * @returns undefined where nothing is said; an empty array says that there are none
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION
 */
export function checkAdapters(name: string, value: unknown, scale: unknown): readonly Adapter[] | undefined {
    const scaleName = name.replace(/lora$/, "scale");
    if (value === undefined) {
        if (scale !== undefined) throw invalidOption(scaleName, `no scale without ${name}`, scale);
        return undefined;
    }
    const otherwise = scale === undefined ? 1 : checkNumber(scaleName, scale, limits.loraScale);
    if (!isArray(value)) return [checkAdapter(name, value, otherwise)];
    const items = readArray(name, expected, value, limits.adapters.max);
    return items.map((item, index) => checkAdapter(`${name}[${index}]`, item, otherwise));
}

function checkAdapter(name: string, value: unknown, otherwise: number): Adapter {
    if (typeof value !== "string" && !isObject(value)) throw invalidOption(name, expected, value);
    const byPath = typeof value === "string";
    const options: { path?: unknown; scale?: unknown } = byPath
        ? { path: value }
        : readOptions(name, name, value, adapterKeys);
    const path = checkPath(byPath ? name : `${name}.path`, options.path);
    const scale =
        options.scale === undefined ? otherwise : checkNumber(`${name}.scale`, options.scale, limits.loraScale);
    return { path, scale };
}
