import { open, readdir, readFile } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import {
    checkBoolean,
    checkNumber,
    checkString,
    describeValue,
    didYouMean,
    isObject,
    quote,
    shorten,
    shortenMiddle
} from "../checks.js";
import { RastError } from "../errors.js";
import { packageRoot, unpackedPath } from "../package-root.js";
import { limits, samplingKeys, type SamplingKey } from "../limits.js";
import { checkTemplateOptions, checkThinking } from "../text/chat-options.js";
import type { Thinking } from "../text/thinking.js";
import { configFolder } from "../machine/config-folder.js";
import { modelsFolder } from "../machine/models-folder.js";
import { fileSize, systemError, type FilePurpose } from "../models/files.js";
import { checkAdapters, type Adapter } from "./adapters.js";
import { checkSpecialTokens, type SpecialTokens } from "./special-tokens.js";
import { isFolder, trioFileIn } from "./trio-folder.js";

/** Sampling defaults of a trio. */
export type TrioSampling = Partial<Record<SamplingKey | "maxTokens", number>>;

/** Three models (or one base and up to three pairs) that belong together, and how to ask them. */
export interface Trio {
    /** Absolute path of the trio file. */
    readonly file: string;
    readonly name: string;
    readonly description: string;
    /** Absolute path, like those of the pairs. */
    readonly base: string;
    /** On the base; their paths are absolute, too. */
    readonly baseAdapters: readonly Adapter[];
    /** One to three. */
    readonly pairs: readonly TrioPair[];
    /** Text around a prompt, with `{prompt}` where it goes. */
    readonly promptTemplate: string | undefined;
    /** Whether a prompt starts with the beginning-of-sequence token; undefined = as the base model says. */
    readonly addBos: boolean | undefined;
    /** Whether the model reasons before its answer to messages; undefined = "auto". */
    readonly thinking: Thinking | undefined;
    /** Most tokens of reasoning; undefined = any number. */
    readonly maxThinkingTokens: number | undefined;
    /** Variables of the base model's chat template. */
    readonly templateOptions: Readonly<Record<string, unknown>> | undefined;
    readonly stop: readonly string[];
    readonly sampling: TrioSampling;
    /** How special tokens fall together; undefined = as by default. */
    readonly specialTokens: SpecialTokens | undefined;
}

/** An expert with its antiexpert. */
export interface TrioPair {
    readonly expert: string;
    readonly expertAdapters: readonly Adapter[];
    readonly antiexpert: string;
    readonly antiexpertAdapters: readonly Adapter[];
    /** Strength, in [-10, 10]. */
    readonly lambda: number;
}

const trioKeys = [
    "name",
    "description",
    "base",
    "expert",
    "antiexpert",
    "pairs",
    "lambda",
    "promptTemplate",
    "addBos",
    "thinking",
    "maxThinkingTokens",
    "templateOptions",
    "stop",
    "sampling",
    "specialTokens"
];
const pairKeys = ["expert", "antiexpert", "lambda"];
const modelKeys = ["model", "lora", "scale"];
const placeholder = "{prompt}";
const maxTrioFileBytes = 1_048_576;

/** Folder of the trios that come with the package. Native code cannot read inside an asar archive. */
export function bundledTrioFolder(): string {
    return unpackedPath(join(packageRoot(), "models", "demo"));
}

/** Folders in which a trio is looked for by its name, the first that has it wins. */
export function trioFolders(): readonly string[] {
    return [bundledTrioFolder(), join(configFolder(), "trios"), modelsFolder()];
}

/** Names of the trios in some folders, sorted, each once. What is no folder has none. */
export async function trioNames(folders = trioFolders()): Promise<string[]> {
    const files = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])));
    const trios = files.flat().filter((file) => file.endsWith(".json"));
    return [...new Set(trios.map((file) => basename(file, ".json")))].sort();
}

/**
 * Reads a trio by the name of its file in one of the folders, or by the path of its file or of the folder of its file.
 * @throws ERR_UNKNOWN_TRIO, ERR_TRIO_FILE, and ERR_FILE_NOT_FOUND and its kin for the trio file and its models
 */
export async function resolveTrio(nameOrFile: string, folders = trioFolders()): Promise<Trio> {
    const looksLikePath = /[\\/]/.test(nameOrFile) || extname(nameOrFile).toLowerCase() === ".json";
    const path = resolve(nameOrFile);
    if (extname(nameOrFile).toLowerCase() === ".gguf" && !(await isFolder(path))) throw modelInstead(path);
    if (looksLikePath) return readTrio((await isFolder(path)) ? await trioFileIn(path) : path);
    for (const folder of folders) {
        if ((await trioNames([folder])).includes(nameOrFile)) return readTrio(join(folder, `${nameOrFile}.json`));
    }
    if (nameOrFile !== "" && (await isFolder(path))) return readTrio(await trioFileIn(path));
    if (await inCatalog(nameOrFile)) {
        throw new RastError(
            "ERR_UNKNOWN_TRIO",
            `The trio ${nameOrFile} is not on this disk: rast pull ${nameOrFile}, or pullTrio("${nameOrFile}"), brings it.`,
            { details: { trio: nameOrFile, command: `rast pull ${nameOrFile}` } }
        );
    }
    const names = await trioNames(folders);
    const known = names.length === 0 ? "none are bundled" : `known are ${names.join(", ")}`;
    throw new RastError(
        "ERR_UNKNOWN_TRIO",
        `There is no trio named ${quote(nameOrFile)}; ${known}.${didYouMean(nameOrFile, names)}`,
        { details: { trio: nameOrFile, known: names } }
    );
}

// A broken catalog is nothing to say here.
async function inCatalog(name: string): Promise<boolean> {
    const { readCatalog } = await import("../catalog/catalog.js");
    return readCatalog().then(
        ({ trios }) => trios.has(name),
        () => false
    );
}

async function readTrio(file: string): Promise<Trio> {
    const purpose: FilePurpose = { what: "the trio", details: { trio: file } };
    const size = await fileSize(file, purpose);
    // those of kernels say so too, and may never end
    if (size === 0) throw trioError(file, "", "it is empty");
    if (await beginsAsModel(file)) throw modelInstead(file);
    if (size > maxTrioFileBytes) throw trioError(file, "", `it has ${size} bytes; a trio file is small JSON`);
    const text = await readFile(file, "utf8").catch((error: unknown) => {
        throw systemError(error, file, purpose);
    });
    let content: unknown;
    try {
        content = JSON.parse(text.replace(/^\uFEFF/, ""));
    } catch (error) {
        throw trioError(file, "", `it is not JSON: ${(error as Error).message}`, error);
    }
    const trio = parseTrio(content, file);
    await checkModelFiles(trio);
    return trio;
}

function modelInstead(file: string): RastError {
    const advice =
        "a trio file is JSON that names three models, and rast trio init BASE EXPERT ANTIEXPERT writes one; " +
        "models are also given one by one, as base, expert and antiexpert.";
    return trioError(file, "", `it is a model (GGUF); ${advice}`);
}

async function beginsAsModel(file: string): Promise<boolean> {
    const handle = await open(file).catch(() => undefined);
    try {
        const start = await handle?.read(Buffer.alloc(4), 0, 4, 0);
        return start?.buffer.toString("latin1") === "GGUF";
    } catch {
        return false; // reading it says why
    } finally {
        await handle?.close();
    }
}

/**
 * Checks the content of a trio file; pure.
 * @param content what JSON.parse gave
 * @param file absolute path of the file: model paths are relative to its folder
 * @throws ERR_TRIO_FILE naming file and key
 */
export function parseTrio(content: unknown, file: string): Trio {
    if (!isObject(content)) throw trioError(file, "", `expected an object, received ${describeValue(content)}`);
    checkTrioKeys(file, "", content, trioKeys);
    const read = <T>(key: string, check: (name: string, value: unknown) => T): T =>
        checkTrioValue(file, key, () => check(key, content[key]));
    const readOptional = <T>(key: string, check: (name: string, value: unknown) => T): T | undefined =>
        content[key] === undefined ? undefined : read(key, check);
    const lambda = readOptional("lambda", (name, value) => checkNumber(name, value, limits.lambda)) ?? 1;
    const base = parseModel(content, file, "base", "");
    return {
        file,
        name: readOptional("name", checkString) ?? basename(file, ".json"),
        description: readOptional("description", (name, value) => checkString(name, value, true)) ?? "",
        base: base.path,
        baseAdapters: base.adapters,
        pairs: parsePairs(content, file, lambda),
        promptTemplate: readOptional("promptTemplate", (name, value) => checkTemplate(file, name, value)),
        addBos: readOptional("addBos", checkBoolean),
        thinking: readOptional("thinking", checkThinking),
        maxThinkingTokens: readOptional("maxThinkingTokens", (name, value) =>
            checkNumber(name, value, limits.maxThinkingTokens)
        ),
        templateOptions: readOptional("templateOptions", checkTemplateOptions),
        stop: parseStop(content["stop"], file),
        sampling: parseSampling(content["sampling"], file),
        specialTokens: readOptional("specialTokens", checkSpecialTokens)
    };
}

function parsePairs(content: Record<string, unknown>, file: string, lambda: number): TrioPair[] {
    const { pairs } = content;
    if (pairs === undefined) return [parsePair(content, file, "", lambda)];
    for (const key of ["expert", "antiexpert"]) {
        if (content[key] !== undefined) throw trioError(file, key, "it cannot stand beside pairs");
    }
    if (!Array.isArray(pairs) || pairs.length < 1 || pairs.length > limits.pairs.max) {
        throw trioError(file, "pairs", `expected an array of 1 to 3 pairs, received ${describeValue(pairs)}`);
    }
    return pairs.map((pair: unknown, index) => {
        const where = `pairs[${index}].`;
        if (!isObject(pair)) throw trioError(file, `pairs[${index}]`, `expected an object`);
        checkTrioKeys(file, where, pair, pairKeys);
        return parsePair(pair, file, where, lambda);
    });
}

function parsePair(pair: Record<string, unknown>, file: string, where: string, otherwise: number): TrioPair {
    const expert = parseModel(pair, file, "expert", where);
    const antiexpert = parseModel(pair, file, "antiexpert", where);
    const name = `${where}lambda`;
    const lambda = pair["lambda"] ?? otherwise;
    return {
        expert: expert.path,
        expertAdapters: expert.adapters,
        antiexpert: antiexpert.path,
        antiexpertAdapters: antiexpert.adapters,
        lambda: checkTrioValue(file, name, () => checkNumber(name, lambda, limits.lambda))
    };
}

// A path, or an object with the model's and those of its adapters; from the file's folder.
function parseModel(
    content: Record<string, unknown>,
    file: string,
    key: "base" | "expert" | "antiexpert",
    where: string
): { path: string; adapters: readonly Adapter[] } {
    const name = where + key;
    const value = content[key];
    const inFolder = (path: string): string => resolve(dirname(file), path);
    if (!isObject(value)) {
        return { path: inFolder(checkTrioValue(file, name, () => checkString(name, value))), adapters: [] };
    }
    checkTrioKeys(file, `${name}.`, value, modelKeys);
    const path = checkTrioValue(file, `${name}.model`, () => checkString(`${name}.model`, value["model"]));
    const adapters = checkTrioValue(file, `${name}.lora`, () =>
        checkAdapters(`${name}.lora`, value["lora"], value["scale"])
    );
    return {
        path: inFolder(path),
        adapters: (adapters ?? []).map((adapter) => ({ ...adapter, path: inFolder(adapter.path) }))
    };
}

function checkTemplate(file: string, name: string, value: unknown): string {
    const template = checkString(name, value);
    if (!template.includes(placeholder)) throw trioError(file, name, `it does not contain ${placeholder}`);
    return template;
}

function parseStop(value: unknown, file: string): string[] {
    if (value === undefined) return [];
    if (!Array.isArray(value) || value.length > limits.stopStrings.max) {
        throw trioError(file, "stop", `expected an array of at most 16 strings, received ${describeValue(value)}`);
    }
    return value.map((item: unknown, index) => {
        const name = `stop[${index}]`;
        return checkTrioValue(file, name, () => checkString(name, item));
    });
}

function parseSampling(value: unknown, file: string): TrioSampling {
    if (value === undefined) return {};
    if (!isObject(value)) throw trioError(file, "sampling", `expected an object, received ${describeValue(value)}`);
    const known = [...samplingKeys, "maxTokens"] as const;
    checkTrioKeys(file, "sampling.", value, known);
    const sampling: TrioSampling = {};
    for (const key of Object.keys(value) as (typeof known)[number][]) {
        const name = `sampling.${key}`;
        sampling[key] = checkTrioValue(file, name, () => checkNumber(name, value[key], limits[key]));
    }
    return sampling;
}

function checkTrioKeys(file: string, where: string, content: Record<string, unknown>, known: readonly string[]): void {
    for (const key of Object.keys(content)) {
        if (!known.includes(key))
            throw trioError(file, where + shorten(key), `this key is not known.${didYouMean(key, known)}`);
    }
}

// The same checks as for options; what differs is that file and key are named.
function checkTrioValue<T>(file: string, key: string, check: () => T): T {
    try {
        return check();
    } catch (error) {
        if (
            error instanceof RastError &&
            (error.code === "ERR_INVALID_OPTION" || error.code === "ERR_UNKNOWN_OPTION")
        ) {
            throw trioError(file, key, error.message.replace(/^E/, "e"), error);
        }
        throw error;
    }
}

function trioError(file: string, key: string, what: string, cause?: unknown): RastError {
    const path = shortenMiddle(file);
    const place = key === "" ? path : `${path}, key ${key}`;
    return new RastError("ERR_TRIO_FILE", `Trio file ${place}: ${what}`, {
        details: { trio: file, key },
        ...(cause === undefined ? {} : { cause })
    });
}

async function checkModelFiles(trio: Trio): Promise<void> {
    const files: [string, string][] = [["base", trio.base]];
    const adapters: [string, string][] = trio.baseAdapters.map(({ path }) => ["base.lora", path]);
    trio.pairs.forEach((pair, index) => {
        const where = trio.pairs.length > 1 ? `pairs[${index}].` : "";
        files.push([`${where}expert`, pair.expert], [`${where}antiexpert`, pair.antiexpert]);
        for (const { path } of pair.expertAdapters) adapters.push([`${where}expert.lora`, path]);
        for (const { path } of pair.antiexpertAdapters) adapters.push([`${where}antiexpert.lora`, path]);
    });
    // PEFT adapters are folders
    for (const [key, path] of adapters) if (!(await isFolder(path))) files.push([key, path]);
    for (const [key, path] of files) {
        await fileSize(path, {
            what: `key ${key} of trio ${shortenMiddle(trio.file)}`,
            details: { trio: trio.file, key }
        });
    }
}
