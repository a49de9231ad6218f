// What is kept of the costs of drafts, and that nothing of it is trusted.
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LearnedCosts } from "../../../src/loading/learned-costs.js";
import { CacheFiles } from "../../../src/machine/cache-files.js";

let folder: string;

beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "rast-costs-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const costs = (key = "a"): LearnedCosts => new LearnedCosts(join(folder, "c"), key);
const numbers = Float64Array.of(1, 16, 0.123456789, 2.5);
const rounded = [1, 16, 0.123457, 2.5];
const onlyFile = async (): Promise<string> => join(folder, "c", (await readdir(join(folder, "c")))[0]!);

async function learn(learned: LearnedCosts, values: Float64Array = numbers): Promise<void> {
    learned.take(values);
    await learned.flush();
}

describe("what was learned", () => {
    test("is there for the same key alone", async () => {
        expect(await costs().recall()).toHaveLength(0);
        await learn(costs());
        expect([...(await costs().recall())]).toEqual(rounded);
        expect(await costs("b").recall()).toHaveLength(0);
        await learn(costs(), Float64Array.of(7));
        expect([...(await costs().recall())]).toEqual([7]);
        expect((await readdir(join(folder, "c"))).every((name) => /^[0-9a-f]{64}\.json$/.test(name))).toBe(true);
    });

    test("is written seldom, and nothing is lost at the end", async () => {
        const learned = costs();
        for (let i = 1; i <= 40; ++i) learned.take(Float64Array.of(i));
        await learned.flush();
        expect([...(await costs().recall())]).toEqual([40]);
        learned.take(new Float64Array());
        await rm(await onlyFile());
        await learned.flush();
        expect(await costs().recall()).toHaveLength(0);
    });

    test.each<[string, string | Uint8Array]>([
        ["nothing", ""],
        ["no JSON", "{"],
        ["a zero byte", new Uint8Array(4096)],
        ["null", "null"],
        ["a list", "[1, 2]"],
        ["another version", '{"version":2,"learned":[1]}'],
        ["no numbers", '{"version":1}'],
        ["texts", '{"version":1,"learned":["1"]}'],
        ["null for a number", '{"version":1,"learned":[1,null]}'],
        ["an infinity", '{"version":1,"learned":[1e999]}'],
        ["too many", JSON.stringify({ version: 1, learned: new Array(4097).fill(1) })],
        ["too much", JSON.stringify({ version: 1, learned: [1], more: "x".repeat(70_000) })]
    ])("is as good as none in a file of %s", async (_, content) => {
        await learn(costs());
        await writeFile(await onlyFile(), content);
        expect(await costs().recall()).toHaveLength(0);
        await learn(costs());
        expect([...(await costs().recall())]).toEqual(rounded);
    });

    test("is not missed where it cannot be written", async () => {
        await writeFile(join(folder, "c"), "a file where the folder would be");
        await learn(costs());
        expect(await costs().recall()).toHaveLength(0);
        await rm(join(folder, "c"));
        await mkdir(join(folder, "c"));
        await chmod(join(folder, "c"), 0o500); // means nothing to root
        await learn(costs());
        await chmod(join(folder, "c"), 0o700);
        const none = new LearnedCosts(undefined, "a");
        await learn(none);
        expect(await none.recall()).toHaveLength(0);
    });

    test("survives twenty writers at once, whoever is last", async () => {
        const values = Array.from({ length: 20 }, (_, writer) => new Float64Array(800).fill(writer + 0.5));
        const readers: Promise<void>[] = [];
        const read = async (): Promise<void> => {
            const found = await costs().recall();
            // nothing yet, or all of one writer
            if (found.length > 0) expect(new Set(found).size).toBe(1);
            expect([0, 800]).toContain(found.length);
        };
        await Promise.all(
            values.map(async (value) => {
                for (let i = 0; i < 10; ++i) {
                    await learn(costs(), value);
                    readers.push(read());
                }
            })
        );
        await Promise.all(readers);
        expect(await costs().recall()).toHaveLength(800);
        expect(await readdir(join(folder, "c"))).toHaveLength(1);
    });
});

test("of more than 256 files the oldest go, and what was left unfinished", async () => {
    const files = new CacheFiles(folder);
    await files.write("first", 1);
    const [first] = await readdir(folder);
    await writeFile(join(folder, `${first}.0`), "unfinished");
    await writeFile(join(folder, "not-mine.txt"), "");
    for (const name of await readdir(folder)) await utimes(join(folder, name), 1000, 1000);
    for (let i = 0; i < 256; ++i) await files.write(`key ${i}`, i);
    const left = await readdir(folder);
    expect(left).toHaveLength(257);
    expect(left).toContain("not-mine.txt");
    expect(await files.read("first")).toBeUndefined();
    expect(await files.read("key 255")).toBe(255);
    expect(await readFile(join(folder, "not-mine.txt"), "utf8")).toBe("");
});
