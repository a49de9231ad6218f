// The catalog of trios: which models belong together, where their files are to be had, and how to ask them.
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { didYouMean, quote, shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
import { packageRoot, unpackedPath } from "../package-root.js";
import { parseCatalog } from "./parse-catalog.js";

/** The whole catalog. */
export interface Catalog {
    /** Absolute path of its file. */
    readonly file: string;
    /** By name. */
    readonly models: ReadonlyMap<string, CatalogModel>;
    /** By name, in the order of the file. */
    readonly trios: ReadonlyMap<string, CatalogTrio>;
}

/** A model, and where it comes from. */
export interface CatalogModel {
    readonly name: string;
    /** Where its makers have it: "Qwen/Qwen2.5-32B". */
    readonly repository: string;
    /** As its page says, to our knowledge; "not said" where nobody knows. */
    readonly license: string;
    /** llama.cpp's word: "qwen2". */
    readonly architecture: string;
    /** Undefined where they are of no interest. */
    readonly parameters: number | undefined;
    readonly shape: CatalogShape;
    readonly source: ModelSource;
}

/** Dimensions, as a model's config.json has them. */
export interface CatalogShape {
    readonly layers: number;
    /** Of the residual stream: hidden_size. */
    readonly width: number;
    readonly heads: number;
    readonly kvHeads: number;
    /** Width of one head. */
    readonly headSize: number;
    /** Of the feed-forward: intermediate_size. */
    readonly hidden: number;
    /** Rows of the embedding. */
    readonly vocabulary: number;
    /** Tokens of context that it was trained for. */
    readonly context: number;
    /** The output layer is the embedding. @default false */
    readonly tied: boolean;
    /** Queries, keys and values have biases. @default false */
    readonly qkvBias: boolean;
    /** Queries and keys are normalized head by head. @default false */
    readonly qkNorm: boolean;
}

/** Where a model comes from. */
export type ModelSource =
    | { readonly kind: "files"; readonly repositories: readonly FileRepository[] }
    | {
          readonly kind: "graft";
          /** Name of the model whose GGUF file lends header and tokenizer. */
          readonly template: string;
          /** "hf:owner/repository" of safetensors. */
          readonly weights: string;
      }
    | {
          readonly kind: "lora";
          /** Name of the model that the adapter is for. */
          readonly model: string;
          /** "hf:owner/repository/adapter.gguf", or a folder of PEFT. */
          readonly adapter: string;
          readonly scale: number;
      }
    /** Comes with the package: a file in models/demo. */
    | { readonly kind: "bundled"; readonly file: string };

/** A repository of GGUF files of a model; the first of several is taken first. */
export interface FileRepository {
    /** "hf:owner/repository". */
    readonly repository: string;
    /** Path of a file in it, with `{quantization}` where that stands. */
    readonly file: string;
    /** "Q4_K_M", as the files' names have them. */
    readonly quantizations: readonly string[];
    /** Of these a public text has the file's name; the rest follow the repository's usage. None was fetched. */
    readonly seen: readonly string[];
    /** Sizes that a public text states, by quantization. */
    readonly bytes: ReadonlyMap<string, number>;
}

/** A base with an expert and its antiexpert. */
export interface CatalogTrio {
    readonly name: string;
    /** One line. */
    readonly description: string;
    /** Names of models. */
    readonly base: string;
    readonly expert: string;
    readonly antiexpert: string;
    /** Quantizations that are taken where nobody asks for others. */
    readonly defaults: { readonly base: string; readonly pair: string };
    /** Keys of a trio file beside names and models: lambda, promptTemplate, sampling ... */
    readonly settings: Readonly<Record<string, unknown>>;
    /** Figures that others have published of the trio. */
    readonly published: readonly { readonly source: string; readonly figures: string }[];
    /** What is known of it, and by what. */
    readonly verified: readonly string[];
    /** What nobody has checked. */
    readonly notSaid: readonly string[];
}

/** The three roles, in the order of a load. */
export const roles = ["base", "expert", "antiexpert"] as const;

/** The catalog that comes with the package. */
export function bundledCatalogFile(): string {
    return unpackedPath(join(packageRoot(), "models", "catalog.json"));
}

const mostBytes = 4 * 1_048_576;

/**
 * Reads a catalog.
 * @param file by default that of the environment variable RAST_CATALOG, else the one that comes with the package
 * @throws ERR_CATALOG naming file and place, ERR_FILE_NOT_FOUND and its kin
 */
export async function readCatalog(file = process.env["RAST_CATALOG"]): Promise<Catalog> {
    const path = file === undefined || file === "" ? bundledCatalogFile() : resolve(file);
    const text = await readText(path);
    let content: unknown;
    try {
        content = JSON.parse(text.replace(/^\uFEFF/, ""));
    } catch (error) {
        throw new RastError(
            "ERR_CATALOG",
            `Catalog ${shortenMiddle(path)}: it is not JSON: ${(error as Error).message}`,
            {
                details: { catalog: path },
                cause: error
            }
        );
    }
    return parseCatalog(content, path);
}

async function readText(path: string): Promise<string> {
    try {
        const facts = await stat(path);
        if (!facts.isFile()) throw new Error("it is no regular file");
        if (facts.size > mostBytes) throw new Error("it is too long for a catalog");
        return await readFile(path, "utf8");
    } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        const missing = code === "ENOENT" || code === "ENOTDIR";
        throw new RastError(
            missing ? "ERR_FILE_NOT_FOUND" : "ERR_FILE_UNREADABLE",
            `The file of the catalog ${missing ? "does not exist" : `cannot be read: ${code ?? message}`}: ${shortenMiddle(path)}`,
            { details: { path }, cause: error }
        );
    }
}

/** @throws ERR_UNKNOWN_TRIO naming near ones */
export function trioOf({ trios }: Catalog, name: string): CatalogTrio {
    const trio = trios.get(name);
    if (trio !== undefined) return trio;
    const known = [...trios.keys()];
    const near = didYouMean(name, known);
    const advice = near === "" ? " rast models list has all." : near;
    throw new RastError("ERR_UNKNOWN_TRIO", `The catalog has no trio named ${quote(name)}.${advice}`, {
        details: { trio: name, known }
    });
}

/** The model of a name that the catalog itself uses. */
export function modelOf({ models }: Catalog, name: string): CatalogModel {
    return models.get(name)!;
}
