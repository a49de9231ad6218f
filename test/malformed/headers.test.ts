import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadRast, RastError, type LoadOptions } from "../../dist/index.js";
import { knownModels } from "../../dist/loading/known-models.js";
import { loadNative } from "../../dist/native/binding.js";
import { readdirSync } from "node:fs";
import { demo } from "../support/demo.js";
import { readGguf, scalar, setKey, types, writeGgufBytes, type Gguf, type Value } from "../support/header-edit.js";
import { writeTinyModel } from "../support/mutations.js";
import { root } from "../support/native.js";
import { tinyTrio } from "../support/test-models.js";

const folder = mkdtempSync(join(tmpdir(), "rast-headers-"));
beforeAll(() => void (process.env["RAST_CACHE"] = join(folder, "cache")));
afterAll(() => {
    delete process.env["RAST_CACHE"];
    rmSync(folder, { recursive: true, force: true });
});

const u32 = (value: number): Buffer => scalar(types.u32, value);
const f32 = (value: number): Buffer => scalar(types.f32, value);
const i32s = (...values: number[]): Value => ({ type: types.i32, items: values.map((one) => scalar(types.i32, one)) });
const set =
    (key: string, type: number, value: Value) =>
    (file: Gguf): void =>
        setKey(file, key, type, value);
const architecture =
    (name: string) =>
    (file: Gguf): void => {
        for (const entry of file.entries) entry.key = entry.key.replace(/^llama\./, `${name}.`);
        setKey(file, "general.architecture", types.string, Buffer.from(name));
    };

const path = join(folder, "changed.gguf");
function change(edit: (file: Gguf) => void): string {
    const file = readGguf(demo.base);
    edit(file);
    writeFileSync(path, writeGgufBytes(file));
    return path;
}

async function failure(options: LoadOptions): Promise<RastError | string> {
    try {
        const rast = await loadRast({ threads: 1, device: "cpu", contextSize: 128, ...options });
        await rast.complete({ tokens: [3, 4, 5], maxTokens: 2 });
        await rast.dispose();
        return "it loads and generates";
    } catch (error) {
        if (error instanceof RastError) return error;
        throw error;
    }
}

// Each of them ended the process before it was checked; the checks hold without a trial too.
const checked: [string, (file: Gguf) => void, RegExp][] = [
    ["a negative epsilon", set("llama.attention.layer_norm_rms_epsilon", types.f32, f32(-1)), /epsilon/],
    ["an epsilon that is no number", set("llama.attention.layer_norm_rms_epsilon", types.f32, f32(NaN)), /epsilon/],
    ["an infinite base of positions", set("llama.rope.freq_base", types.f32, f32(Infinity)), /freq_base/],
    ["experts of which none is used", set("llama.expert_count", types.u32, u32(8)), /0 of 8 experts/],
    ["2^31 experts", set("llama.expert_count", types.u32, u32(2 ** 31)), /too many experts/],
    ["an expert in use of none", set("llama.expert_used_count", types.u32, u32(1)), /1 of 0 experts/],
    ["experts in use by layer", set("llama.expert_used_count", types.array, i32s(0, 0, 0, 2)), /2 of 0 experts/],
    [
        "more experts in use than there are",
        (file) => {
            setKey(file, "llama.expert_count", types.u32, u32(8));
            setKey(file, "llama.expert_used_count", types.u32, u32(9));
        },
        /9 of 8 experts/
    ],
    ["groups of no experts", set("llama.expert_group_count", types.u32, u32(3)), /3 groups/],
    ["more layers that predict than layers", set("llama.nextn_predict_layers", types.u32, u32(5)), /nextn/],
    [
        "as many layers that predict as layers",
        set("llama.nextn_predict_layers", types.u32, u32(4)),
        /of 4 layers .*nextn/
    ],
    ["an unknown scaling", set("llama.rope.scaling.type", types.string, Buffer.from("junk")), /"junk"/],
    ["an alignment of 8", set("general.alignment", types.u32, u32(8)), /alignment/],
    ["heads that do not divide", set("llama.attention.head_count_kv", types.array, i32s(4, 4, 4, 3)), /layer 3/],
    ["the architecture dream", architecture("dream"), /not a model that generates text/],
    ["the architecture llada", architecture("llada"), /not a model that generates text/],
    ["the architecture bert", architecture("bert"), /not a model that generates text/],
    ["the architecture t5", architecture("t5"), /not a model that generates text/],
    ["attention to what comes", set("llama.attention.causal", types.bool, scalar(types.bool, 0)), /not a model/],
    [
        "tokens that are all the same",
        (file) => {
            const { value } = file.entries.find(({ key }) => key === "tokenizer.ggml.tokens")!;
            if (!Buffer.isBuffer(value)) value.items.fill(Buffer.from("a"));
        },
        /token 1 has the text of another/
    ]
];

describe("headers that llama.cpp does not survive", () => {
    it.each(checked)("with %s are refused", async (_, edit, message) => {
        const error = await failure({ base: change(edit), tryModels: false });
        expect(error).toMatchObject({ code: "ERR_MODEL_INVALID", details: { role: "base" } });
        expect((error as RastError).message).toMatch(message);
    });

    // No check knows this one.
    const unknown: [string, (file: Gguf) => void][] = [
        ["a layer without heads of K and V", set("llama.attention.head_count_kv", types.array, i32s(4, 0, 4, 4))]
    ];

    it.each(unknown)("with %s are tried in a child process, once", async (_, edit) => {
        const base = change(edit);
        const first = await failure({ base, tryModels: true });
        expect(first).toMatchObject({ code: "ERR_MODEL_INVALID", details: { role: "base", path: base } });
        expect((first as RastError).message).toMatch(/a process that tried it ended \((SIG\w+|exit code .*)\)/);
        expect((first as RastError).details["words"]).toMatch(/GGML_ASSERT|llama/);
        const again = await failure({ base, tryModels: true });
        expect((again as RastError).message).toBe((first as RastError).message);
    });
});

// Those that make other texts are refused: common-vocabulary.test.ts.
describe("a pair with a merge that no text of the vocabulary is made by", () => {
    it("is taken", async () => {
        const base = join(folder, "merges.gguf");
        const other = join(folder, "other-merges.gguf");
        writeTinyModel(base, "qwen2");
        const file = readGguf(base);
        const { value } = file.entries.find(({ key }) => key === "tokenizer.ggml.merges")!;
        if (!Buffer.isBuffer(value)) value.items[1] = Buffer.from("c e");
        writeFileSync(other, writeGgufBytes(file));
        for (const roles of [
            { expert: other, antiexpert: base },
            { expert: base, antiexpert: other },
            { expert: base, antiexpert: base }
        ]) {
            expect(await failure({ base, ...roles, tryModels: false })).toMatch(/it loads/);
        }
    });
});

describe("the trial", () => {
    it("lets good models through, remembers them, and is not made for the package's own", async () => {
        const trio = await tinyTrio();
        const { info, ...rast } = await loadRast({ ...trio, threads: 1, tryModels: true }).then((one) => {
            return { info: one.info, dispose: () => one.dispose() };
        });
        await rast.dispose();
        expect(info.notes.filter((note) => note.includes("tried"))).toEqual([]);
        const { addon } = await loadNative();
        const remembered = readdirSync(join(folder, "cache", "trials")).length;
        expect(remembered).toBeGreaterThanOrEqual(3);
        const models = join(root, "models", "demo");
        for (const name of readdirSync(models).filter((one) => one.endsWith(".gguf"))) {
            const { fingerprint } = await addon.inspectModel(join(models, name));
            expect([name, knownModels.has(fingerprint)]).toEqual([name, true]);
        }
        await (await loadRast({ trio: "demo", threads: 1, tryModels: true })).dispose();
        expect(readdirSync(join(folder, "cache", "trials"))).toHaveLength(remembered);
    });

    it("ends with the load's signal", async () => {
        const base = change((file) => setKey(file, "general.name", types.string, Buffer.from("another")));
        const signal = AbortSignal.timeout(50);
        expect(await failure({ base, tryModels: true, signal })).toMatchObject({ code: "ERR_LOAD_ABORTED" });
    });
});
