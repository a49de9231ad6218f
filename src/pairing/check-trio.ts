import { resolve } from "node:path";
import {
    checkBoolean,
    checkSignal,
    checkString,
    invalidOption,
    isObject,
    readOptions,
    shortenMiddle
} from "../checks.js";
import { RastError } from "../errors.js";
import { abortReason, isAborted } from "../engine/abort-signals.js";
import { inspectAdaptersOf, type AdapterFile } from "../loading/adapters.js";
import { nativeRule } from "../loading/special-tokens.js";
import { checkModelFile } from "../models/files.js";
import type { NativeAddon, NativeModelFacts, NativeRole } from "../native/addon-types.js";
import { loadNative } from "../native/binding.js";
import { checkSpecialTokens, type SpecialTokens } from "../trio/special-tokens.js";
import type { ModelOptions } from "../loading/load-options.js";
import type { Adapter } from "../trio/adapters.js";
import { resolveTrio, type Trio } from "../trio/trio.js";
import { readDeepOptions, runDeepCheck, type DeepCheck, type DeepCheckOptions } from "./deep-check.js";
import { deepFindings } from "./deep-findings.js";
import { fits, inOrder, type TrioFinding } from "./findings.js";
import { baseFindings, pairFindings, type ModelInRole } from "./model-findings.js";
import { tokenizerFindings } from "./tokenizer-findings.js";

/** Which models are held against each other, and how closely. */
export interface CheckOptions {
    /** Name of a trio, or path of its file or folder; instead of the three paths. */
    trio?: string | undefined;
    /** Path of the large model. */
    base?: string | undefined;
    /** Path of the small model after its training. */
    expert?: string | undefined;
    /** Path of the same small model before it. */
    antiexpert?: string | undefined;
    /** How special tokens may fall together, as in `loadRast`. @default the trio's, else "by-role" */
    specialTokens?: SpecialTokens | undefined;
    /** Loads the models and runs them over texts, too. @default false */
    deep?: boolean | DeepCheckOptions | undefined;
    /** Ends the check. */
    signal?: AbortSignal | undefined;
}

/** A model that was looked at. */
export interface CheckedModel {
    /** The role that it was given. */
    readonly role: NativeRole;
    /** Which pair, from 0; 0 for the base. */
    readonly pair: number;
    /** Absolute. */
    readonly path: string;
    /** As its file says; null where that says nothing. */
    readonly name: string | null;
    /** As llama.cpp names it, e.g. "qwen2". */
    readonly architecture: string;
    /** E.g. "Q4_K - Medium"; null when the file does not say. */
    readonly quantization: string | null;
    /** Weights of the model, one by one. */
    readonly parameterCount: number;
    /** All parts of it. */
    readonly fileBytes: number;
    /** Ids of its tokenizer, padding included. */
    readonly vocabularySize: number;
    /** LoRA adapters on it; only those that fit it. */
    readonly adapters: readonly CheckedAdapter[];
}

/** An adapter that was looked at. */
export interface CheckedAdapter {
    /** As it was given: a GGUF file, or a PEFT folder. */
    readonly path: string;
    /** How much of it is added, beside what it says itself. */
    readonly scale: number;
    /** The largest rank of its pairs. */
    readonly rank: number;
    /** Tensors of the model that it changes. */
    readonly tensors: number;
}

/** What came of a check. */
export interface TrioCheck {
    /** Whether `loadRast` takes them as a trio; warnings say whether they are one that makes sense. */
    readonly fits: boolean;
    /** Everything that was found: what keeps them apart first, then warnings, then notes. */
    readonly findings: readonly TrioFinding[];
    /** The base, then each expert with its antiexpert. */
    readonly models: readonly CheckedModel[];
    /** What the models do, pair by pair; empty unless asked for, and where they cannot be loaded together. */
    readonly deep: readonly DeepCheck[];
}

interface Chosen {
    readonly role: NativeRole;
    readonly pair: number;
    readonly name: string;
    readonly path: string;
    readonly adapters: readonly Adapter[];
}

/**
 * Says whether three models are a trio, by their headers: architecture, tokenizers over all common ids, special tokens, widths,
 * the pair's tensors shape by shape, sizes, templates. Everything that differs is listed, not the first difference alone. With
 * `deep` they are loaded and run over texts: how far expert and antiexpert are apart, and whether the base knows the expert's
 * words.
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_UNKNOWN_TRIO, ERR_TRIO_FILE; for files ERR_FILE_NOT_FOUND and its kin,
 *     ERR_NOT_GGUF, ERR_MODEL_TRUNCATED, ERR_MODEL_INVALID; ERR_ABORTED; with `deep` what `loadRast` throws
 * @example
 * ```ts
 * import { checkTrio } from "rast-llama";
 *
 * const { fits, findings } = await checkTrio({ trio: "demo" });
 * console.log(fits, findings.map(({ level, what }) => `${level}: ${what}`));
 * ```
 */
export async function checkTrio(options: CheckOptions): Promise<TrioCheck> {
    const given = readOptions("checkTrio", "the options of checkTrio", options, [
        "trio",
        "base",
        "expert",
        "antiexpert",
        "specialTokens",
        "deep",
        "signal"
    ]);
    const signal = given.signal === undefined ? undefined : checkSignal("signal", given.signal);
    const deep = readDeep(given.deep);
    const ownRule =
        given.specialTokens === undefined ? undefined : checkSpecialTokens("specialTokens", given.specialTokens);
    assertNotAborted(signal);
    const { models: chosen, trio } = await chooseFiles(given);
    const rule = ownRule ?? trio?.specialTokens ?? "by-role";
    for (const { path, name, role, pair } of chosen)
        await checkModelFile(path, { what: name, details: { role, pair } });
    assertNotAborted(signal);
    const { addon } = await loadNative();
    const facts = await inspect(addon, chosen);
    assertNotAborted(signal);
    const models = chosen.map((model): ModelInRole => ({ ...model, facts: facts.get(model.path)! }));
    const adapted = await inspectAll(addon, models);
    assertNotAborted(signal);
    const findings = [...adapted.findings, ...withoutTokenizer(models), ...(await compareAll(addon, models, rule))];
    assertNotAborted(signal);
    const found: DeepCheck[] = [];
    if (deep !== undefined && fits(findings)) {
        for (const pair of models.filter(({ role }) => role === "expert").map((model) => model.pair)) {
            const [base, expert, antiexpert] = [models[0]!, of(models, "expert", pair), of(models, "antiexpert", pair)];
            const asLoaded = ({ path, adapters }: ModelInRole): ModelOptions => ({ path, lora: [...adapters] });
            const loaded = { base: asLoaded(base), expert: asLoaded(expert), antiexpert: asLoaded(antiexpert) };
            const check = await runDeepCheck({ pair, ...loaded }, { ...deep, trio, specialTokens: rule, signal });
            found.push(check);
            findings.push(...deepFindings(check));
        }
    }
    return {
        fits: fits(findings),
        findings: inOrder(findings),
        models: models.map((model) => described(model, adapted.files.get(model) ?? [])),
        deep: found
    };
}

function readDeep(value: unknown): DeepCheckOptions | undefined {
    if (value === undefined || value === false) return undefined;
    if (isObject(value)) return readDeepOptions(value);
    checkBoolean("deep", value);
    return {};
}

async function chooseFiles(
    given: Readonly<Record<string, unknown>>
): Promise<{ readonly models: readonly Chosen[]; readonly trio: Trio | undefined }> {
    const roles = ["base", "expert", "antiexpert"] as const;
    const paths = roles.map((role) => (given[role] === undefined ? undefined : checkString(role, given[role])));
    if (given["trio"] !== undefined) {
        roles.forEach((role, index) => {
            if (paths[index] !== undefined) throw invalidOption(role, "no path beside trio", paths[index]);
        });
        const trio = await resolveTrio(checkString("trio", given["trio"]));
        const several = trio.pairs.length > 1;
        const pairs = trio.pairs.flatMap((pair, index) =>
            (["expert", "antiexpert"] as const).map((role): Chosen => {
                const name = several ? `the ${role} of pair ${index}` : `the ${role}`;
                return { role, pair: index, name, path: pair[role], adapters: pair[`${role}Adapters`] };
            })
        );
        return {
            models: [
                { role: "base", pair: 0, name: "the base", path: trio.base, adapters: trio.baseAdapters },
                ...pairs
            ],
            trio
        };
    }
    const models = roles.map((role, index): Chosen => {
        const path = paths[index];
        if (path === undefined) {
            const message = `Expected either trio, or base, expert and antiexpert: ${role} is missing.`;
            throw new RastError("ERR_INVALID_OPTION", message, { details: { option: role } });
        }
        return { role, pair: 0, name: `the ${role}`, path: resolve(path), adapters: [] };
    });
    return { models, trio: undefined };
}

async function inspect(addon: NativeAddon, models: readonly Chosen[]): Promise<Map<string, NativeModelFacts>> {
    const out = new Map<string, NativeModelFacts>();
    for (const { path, name, role, pair } of models) {
        if (out.has(path)) continue;
        const facts = await addon.inspectModel(path).catch((error: unknown) => {
            if (!(error instanceof RastError)) throw error;
            const message = `The file for ${name} cannot be used: ${error.message}`;
            throw new RastError(error.code, message, { details: { role, pair, path, ...error.details }, cause: error });
        });
        out.set(path, facts);
    }
    return out;
}

const ofUnfitAdapters: readonly string[] = ["ERR_ADAPTER_INVALID", "ERR_ADAPTER_MISMATCH", "ERR_ADAPTER_UNSUPPORTED"];

// An adapter that does not fit its model is found as a tokenizer is; a file that cannot be read is an error, as a model's.
async function inspectAll(
    addon: NativeAddon,
    models: readonly ModelInRole[]
): Promise<{
    readonly files: ReadonlyMap<ModelInRole, readonly AdapterFile[]>;
    readonly findings: readonly TrioFinding[];
}> {
    const files = new Map<ModelInRole, readonly AdapterFile[]>();
    const findings: TrioFinding[] = [];
    for (const model of models) {
        try {
            files.set(model, await inspectAdaptersOf(addon, model, model.facts));
        } catch (error) {
            if (!(error instanceof RastError) || !ofUnfitAdapters.includes(error.code)) throw error;
            findings.push({
                kind: "adapter",
                level: "error",
                roles: [model.role],
                pair: model.pair,
                what: error.message,
                meaning: "It was made for another model, or cannot be used.",
                advice: "Give the adapter that was trained on this model, or the model that it was trained on."
            });
        }
    }
    return { files, findings };
}

const hasTokenizer = ({ facts }: ModelInRole): boolean => facts.tokenizerModel !== null && facts.vocabularySize > 0;

function withoutTokenizer(models: readonly ModelInRole[]): TrioFinding[] {
    return models
        .filter((model) => !hasTokenizer(model))
        .map(({ role, pair, name, path }) => ({
            kind: "noTokenizer",
            level: "error",
            roles: [role],
            pair,
            what: `The file for ${name} has no tokenizer: ${shortenMiddle(path)}.`,
            meaning: "Nobody can say what its ids stand for.",
            advice: "Convert the model again, with its tokenizer's files beside the weights."
        }));
}

async function compareAll(
    addon: NativeAddon,
    models: readonly ModelInRole[],
    rule: SpecialTokens
): Promise<TrioFinding[]> {
    const base = models[0]!;
    const small = models.slice(1);
    const findings: TrioFinding[] = [];
    const comparable = hasTokenizer(base) ? small.filter(hasTokenizer) : [];
    if (comparable.length > 0) {
        const matches = await addon.matchTokenizers(
            [base.path, ...comparable.map(({ path }) => path)],
            nativeRule(rule)
        );
        matches.forEach((match, index) => findings.push(...tokenizerFindings(match, comparable[index]!)));
    }
    for (const expert of small.filter(({ role }) => role === "expert")) {
        const antiexpert = of(models, "antiexpert", expert.pair);
        const tensors = await addon.compareTensors(expert.path, antiexpert.path);
        findings.push(...pairFindings(expert, antiexpert, tensors), ...baseFindings(base, expert, antiexpert));
    }
    return findings;
}

function of(models: readonly ModelInRole[], role: NativeRole, pair: number): ModelInRole {
    return models.find((model) => model.role === role && model.pair === pair)!;
}

function described({ role, pair, path, facts }: ModelInRole, files: readonly AdapterFile[]): CheckedModel {
    const { name, architecture, quantization, parameterCount, fileBytes, vocabularySize } = facts;
    const adapters = files.map(({ source, scale, facts: { rank, targets } }) => ({
        path: source,
        scale,
        rank,
        tensors: targets.length
    }));
    return { role, pair, path, name, architecture, quantization, parameterCount, fileBytes, vocabularySize, adapters };
}

function assertNotAborted(signal: AbortSignal | undefined): void {
    if (signal !== undefined && isAborted(signal)) {
        throw new RastError("ERR_ABORTED", "The check was aborted.", { cause: abortReason(signal) });
    }
}
