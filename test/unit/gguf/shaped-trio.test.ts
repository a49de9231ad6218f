import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { writeShapedTrio, type ShapedTrioOptions } from "../../../src/gguf/shaped-trio.js";
import type { ModelShape } from "../../../src/gguf/shapes.js";

const folder = mkdtempSync(join(tmpdir(), "rast-shapes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

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
