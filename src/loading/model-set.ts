import { resolve } from "node:path";
import { invalidOption } from "../checks.js";
import type { NativeRole } from "../native/addon-types.js";
import type { Adapter } from "../trio/adapters.js";
import type { Trio, TrioPair } from "../trio/trio.js";
import type { ResolvedLoadOptions, ResolvedModelOptions } from "./load-options.js";
import { checkLambda, defaultLambda } from "../engine/sampling-options.js";

/** One model to load, its path absolute. */
export interface ModelChoice extends ResolvedModelOptions {
    readonly role: NativeRole;
    /** 0 to 2; 0 for the base. */
    readonly pair: number;
    readonly path: string;
    /** Paths absolute; of PEFT folders, until they are GGUF files. */
    readonly adapters: readonly Adapter[];
}

/** The models of an engine. */
export interface ModelSet {
    readonly base: ModelChoice;
    readonly pairs: readonly { readonly expert: ModelChoice; readonly antiexpert: ModelChoice }[];
    /** One per pair. */
    readonly lambdas: readonly number[];
}

/**
 * Puts together what the options and the trio say; options win.
 * @throws ERR_INVALID_OPTION for a lambda that does not fit the pairs, or one path for several pairs
 */
export function combineModels(options: ResolvedLoadOptions, trio: Trio | undefined): ModelSet {
    const pairs =
        trio === undefined
            ? pairsOfOptions(options)
            : trio.pairs.map((pair, index) => ({
                  expert: choose("expert", index, options.expert, pair.expert, pair.expertAdapters),
                  antiexpert: choose("antiexpert", index, options.antiexpert, pair.antiexpert, pair.antiexpertAdapters),
                  lambda: pair.lambda
              }));
    if (trio !== undefined) refuseSharedPaths(options, trio.pairs);
    const own = pairs.map((pair) => pair.lambda ?? defaultLambda);
    return {
        base: choose("base", 0, options.base, trio?.base, trio?.baseAdapters),
        pairs,
        lambdas: options.lambda === undefined ? own : checkLambda(options.lambda, pairs.length)
    };
}

/** All models of a set: the base, then each expert with its antiexpert. */
export function allModels(set: ModelSet): ModelChoice[] {
    return [set.base, ...set.pairs.flatMap((pair) => [pair.expert, pair.antiexpert])];
}

/** One value of each kind of model: the shape of a set, for whatever belongs to its models. */
export interface PerModel<T> {
    readonly base: T;
    readonly pairs: readonly { readonly expert: T; readonly antiexpert: T }[];
}

/** Makes a value for each model. `index` is the model's in `allModels`. */
export function mapModels<T>(set: ModelSet, make: (model: ModelChoice, index: number) => T): PerModel<T> {
    const made = allModels(set).map(make);
    const next = made.values();
    const take = (): T => next.next().value as T;
    return { base: take(), pairs: set.pairs.map(() => ({ expert: take(), antiexpert: take() })) };
}

/** A model's role in words, for messages. */
export function describeRole(model: { readonly role: NativeRole; readonly pair: number }): string {
    return model.pair === 0 ? `the ${model.role}` : `the ${model.role} of pair ${model.pair}`;
}

type LoosePair = { expert: ModelChoice; antiexpert: ModelChoice; lambda: number | undefined };

function pairsOfOptions(options: ResolvedLoadOptions): LoosePair[] {
    const { expert, antiexpert } = options;
    const given =
        expert !== undefined && antiexpert !== undefined ? [{ expert, antiexpert, lambda: undefined }] : options.pairs;
    return given.map((pair, index) => ({
        expert: choose("expert", index, pair.expert),
        antiexpert: choose("antiexpert", index, pair.antiexpert),
        lambda: pair.lambda
    }));
}

function choose(
    role: NativeRole,
    pair: number,
    options: ResolvedModelOptions | undefined,
    path?: string,
    adapters: readonly Adapter[] = []
): ModelChoice {
    const chosen = options?.path ?? path;
    if (chosen === undefined) throw invalidOption(role, "a path", undefined);
    const { devices, gpuLayers, threads } = options ?? { devices: undefined, gpuLayers: undefined, threads: undefined };
    // an adapter is made for its model: another model comes without
    const wanted = options?.adapters ?? (options?.path === undefined ? adapters : []);
    return {
        role,
        pair,
        path: resolve(chosen),
        adapters: wanted.map((adapter) => ({ ...adapter, path: resolve(adapter.path) })),
        devices,
        gpuLayers,
        threads
    };
}

function refuseSharedPaths(options: ResolvedLoadOptions, pairs: readonly TrioPair[]): void {
    for (const role of ["expert", "antiexpert"] as const) {
        const { path, adapters } = options[role] ?? {};
        const given = path ?? adapters?.[0]?.path;
        if (given !== undefined && pairs.length > 1) {
            throw invalidOption(role, `no path (the trio has ${pairs.length} pairs)`, given);
        }
    }
}
