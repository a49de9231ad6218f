import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
    knownShapes,
    parameterCounts,
    successors,
    writeShapedTrio,
    type ModelShape,
    type ShapedTrioOptions
} from "../../../src/gguf/shaped-trio.js";

const folder = mkdtempSync(join(tmpdir(), "rast-shapes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("known shapes", () => {
    // as their model cards and safetensors headers have them, embeddings that serve as output layer counted once
    it.each([
        ["llama3.2-1b", 1_235_814_400],
        ["llama3.1-8b", 8_030_261_248],
        ["qwen2.5-0.5b", 494_032_768],
        ["qwen2.5-1.5b", 1_543_714_304],
        ["qwen2.5-7b", 7_615_616_512],
        ["qwen2.5-14b", 14_770_033_664],
        ["qwen2.5-32b", 32_763_876_352]
    ] as const)("%s has the published %d parameters", (name, published) => {
        const shape: ModelShape = knownShapes[name];
        const { width, layers, heads, kvHeads } = shape;
        const biases = name.startsWith("qwen2.5") ? layers * (width + 2 * (width / heads) * kvHeads) : 0;
        expect(parameterCounts(shape).real + biases).toBe(published);
        expect(biases / published).toBeLessThan(0.001);
    });

    it("are as large as their names say", () => {
        for (const [name, shape] of Object.entries(knownShapes)) {
            const billions = Number(/([\d.]+)b$/.exec(name)![1]);
            expect(parameterCounts(shape).real / 1e9 / billions, name).toBeGreaterThan(0.85);
            expect(parameterCounts(shape).real / 1e9 / billions, name).toBeLessThan(1.25);
        }
    });

    it("have whole heads, and blocks of 32 in every row", () => {
        for (const [name, shape] of Object.entries(knownShapes)) {
            const { width, heads, kvHeads, hidden } = shape;
            expect(width % heads, name).toBe(0);
            expect(heads % kvHeads, name).toBe(0);
            expect([width % 32, hidden % 32, (width / heads) % 32], name).toEqual([0, 0, 0]);
        }
    });
});

describe("successors", () => {
    it("are one cycle through all tokens", () => {
        const next = successors(500, () => false);
        const seen = new Set<number>();
        for (let id = 0; !seen.has(id); id = next[id]!) seen.add(id);
        expect(seen.size).toBe(500);
    });

    it("differ exactly where they are to, and stay a permutation", () => {
        const plain = successors(500, () => false);
        const other = successors(500, (id) => id % 3 === 0);
        expect(new Set(other).size).toBe(500);
        for (let id = 0; id < 500; ++id) expect(other[id] !== plain[id]).toBe(id % 3 === 0);
    });
});

describe("a shaped trio", () => {
    const shape: ModelShape = { width: 64, layers: 1, heads: 2, kvHeads: 1, hidden: 96, vocabulary: 400 };
    const options: ShapedTrioOptions = { base: shape, small: shape, type: "q8_0", agreement: 0.5, certainty: 16 };
    const names = async (change: Partial<ShapedTrioOptions> = {}): Promise<string[]> =>
        Object.values(await writeShapedTrio(folder, { ...options, ...change })).map((path) => basename(path));

    it("is written once", async () => {
        const paths = await writeShapedTrio(folder, options);
        const times = (): number[] => Object.values(paths).map((path) => statSync(path).mtimeMs);
        const before = times();
        const progress: string[] = [];
        await writeShapedTrio(folder, options, ({ file }) => progress.push(file));
        expect(times()).toEqual(before);
        expect(progress).toEqual([]);
        expect(readdirSync(folder).filter((name) => !name.endsWith(".gguf"))).toEqual([]);
    });

    it("has names that hold all that decides what is in a file", async () => {
        const first = await names();
        expect(first[0]).toBe("base-w64-l1-h2-kv1-f96-v400-t399-c16-q8_0.gguf");
        expect(first[1]).toBe("expert-w64-l1-h2-kv1-f96-v400-t399-c16-a0.5-q8_0.gguf");
        expect(new Set(first).size).toBe(3);
        const changes: Partial<ShapedTrioOptions>[] = [
            { type: "q4_0" },
            { certainty: 12 },
            ...(["width", "heads", "kvHeads", "hidden", "layers"] as const).map((key) => {
                const other = { ...shape, [key]: { width: 128, heads: 1, kvHeads: 2, hidden: 64, layers: 2 }[key] };
                return { base: other, small: other };
            })
        ];
        for (const change of changes) {
            const others = await names(change);
            others.forEach((name, index) => expect(name, JSON.stringify(change)).not.toBe(first[index]));
        }
    });

    it("shares its base among agreements and small types", async () => {
        const [base, expert] = await names();
        const [sameBase, otherExpert] = await names({ agreement: 1 });
        expect([sameBase, otherExpert === expert]).toEqual([base, false]);
        const [again, small] = await names({ smallType: "q4_0" });
        expect([again, small]).toEqual([base, "expert-w64-l1-h2-kv1-f96-v400-t399-c16-a0.5-q4_0.gguf"]);
    });

    it("tells how far it is", async () => {
        const seen: number[] = [];
        const steps = new Set<string>();
        await writeShapedTrio(folder, { ...options, certainty: 20 }, ({ file, step, fraction }) => {
            steps.add(`${basename(file).split("-")[0]} ${step}`);
            seen.push(fraction!);
        });
        expect([...steps]).toEqual(["base write", "expert write", "antiexpert write"]);
        expect(seen.filter((fraction) => fraction === 1)).toHaveLength(3);
        expect(Math.min(...seen)).toBeGreaterThan(0);
    });

    it("is refused when its models are of two families", async () => {
        const wide = { ...shape, vocabulary: 401 };
        await expect(writeShapedTrio(folder, { ...options, base: wide })).rejects.toMatchObject({
            code: "ERR_INVALID_OPTION"
        });
    });
});
