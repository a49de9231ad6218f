import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundledTrioNames, parseTrio, resolveTrio } from "../../../src/models/trio.js";
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
        expect(trio.pairs).toEqual([{ expert: files.expert, antiexpert: files.antiexpert, lambda: 0.5 }]);
    });

    test("finds a bundled one by name", async () => {
        expect(await bundledTrioNames(files.folder)).toEqual(["trio"]);
        expect((await resolveTrio("trio", files.folder)).name).toBe("small");
    });

    test("an unknown name lists the known ones", async () => {
        await expect(resolveTrio("tiro", files.folder)).rejects.toMatchObject({
            code: "ERR_UNKNOWN_TRIO",
            message: 'There is no trio named "tiro"; known are trio. Did you mean trio?'
        });
        await expect(resolveTrio("x", `${files.folder}/none`)).rejects.toMatchObject({ code: "ERR_UNKNOWN_TRIO" });
    });

    test("files that are missing, folders, broken JSON", async () => {
        await expect(resolveTrio(files.path("no.json"))).rejects.toMatchObject({ code: "ERR_FILE_NOT_FOUND" });
        await expect(resolveTrio(`${files.folder}/`)).rejects.toMatchObject({ code: "ERR_IS_DIRECTORY" });
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
            { ...models, description: "d", promptTemplate: "<{prompt}>", addBos: false, stop: ["x"], sampling },
            file
        );
        expect(trio).toEqual({
            file,
            name: "t",
            description: "d",
            base: "/trios/b.gguf",
            pairs: [{ expert: "/trios/e.gguf", antiexpert: "/trios/a.gguf", lambda: 1 }],
            promptTemplate: "<{prompt}>",
            addBos: false,
            stop: ["x"],
            sampling
        });
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
});
