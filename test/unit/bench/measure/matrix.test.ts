import { describe, expect, it } from "vitest";
import { benchMatrix, testName } from "../../../../src/bench/measure/matrix.js";
import { resolveBenchOptions, type BenchOptions } from "../../../../src/bench/measure/options.js";

const trio = { base: "b.gguf", expert: "e.gguf", antiexpert: "a.gguf" };
const matrix = (options: Partial<BenchOptions> = {}, hasPairs = true) =>
    benchMatrix(resolveBenchOptions({ models: trio, ...options }), hasPairs);

describe("the matrix of a benchmark", () => {
    it("has one engine per way of drawing, with llama-bench's tests by default", () => {
        const engines = matrix();
        expect(engines.map(({ kind }) => kind)).toEqual(["plain", "draft"]);
        expect(engines[0]!.cases.map((one) => `${testName(one)} ${one.mode}`)).toEqual([
            "pp512 base",
            "pp512 device",
            "tg128 base",
            "tg128 device"
        ]);
        expect(engines[1]!.cases.map((one) => `${testName(one)} ${one.mode}`)).toEqual(["tg128 draft"]);
        expect(engines[0]!.load).toMatchObject({ contextSize: 768, parallel: 1, speculation: "off" });
        expect(engines[1]!.load).toMatchObject({ speculation: "auto" });
    });

    it("measures a base alone, and refuses modes of RAST for it", () => {
        expect(matrix({}, false).flatMap(({ cases }) => cases.map(({ mode }) => mode))).toEqual(["base", "base"]);
        expect(() => matrix({ modes: ["base", "draft"] }, false)).toThrow('Mode "draft" needs an expert');
        expect(() => matrix({ peers: ["node-llama-cpp"] }, false)).toThrow('Mode "node-llama-cpp" needs');
    });

    it("multiplies what is listed, and lambda only where it counts", () => {
        const engines = matrix({
            modes: ["base", "host", "device"],
            prompts: [0],
            generates: [16],
            depths: [0, 100],
            sequences: [1, 4],
            threads: [1, 2],
            kvTypes: ["f16", "q8_0"],
            lambdas: [0.5, 1],
            temperatures: [0, 1]
        });
        expect(engines.map(({ kind, load }) => `${kind} ${load.threads} ${load.kvType}`)).toEqual([
            "plain 1 f16",
            "host 1 f16",
            "plain 1 q8_0",
            "host 1 q8_0",
            "plain 2 f16",
            "host 2 f16",
            "plain 2 q8_0",
            "host 2 q8_0"
        ]);
        // 2 depths, 2 sequences, 2 temperatures: once for the base, per lambda for RAST
        expect(engines[0]!.cases).toHaveLength(8 + 16);
        expect(engines[1]!.cases).toHaveLength(16);
        expect(engines[0]!.load).toMatchObject({ contextSize: 256, parallel: 4 });
        expect(engines[1]!.load.sampler).toBe("host");
    });

    it("lets peers run beside the plain engine, one text at a time", () => {
        const engines = matrix({ modes: ["draft"], peers: ["node-llama-cpp"], prompts: [0], sequences: [1, 2] });
        expect(engines.map(({ kind, cases }) => [kind, ...cases.map(({ mode }) => mode)])).toEqual([
            ["plain", "node-llama-cpp"],
            ["draft", "draft", "draft"]
        ]);
    });
});
