import { copyFile, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../../src/package-root.js";
import { bundledTrioFolder, parseTrio, resolveTrio, trioNames } from "../../../src/trio/trio.js";
import { makeModelFiles, type ModelFiles } from "../../support/model-files.js";

let files: ModelFiles;

beforeAll(async () => {
    files = await makeModelFiles({ name: "small", lambda: 0.5 });
});

afterAll(() => files.remove());

const models = { base: "b.gguf", expert: "e.gguf", antiexpert: "a.gguf" };
const pair = { expert: "e.gguf", antiexpert: "a.gguf" };
const file = "/trios/t.json";

describe("resolveTrio", () => {
    test("reads a file, its paths relative to it", async () => {
        const trio = await resolveTrio(files.trio);
        expect(trio).toMatchObject({ name: "small", base: files.base, file: files.trio, sampling: {}, stop: [] });
        expect(trio.pairs).toMatchObject([{ expert: files.expert, antiexpert: files.antiexpert, lambda: 0.5 }]);
    });

    test("finds a bundled one by name", async () => {
        expect(await trioNames([files.folder])).toEqual(["trio"]);
        expect((await resolveTrio("trio", [files.folder])).name).toBe("small");
    });

    test("in several folders, the first that has the name", async () => {
        expect((await resolveTrio("trio", [`${files.folder}/none`, files.folder])).file).toBe(files.trio);
        const other = await mkdtemp(join(tmpdir(), "rast-trios-"));
        for (const name of ["trio", "another"]) await copyFile(files.trio, join(other, `${name}.json`));
        expect(await trioNames([files.folder, other])).toEqual(["another", "trio"]);
        // its models are not there: that file was read
        await expect(resolveTrio("trio", [other, files.folder])).rejects.toMatchObject({
            code: "ERR_FILE_NOT_FOUND",
            details: { trio: join(other, "trio.json") }
        });
        await rm(other, { recursive: true });
    });

    test("a folder stands for its trio file", async () => {
        const other = await makeModelFiles();
        const found = async (): Promise<string> => (await resolveTrio(other.folder)).file;
        try {
            await other.write("config.json", '{"architectures": []}');
            await other.write("broken.json", "{");
            expect(await found()).toBe(other.trio);
            await rename(other.trio, other.path("mine.json"));
            expect(await found()).toBe(other.path("mine.json"));
            await copyFile(other.path("mine.json"), other.path("second.json"));
            await expect(found()).rejects.toMatchObject({
                code: "ERR_TRIO_FILE",
                message: expect.stringContaining("has several trio files, mine.json, second.json: name one")
            });
            await copyFile(other.path("mine.json"), other.path("trio.json"));
            expect(await found()).toBe(other.trio);
            for (const name of ["mine", "second", "trio"]) await rm(other.path(`${name}.json`));
            await expect(found()).rejects.toMatchObject({
                code: "ERR_TRIO_FILE",
                message: expect.stringContaining("has no trio file")
            });
            await other.write("half.json", '{"base": "b.gguf",}');
            await expect(found()).rejects.toMatchObject({
                code: "ERR_TRIO_FILE",
                message: expect.stringContaining('with a key "base"; broken.json, half.json are not valid JSON.')
            });
        } finally {
            await other.remove();
        }
    });

    test("a name that is known comes before a folder, a folder before an error", async () => {
        const here = process.cwd();
        process.chdir(dirname(files.folder));
        try {
            expect((await resolveTrio(basename(files.folder), [])).file).toBe(files.trio);
            await expect(resolveTrio("", [])).rejects.toMatchObject({ code: "ERR_UNKNOWN_TRIO" });
        } finally {
            process.chdir(here);
        }
    });

    test("an unknown name lists the known ones", async () => {
        await expect(resolveTrio("tiro", [files.folder])).rejects.toMatchObject({
            code: "ERR_UNKNOWN_TRIO",
            message: 'There is no trio named "tiro"; known are trio. Did you mean trio?'
        });
        await expect(resolveTrio("x", [`${files.folder}/none`])).rejects.toMatchObject({ code: "ERR_UNKNOWN_TRIO" });
    });

    test("all known names are listed", async () => {
        const other = await makeModelFiles({ name: "small" });
        try {
            await other.write("another.json", "{}");
            await expect(resolveTrio("nothing-like-it", [other.folder])).rejects.toMatchObject({
                message: 'There is no trio named "nothing-like-it"; known are another, trio.'
            });
        } finally {
            await other.remove();
        }
    });

    test("those of the package lie in its folder", () => {
        expect(bundledTrioFolder()).toBe(join(packageRoot(), "models", "demo"));
    });

    test("files that are missing, folders, broken JSON", async () => {
        await expect(resolveTrio(files.path("no.json"))).rejects.toMatchObject({ code: "ERR_FILE_NOT_FOUND" });
        await expect(resolveTrio(`${files.folder}/none/`)).rejects.toMatchObject({ code: "ERR_FILE_NOT_FOUND" });
        const broken = await files.write("broken.json", "{ base:");
        await expect(resolveTrio(broken)).rejects.toMatchObject({ code: "ERR_TRIO_FILE", details: { trio: broken } });
        await expect(resolveTrio(await files.write("empty.json", ""))).rejects.toMatchObject({ code: "ERR_TRIO_FILE" });
    });

    test("a model that is missing is named with its key and the trio", async () => {
        const path = await files.write("lost.json", { base: "base.gguf", expert: "no.gguf", antiexpert: "no.gguf" });
        await expect(resolveTrio(path)).rejects.toMatchObject({
            code: "ERR_FILE_NOT_FOUND",
            message: `The file for key expert of trio ${path} does not exist: ${files.path("no.gguf")}`,
            details: { key: "expert", trio: path }
        });
    });
});

describe("parseTrio", () => {
    test("takes everything a trio file may say", () => {
        const sampling = { temperature: 0, topK: 5, topP: 1, minP: 0.1, maxTokens: 9 };
        const trio = parseTrio(
            {
                ...models,
                description: "d",
                promptTemplate: "<{prompt}>",
                addBos: false,
                stop: ["x"],
                sampling,
                thinking: false,
                maxThinkingTokens: 0,
                templateOptions: { reasoning_effort: "low" }
            },
            file
        );
        expect(trio).toEqual({
            file,
            name: "t",
            description: "d",
            base: "/trios/b.gguf",
            baseAdapters: [],
            pairs: [
                {
                    expert: "/trios/e.gguf",
                    expertAdapters: [],
                    antiexpert: "/trios/a.gguf",
                    antiexpertAdapters: [],
                    lambda: 1
                }
            ],
            promptTemplate: "<{prompt}>",
            addBos: false,
            thinking: false,
            maxThinkingTokens: 0,
            templateOptions: { reasoning_effort: "low" },
            stop: ["x"],
            sampling
        });
    });

    test("takes adapters on each role, their paths from its folder", () => {
        const expert = { model: "a.gguf", lora: ["one", { path: "/two.gguf", scale: 2 }], scale: 0.5 };
        const trio = parseTrio({ base: { model: "b.gguf", lora: "x" }, expert, antiexpert: { model: "a.gguf" } }, file);
        expect(trio.base).toBe("/trios/b.gguf");
        expect(trio.baseAdapters).toEqual([{ path: "/trios/x", scale: 1 }]);
        expect(trio.pairs).toEqual([
            {
                expert: "/trios/a.gguf",
                expertAdapters: [
                    { path: "/trios/one", scale: 0.5 },
                    { path: "/two.gguf", scale: 2 }
                ],
                antiexpert: "/trios/a.gguf",
                antiexpertAdapters: [],
                lambda: 1
            }
        ]);
    });

    test.each<[unknown, string]>([
        [{ base: {} }, "base.model"],
        [{ base: { model: 5 } }, "base.model"],
        [{ base: { path: "b" } }, "base.path"],
        [{ base: { model: "b", lora: 5 } }, "base.lora"],
        [{ base: { model: "b", lora: "" } }, "base.lora"],
        [{ base: { model: "b", lora: "l", scale: 101 } }, "base.lora"],
        [{ base: { model: "b", scale: 1 } }, "base.lora"],
        [{ base: { model: "b", lora: [{ scale: 1 }] } }, "base.lora"]
    ])("names the key of a wrong adapter: %j", (content, key) => {
        const parse = (): unknown => parseTrio({ expert: "e", antiexpert: "a", ...(content as object) }, file);
        expect(parse).toThrow(expect.objectContaining({ code: "ERR_TRIO_FILE", details: { trio: file, key } }));
    });

    test("takes several pairs, each with its lambda or the trio's", () => {
        const trio = parseTrio({ base: "b", lambda: 0.5, pairs: [pair, { ...pair, lambda: 2 }] }, file);
        expect(trio.pairs.map(({ lambda }) => lambda)).toEqual([0.5, 2]);
    });

    test.each<[unknown, string]>([
        [null, ""],
        [[], ""],
        ["x", ""],
        [{ expert: "e", antiexpert: "a" }, "base"],
        [{ base: "b", expert: "e" }, "antiexpert"],
        [{ ...models, base: 5 }, "base"],
        [{ ...models, base: "" }, "base"],
        [{ ...models, name: 5 }, "name"],
        [{ ...models, lamda: 1 }, "lamda"],
        [{ ...models, lambda: "1" }, "lambda"],
        [{ ...models, lambda: 11 }, "lambda"],
        [{ ...models, promptTemplate: "no place" }, "promptTemplate"],
        [{ ...models, addBos: "yes" }, "addBos"],
        [{ ...models, thinking: "on" }, "thinking"],
        [{ ...models, maxThinkingTokens: -1 }, "maxThinkingTokens"],
        [{ ...models, maxThinkingTokens: "9" }, "maxThinkingTokens"],
        [{ ...models, templateOptions: [] }, "templateOptions"],
        [{ ...models, templateOptions: { messages: [] } }, "templateOptions"],
        [{ ...models, stop: "x" }, "stop"],
        [{ ...models, stop: [""] }, "stop[0]"],
        [{ ...models, sampling: [] }, "sampling"],
        [{ ...models, sampling: { temperature: -1 } }, "sampling.temperature"],
        [{ ...models, sampling: { temprature: 1 } }, "sampling.temprature"],
        [{ ...models, sampling: { maxTokens: 0 } }, "sampling.maxTokens"],
        [{ ...models, pairs: [pair] }, "expert"],
        [{ base: "b", pairs: [] }, "pairs"],
        [{ base: "b", pairs: [pair, pair, pair, pair] }, "pairs"],
        [{ base: "b", pairs: [5] }, "pairs[0]"],
        [{ base: "b", pairs: [{ ...pair, lambda: NaN }] }, "pairs[0].lambda"],
        [{ base: "b", pairs: [{ ...pair, weight: 1 }] }, "pairs[0].weight"]
    ])("refuses %j over key %s", (content, key) => {
        expect(() => parseTrio(content, file)).toThrow(
            expect.objectContaining({ code: "ERR_TRIO_FILE", details: { trio: file, key } })
        );
    });

    test("messages name file, key, and what is near", () => {
        expect(() => parseTrio({ ...models, lamda: 1 }, file)).toThrow(
            "Trio file /trios/t.json, key lamda: this key is not known. Did you mean lambda?"
        );
        expect(() => parseTrio({ ...models, lambda: 11 }, file)).toThrow(
            "Trio file /trios/t.json, key lambda: expected a number in [-10, 10] for lambda, received 11 (number)."
        );
    });

    test.each<[unknown, string]>([
        [5, ": expected an object, received 5 (number)"],
        [{ ...models, pairs: [pair] }, ", key expert: it cannot stand beside pairs"],
        [{ base: "b", antiexpert: "a", pairs: [pair] }, ", key antiexpert: it cannot stand beside pairs"],
        [{ base: "b", pairs: [] }, ", key pairs: expected an array of 1 to 3 pairs, received an array of 0"],
        [{ base: "b", pairs: "x" }, ', key pairs: expected an array of 1 to 3 pairs, received "x" (string)'],
        [{ base: "b", pairs: [pair, 5] }, ", key pairs[1]: expected an object"],
        [
            { base: "b", pairs: [pair, { ...pair, expert: 1 }] },
            ", key pairs[1].expert: expected a string for pairs[1].expert, received 1 (number)."
        ],
        [
            { base: "b", pairs: [{ expert: "e" }] },
            ", key pairs[0].antiexpert: expected a string for pairs[0].antiexpert, received undefined."
        ],
        [
            { base: "b", pairs: [{ ...pair, lamda: 1 }] },
            ", key pairs[0].lamda: this key is not known. Did you mean lambda?"
        ],
        [{ ...models, promptTemplate: "{promt}" }, ", key promptTemplate: it does not contain {prompt}"],
        [
            { ...models, stop: new Array<string>(17).fill("x") },
            ", key stop: expected an array of at most 16 strings, received an array of 17"
        ],
        [{ ...models, stop: ["x", 1] }, ", key stop[1]: expected a string for stop[1], received 1 (number)."],
        [{ ...models, sampling: 5 }, ", key sampling: expected an object, received 5 (number)"],
        [{ ...models, sampling: { topp: 1 } }, ", key sampling.topp: this key is not known. Did you mean topP?"],
        [
            { ...models, sampling: { topP: 0 } },
            ", key sampling.topP: expected a number in (0, 1] for sampling.topP, received 0 (number)."
        ]
    ])("the message over %j", (content, words) => {
        expect(() => parseTrio(content, file)).toThrow(
            expect.objectContaining({ message: `Trio file /trios/t.json${words}` })
        );
    });

    test("bounds are met exactly", () => {
        const stop = new Array<string>(16).fill("x");
        expect(parseTrio({ ...models, stop, name: "n", description: "" }, file)).toMatchObject({
            stop,
            name: "n",
            description: ""
        });
        expect(parseTrio({ base: "b", pairs: [pair, pair, pair] }, file).pairs).toHaveLength(3);
        expect(parseTrio({ ...models, lambda: -10 }, file).pairs[0]!.lambda).toBe(-10);
        const least = parseTrio(models, file);
        expect(least).toMatchObject({ name: "t", description: "", stop: [], sampling: {} });
        expect([least.promptTemplate, least.addBos]).toEqual([undefined, undefined]);
    });

    test("long paths, keys and names are cut in messages", async () => {
        const long = `/${"d".repeat(300)}/t.json`;
        const short = `${long.slice(0, 98)}...${long.slice(-98)}`;
        const key = "k".repeat(5000);
        expect(() => parseTrio({ ...models, [key]: 1 }, long)).toThrow(
            expect.objectContaining({
                message: `Trio file ${short}, key ${"k".repeat(57)}...: this key is not known.`,
                details: { trio: long, key: `${"k".repeat(57)}...` }
            })
        );
        await expect(resolveTrio("n".repeat(5000), [files.folder])).rejects.toMatchObject({
            message: expect.stringContaining(`There is no trio named "${"n".repeat(57)}..."; known are `)
        });
        await expect(resolveTrio("x", [`${files.folder}/none`])).rejects.toMatchObject({
            message: 'There is no trio named "x"; none are bundled.',
            details: { trio: "x", known: [] }
        });
    });
});

describe("the file of a trio", () => {
    const content = { base: "base.gguf", expert: "expert.gguf", antiexpert: "antiexpert.gguf" };

    test("may begin with a byte order mark, and hold a mebibyte", async () => {
        const text = `\uFEFF${JSON.stringify(models)}`;
        const marked = await files.write("marked.json", text);
        await expect(resolveTrio(marked)).rejects.toMatchObject({
            code: "ERR_FILE_NOT_FOUND",
            details: { key: "base" }
        });
        const padded = (bytes: number): string => JSON.stringify(models).padEnd(bytes, " ");
        await expect(resolveTrio(await files.write("full.json", padded(1_048_576)))).rejects.toMatchObject({
            code: "ERR_FILE_NOT_FOUND"
        });
        const over = await files.write("over.json", padded(1_048_577));
        await expect(resolveTrio(over)).rejects.toMatchObject({
            code: "ERR_TRIO_FILE",
            message: `Trio file ${over}: it has 1048577 bytes; a trio file is small JSON`,
            details: { trio: over, key: "" }
        });
    });

    test("that is a model is said to be one, by its name and by its beginning", async () => {
        for (const name of [
            files.base,
            "small.gguf",
            await files.write("model.json", `GGUF${"x".repeat(2_000_000)}`)
        ]) {
            await expect(resolveTrio(name)).rejects.toMatchObject({
                code: "ERR_TRIO_FILE",
                message: expect.stringMatching(
                    /it is a model \(GGUF\); .*rast trio init BASE EXPERT ANTIEXPERT/
                ) as string
            });
        }
    });

    test("that is no JSON says so, with the parser's error as the cause", async () => {
        const path = await files.write("broken2.json", "{");
        await expect(resolveTrio(path)).rejects.toMatchObject({
            message: expect.stringMatching(/^Trio file .*broken2\.json: it is not JSON: ./),
            cause: expect.any(SyntaxError)
        });
    });

    test("that is missing or empty says what it was for, and has no cause of its own", async () => {
        const lost = files.path("lost-trio.json");
        await expect(resolveTrio(lost)).rejects.toMatchObject({
            message: `The file for the trio does not exist: ${lost}`,
            details: { trio: lost, path: lost }
        });
        const empty = await files.write("empty2.json", "");
        const error: unknown = await resolveTrio(empty).catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ message: `Trio file ${empty}: it is empty`, details: { trio: empty, key: "" } });
        expect(error).not.toHaveProperty("cause");
    });

    test("keeps a byte order mark that does not begin it", async () => {
        const path = await files.write("inside.json", `${JSON.stringify({ ...content, name: "a\uFEFFb" })}`);
        expect((await resolveTrio(path)).name).toBe("a\uFEFFb");
    });

    test("pairs' models are named by their place where there are several", async () => {
        const lost = { expert: "expert.gguf", antiexpert: "no.gguf" };
        const two = await files.write("two.json", { base: "base.gguf", pairs: [content, lost].map(pairOf) });
        await expect(resolveTrio(two)).rejects.toMatchObject({ details: { key: "pairs[1].antiexpert", trio: two } });
        const one = await files.write("one.json", { base: "base.gguf", pairs: [lost] });
        await expect(resolveTrio(one)).rejects.toMatchObject({ details: { key: "antiexpert", trio: one } });
    });

    test("a name with an extension or a folder is a path, whatever its case", async () => {
        for (const path of ["a/b", "x.JSON", "a\\b"]) {
            await expect(resolveTrio(path, [files.folder])).rejects.toMatchObject({ code: "ERR_FILE_NOT_FOUND" });
        }
    });

    test("names of bundled ones are sorted, and other files passed over", async () => {
        await files.write("b-trio.json", "{}");
        await files.write("note.txt", "");
        const names = await trioNames([files.folder]);
        expect(names).toEqual([...names].sort());
        expect(names).toContain("b-trio");
        expect(names).not.toContain("note");
        expect(names).not.toContain("note.txt");
    });
});

function pairOf({ expert, antiexpert }: { expert: string; antiexpert: string }): object {
    return { expert, antiexpert };
}
