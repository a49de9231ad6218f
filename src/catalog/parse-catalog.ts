import {
    checkBoolean,
    checkKeys,
    checkNumber,
    checkString,
    describeValue,
    isObject,
    isPathSegment,
    quote,
    shortenMiddle,
    type NumberRange
} from "../checks.js";
import { RastError } from "../errors.js";
import type { Catalog, CatalogModel, CatalogShape, CatalogTrio, FileRepository, ModelSource } from "./catalog.js";

const format = "rast-catalog/1";
const count: NumberRange = { min: 1, max: 1e9, integer: true };
const bytes: NumberRange = { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true };
const sourceKeys = ["gguf", "graft", "lora", "bundled"] as const;
const modelKeys = ["repository", "license", "architecture", "parameters", "shape", ...sourceKeys];
const shapeKeys = ["layers", "width", "heads", "kvHeads", "headSize", "hidden", "vocabulary", "context"] as const;
const shapeSwitches = ["tied", "qkvBias", "qkNorm"] as const;
const trioKeys = [
    "description",
    "base",
    "expert",
    "antiexpert",
    "defaults",
    "settings",
    "published",
    "verified",
    "notSaid"
];
// What `rast pull` itself puts into the trio file.
const ownTrioFileKeys = ["name", "description", "base", "expert", "antiexpert", "pairs"];

type Content = Record<string, unknown>;

/**
 * Checks a catalog: every key, every reference from one part to another; pure.
 * @param content what JSON.parse gave
 * @throws ERR_CATALOG naming file and place
 */
export function parseCatalog(content: unknown, file: string): Catalog {
    const read = new Reader(file);
    const top = read.object("", content, ["$schema", "format", "models", "trios"]);
    if (top["format"] !== format) throw read.error("format", `expected ${quote(format)}`);
    const models = new Map<string, CatalogModel>();
    for (const [name, model] of read.entries("models", top["models"])) models.set(name, parseModel(read, name, model));
    for (const { name, source } of models.values()) {
        const uses = source.kind === "graft" ? source.template : source.kind === "lora" ? source.model : undefined;
        if (uses === undefined) continue;
        const place = `models.${name}.${source.kind}`;
        const used = models.get(uses);
        if (used === undefined) throw read.error(place, `there is no model ${quote(uses)}`);
        if (used.source.kind !== "files") throw read.error(place, `the model ${quote(uses)} has no files of its own`);
    }
    const trios = new Map<string, CatalogTrio>();
    for (const [name, trio] of read.entries("trios", top["trios"])) {
        trios.set(name, parseTrio(read, name, trio, models));
    }
    return { file, models, trios };
}

function parseModel(read: Reader, name: string, content: unknown): CatalogModel {
    const place = `models.${name}`;
    const model = read.object(place, content, modelKeys);
    return {
        name,
        repository: read.path(place, model, "repository"),
        license: read.text(place, model, "license"),
        architecture: read.text(place, model, "architecture"),
        parameters: model["parameters"] === undefined ? undefined : read.number(place, model, "parameters", bytes),
        shape: parseShape(read, `${place}.shape`, model["shape"]),
        source: parseSource(read, place, model)
    };
}

function parseShape(read: Reader, place: string, content: unknown): CatalogShape {
    const shape = read.object(place, content, [...shapeKeys, ...shapeSwitches]);
    const numbers = shapeKeys.map((key) => [key, read.number(place, shape, key, count)] as const);
    const switches = shapeSwitches.map((key) => [key, read.flag(place, shape, key)] as const);
    return Object.fromEntries<unknown>([...numbers, ...switches]) as unknown as CatalogShape;
}

function parseSource(read: Reader, place: string, model: Content): ModelSource {
    const kinds = sourceKeys.filter((key) => model[key] !== undefined);
    if (kinds.length !== 1) {
        const found = kinds.length === 0 ? "none" : kinds.join(" and ");
        throw read.error(place, `expected one of ${sourceKeys.join(", ")}, received ${found}`);
    }
    const kind = kinds[0]!;
    const at = `${place}.${kind}`;
    switch (kind) {
        case "gguf": {
            const repositories = read.list(at, model[kind]);
            if (repositories.length === 0) throw read.error(at, "it is empty");
            return {
                kind: "files",
                repositories: repositories.map((one, index) => parseRepository(read, `${at}[${index}]`, one))
            };
        }
        case "graft": {
            const graft = read.object(at, model[kind], ["template", "weights"]);
            return {
                kind,
                template: read.text(at, graft, "template"),
                weights: read.source(at, graft, "weights", false)
            };
        }
        case "lora": {
            const lora = read.object(at, model[kind], ["model", "adapter", "scale"]);
            return {
                kind,
                model: read.text(at, lora, "model"),
                adapter: read.source(at, lora, "adapter", undefined),
                scale: lora["scale"] === undefined ? 1 : read.number(at, lora, "scale", { min: -100, max: 100 })
            };
        }
        case "bundled": {
            const name = read.text(place, model, kind);
            if (!isPathSegment(name)) throw read.error(at, "expected the name of a file in models/demo");
            return { kind, file: name };
        }
    }
}

function parseRepository(read: Reader, place: string, content: unknown): FileRepository {
    const one = read.object(place, content, ["repository", "file", "quantizations", "seen", "bytes"]);
    const file = read.path(place, one, "file");
    if (!file.includes("{quantization}")) throw read.error(`${place}.file`, "it does not contain {quantization}");
    const quantizations = read.texts(`${place}.quantizations`, one["quantizations"]);
    if (quantizations.length === 0) throw read.error(`${place}.quantizations`, "it is empty");
    for (const name of quantizations) {
        if (!isPathSegment(name))
            throw read.error(`${place}.quantizations`, `${quote(name)} is no part of a file's name`);
    }
    const assertKnown = (at: string, name: string): void => {
        if (!quantizations.includes(name)) throw read.error(at, `${quote(name)} is none of its quantizations`);
    };
    const seen = read.texts(`${place}.seen`, one["seen"] ?? []);
    for (const name of seen) assertKnown(`${place}.seen`, name);
    const sizes = Object.entries(one["bytes"] === undefined ? {} : read.object(`${place}.bytes`, one["bytes"]));
    for (const [name] of sizes) assertKnown(`${place}.bytes`, name);
    return {
        repository: read.source(place, one, "repository", false),
        file,
        quantizations,
        seen,
        bytes: new Map(
            sizes.map(([name, size]) => [name, read.number(`${place}.bytes`, { [name]: size }, name, bytes)] as const)
        )
    };
}

function parseTrio(
    read: Reader,
    name: string,
    content: unknown,
    models: ReadonlyMap<string, CatalogModel>
): CatalogTrio {
    const place = `trios.${name}`;
    const trio = read.object(place, content, trioKeys);
    const model = (role: string): string => {
        const of = read.text(place, trio, role);
        if (!models.has(of)) throw read.error(`${place}.${role}`, `there is no model ${quote(of)}`);
        return of;
    };
    const defaults = read.object(`${place}.defaults`, trio["defaults"] ?? {}, ["base", "pair"]);
    const quantization = (key: string): string =>
        defaults[key] === undefined ? "Q8_0" : read.name(`${place}.defaults`, defaults, key);
    const settings = read.object(`${place}.settings`, trio["settings"] ?? {});
    const own = Object.keys(settings).find((key) => ownTrioFileKeys.includes(key));
    if (own !== undefined) throw read.error(`${place}.settings.${own}`, "it stands in the entry itself");
    return {
        name,
        description: read.text(place, trio, "description"),
        base: model("base"),
        expert: model("expert"),
        antiexpert: model("antiexpert"),
        defaults: { base: quantization("base"), pair: quantization("pair") },
        settings,
        published: read.list(`${place}.published`, trio["published"] ?? []).map((one, index) => {
            const at = `${place}.published[${index}]`;
            const figure = read.object(at, one, ["source", "figures"]);
            return { source: read.text(at, figure, "source"), figures: read.text(at, figure, "figures") };
        }),
        verified: read.texts(`${place}.verified`, trio["verified"]),
        notSaid: read.texts(`${place}.notSaid`, trio["notSaid"])
    };
}

// The checks of options, with file and place in the message.
class Reader {
    constructor(private readonly file: string) {}

    error(place: string, what: string, cause?: unknown): RastError {
        const at = place === "" ? shortenMiddle(this.file) : `${shortenMiddle(this.file)}, ${shortenMiddle(place)}`;
        return new RastError("ERR_CATALOG", `Catalog ${at}: ${what}`, {
            details: { catalog: this.file, place },
            ...(cause === undefined ? {} : { cause })
        });
    }

    object(place: string, value: unknown, known?: readonly string[]): Content {
        if (!isObject(value)) throw this.error(place, `expected an object, received ${describeValue(value)}`);
        if (known !== undefined) this.#checked(place, () => checkKeys("the catalog", value, known));
        return value;
    }

    entries(place: string, value: unknown): [string, unknown][] {
        const entries = Object.entries(this.object(place, value));
        for (const [name] of entries) {
            // Names of files are made of them.
            if (!/^[a-z0-9][a-z0-9._-]{0,79}$/.test(name)) {
                throw this.error(
                    place,
                    `the name ${quote(name)} has other than small letters, digits, ".", "_" and "-"`
                );
            }
        }
        return entries;
    }

    list(place: string, value: unknown): unknown[] {
        if (!Array.isArray(value)) throw this.error(place, `expected an array, received ${describeValue(value)}`);
        return value as unknown[];
    }

    texts(place: string, value: unknown): string[] {
        return this.list(place, value).map((one, index) =>
            this.#checked(`${place}[${index}]`, () => checkString("it", one))
        );
    }

    text(place: string, content: Content, key: string): string {
        return this.#checked(`${place}.${key}`, () => checkString("it", content[key]));
    }

    /** Names between slashes. */
    path(place: string, content: Content, key: string): string {
        const text = this.text(place, content, key);
        if (text.split("/").every(isPathSegment)) return text;
        throw this.error(`${place}.${key}`, "it leaves its folder");
    }

    /** A name, or a part of one. */
    name(place: string, content: Content, key: string): string {
        const text = this.text(place, content, key);
        if (isPathSegment(text)) return text;
        throw this.error(`${place}.${key}`, `${quote(text)} is no part of a file's name`);
    }

    number(place: string, content: Content, key: string, range: NumberRange): number {
        return this.#checked(`${place}.${key}`, () => checkNumber("it", content[key], range));
    }

    flag(place: string, content: Content, key: string): boolean {
        const value = content[key];
        return value === undefined ? false : this.#checked(`${place}.${key}`, () => checkBoolean("it", value));
    }

    /** @param file whether a file of the repository is named; undefined = as it likes */
    source(place: string, content: Content, key: string, file: boolean | undefined): string {
        const text = this.text(place, content, key);
        const match = /^hf:[\w.-]+\/[\w.-]+(\/[^#]+)?(#.+)?$/.exec(text);
        if (match === null || (file !== undefined && (match[1] !== undefined) !== file)) {
            throw this.error(`${place}.${key}`, `expected hf:owner/repository${file === true ? "/file" : ""}`);
        }
        if (!text.slice("hf:".length).split(/[/#]/).every(isPathSegment)) {
            throw this.error(`${place}.${key}`, "it leaves its folder");
        }
        return text;
    }

    #checked<T>(place: string, check: () => T): T {
        try {
            return check();
        } catch (error) {
            if (!(error instanceof RastError)) throw error;
            const said = error.message
                .replace(/ for it, /, ", ")
                .replace(/^E/, "e")
                .replace(/^U/, "u");
            throw this.error(place, said, error);
        }
    }
}
