import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import * as kinds from "./architectures.js";
import { demo } from "./demo.js";
import { nativeTest, root } from "./native.js";
import * as random from "./random-models.js";

/** Raise it when what is written changes: files are kept by recipe. */
const generatorVersion = 2;
const cache = join(root, "test", ".cache");

/** Keeps a file in test/.cache by its recipe. */
export const cached: random.Keep = async (name, recipe, write) => {
    const hash = createHash("sha256")
        .update(JSON.stringify([generatorVersion, recipe]))
        .digest("hex")
        .slice(0, 12);
    const path = join(cache, `${name}-${hash}.gguf`);
    if (!existsSync(path)) {
        mkdirSync(cache, { recursive: true });
        const temporary = `${path}.${process.pid}`;
        await write(temporary);
        renameSync(temporary, path);
    }
    return path;
};

/** See `random-models.ts`. */
export const tinyTrio = (options: random.TinyOptions = {}): Promise<random.Trio> => random.tinyTrio(cached, options);
export const shapedTrio = (widths: random.ShapedWidths): Promise<random.Trio> => random.shapedTrio(cached, widths);
export const recurrentModel = (seed: number): Promise<string> => random.recurrentModel(cached, seed);

/** See `architectures.ts`. */
export const tinyTrioOf = (
    base: kinds.Architecture,
    pair?: kinds.Architecture,
    contextLength?: number
): Promise<random.Trio> => kinds.tinyTrioOf(cached, base, pair, contextLength);

/** The demo models in F32: without quantized activations, and without flash attention, batches differ by rounding alone. */
export async function wideDemo(): Promise<typeof demo> {
    const files = await Promise.all(
        Object.entries(demo).map(async ([role, from]) => {
            const hash = createHash("sha256").update(readFileSync(from)).digest("hex");
            return [
                role,
                await cached(`wide-${role}`, hash, async (to) => void (await nativeTest("widen", { from, to })))
            ];
        })
    );
    return Object.fromEntries(files) as typeof demo;
}
