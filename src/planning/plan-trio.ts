import { resolve } from "node:path";
import { invalidOption } from "../checks.js";
import { readCatalog, roles, trioOf, type Catalog, type CatalogTrio } from "../catalog/catalog.js";
import { RastError } from "../errors.js";
import { Hub } from "../hub/hub.js";
import { availableHostBytes } from "../machine/host-memory.js";
import { loadNative } from "../native/binding.js";
import type { NativeAddon, NativeDevice, NativeRole } from "../native/addon-types.js";
import type { PlacedModel } from "../placement/placement.js";
import { usableDevices } from "../placement/placement.js";
import { resolveTrio } from "../trio/trio.js";
import { cardOf, usualHostGigabytesPerSecond } from "./cards.js";
import { catalogFacts, quantizationsToHave } from "./catalog-facts.js";
import { distantFacts } from "./distant-header.js";
import {
    planModels,
    type Machine,
    type ModelsPlan,
    type ModelToPlan,
    type PlannedFacts,
    type PlannedPlace,
    type SpeedSettings
} from "./plan-models.js";
import { readPlanOptions, type PlanOptions, type ResolvedPlanOptions } from "./plan-options.js";
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
    /** Layers on devices, the output layer as one more. */
    readonly gpuLayers: number;
    /** Of so many. */
    readonly layers: number;
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

/** What is taken for the bandwidth of a place. */
export interface PlannedBandwidth {
    /** The device, or "main memory". */
    readonly name: string;
    /** In 10^9 bytes per second. */
    readonly gigabytesPerSecond: number;
    /** Whether somebody said so, it is its maker's figure, or nobody knows. */
    readonly by: "given" | "table" | "assumed";
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
    /** Tokens per second of one text; an estimate from bandwidth alone. Null where nothing fits. */
    readonly speed: ExpectedSpeed | null;
    /** What it rests on: bytes per second of each place. */
    readonly bandwidths: readonly PlannedBandwidth[];
    /** What a person should know, in sentences. */
    readonly notes: readonly string[];
}

interface Source {
    readonly role: NativeRole;
    readonly pair: number;
    readonly name: string;
    readonly source: string;
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
        if ("trio" in chosen) return planCatalogTrio(chosen.catalog, chosen.trio, given, machine);
        return await planSources(chosen.name, chosen.sources, given, addon, machine);
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

interface PlannedMachine extends Machine, SpeedSettings {
    readonly rates: TrioPlan["bandwidths"];
}

async function machineOf(given: ResolvedPlanOptions, addon: Pick<NativeAddon, "devices">): Promise<PlannedMachine> {
    const devices =
        given.vram === undefined ? await addon.devices() : given.vram.filter((bytes) => bytes > 0).map(askedCard);
    const usable = usableDevices(devices);
    if (given.bandwidth !== undefined && given.bandwidth.length !== 1 && given.bandwidth.length !== usable.length) {
        throw invalidOption("bandwidth", `one number, or one for each of ${usable.length} devices`, given.bandwidth);
    }
    const rates: TrioPlan["bandwidths"][number][] = usable.map((name, index) => {
        const asked = given.bandwidth?.[given.bandwidth.length === 1 ? 0 : index];
        if (asked !== undefined) return { name, gigabytesPerSecond: asked, by: "given" };
        const known = cardOf(devices.find((device) => device.name === name)!.description);
        return known === undefined
            ? { name, gigabytesPerSecond: assumedCardRate, by: "assumed" }
            : { name, gigabytesPerSecond: known.gigabytesPerSecond, by: "table" };
    });
    const host = given.hostBandwidth;
    const hostRate = {
        name: "main memory",
        gigabytesPerSecond: host ?? usualHostGigabytesPerSecond,
        by: host === undefined ? "assumed" : "given"
    } as const;
    const byName = new Map(rates.map(({ name, gigabytesPerSecond }) => [name, gigabytesPerSecond * 1e9]));
    return {
        devices,
        hostAvailableBytes: given.ram ?? (await availableHostBytes()),
        bandwidths: {
            hostBytesPerSecond: hostRate.gigabytesPerSecond * 1e9,
            deviceBytesPerSecond: (name) => byName.get(name) ?? assumedCardRate * 1e9
        },
        agreement: given.agreement,
        rates: [...rates, hostRate]
    };
}

/** Of a card that nobody names: that of an RTX 3060. */
const assumedCardRate = 360;

function askedCard(bytes: number, index: number): NativeDevice {
    return {
        name: `GPU${index}`,
        description: "",
        type: "gpu",
        backend: "",
        memoryFreeBytes: bytes,
        memoryTotalBytes: bytes
    };
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
            if (source === undefined) throw invalidOption(role, "a path, or a trio", undefined);
            return { role, pair: 0, name: `the ${role}`, source };
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
                source: pair[role]
            }))
        );
        return {
            name: found.name,
            sources: [{ role: "base", pair: 0, name: "the base", source: found.base }, ...pairs]
        };
    } catch (error) {
        if (!(error instanceof RastError) || error.code !== "ERR_UNKNOWN_TRIO") throw error;
    }
    const catalog = await readCatalog();
    return { catalog, trio: trioOf(catalog, trio) };
}

function refuseQuantizations(given: ResolvedPlanOptions): void {
    for (const option of ["quantization", "pairQuantization"] as const) {
        if (given[option] !== undefined)
            throw invalidOption(option, "none beside files, which have one", given[option]);
    }
}

async function planSources(
    name: string | null,
    sources: readonly Source[],
    given: ResolvedPlanOptions,
    addon: NativeAddon,
    machine: PlannedMachine
): Promise<TrioPlan> {
    let known: TrioPlan["known"] = "files";
    let hub: Hub | undefined;
    const models: (ModelToPlan & { readonly source: string })[] = [];
    for (const { role, pair, name: called, source } of sources) {
        given.signal?.throwIfAborted();
        if (source.startsWith("hf:")) {
            known = "headers";
            hub ??= new Hub();
            models.push({
                role,
                pair,
                name: called,
                source,
                facts: await distantFacts(addon, hub, source, given.signal)
            });
        } else {
            const path = resolve(source);
            models.push({ role, pair, name: called, source: path, facts: await addon.inspectModel(path) });
        }
    }
    return presented(name, known, models, given, machine, null);
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
    const plan = (chosen: { base: string; pair: string }): TrioPlan =>
        presented(trio.name, "shapes", modelsOf(catalog, trio, chosen), given, machine, chosen);
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
): (ModelToPlan & { readonly source: string })[] {
    return roles.map((role) => {
        const model = catalog.models.get(trio[role])!;
        const quantization = role === "base" ? chosen.base : chosen.pair;
        const facts: PlannedFacts | undefined = catalogFacts(model, quantization);
        if (facts === undefined) {
            const option = role === "base" ? "quantization" : "pairQuantization";
            throw invalidOption(option, `one of ${quantizationsToHave(model).join(", ")}`, quantization);
        }
        return { role, pair: 0, name: `the ${role}`, source: model.name, facts };
    });
}

function presented(
    name: string | null,
    known: TrioPlan["known"],
    models: readonly (ModelToPlan & { readonly source: string })[],
    given: ResolvedPlanOptions,
    machine: PlannedMachine,
    chosen: TrioPlan["chosen"]
): TrioPlan {
    const rest = { name, known, chosen, parallel: given.size.parallel, bandwidths: machine.rates };
    const described = (placed: readonly PlacedModel[] | undefined): PlannedModel[] =>
        models.map(({ role, pair, source, facts }, index) => ({
            role,
            pair,
            source,
            quantization: facts.quantization,
            weightBytes:
                facts.layerBytes.reduce((sum, bytes) => sum + bytes, facts.embeddingBytes) +
                (facts.tiedOutput ? 0 : facts.outputBytes),
            gpuLayers: placed?.[index]?.gpuLayers ?? 0,
            layers: facts.layerBytes.length + 1,
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
