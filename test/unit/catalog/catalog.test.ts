import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { bundledCatalogFile, readCatalog, roles, trioOf } from "../../../src/catalog/catalog.js";
import { fileSizeOf, tensorBytes } from "../../../src/catalog/model-size.js";
import { parseCatalog } from "../../../src/catalog/parse-catalog.js";
import { parseTrio, trioNames, bundledTrioFolder } from "../../../src/trio/trio.js";
import { planModel } from "../../../src/pulling/model-plan.js";

const content = JSON.parse(readFileSync(bundledCatalogFile(), "utf8")) as {
    models: Record<string, Record<string, unknown>>;
    trios: Record<string, Record<string, unknown>>;
};
const catalog = parseCatalog(content, "catalog.json");

describe("the catalog of the package", () => {
    test("fits its schema", () => {
        const schema = JSON.parse(
            readFileSync(new URL("../../../models/catalog.schema.json", import.meta.url), "utf8")
        ) as object;
        const validate = new Ajv({ allErrors: true, strict: false }).compile(schema);
        validate(content);
        expect(validate.errors).toBeNull();
    });

    test("has the paper's trios, and the demo's", async () => {
        for (const [base, pair] of [
            ["7b", "1.5b"],
            ["14b", "1.5b"],
            ["14b", "7b"],
            ["32b", "1.5b"],
            ["32b", "7b"],
            ["32b", "14b"]
        ]) {
            const { expert } = trioOf(catalog, `qwen2.5-${base}-simplerl-${pair}`);
            expect(catalog.models.get(expert)!.source.kind).toBe("graft");
        }
        for (const name of await trioNames([bundledTrioFolder()])) expect(catalog.trios.has(name)).toBe(true);
    });

    test("says of every trio what is known and what is not, and has settings that a trio file may have", () => {
        for (const { name, verified, notSaid, settings } of catalog.trios.values()) {
            expect(verified.length, name).toBeGreaterThan(0);
            if (!name.startsWith("demo")) expect(notSaid.length, name).toBeGreaterThan(0);
            const models = { base: "b.gguf", expert: "e.gguf", antiexpert: "a.gguf" };
            expect(() => parseTrio({ ...models, ...settings }, "/trio.json"), name).not.toThrow();
        }
    });

    test("has expert and antiexpert of one shape but for the output layer, and default files for every role", () => {
        for (const trio of catalog.trios.values()) {
            const [expert, antiexpert] = [trio.expert, trio.antiexpert].map((name) => catalog.models.get(name)!.shape);
            const comparable = (shape: object): object => ({ ...shape, tied: false, context: 0 });
            expect(comparable(expert!), trio.name).toEqual(comparable(antiexpert!));
            for (const role of roles) {
                const quantization = role === "base" ? trio.defaults.base : trio.defaults.pair;
                expect(() => planModel(catalog, trio[role], quantization, "/models", "quantization")).not.toThrow();
            }
        }
    });

    test("counts parameters as their makers do", () => {
        const counts = Object.fromEntries([...catalog.models].map(([name, { parameters }]) => [name, parameters]));
        expect(counts).toMatchObject({
            "qwen2.5-1.5b": 1_543_714_304,
            "qwen2.5-32b": 32_763_876_352,
            "llama-3.1-70b": 70_553_706_496,
            "r1-distill-qwen-1.5b": 1_777_088_000
        });
        for (const { name, parameters, shape } of catalog.models.values()) {
            if (parameters !== undefined) expect(tensorBytes(shape, "F32")! / 4, name).toBe(parameters);
        }
    });
});

test("sizes are computed as llama.cpp quantizes: within 0.1% of what public texts state", () => {
    let compared = 0;
    for (const model of catalog.models.values()) {
        if (model.source.kind !== "files") continue;
        for (const { bytes } of model.source.repositories) {
            for (const [quantization, stated] of bytes) {
                const unstated = { ...model, source: { kind: "bundled", file: "x" } as const };
                const computed = fileSizeOf(unstated, quantization)!;
                expect(computed.by).toBe("computed");
                expect(Math.abs(computed.bytes / stated - 1), `${model.name} ${quantization}`).toBeLessThan(0.001);
                compared++;
            }
        }
    }
    expect(compared).toBeGreaterThanOrEqual(6);
    const llama = catalog.models.get("llama-3.1-70b")!;
    expect(Math.abs(fileSizeOf(llama, "Q4_K_M")!.bytes / 42_520_398_432 - 1)).toBeLessThan(0.001);
    expect(fileSizeOf(llama, "IQ7_Z")).toBeUndefined();
});

const shape = { layers: 1, width: 8, heads: 1, kvHeads: 1, headSize: 8, hidden: 8, vocabulary: 8, context: 8 };
const gguf = [{ repository: "hf:a/b", file: "m.{quantization}.gguf", quantizations: ["Q8_0"] }];
const model = { repository: "a/b", license: "MIT", architecture: "llama", shape, gguf };
const trio = { description: "x", base: "m", expert: "m", antiexpert: "m", verified: [], notSaid: [] };
const small = { format: "rast-catalog/1", models: { m: model }, trios: { t: trio } };

test.each([
    ["no object", [], "expected an object, received an array of 0"],
    ["another format", { ...small, format: "x" }, 'format: expected "rast-catalog/1"'],
    ["an unknown key", { ...small, extra: 1 }, "unknown option extra"],
    ["a wrong name", { ...small, models: { "A B": model } }, 'the name "A B" has other than small letters'],
    [
        "a missing number",
        { ...small, models: { m: { ...model, shape: { ...shape, layers: 0 } } } },
        "models.m.shape.layers: expected an integer in [1, 1000000000], received 0"
    ],
    [
        "two sources",
        { ...small, models: { m: { ...model, bundled: "x" } } },
        "expected one of gguf, graft, lora, bundled, received gguf and bundled"
    ],
    ["no source", { ...small, models: { m: { ...model, gguf: undefined } } }, "received none"],
    [
        "a path that leaves",
        { ...small, models: { m: { ...model, gguf: [{ ...gguf[0], file: "../{quantization}" }] } } },
        "models.m.gguf[0].file: it leaves its folder"
    ],
    [
        "a file without its quantization",
        { ...small, models: { m: { ...model, gguf: [{ ...gguf[0], file: "x.gguf" }] } } },
        "it does not contain {quantization}"
    ],
    [
        "a source elsewhere",
        { ...small, models: { m: { ...model, gguf: [{ ...gguf[0], repository: "https://x" }] } } },
        "models.m.gguf[0].repository: expected hf:owner/repository"
    ],
    [
        "a size of nothing",
        { ...small, models: { m: { ...model, gguf: [{ ...gguf[0], bytes: { Q4_0: 5 } }] } } },
        '"Q4_0" is none of its quantizations'
    ],
    [
        "a graft of nothing",
        {
            ...small,
            models: { m: model, g: { ...model, gguf: undefined, graft: { template: "x", weights: "hf:a/b" } } }
        },
        'models.g.graft: there is no model "x"'
    ],
    [
        "a trio of nothing",
        { ...small, trios: { t: { ...trio, expert: "x" } } },
        'trios.t.expert: there is no model "x"'
    ],
    [
        "settings of its own",
        { ...small, trios: { t: { ...trio, settings: { base: "x" } } } },
        "trios.t.settings.base: it stands in the entry itself"
    ],
    [
        "a text that is none",
        { ...small, trios: { t: { ...trio, verified: [5] } } },
        "trios.t.verified[0]: expected a string, received 5"
    ]
])("a catalog with %s is refused by place", (_, wrong, message) => {
    const plain = JSON.parse(JSON.stringify(wrong)) as unknown;
    expect(() => parseCatalog(plain, "/c.json")).toThrow(message);
    try {
        parseCatalog(plain, "/c.json");
    } catch (error) {
        expect(error).toMatchObject({ code: "ERR_CATALOG", details: { catalog: "/c.json" } });
    }
});

test("files that are no catalog", async () => {
    const folder = await mkdtemp(join(tmpdir(), "rast-catalog-"));
    const file = join(folder, "c.json");
    await writeFile(file, "{");
    await expect(readCatalog(file)).rejects.toMatchObject({ code: "ERR_CATALOG" });
    await expect(readCatalog(join(folder, "none.json"))).rejects.toMatchObject({ code: "ERR_FILE_NOT_FOUND" });
    await expect(readCatalog(folder)).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
    await writeFile(file, JSON.stringify(small));
    expect((await readCatalog(file)).trios.size).toBe(1);
    expect(() => trioOf(catalog, "qwen2.5-32b-simplerl-14")).toThrow("Did you mean qwen2.5-32b-simplerl-14b?");
    await rm(folder, { recursive: true });
});
