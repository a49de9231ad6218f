import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { checkQuantization, quantizeModel as quantize } from "../../dist/gguf/quantize.js";
import { writeShapedTrio } from "../../dist/gguf/shaped-trio.js";
import { writeGguf, type Metadata, type Tensor } from "../../dist/gguf/writer.js";
import type { ModelShape } from "../../dist/gguf/shapes.js";
import { loadRast, RastError } from "../../dist/index.js";
import { loadNative } from "../../dist/native/binding.js";
import { badFiles } from "../support/bad-files.js";
import { rast } from "../support/command-io.js";
import { demo } from "../support/demo.js";
import { heavy } from "../support/size.js";
import { root, run, type Finished } from "../support/native.js";

const folder = mkdtempSync(join(tmpdir(), "rast-quantize-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = (name: string): string => join(folder, name);

// wide enough for the K types' blocks of 256
const shape: ModelShape = { width: 256, layers: 2, heads: 4, kvHeads: 2, hidden: 512, vocabulary: 2048 };
const plain = { base: shape, small: shape, type: "q8_0", agreement: 1, certainty: 16 };
const { addon } = await loadNative();
const source = (await writeShapedTrio(folder, plain)).base;

const quantizeModel = async (input: string, output: string, type: string, threads: number): Promise<unknown> =>
    quantize({ input, output, type, threads });

async function failure(work: Promise<unknown>): Promise<RastError> {
    try {
        await work;
    } catch (error) {
        if (error instanceof RastError) return error;
        throw error;
    }
    throw new Error("it worked");
}

describe("quantizeModel", () => {
    const everyday = ["F32", "F16", "Q4_K_M", "Q2_K", "IQ4_NL"];
    const usable = addon
        .quantizations()
        .filter(({ name, needsImportanceMatrix }) => !needsImportanceMatrix && (heavy || everyday.includes(name)));

    it.each(usable)("makes $name, and the file says so", async ({ name }) => {
        const output = path(`${name}.gguf`);
        await quantizeModel(source, output, name.toLowerCase(), 2);
        const [before, after] = [await addon.inspectModel(source), await addon.inspectModel(output)];
        expect(after.quantization).toBe(name);
        expect(after.parameterCount).toBe(before.parameterCount);
        expect(after.vocabularySize).toBe(before.vocabularySize);
    });

    it("makes files of the sizes that their bits ask for", async () => {
        const size = (name: string): number => statSync(path(`${name}.gguf`)).size / statSync(source).size;
        expect(size("F32") / size("F16")).toBeGreaterThan(1.9);
        expect(size("Q4_K_M")).toBeLessThan(0.75);
        expect(size("Q2_K")).toBeLessThan(size("Q4_K_M"));
    });

    it("refuses names that it does not know, and those that need an importance matrix", async () => {
        const unknown = await failure(quantizeModel(source, path("x.gguf"), "q9_z", 1));
        expect(unknown.code).toBe("ERR_INVALID_OPTION");
        expect(unknown.message).toMatch(/^Expected one of f32, f16, .*q4_k_m.*; received "q9_z"/);
        const weighted = addon.quantizations().filter((one) => one.needsImportanceMatrix);
        expect(weighted.map(({ name }) => name)).toContain("IQ2_XS");
        for (const { name } of [...weighted, { name: "NVFP4" }]) {
            const error = await failure(quantizeModel(source, path("x.gguf"), name, 1));
            expect(error.code).toBe("ERR_INVALID_OPTION");
            expect(error.message).toMatch(/needs an importance matrix|received "NVFP4"/);
        }
        expect(existsSync(path("x.gguf"))).toBe(false);
    });

    it("refuses input that is no model, whatever is wrong with it", async () => {
        for (const bad of badFiles(path("bad"), demo.antiexpert)) {
            const error = await failure(quantizeModel(bad.path, path("x.gguf"), "q4_0", 1));
            expect([bad.name, error.code]).toEqual([bad.name, bad.code]);
        }
        expect(existsSync(path("x.gguf"))).toBe(false);
    });

    it("refuses output that cannot be written, and the input itself", async () => {
        const nowhere = await failure(quantizeModel(source, path("no/such/x.gguf"), "q4_0", 1));
        expect(nowhere.code).toBe("ERR_FILE_UNWRITABLE");
        expect(nowhere.message).toContain("no/such/x.gguf: its folder does not exist");
        expect((await failure(quantizeModel(source, folder, "q4_0", 1))).code).toBe("ERR_IS_DIRECTORY");
        const same = await failure(quantizeModel(source, join(folder, ".", basename(source)), "q4_0", 1));
        expect(same.code).toBe("ERR_INVALID_ARGUMENT");
        expect(same.message).toContain("same file");
        expect((await addon.inspectModel(source)).quantization).toBe("Q8_0");
    });

    it("keeps what was there when it fails, and leaves nothing else", async () => {
        const output = path("kept.gguf");
        writeFileSync(output, "kept");
        const damaged = path("damaged.gguf");
        const bytes = readFileSync(source);
        // a scale that is no number, in the last block
        bytes.writeUInt16LE(0x7e00, bytes.length - 34);
        writeFileSync(damaged, bytes);
        const error = await failure(quantizeModel(damaged, output, "q4_k_m", 1));
        expect(error.code).toBe("ERR_QUANTIZE");
        expect(error.message).toContain("llama.cpp could not quantize");
        expect(readFileSync(output, "utf8")).toBe("kept");
        expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
    });

    it("tells how far it is, and ends with its signal at once", async () => {
        const told: string[] = [];
        const fractions: number[] = [];
        const common = { input: source, type: "q4_0", threads: 1 };
        await quantize({
            ...common,
            output: path("told.gguf"),
            onProgress: ({ tensor, fraction }) => void (told.push(tensor), fractions.push(fraction))
        });
        expect(told).toContain("blk.1.ffn_down.weight");
        expect(new Set(told).size).toBe(told.length);
        expect([...fractions].sort((a, b) => a - b)).toEqual(fractions);
        const controller = new AbortController();
        const aborted = await failure(
            quantize({
                ...common,
                output: path("aborted.gguf"),
                signal: controller.signal,
                onProgress: () => controller.abort(new Error("enough"))
            })
        );
        expect([aborted.code, (aborted.cause as Error).message]).toEqual(["ERR_ABORTED", "enough"]);
        const thrown = quantize({
            ...common,
            output: path("aborted.gguf"),
            onProgress: () => {
                throw new Error("mine");
            }
        });
        await expect(thrown).rejects.toMatchObject({ code: "ERR_ABORTED", cause: { message: "mine" } });
        // an async function
        const later = (): unknown => Promise.reject(new Error("later"));
        const rejected = quantize({ ...common, output: path("aborted.gguf"), onProgress: later });
        await expect(rejected).rejects.toMatchObject({ code: "ERR_ABORTED", cause: { message: "later" } });
        expect(existsSync(path("aborted.gguf"))).toBe(false);
        expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
    });

    it("gives tensors other types by name", async () => {
        const output = path("mixed.gguf");
        const tensorTypes = [
            { pattern: "blk\\.0\\.attn_V", type: "Q8_0" },
            { pattern: "attn_v", type: "f16" }
        ];
        await quantize({ input: source, output, type: "q4_0", tensorTypes, threads: 1 });
        const types = new Map((await addon.layoutOf(output)).tensors.map(({ name, type }) => [name, type]));
        expect([0, 1].map((layer) => types.get(`blk.${layer}.attn_v.weight`))).toEqual(["q8_0", "f16"]);
        expect(types.get("blk.0.attn_q.weight")).toBe("q4_0");
        for (const [pattern, type, code] of [
            ["(", "q8_0", "ERR_INVALID_ARGUMENT"],
            ["x", "q99", "ERR_INVALID_OPTION"],
            ["", "q8_0", "ERR_INVALID_OPTION"]
        ] as const) {
            const error = await failure(
                quantize({ input: source, output, type: "q4_0", tensorTypes: [{ pattern, type }] })
            );
            expect([pattern, error.code]).toEqual([pattern, code]);
        }
    });

    it("says what came out otherwise than it was asked for", async () => {
        const tensorTypes = [
            { pattern: "attn_v", type: "Q8_0" },
            { pattern: "attn_vv", type: "Q8_0" },
            { pattern: "blk.0.attn_v", type: "F16" }
        ];
        const idle = await quantize({
            input: source,
            output: path("idle.gguf"),
            type: "q4_0",
            tensorTypes,
            threads: 1
        });
        expect(idle.notes.map((note) => /by "([^"]*)": it fits no matrix/.exec(note)?.[1])).toEqual([
            "attn_vv",
            "blk.0.attn_v"
        ]);
        // 64 columns, and blocks of 256
        const narrow = await quantize({ input: demo.antiexpert, output: path("n.gguf"), type: "q4_k_m", threads: 1 });
        expect(narrow.notes).toHaveLength(1);
        expect(narrow.notes[0]).toMatch(
            /^\d+ tensors have rows that are no multiple .* Q5_0 \(\d+\).*The first is \S+\.$/
        );
        const types = new Set((await addon.layoutOf(path("n.gguf"))).tensors.map(({ type }) => type));
        expect(types.has("q5_0")).toBe(true);
        const iq = await quantize({ input: source, output: path("iq.gguf"), type: "iq4_nl", threads: 1 });
        expect(iq.notes).toEqual([expect.stringContaining("IQ4_NL loses less with an importance matrix")]);
        const plainOne = await quantize({ input: source, output: path("p.gguf"), type: "q8_0", threads: 1 });
        expect(plainOne.notes).toEqual([]);
    });

    it("takes an importance matrix in either format, and no damaged one", async () => {
        const { tensors } = await addon.layoutOf(source);
        const wanted = tensors.filter(({ shape }) => shape.length === 2);
        const values = wanted.map(({ shape }) => Float32Array.from({ length: shape[0]! }, (_, i) => 1 + (i % 7)));
        const i32 = (value: number): Buffer => {
            const out = Buffer.alloc(4);
            out.writeInt32LE(value);
            return out;
        };
        const legacy = Buffer.concat([
            i32(wanted.length),
            ...wanted.flatMap(({ name }, index) => [
                i32(name.length),
                Buffer.from(name),
                i32(2),
                i32(values[index]!.length),
                Buffer.from(values[index]!.map((value) => 2 * value).buffer)
            ]),
            i32(3),
            i32(4),
            Buffer.from("text")
        ]);
        writeFileSync(path("old.imatrix"), legacy);
        const metadata: Record<string, Metadata> = {
            "imatrix.datasets": { kind: "strings", value: ["text"] },
            "imatrix.chunk_count": { kind: "u32", value: 3 },
            "imatrix.chunk_size": { kind: "u32", value: 512 }
        };
        const entries = wanted.flatMap(({ name }, index): Tensor[] => [
            {
                name: `${name}.in_sum2`,
                shape: [values[index]!.length, 1],
                type: "f32",
                data: values[index]!.map((value) => 5 * value)
            },
            { name: `${name}.counts`, shape: [1, 1], type: "f32", data: Float32Array.of(5) }
        ]);
        writeGguf(path("new.imatrix"), metadata, entries);
        const outputs: Buffer[] = [];
        for (const name of ["old.imatrix", "new.imatrix"]) {
            const output = path(`${name}.gguf`);
            await quantize({ input: source, output, type: "iq2_xs", imatrix: path(name), threads: 1 });
            const layout = await addon.layoutOf(output);
            const value = (key: string): unknown => layout.keys.find((one) => one.name === key)?.value;
            expect(value("quantize.imatrix.file")).toBe(name);
            expect(value("quantize.imatrix.dataset")).toBe("text");
            expect(value("quantize.imatrix.chunks_count")).toBe(3);
            outputs.push(readFileSync(output).subarray(layout.dataOffset));
        }
        expect(outputs[0]!.equals(outputs[1]!)).toBe(true);
        const failing = async (name: string, bytes: Buffer): Promise<RastError> => {
            writeFileSync(path("bad.imatrix"), bytes);
            const output = path("bad.gguf");
            const error = await failure(
                quantize({ input: source, output, type: "q4_0", imatrix: path("bad.imatrix"), threads: 1 })
            );
            expect([name, existsSync(output)]).toEqual([name, false]);
            return error;
        };
        const bad: [string, Buffer][] = [
            ["cut", legacy.subarray(0, 100)],
            ["many", Buffer.concat([i32(2 ** 30), legacy.subarray(4)])],
            ["none", Buffer.concat([i32(0), legacy.subarray(4)])],
            ["a long name", Buffer.concat([i32(1), i32(2 ** 31 - 1), legacy.subarray(8)])],
            ["a name of less than nothing", Buffer.concat([i32(1), i32(-1), legacy.subarray(8)])],
            ["many values", Buffer.concat([i32(1), i32(1), Buffer.from("x"), i32(1), i32(2 ** 31 - 1)])],
            [
                "not a number",
                Buffer.concat([i32(1), i32(1), Buffer.from("x"), i32(1), i32(1), Buffer.from([0, 0, 0xc0, 0x7f])])
            ],
            ["a model", readFileSync(source)]
        ];
        // a process each
        for (const [name, bytes] of bad.filter((_, index) => heavy || index % 4 === 1)) {
            const error = await failing(name, bytes);
            expect([name, error.code]).toEqual([name, "ERR_QUANTIZE"]);
            expect(error.message).toContain("bad.imatrix is no importance matrix");
        }
        expect((await failing("empty", Buffer.alloc(0))).code).toBe("ERR_FILE_EMPTY");
        const missing = { input: source, output: path("bad.gguf"), type: "q4_0", imatrix: path("no.imatrix") };
        expect((await failure(quantize(missing))).code).toBe("ERR_FILE_NOT_FOUND");
    });

    it("is a command", async () => {
        const cli = async (...args: string[]): Promise<Finished> =>
            run(process.execPath, [join(root, "dist/cli/main.js"), "quantize", ...args]);
        const done = await cli(source, path("cli.gguf"), "q4_k_m", "--tensor-type", "attn_q=q8_0");
        expect([done.code, done.stderr]).toEqual([0, ""]);
        expect(done.stdout).toMatch(/cli\.gguf: Q4_K_M, [\d.]+ [KM]iB\n$/);
        const told = await cli(source, path("cli.gguf"), "q8_0", "--tensor-type", "nothing=q4_0");
        expect(told.stderr).toMatch(/^rast: No tensor has the type q4_0 by "nothing"/);
        const json = await cli(source, path("cli.gguf"), "q8_0", "--tensor-type", "nothing=q4_0", "--json");
        expect([json.stderr, (JSON.parse(json.stdout) as { notes: string[] }).notes.length]).toEqual(["", 1]);
        expect(JSON.parse(json.stdout)).toMatchObject({ output: path("cli.gguf"), quantization: "Q8_0" });
        for (const args of [
            [],
            [source],
            [source, path("cli.gguf"), "q9"],
            [path("no.gguf"), path("x.gguf"), "q8_0"]
        ]) {
            expect((await rast(["quantize", ...args])).code).toBe(2);
        }
    });

    it("does not hold up the event loop", async () => {
        let ticks = 0;
        const timer = setInterval(() => ++ticks, 1);
        await quantizeModel(source, path("ticks.gguf"), "iq4_nl", 1);
        clearInterval(timer);
        expect(ticks).toBeGreaterThan(3);
    });

    it("refuses arguments of other kinds", async () => {
        for (const args of [[], [source], [source, path("x.gguf"), "q4_0"], [1, 2, 3, 4]]) {
            const quantize = addon.quantizeModel as (...args: unknown[]) => Promise<void>;
            await expect((async () => quantize(...args))()).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
        }
        expect((await failure(quantizeModel(source, path("x.gguf"), "q4_0", 0))).code).toBe("ERR_INVALID_OPTION");
        expect(await checkQuantization("q4_k_m")).toBe("Q4_K_M");
        expect((await failure(checkQuantization("q4"))).message).toMatch(/q4_k_m.*received "q4"/);
        expect((await failure(checkQuantization("iq1_s"))).message).toContain('"iq1_s" needs an importance matrix');
    });
});

describe("shaped trios", () => {
    it.each(heavy ? ["q8_0", "q4_0", "q4_k_m", "q6_k", "iq4_nl", "q3_k_m", "f16"] : ["q4_k_m"])(
        "agree as asked in %s, and follow the successors",
        async (type) => {
            for (const agreement of [1, 0.5]) {
                const trio = await writeShapedTrio(folder, { ...plain, type, agreement });
                const rast = await loadRast({ ...trio, contextSize: 512, threads: 1, gpuLayers: 0 });
                const result = await rast.complete({
                    tokens: [300, 400, 500],
                    temperature: 0,
                    maxTokens: 400,
                    ignoreEos: true
                });
                await rast.dispose();
                expect(new Set(result.tokens).size).toBe(400); // one long cycle
                if (agreement === 1) expect(result.speculation.agreement).toBe(1);
                else expect(Math.abs(result.speculation.agreement! - agreement)).toBeLessThan(0.1);
            }
        }
    );

    it("are the same text in every quantization", async () => {
        const texts = new Set<string>();
        for (const type of heavy ? ["q8_0", "q4_k_m", "f16"] : ["q8_0", "q3_k_m"]) {
            const { base } = await writeShapedTrio(folder, { ...plain, type });
            const rast = await loadRast({ base, contextSize: 256, threads: 1, gpuLayers: 0 });
            texts.add((await rast.complete({ tokens: [300], temperature: 0, maxTokens: 100 })).tokens.join(" "));
            await rast.dispose();
        }
        expect(texts.size).toBe(1);
    });

    it("are refused in types that are not known before anything is written", async () => {
        const empty = path("empty");
        for (const change of [{ type: "q9" }, { type: "iq2_xs" }, { smallType: "x" }]) {
            expect((await failure(writeShapedTrio(empty, { ...plain, ...change }))).code).toBe("ERR_INVALID_OPTION");
        }
        expect(existsSync(empty)).toBe(false);
    });
});

describe("make-shaped-trio", () => {
    const script = (...args: string[]): Promise<Finished> =>
        run(process.execPath, [join(root, "scripts", "make-shaped-trio.mjs"), ...args]);

    it("lists its shapes, and explains itself", async () => {
        const { stdout, code } = await script("--list");
        expect(code).toBe(0);
        expect(stdout).toMatch(/^shape +width +layers +vocabulary +parameters\n/);
        expect(stdout).toMatch(/\nqwen2\.5-32b +5120 +64 +152064 +32763 M\n/);
        expect(stdout).toMatch(/\nqwen2\.5-0\.5b .*494 M in the real model/);
        expect((await script("--help")).stdout).toContain("--small-type TYPE");
    });

    it.each([
        [[], "expected one folder"],
        [["a", "b"], "expected one folder"],
        [["a", "--base", "gpt-5"], 'no shape "gpt-5"; there are tiny-0.07b,'],
        [["a", "--base", "constructor"], "no shape"],
        [["a", "--type", "q9"], 'received "q9"'],
        [["a", "--small-type", "iq1_s"], "needs an importance matrix"],
        [["a", "--agreement", "2"], "from 0 to 1 for --agreement"],
        [["a", "--agreement", ""], "from 0 to 1 for --agreement"],
        [["a", "--certainty", "x"], "for --certainty"],
        [["a", "--base", "qwen2.5-7b", "--small", "tiny-0.07b"], "of one family"],
        [["a", "--depth", "3"], "--depth"]
    ])("refuses %j with one line and exit code 2", async (args, message) => {
        const result = await script(...args);
        expect(result.code).toBe(2);
        expect(result.stdout).toBe("");
        expect(result.stderr).toMatch(/^make-shaped-trio: [^\n]+\n$/);
        expect(result.stderr).toContain(message);
    });

    it("writes two types at once", async () => {
        const args = ["--base", "tiny-0.01b", "--small", "tiny-0.01b", "--type", "q4_k_m", "--small-type", "q8_0"];
        const result = await script(path("script"), ...args);
        expect(result.stderr).toBe("");
        const trio = JSON.parse(result.stdout) as Record<string, string>;
        const kinds = await Promise.all(Object.values(trio).map(async (file) => addon.inspectModel(file)));
        expect(kinds.map(({ quantization }) => quantization)).toEqual(["Q4_K_M", "Q8_0", "Q8_0"]);
        expect(readdirSync(path("script"))).toHaveLength(3);
    });
});
