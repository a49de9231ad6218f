// What the catalog says of its trios, and what of them is on this disk.
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { modelOf, readCatalog, roles, trioOf, type Catalog, type CatalogTrio } from "../catalog/catalog.js";
import { fileSizeOf, quantizationsOf, sizedQuantizations } from "../catalog/model-size.js";
import { checkString, readOptions } from "../checks.js";
import { inHubCache } from "../hub/hub-cache.js";
import { hubPathText, parseHubPath } from "../hub/hub-path.js";
import { modelsFolder } from "../machine/models-folder.js";
import { bundledTrioFolder } from "../trio/trio.js";
import { planModel, type ModelPlan } from "./model-plan.js";

/** Options of {@link listTrios} and {@link trioInfo}. */
export interface TrioInfoOptions {
    /** Another catalog. @default the file of RAST_CATALOG, else the one of the package */
    catalog?: string | undefined;
    /** Where models are looked for. @default the folder of RAST_MODELS, else the user's own for data */
    folder?: string | undefined;
}

/** A trio of the catalog, in short. */
export interface TrioSummary {
    /** For `pullTrio`, and for `loadRast` when it is on this disk. */
    readonly name: string;
    /** One line. */
    readonly description: string;
    /** The makers' repository of the base: "Qwen/Qwen2.5-32B". */
    readonly base: string;
    /** That of the expert. */
    readonly expert: string;
    /** That of the antiexpert. */
    readonly antiexpert: string;
    /** Bytes of all three files in the catalog's quantizations; null where nobody knows. */
    readonly bytes: number | null;
    /** Its trio file, if it is on this disk. */
    readonly file: string | null;
    /** Whether it comes with the package. */
    readonly bundled: boolean;
}

/** A quantization of a model. */
export interface QuantizationInfo {
    /** "Q4_K_M". */
    readonly quantization: string;
    /** In bytes; null where nobody knows. */
    readonly bytes: number | null;
    /** Whether a public text states the size, or it is computed from the model's dimensions; null without a size. */
    readonly bytesBy: "stated" | "computed" | null;
    /** "hf:owner/repository/file.gguf", or what it is made of. */
    readonly source: string;
    /** "file": it is fetched; "graft" and "quantize": it is made on this machine; "bundled". */
    readonly by: "file" | "graft" | "quantize" | "bundled";
    /** Whether a public text has the file's name; the others follow the usage of their repository. None has been fetched. */
    readonly nameSeen: boolean;
    /** Its path, if it is on this disk. */
    readonly path: string | null;
    /** Whether it is taken where nobody asks for another. */
    readonly isDefault: boolean;
}

/** A model of a trio. */
export interface TrioModelInfo {
    /** Where its makers have it: "Qwen/Qwen2.5-32B". */
    readonly repository: string;
    /** As its page says, to our knowledge; "not said" where nobody knows. */
    readonly license: string;
    /** llama.cpp's word: "qwen2". */
    readonly architecture: string;
    /** How many it has; null where it is of no interest. */
    readonly parameters: number | null;
    /** In which it can be had, smallest first. */
    readonly quantizations: readonly QuantizationInfo[];
}

/** What somebody has published of a trio. */
export interface PublishedFigures {
    /** "arXiv 2506.15710". */
    readonly source: string;
    /** In words. */
    readonly figures: string;
}

/** All that is known of a trio of the catalog. */
export interface TrioInfo extends Omit<TrioSummary, "base" | "expert" | "antiexpert"> {
    /** The large model. */
    readonly base: TrioModelInfo;
    /** The small model after training. */
    readonly expert: TrioModelInfo;
    /** The same small model before it. */
    readonly antiexpert: TrioModelInfo;
    /** What goes into the trio file: lambda, promptTemplate, sampling ... */
    readonly settings: Readonly<Record<string, unknown>>;
    /** Figures that others have published of it. */
    readonly published: readonly PublishedFigures[];
    /** What is known of it, and by what. */
    readonly verified: readonly string[];
    /** What nobody has checked. */
    readonly notSaid: readonly string[];
}

/**
 * The trios of the catalog.
 * @throws ERR_CATALOG, ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION; for a catalog of one's own ERR_FILE_NOT_FOUND and its kin
 */
export async function listTrios(options: TrioInfoOptions = {}): Promise<TrioSummary[]> {
    const { catalog, folder } = await readInfoOptions("listTrios", options);
    return Promise.all([...catalog.trios.values()].map((trio) => summaryOf(catalog, trio, folder)));
}

/**
 * All that is known of a trio of the catalog: models, quantizations, sizes, licenses, and what of it lies on this disk.
 * @throws ERR_UNKNOWN_TRIO, and as {@link listTrios}
 */
export async function trioInfo(name: string, options: TrioInfoOptions = {}): Promise<TrioInfo> {
    checkString("name", name);
    const { catalog, folder } = await readInfoOptions("trioInfo", options);
    const trio = trioOf(catalog, name);
    const summary = await summaryOf(catalog, trio, folder);
    const [base, expert, antiexpert] = await Promise.all(
        roles.map((role) =>
            modelInfo(catalog, trio[role], folder, role === "base" ? trio.defaults.base : trio.defaults.pair)
        )
    );
    const { settings, published, verified, notSaid } = trio;
    return {
        ...summary,
        base: base!,
        expert: expert!,
        antiexpert: antiexpert!,
        settings,
        published,
        verified,
        notSaid
    };
}

async function readInfoOptions(where: string, value: unknown): Promise<{ catalog: Catalog; folder: string }> {
    const options = readOptions(where, `the options of ${where}`, value, ["catalog", "folder"]);
    const file = options.catalog === undefined ? undefined : checkString("catalog", options.catalog);
    const folder = options.folder === undefined ? modelsFolder() : resolve(checkString("folder", options.folder));
    return { catalog: await readCatalog(file), folder };
}

async function summaryOf(catalog: Catalog, trio: CatalogTrio, folder: string): Promise<TrioSummary> {
    const { name, description, defaults } = trio;
    const bundled = roles.every((role) => modelOf(catalog, trio[role]).source.kind === "bundled");
    const sizes = roles.map((role) => {
        const quantization = role === "base" ? defaults.base : defaults.pair;
        return fileSizeOf(modelOf(catalog, trio[role]), quantization)?.bytes;
    });
    const file = join(bundled ? bundledTrioFolder() : folder, `${name}.json`);
    return {
        name,
        description,
        base: modelOf(catalog, trio.base).repository,
        expert: modelOf(catalog, trio.expert).repository,
        antiexpert: modelOf(catalog, trio.antiexpert).repository,
        bytes: sizes.includes(undefined) ? null : sizes.reduce((sum: number, size) => sum + size!, 0),
        file: (await isFile(file)) ? file : null,
        bundled
    };
}

async function modelInfo(catalog: Catalog, name: string, folder: string, chosen: string): Promise<TrioModelInfo> {
    const model = modelOf(catalog, name);
    const { repository, license, architecture, parameters } = model;
    const quantizations = await Promise.all(
        offered(catalog, name, chosen).map(async (quantization): Promise<QuantizationInfo> => {
            const plan = planModel(catalog, name, quantization, folder, "quantization");
            const size = plan.make.by === "bundled" ? await bundledSize(plan) : fileSizeOf(model, quantization);
            return {
                quantization: plan.quantization,
                bytes: size?.bytes ?? null,
                bytesBy: size?.by ?? null,
                ...originOf(plan),
                nameSeen: isSeen(catalog, name, quantization),
                path: await placeOnDisk(plan),
                isDefault: quantization.toLowerCase() === chosen.toLowerCase()
            };
        })
    );
    return { repository, license, architecture, parameters: parameters ?? null, quantizations };
}

// In the order of sizes.
function offered(catalog: Catalog, name: string, chosen: string): string[] {
    const model = modelOf(catalog, name);
    const found =
        model.source.kind === "files"
            ? quantizationsOf(model)
            : model.source.kind === "lora"
              ? quantizationsOf(modelOf(catalog, model.source.model))
              : model.source.kind === "graft"
                ? ["BF16", "Q8_0", ...(chosen === "Q8_0" || chosen === "BF16" ? [] : [chosen])]
                : [chosen];
    const rank = (quantization: string): number => {
        const at = sizedQuantizations.indexOf(quantization.toUpperCase());
        return at < 0 ? sizedQuantizations.length : at;
    };
    return [...found].sort((one, other) => rank(other) - rank(one));
}

function originOf(plan: ModelPlan): Pick<QuantizationInfo, "source" | "by"> {
    const { source, by } = originOfModel(plan);
    return { source: plan.adapter === undefined ? source : `${source} + ${plan.adapter.source}`, by };
}

function originOfModel({ make, model }: ModelPlan): Pick<QuantizationInfo, "source" | "by"> {
    switch (make.by) {
        case "bundled":
            return { source: "rast-llama", by: "bundled" };
        case "files":
            return { source: hubPathText(make.files[0]!.file), by: "file" };
        case "quantizing":
            return { source: originOfModel(make.from).source, by: "quantize" };
        case "grafting":
            return {
                source: `${hubPathText({ ...make.weights, path: "" })} + ${make.template.model.name}`,
                by: "graft"
            };
        default:
            return { source: model.repository, by: "file" };
    }
}

function isSeen(catalog: Catalog, name: string, quantization: string): boolean {
    const { source } = modelOf(catalog, name);
    if (source.kind === "bundled") return true;
    return source.kind === "files" && source.repositories.some(({ seen }) => seen.includes(quantization));
}

async function bundledSize({ path }: ModelPlan): Promise<{ bytes: number; by: "stated" } | undefined> {
    const facts = await stat(path).catch(() => undefined);
    return facts === undefined ? undefined : { bytes: facts.size, by: "stated" };
}

async function placeOnDisk({ path, make }: ModelPlan): Promise<string | null> {
    if (await isFile(path)) return path;
    if (make.by !== "files" || make.files.length > 1) return null;
    return (await inHubCache(parseHubPath(hubPathText(make.files[0]!.file)))) ?? null;
}

async function isFile(path: string): Promise<boolean> {
    return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
