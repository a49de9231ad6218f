// A trio whose expert is a checkpoint: pulled from a hub, grafted, and asked.
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadRast, pullTrio, quantizeModel, type PullProgress } from "../../dist/index.js";
import { loadNative } from "../../dist/native/binding.js";
import { checkpointOf, writeCheckpoint } from "../support/checkpoints.js";
import { demo } from "../support/demo.js";
import { makePullingPlace, type PullingPlace } from "../support/pulling.js";

let folder: string;
let place: PullingPlace;
beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rast-pull-graft-"));
    const { addon } = await loadNative();
    const wide = join(folder, "wide.gguf");
    await quantizeModel({ input: demo.expert, output: wide, type: "F32" });
    const checkpoint = await checkpointOf(addon, wide, join(folder, "checkpoint"));
    writeCheckpoint(checkpoint, 3);
    const contents = { base: await readFile(demo.base), antiexpert: await readFile(demo.antiexpert) };
    place = await makePullingPlace(contents, { promptTemplate: "Q: {prompt}?\n", sampling: { maxTokens: 72 } });
    for (const name of await readdir(checkpoint.folder)) {
        const content = await readFile(join(checkpoint.folder, name));
        place.hub.add(`maker/checkpoint/${name}`, { content, small: name.endsWith(".json") });
    }
});
afterAll(async () => {
    await place.remove();
    await rm(folder, { recursive: true, force: true });
});

test("the graft says what the expert's own file says, and its checkpoint is gone", async () => {
    const steps: PullProgress[] = [];
    const options = { folder: place.folder, catalog: place.catalog, endpoint: place.hub.endpoint };
    const pulled = await pullTrio("grafted", { ...options, onProgress: (progress) => steps.push(progress) });
    expect(pulled.expert).toMatchObject({ by: "grafted", quantization: "Q8_0", source: "hf:maker/checkpoint" });
    expect(new Set(steps.map(({ state }) => state))).toEqual(new Set(["downloading", "checking", "grafting"]));
    const left = await readdir(join(place.folder, "maker", "checkpoint"));
    expect(left).toEqual(["checkpoint.Q8_0.gguf"]);
    const ask = async (trio: string): Promise<string> => {
        const rast = await loadRast({ trio, threads: 1, speculation: "off", contextSize: 256 });
        try {
            return (await rast.complete({ prompt: "6+34+63+39", seed: 3 })).text;
        } finally {
            await rast.dispose();
        }
    };
    expect(await ask(pulled.file)).toBe(await ask("demo"));
    place.hub.seen.length = 0;
    expect((await pullTrio("grafted", options)).expert.by).toBe("there");
    expect(place.hub.seen).toEqual([]);
});

test("a checkpoint that is to stay", async () => {
    const options = { folder: place.folder, catalog: place.catalog, endpoint: place.hub.endpoint };
    const { expert, notes } = await pullTrio("grafted", {
        ...options,
        pairQuantization: "Q8_0",
        keepCheckpoints: true
    });
    expect([expert.by, notes]).toEqual(["there", []]);
    await rm(expert.path);
    const again = await pullTrio("grafted", { ...options, keepCheckpoints: true });
    expect(again.expert.by).toBe("grafted");
    expect(existsSync(join(place.folder, "maker", "checkpoint", "model.safetensors.index.json"))).toBe(true);
});

test("a checkpoint that was there stays, and of two pulls at once none takes it from the other", async () => {
    const options = { folder: place.folder, catalog: place.catalog, endpoint: place.hub.endpoint };
    const folder = join(place.folder, "maker", "checkpoint");
    const graft = join(folder, "checkpoint.Q8_0.gguf");
    const kept = (await readdir(folder)).sort();
    await rm(graft);
    expect((await pullTrio("grafted", options)).expert.by).toBe("grafted");
    expect((await readdir(folder)).sort()).toEqual(kept);
    await rm(folder, { recursive: true });
    await Promise.all([pullTrio("grafted", options), pullTrio("grafted", options)]);
    expect(await readdir(folder)).toEqual(["checkpoint.Q8_0.gguf"]);
});
