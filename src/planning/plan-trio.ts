import { resolve } from "node:path";
import { didYouMean, invalidOption, quote } from "../checks.js";
import { readCatalog, roles, type Catalog, type CatalogTrio } from "../catalog/catalog.js";
import { RastError } from "../errors.js";
import { Hub } from "../hub/hub.js";
import { loadNative } from "../native/binding.js";
import type { NativeAddon, NativeRole } from "../native/addon-types.js";
import type { PlacedModel } from "../placement/placement.js";
import { inspectAdaptersOf } from "../loading/adapters.js";
import type { SizeOptions } from "../loading/engine-size.js";
import { numberedFiles } from "../loading/shared-weights.js";
import type { Adapter } from "../trio/adapters.js";
import { resolveTrio, trioNames } from "../trio/trio.js";
import { catalogFacts, quantizationsToHave } from "./catalog-facts.js";
import { distantFacts } from "./distant-header.js";
import { planModels, type ModelsPlan, type ModelToPlan, type PlannedFacts, type PlannedPlace } from "./plan-models.js";
import { readPlanOptions, type PlanOptions, type ResolvedPlanOptions } from "./plan-options.js";
import { machineOf, type PlannedBandwidth, type PlannedMachine, type PlannedWorker } from "./planned-machine.js";
import type { ExpectedSpeed } from "./speed.js";

/** A model of a plan. */
export interface PlannedModel {
    /** What it is in the trio. */
    readonly role: NativeRole;
    /** From 0; 0 for the base. */
    readonly pair: number;
    /** Where its facts come from: a path, "hf:...", or a name of the catalog. */
    readonly source: string;
    /** As its file says, or as it was planned for; null when nobody says. */
    readonly quantization: string | null;
    /** Bytes of its weights. */
    readonly weightBytes: number;
    /** Whether an earlier role has the same file in the same place, so that its weights are in memory once, for that role. */
    readonly sharesWeights: boolean;
    /** What LoRA adapters on it add, wherever that lies. */
    readonly adapterBytes: number;
    /** Layers on devices, the output layer as one more. */
    readonly gpuLayers: number;
    /** Of so many. */
    readonly layers: number;
    /** Layers, from the first, whose experts are in main memory, wherever the rest of them is; 0 of models without experts. */
    readonly cpuMoeLayers: number;
    /** Devices it is on; empty = main memory. */
    readonly devices: readonly string[];
    /** What it takes there. */
    readonly deviceBytes: number;
    /** What it takes in main memory. */
    readonly hostBytes: number;
}

/** Quantizations of a catalog's trio. */
export interface ChosenQuantizations {
    /** Of the large model, e.g. "Q4_K_M". */
    readonly base: string;
    /** Of expert and antiexpert. */
    readonly pair: string;
}

/** Where a trio's models would go, and what that comes to. */
export interface TrioPlan {
    /** Of the trio; null where models were given by themselves. */
    readonly name: string | null;
    /** "files": headers that are here. "headers": such as were read over the network. "shapes": dimensions from the catalog. */
    readonly known: "files" | "headers" | "shapes";
    /** The base first, then each expert with its antiexpert. */
    readonly models: readonly PlannedModel[];
    /** Each device, then main memory. */
    readonly places: readonly PlannedPlace[];
    /**
     * "devices": all whole on devices. "partly": some of it in main memory. "host": all of it. "disk": more than main memory
     * holds, so that weights are read from disk again and again. "no": it cannot be loaded.
     */
    readonly fit: ModelsPlan["fit"] | "no";
    /** Of a catalog's trio: the quantizations of base and pair that were chosen, as the largest that are whole on the devices. */
    readonly chosen: ChosenQuantizations | null;
    /** Tokens of context of one sequence. */
    readonly contextSize: number;
    /** Texts that are generated together. */
    readonly parallel: number;
    /** Tokens per second of one text; an estimate from bandwidth, and the way to workers. Null where nothing fits. */
    readonly speed: ExpectedSpeed | null;
    /** What it rests on: bytes per second of each place. */
    readonly bandwidths: readonly PlannedBandwidth[];
    /** The workers that were asked, whether the plan uses them or not. */
    readonly workers: readonly PlannedWorker[];
    /** What a person should know, in sentences. */
    readonly notes: readonly string[];
}

interface Source {
    readonly role: NativeRole;
    readonly pair: number;
    readonly name: string;
    readonly source: string;
    readonly adapters: readonly Adapter[];
}

/**
 * Says what a trio takes and where it would go, from headers alone: those of files that are here, of files on a hub (some
 * megabytes of each are fetched), or the dimensions that the catalog has of models that nobody has fetched. Nothing is loaded.
 * The arithmetic is that of `gpuLayers: "auto"`.
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_UNKNOWN_TRIO, ERR_TRIO_FILE, ERR_CATALOG; for files what `checkTrio` throws;
 *     for a hub ERR_HUB_UNREACHABLE, ERR_HUB_ACCESS, ERR_HUB_NOT_FOUND, ERR_HUB_ANSWER; ERR_ABORTED
 * @example
 * ```ts
 * import { planTrio } from "rast-llama";
 *
 * const { fit, models } = await planTrio({ trio: "demo", vram: 8 * 2 ** 30, contextSize: 512 });
 * console.log(fit, models.map(({ role, gpuLayers, layers }) => `${role} ${gpuLayers} of ${layers}`));
 * ```
 */
export async function planTrio(options: PlanOptions = {}): Promise<TrioPlan> {
    const given = readPlanOptions(options);
    try {
        given.signal?.throwIfAborted();
        const chosen = await choose(given);
        const { addon } = await loadNative();
        const machine = await machineOf(given, addon);
        const plan: PlanWith =
            "trio" in chosen
                ? (size) => planCatalogTrio(chosen.catalog, chosen.trio, { ...given, size }, machine)
                : await planSources(chosen.name, chosen.sources, given, addon, machine);
        return withSmallerCaches(plan, given.size);
    } catch (error) {
        const { aborted = false, reason } = (given.signal ?? {}) as { aborted?: boolean; reason?: unknown };
        if (!aborted || (error instanceof RastError && error !== reason)) throw error;
        throw new RastError("ERR_ABORTED", "Planning was aborted.", { cause: reason });
    }
}

/**
 * The same for every trio of the catalog, from the dimensions that it has of them.
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_CATALOG
 */
export async function planCatalog(
    options: Omit<PlanOptions, "trio" | "base" | "expert" | "antiexpert"> = {}
): Promise<TrioPlan[]> {
    const given = readPlanOptions(options);
    const { addon } = await loadNative();
    const machine = await machineOf(given, addon);
    const catalog = await readCatalog();
    return [...catalog.trios.values()]
        .filter((trio) => catalog.models.get(trio.base)?.source.kind !== "bundled")
        .map((trio) => planCatalogTrio(catalog, trio, given, machine));
}

/** The plan for an engine of some size. */
type PlanWith = (size: SizeOptions) => TrioPlan;

const fromBest: readonly TrioPlan["fit"][] = ["devices", "partly", "host", "disk", "no"];

// Says it where caches of half the size make a difference: they cost a little of the text's quality, so nobody takes them unasked.
function withSmallerCaches(plan: PlanWith, size: SizeOptions): TrioPlan {
    const found = plan(size);
    const isPlain = size.kvTypeK === "f16" && size.kvTypeV === "f16" && size.flashAttention !== "off";
    if (!isPlain || found.fit === "devices" || found.fit === "host") return found;
    const other = plan({ ...size, kvTypeK: "q8_0", kvTypeV: "q8_0" });
    const layers = ({ models }: TrioPlan): number => models.reduce((sum, { gpuLayers }) => sum + gpuLayers, 0);
    const all = other.models.reduce((sum, model) => sum + model.layers, 0);
    const gained = layers(other) - layers(found);
    const isBetter = fromBest.indexOf(other.fit) < fromBest.indexOf(found.fit);
    if (!isBetter && gained < all / 20) return found;
    const outcome: Readonly<Record<TrioPlan["fit"], string>> = {
        devices: "everything is whole on the devices",
        partly: gained > 0 ? `${gained} more layers are on the devices` : "it is partly on the devices",
        host: "main memory holds it",
        disk: "it can be loaded",
        no: ""
    };
    const quantized = sameQuantizations(found, other) ? "" : ` (${other.chosen!.base} and ${other.chosen!.pair})`;
    const note = `With kvType q8_0, which takes about half as much for the KV caches, ${outcome[other.fit]}${quantized}.`;
    return { ...found, notes: [...found.notes, note] };
}

function sameQuantizations({ chosen: one }: TrioPlan, { chosen: other }: TrioPlan): boolean {
    return one?.base === other?.base && one?.pair === other?.pair;
}

/** Files, here or on a hub, or an entry of the catalog. */
type Chosen =
    | { readonly name: string | null; readonly sources: readonly Source[] }
    | { readonly catalog: Catalog; readonly trio: CatalogTrio };

async function choose(given: ResolvedPlanOptions): Promise<Chosen> {
    const { trio } = given;
    if (trio === undefined) {
        const sources = roles.map((role): Source => {
            const source = given[role];
            if (source === undefined) throw missingRole(role);
            return { role, pair: 0, name: `the ${role}`, source, adapters: [] };
        });
        refuseQuantizations(given);
        return { name: null, sources };
    }
    for (const role of roles)
        if (given[role] !== undefined) throw invalidOption(role, "no path beside trio", given[role]);
    try {
        const found = await resolveTrio(trio);
        refuseQuantizations(given);
        const pairs = found.pairs.flatMap((pair, index) =>
            (["expert", "antiexpert"] as const).map((role): Source => ({
                role,
                pair: index,
                name: found.pairs.length > 1 ? `the ${role} of pair ${index}` : `the ${role}`,
                source: pair[role],
                adapters: pair[`${role}Adapters`]
            }))
        );
        return {
            name: found.name,
            sources: [
                { role: "base", pair: 0, name: "the base", source: found.base, adapters: found.baseAdapters },
                ...pairs
            ]
        };
    } catch (error) {
        if (!(error instanceof RastError) || error.code !== "ERR_UNKNOWN_TRIO") throw error;
    }
    const catalog = await readCatalog();
    const entry = catalog.trios.get(trio);
    if (entry !== undefined) return { catalog, trio: entry };
    const known = [...new Set([...(await trioNames()), ...catalog.trios.keys()])];
    const message = `There is no trio named ${quote(trio)}, neither here nor in the catalog.${didYouMean(trio, known)} `;
    const advice = "rast trios lists those that are here, rast models those of the catalog.";
    throw new RastError("ERR_UNKNOWN_TRIO", message + advice, { details: { trio, known } });
}

function missingRole(role: NativeRole): RastError {
    const message = `Expected either trio, or base, expert and antiexpert: ${role} is missing.`;
    return new RastError("ERR_INVALID_OPTION", message, { details: { option: role } });
}

function refuseQuantizations(given: ResolvedPlanOptions): void {
    for (const option of ["quantization", "pairQuantization"] as const) {
        if (given[option] !== undefined)
            throw invalidOption(option, "none beside files, which have one", given[option]);
    }
}

/** A model, and where its facts come from. */
interface SourcedModel extends ModelToPlan {
    readonly source: string;
}

async function planSources(
    name: string | null,
    sources: readonly Source[],
    given: ResolvedPlanOptions,
    addon: NativeAddon,
    machine: PlannedMachine
): Promise<PlanWith> {
    let known: TrioPlan["known"] = "files";
    let hub: Hub | undefined;
    const models: SourcedModel[] = [];
    const paths = sources.map(({ source }) => (source.startsWith("hf:") ? source : resolve(source)));
    const weights = await numberedFiles(paths);
    for (const [index, { role, pair, name: called, source, adapters }] of sources.entries()) {
        given.signal?.throwIfAborted();
        if (source.startsWith("hf:")) {
            known = "headers";
            hub ??= new Hub();
            models.push({
                role,
                pair,
                name: called,
                source,
                weights: weights[index]!,
                adapters: [],
                facts: await distantFacts(addon, hub, source, given.signal)
            });
        } else {
            const path = paths[index]!;
            const facts = await addon.inspectModel(path);
            const files = await inspectAdaptersOf(addon, { role, pair, path, adapters }, facts);
            models.push({
                role,
                pair,
                name: called,
                source: path,
                weights: weights[index]!,
                adapters: files.map((file) => file.facts),
                facts
            });
        }
    }
    return (size) => presented(name, known, models, { ...given, size }, machine, null);
}

function planCatalogTrio(
    catalog: Catalog,
    trio: CatalogTrio,
    given: ResolvedPlanOptions,
    machine: PlannedMachine
): TrioPlan {
    const [base, expert] = [catalog.models.get(trio.base)!, catalog.models.get(trio.expert)!];
    const ofBase = given.quantization === undefined ? quantizationsToHave(base) : [given.quantization];
    const small = quantizationsToHave(expert).filter((name) =>
        quantizationsToHave(catalog.models.get(trio.antiexpert)!).includes(name)
    );
    const ofPair =
        given.pairQuantization === undefined ? small.filter((name) => !lossy.test(name)) : [given.pairQuantization];
    const adapted = roles.filter((role) => catalog.models.get(trio[role])!.source.kind === "lora");
    const uncounted = adapted.map((role) => `What the adapter of the ${role} takes is not known, and not counted.`);
    const plan = (chosen: { base: string; pair: string }): TrioPlan => {
        const found = presented(trio.name, "shapes", modelsOf(catalog, trio, chosen), given, machine, chosen);
        return { ...found, notes: [...found.notes, ...uncounted] };
    };
    for (const one of ofBase) {
        for (const pair of ofPair) {
            const found = plan({ base: one, pair });
            if (found.fit === "devices") return found;
        }
    }
    // nothing is whole: what the catalog takes by default, or was asked for
    return plan({
        base: given.quantization ?? trio.defaults?.base ?? ofBase[0]!,
        pair: given.pairQuantization ?? trio.defaults?.pair ?? ofPair[0]!
    });
}

/** What takes more from a small model than a larger base gives. */
const lossy = /^Q[23]/;

function modelsOf(
    catalog: Catalog,
    trio: CatalogTrio,
    chosen: { readonly base: string; readonly pair: string }
): SourcedModel[] {
    const files: string[] = [];
    return roles.map((role) => {
        const model = catalog.models.get(trio[role])!;
        const quantization = role === "base" ? chosen.base : chosen.pair;
        const facts: PlannedFacts | undefined = catalogFacts(model, quantization);
        if (facts === undefined) {
            const option = role === "base" ? "quantization" : "pairQuantization";
            throw invalidOption(option, `one of ${quantizationsToHave(model).join(", ")}`, quantization);
        }
        const file = `${model.source.kind === "lora" ? model.source.model : model.name} ${quantization}`;
        if (!files.includes(file)) files.push(file);
        const weights = files.indexOf(file) + 1;
        return { role, pair: 0, name: `the ${role}`, source: model.name, weights, adapters: [], facts };
    });
}

function presented(
    name: string | null,
    known: TrioPlan["known"],
    models: readonly SourcedModel[],
    given: ResolvedPlanOptions,
    machine: PlannedMachine,
    chosen: TrioPlan["chosen"]
): TrioPlan {
    const rest = {
        name,
        known,
        chosen,
        parallel: given.size.parallel,
        bandwidths: machine.rates,
        workers: machine.workers
    };
    const described = (placed: readonly PlacedModel[] | undefined): PlannedModel[] =>
        models.map(({ role, pair, source, facts, weights, adapters }, index) => ({
            role,
            pair,
            source,
            quantization: facts.quantization,
            weightBytes:
                facts.layerBytes.reduce((sum, bytes) => sum + bytes, facts.embeddingBytes) +
                (facts.tiedOutput ? 0 : facts.outputBytes),
            sharesWeights: models.findIndex((model) => model.weights === weights) < index,
            adapterBytes: adapters.reduce((sum, { tensorBytes }) => sum + tensorBytes, 0),
            gpuLayers: placed?.[index]?.gpuLayers ?? 0,
            layers: facts.layerBytes.length + 1,
            cpuMoeLayers: placed?.[index]?.cpuMoeLayers ?? 0,
            devices: placed?.[index]?.devices ?? [],
            deviceBytes: placed?.[index]?.deviceBytes ?? 0,
            hostBytes: placed?.[index]?.hostBytes ?? 0
        }));
    try {
        const plan = planModels(models, given.size, machine, machine);
        return {
            ...rest,
            models: described(plan.models),
            places: plan.places,
            fit: plan.fit,
            contextSize: plan.size.contextSize,
            speed: plan.speed,
            notes: plan.notes
        };
    } catch (error) {
        if (!(error instanceof RastError) || error.code !== "ERR_INSUFFICIENT_MEMORY") throw error;
        const { contextSize } = given.size;
        return {
            ...rest,
            models: described(undefined),
            places: [],
            fit: "no",
            contextSize,
            speed: null,
            notes: [error.message]
        };
    }
}
