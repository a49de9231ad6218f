// What a model of the catalog takes to be a file on this disk.
import { basename, join } from "node:path";
import { modelOf, type Catalog, type CatalogModel, type FileRepository } from "../catalog/catalog.js";
import { fileSizeOf, quantizationsOf } from "../catalog/model-size.js";
import { invalidOption, isPathSegment, shorten } from "../checks.js";
import { RastError } from "../errors.js";
import { parseHubPath, type HubFile, type HubRepository } from "../hub/hub-path.js";
import { bundledTrioFolder } from "../trio/trio.js";

/** A model in a quantization, where it will lie, and what makes it. */
export interface ModelPlan {
    readonly model: CatalogModel;
    readonly quantization: string;
    /** The file that is loaded; of a split model the first part. */
    readonly path: string;
    /** Size of the whole, as far as it is known. */
    readonly bytes: number | undefined;
    readonly make: ModelMaking;
    /** What stands over the model in its role. */
    readonly adapter?: AdapterPlan;
}

/** An adapter of LoRA, a GGUF file or a folder of PEFT. */
export interface AdapterPlan {
    /** What is loaded. */
    readonly path: string;
    readonly scale: number;
    readonly source: string;
    readonly files: readonly PlannedFile[];
}

/** How it is made. */
export type ModelMaking =
    /** It comes with the package. */
    | { readonly by: "bundled" }
    /** Its files are fetched: one, or the parts of a split model. */
    | { readonly by: "files"; readonly files: readonly PlannedFile[] }
    /** From another file of the same model with more bits. */
    | { readonly by: "quantizing"; readonly from: ModelPlan }
    /** From a checkpoint's tensors, and the header of a file. */
    | {
          readonly by: "grafting";
          readonly template: ModelPlan;
          readonly weights: HubRepository;
          /** Where the checkpoint is put. */
          readonly weightsFolder: string;
      };

/** A file of a hub, and where it is put. */
export interface PlannedFile {
    readonly file: HubFile;
    readonly path: string;
}

/** What others can be made of, best first. */
const wideTypes = ["BF16", "F16", "F32"];
const splitPattern = /^(.*)-00001-of-(\d{5})\.gguf$/i;

/**
 * Plans a model.
 * @param folder of all models that are pulled
 * @throws ERR_INVALID_OPTION for a quantization in which it is not to be had
 */
export function planModel(
    catalog: Catalog,
    name: string,
    quantization: string,
    folder: string,
    option: string
): ModelPlan {
    const model = modelOf(catalog, name);
    const { source } = model;
    if (!isPathSegment(quantization)) throw invalidOption(option, "the name of a quantization", quantization);
    switch (source.kind) {
        case "bundled":
            return {
                model,
                quantization: "Q8_0",
                path: join(bundledTrioFolder(), source.file),
                bytes: undefined,
                make: { by: "bundled" }
            };
        case "files":
            return (
                planFiles(model, quantization, folder) ?? planQuantizing(catalog, model, quantization, folder, option)
            );
        case "graft":
            return planGraft(catalog, model, quantization, folder, option);
        case "lora":
            return {
                ...planModel(catalog, source.model, quantization, folder, option),
                adapter: planAdapter(source.adapter, source.scale, folder)
            };
    }
}

function planFiles(model: CatalogModel, quantization: string, folder: string): ModelPlan | undefined {
    if (model.source.kind !== "files") return undefined;
    const fits = (name: string): boolean => name.toLowerCase() === quantization.toLowerCase();
    const repository = model.source.repositories.find(({ quantizations }) => quantizations.some(fits));
    if (repository === undefined) return undefined;
    const exact = repository.quantizations.find(fits)!;
    const files = filesOf(repository, exact, folder);
    const bytes = fileSizeOf(model, exact)?.bytes;
    return { model, quantization: exact, path: files[0]!.path, bytes, make: { by: "files", files } };
}

function filesOf({ repository, file }: FileRepository, quantization: string, folder: string): PlannedFile[] {
    const source = parseHubPath(repository);
    const name = file.replaceAll("{quantization}", quantization);
    const split = splitPattern.exec(name);
    const names =
        split === null
            ? [name]
            : Array.from(
                  { length: Number(split[2]) },
                  (_, index) => `${split[1]}-${String(index + 1).padStart(5, "0")}-of-${split[2]}.gguf`
              );
    return names.map((path) => ({ file: { ...source, path }, path: placeOf(source, folder, path) }));
}

// PEFT's own names.
const peftFiles = ["adapter_config.json", "adapter_model.safetensors"];

function planAdapter(source: string, scale: number, folder: string): AdapterPlan {
    const at = parseHubPath(source);
    const isFile = /\.gguf$/i.test(at.path);
    const paths = isFile ? [at.path] : peftFiles.map((name) => (at.path === "" ? name : `${at.path}/${name}`));
    const files = paths.map((path) => ({ file: { ...at, path }, path: placeOf(at, folder, path) }));
    return { path: placeOf(at, folder, at.path), scale, source, files };
}

// Of another revision than the usual one the files are others: "owner/name@v2", and no repository has an "@" in its name.
function placeOf({ repository, revision }: HubRepository, folder: string, path: string): string {
    const mark = revision === "main" ? "" : `@${encodeURIComponent(revision).replaceAll("*", "%2A")}`;
    return join(folder, ...`${repository}${mark}`.split("/"), ...path.split("/"));
}

function planQuantizing(
    catalog: Catalog,
    model: CatalogModel,
    quantization: string,
    folder: string,
    option: string
): ModelPlan {
    const wide = wideTypes.map((type) => planFiles(model, type, folder)).find((plan) => plan !== undefined);
    const size = fileSizeOf(model, quantization);
    if (wide === undefined || size === undefined) {
        const known = quantizationsOf(model).join(", ");
        throw new RastError(
            "ERR_INVALID_OPTION",
            `Expected one of ${known} for ${option}, received ${JSON.stringify(shorten(quantization))}: as such ${model.repository} is to be had.`,
            { details: { option, value: shorten(quantization), model: model.name } }
        );
    }
    const path = wide.path.replace(/[^/\\]*$/, `${basename(model.repository)}.${quantization}.gguf`);
    return { model, quantization, path, bytes: size.bytes, make: { by: "quantizing", from: wide } };
}

function planGraft(
    catalog: Catalog,
    model: CatalogModel,
    quantization: string,
    folder: string,
    option: string
): ModelPlan {
    if (model.source.kind !== "graft") throw new Error("it is no graft");
    const type = quantization.toUpperCase();
    const weights = parseHubPath(model.source.weights);
    const weightsFolder = placeOf(weights, folder, "");
    return {
        model,
        quantization: type,
        path: join(weightsFolder, `${basename(weights.repository)}.${type}.gguf`),
        bytes: fileSizeOf(model, type)?.bytes,
        make: {
            by: "grafting",
            template: planTemplate(catalog, model.source.template, quantization, folder, option),
            weights,
            weightsFolder
        }
    };
}

// Its header alone is wanted: the file that the antiexpert has anyway, if it is to be had like this.
function planTemplate(catalog: Catalog, name: string, quantization: string, folder: string, option: string): ModelPlan {
    const model = modelOf(catalog, name);
    const usual = planFiles(model, quantization, folder) ?? planFiles(model, "Q8_0", folder);
    return usual ?? planModel(catalog, name, quantizationsOf(model)[0] ?? quantization, folder, option);
}
