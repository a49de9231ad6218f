// One file in several roles is loaded once, and gives the texts of copies of it.
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadRast, type LoadOptions, type LoadProgress } from "../../src/index.js";
import { demo, prompt } from "../support/demo.js";

let folder: string;
beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rast-one-file-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function copyOf(file: string, name: string): Promise<string> {
    const copy = join(folder, `${name}.gguf`);
    await copyFile(file, copy);
    return copy;
}

async function answers(options: LoadOptions): Promise<{ texts: number[][]; progress: LoadProgress[] }> {
    const progress: LoadProgress[] = [];
    const onProgress = (report: LoadProgress): void => void progress.push(report);
    const rast = await loadRast({ ...options, threads: 1, speculation: "off", tryModels: false, onProgress });
    try {
        const texts: number[][] = [];
        for (const mode of ["base", "expert", "rast"] as const) {
            const { tokens } = await rast.complete({ prompt, raw: true, mode, seed: 5, maxTokens: 40 });
            texts.push([...tokens]);
        }
        return { texts, progress };
    } finally {
        await rast.dispose();
    }
}

it("gives the same texts as copies, in every mode", async () => {
    const shared = await answers({ base: demo.expert, expert: demo.expert, antiexpert: demo.antiexpert });
    const apart = await answers({
        base: demo.expert,
        expert: await copyOf(demo.expert, "expert"),
        antiexpert: await copyOf(demo.antiexpert, "antiexpert")
    });
    expect(shared.texts).toEqual(apart.texts);
    // the two that differ from each other, or equal texts would say nothing
    expect(shared.texts[2]).not.toEqual(shared.texts[0]);
    for (const { progress } of [shared, apart]) {
        expect(new Set(progress.map(({ role }) => role))).toEqual(new Set(["base", "expert", "antiexpert"]));
        expect(progress.at(-1)!.overall).toBe(1);
    }
});

it("in all roles is the base alone, as the delta is nothing", async () => {
    const { texts } = await answers({ base: demo.base, expert: demo.base, antiexpert: demo.base });
    expect(texts[2]).toEqual(texts[0]);
    expect(texts[1]).toEqual(texts[0]);
});
