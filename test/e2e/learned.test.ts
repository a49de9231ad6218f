// What an engine learned of drafts, over two loads: dist/, with real models.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadRast, type LoadOptions, type Rast } from "../../dist/index.js";

let folder: string;
const costs = (): string => join(folder, "costs");
const prompts = ["Q: 6+34+63+39?\n", "Q: 1+2+3+4?\n", "Q: 91+5+17+70?\n"];

beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "rast-learned-"));
    process.env["RAST_CACHE"] = folder;
});

afterEach(async () => {
    process.env["RAST_CACHE"] = "off";
    await rm(folder, { recursive: true, force: true });
});

async function withEngine<T>(options: Partial<LoadOptions>, use: (rast: Rast) => Promise<T>): Promise<T> {
    const rast = await loadRast({ trio: "demo-strong", contextSize: 256, threads: 1, gpuLayers: 0, ...options });
    try {
        return await use(rast);
    } finally {
        await rast.dispose();
    }
}

const texts = async (rast: Rast): Promise<string[]> => {
    const out: string[] = [];
    for (const [index, prompt] of prompts.entries()) {
        const settings = { seed: index, temperature: index === 0 ? 0 : 1, topP: 0.95, maxTokens: 48 };
        out.push((await rast.complete({ prompt, ...settings })).text);
    }
    return out;
};
const costsOf = async (rast: Rast): Promise<unknown> => rast.info.draftCosts;

it("a second load measures nothing, and the text is the same whatever was learned", async () => {
    const plain = await withEngine({ speculation: "off" }, async (rast) => {
        expect(rast.info.draftCosts).toBeNull();
        return texts(rast);
    });
    await withEngine({}, async (rast) => {
        expect(rast.info.draftCosts).toBe("measured");
        expect(await texts(rast)).toEqual(plain);
    });
    const [name] = await readdir(costs());
    const path = join(costs(), name!);
    const kept = JSON.parse(await readFile(path, "utf8")) as { version: number; learned: number[] };
    await withEngine({}, async (rast) => {
        expect(rast.info.draftCosts).toBe("remembered");
        expect(await texts(rast)).toEqual(plain);
    });
    // costs by which every round drafts as much as it may, or hardly one does
    for (const ms of [1, 86_000_000]) {
        const learned = [...kept.learned.slice(0, 8)];
        const rows = kept.learned[1]!;
        for (let table = 0; table < 2; ++table) {
            learned.push(9);
            for (let model = 0; model < 2; ++model) {
                for (let row = 1; row <= rows; ++row) learned.push(row === 1 || model === 0 ? 1 : ms, 9);
            }
        }
        expect(learned).toHaveLength(kept.learned.length);
        await writeFile(path, JSON.stringify({ version: 1, learned }));
        await withEngine({}, async (rast) => {
            expect(rast.info.draftCosts).toBe("remembered");
            expect(await texts(rast)).toEqual(plain);
        });
    }
});

it("is learned once for the same settings alone, and by engines in processes of their own", async () => {
    const isolated = { isolate: true };
    expect(await withEngine(isolated, costsOf)).toBe("measured");
    expect(await withEngine(isolated, costsOf)).toBe("remembered");
    expect(await withEngine({}, costsOf)).toBe("remembered");
    for (const other of [{ parallel: 2 }, { kvType: "f32" }, { trio: "demo" }, { batchSize: 64 }] as const) {
        expect(await withEngine(other, costsOf), JSON.stringify(other)).toBe("measured");
    }
    expect(await readdir(costs())).toHaveLength(5);
});

it("is left alone where it is not wanted, and measured again where the file is damaged", async () => {
    expect(await withEngine({ learned: false }, costsOf)).toBe("measured");
    process.env["RAST_CACHE"] = "off";
    expect(await withEngine({}, costsOf)).toBe("measured");
    process.env["RAST_CACHE"] = folder;
    expect(await readdir(folder)).toHaveLength(0);

    await withEngine({}, costsOf);
    const path = join(costs(), (await readdir(costs()))[0]!);
    const whole = await readFile(path, "utf8");
    const { learned } = JSON.parse(whole) as { learned: number[] };
    const damaged = [
        whole.slice(0, whole.length / 2),
        JSON.stringify({ version: 1, learned: learned.slice(1) }),
        JSON.stringify({ version: 1, learned: [...learned, 1] }),
        JSON.stringify({ version: 1, learned: learned.map(() => -1) }),
        JSON.stringify({ version: 1, learned: learned.map(() => 0) }),
        JSON.stringify({ version: 1, learned: learned.map((value, index) => (index === 2 ? 1.5 : value)) })
    ];
    for (const content of damaged) {
        await writeFile(path, content);
        expect(await withEngine({}, costsOf), content.slice(0, 60)).toBe("measured");
        expect((JSON.parse(await readFile(path, "utf8")) as { learned: number[] }).learned).toHaveLength(
            learned.length
        );
    }
});
