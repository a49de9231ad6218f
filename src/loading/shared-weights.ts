import { stat } from "node:fs/promises";
import { allModels, type ModelChoice, type ModelSet } from "./model-set.js";

/** The same number for models of one file, whatever it is called; from 1. */
export type WeightsOf = ReadonlyMap<ModelChoice, number>;

/** Tells which roles name one file: links to it count as the file. */
export async function findSharedWeights(models: ModelSet): Promise<WeightsOf> {
    const all = allModels(models);
    const numbers = await numberedFiles(all.map(({ path }) => path));
    return new Map(all.map((model, index) => [model, numbers[index]!]));
}

/** A number for each path, from 1: the same for those of one file. */
export async function numberedFiles(paths: readonly string[]): Promise<number[]> {
    const numbers = new Map<string, number>();
    const found: number[] = [];
    for (const path of paths) {
        const key = await identityOf(path);
        const number = numbers.get(key) ?? numbers.size + 1;
        numbers.set(key, number);
        found.push(number);
    }
    return found;
}

async function identityOf(path: string): Promise<string> {
    try {
        const { dev, ino } = await stat(path, { bigint: true });
        // some file systems number nothing
        return ino === 0n ? path : `${dev} ${ino}`;
    } catch {
        return path;
    }
}
