// What commands make of their flags. Numbers stay text until here, so that a wrong one is named as the flag it came from.
import type { LoadOptions, ModelOptions, PairOptions } from "../engine/load-options.js";
import type { Speculation } from "../engine/speculation-params.js";
import { RastError } from "../errors.js";
import type { NativeKvType } from "../native/addon-types.js";

/** Flags of a command as commander gives them. */
export type Flags = Record<string, unknown>;

/** A number, or undefined where the flag was not given. @throws ERR_INVALID_OPTION naming the flag */
export function number(flags: Flags, name: string): number | undefined {
    const value = text(flags[camelCase(name)]);
    if (value === undefined) return undefined;
    return toNumber(value, `--${name}`);
}

/** @throws ERR_INVALID_OPTION naming the flag */
export function toNumber(value: string, flag: string): number {
    const result = value.trim() === "" ? Number.NaN : Number(value);
    if (Number.isNaN(result)) {
        throw new RastError("ERR_INVALID_OPTION", `Expected a number for ${flag}, received "${value}".`, {
            details: { option: flag, value }
        });
    }
    return result;
}

/** The text of a flag, or undefined. */
export function text(value: unknown): string | undefined {
    return typeof value === "string" ? value : undefined;
}

/** The texts of a flag that may be repeated, or undefined. */
export function texts(value: unknown): string[] | undefined {
    return Array.isArray(value) ? value.map(String) : undefined;
}

/** The name under which commander keeps a flag. */
export function camelCase(name: string): string {
    return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** Options without those that are undefined: one that was not given must not be there at all, the trio's value holds. */
export function given<T extends Record<string, unknown>>(options: T): T {
    return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function layers(flags: Flags, name: string): "auto" | number | undefined {
    const value = text(flags[camelCase(name)]);
    return value === undefined || value === "auto" ? value : toNumber(value, `--${name}`);
}

function model(path: string | undefined, role: string, flags: Flags): ModelOptions | undefined {
    const options = given({
        path,
        gpuLayers: layers(flags, `${role}-gpu-layers`),
        device: texts(flags[`${role}Device`])
    });
    return Object.keys(options).length === 0 ? undefined : options;
}

function parallelFor(samples: number | undefined): number | undefined {
    return samples === undefined || !(samples > 1) ? undefined : Math.min(16, Math.ceil(samples));
}

/** Load options from the command's flags. */
export function readLoadOptions(flags: Flags): LoadOptions {
    const experts = texts(flags["expert"]) ?? [];
    const antiexperts = texts(flags["antiexpert"]) ?? [];
    const trio = text(flags["trio"]);
    const base = text(flags["base"]);
    if (trio === undefined && base === undefined) {
        throw new RastError("ERR_INVALID_OPTION", "No models: give --trio, or --base with --expert and --antiexpert.");
    }
    if (experts.length !== antiexperts.length && trio === undefined) {
        throw new RastError(
            "ERR_INVALID_OPTION",
            `Expected as many --antiexpert as --expert, received ${antiexperts.length} and ${experts.length}.`
        );
    }
    const lambdas = texts(flags["lambda"])?.map((value) => toNumber(value, "--lambda"));
    const pair = (index: number): PairOptions =>
        given({
            expert: model(experts[index], "expert", flags) ?? {},
            antiexpert: model(antiexperts[index], "antiexpert", flags) ?? {}
        });
    const pairs = experts.length > 1 ? experts.map((_, index) => pair(index)) : undefined;
    const flash = text(flags["flashAttention"]);
    return given({
        trio,
        base: model(base, "base", flags),
        expert: pairs === undefined ? model(experts[0], "expert", flags) : undefined,
        antiexpert: pairs === undefined ? model(antiexperts[0], "antiexpert", flags) : undefined,
        pairs,
        lambda: lambdas?.length === 1 ? lambdas[0] : lambdas,
        gpuLayers: layers(flags, "gpu-layers"),
        device: texts(flags["device"]),
        threads: number(flags, "threads"),
        contextSize: number(flags, "context-size"),
        batchSize: number(flags, "batch-size"),
        cacheSize: number(flags, "cache-size"),
        parallel: number(flags, "parallel") ?? parallelFor(number(flags, "samples")),
        kvType: text(flags["kvType"]) as NativeKvType | undefined,
        flashAttention:
            flash === undefined ? undefined : flash === "on" ? true : flash === "off" ? false : (flash as "auto"),
        mmap: flags["mmap"] === false ? false : undefined,
        isolate: flags["isolate"] === true ? true : undefined,
        mlock: flags["mlock"] === true ? true : undefined,
        sampler: text(flags["sampler"]) as LoadOptions["sampler"],
        tryModels: flags["tryModels"] === false ? false : undefined,
        speculation: readDraft(text(flags["draft"]))
    });
}

function readDraft(value: string | undefined): Speculation | undefined {
    if (value === undefined || value === "auto" || value === "off") return value;
    return { draft: toNumber(value, "--draft") };
}

/** A seed. @throws ERR_INVALID_OPTION */
export function readSeed(value: string | undefined): number | bigint | undefined {
    if (value === undefined) return undefined;
    if (!/^\d+$/.test(value)) {
        throw new RastError(
            "ERR_INVALID_OPTION",
            `Expected an integer from 0 to 2^64 - 1 for --seed, received "${value}".`
        );
    }
    return BigInt(value);
}
