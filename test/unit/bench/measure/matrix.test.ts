import { describe, expect, it } from "vitest";
import { resolveBenchOptions, type BenchOptions } from "../../../../src/bench/measure/options.js";
import { planBench, testName } from "../../../../src/bench/measure/matrix.js";
import { PromptSource } from "../../../../src/bench/measure/prompts.js";

const trio = { base: "b.gguf", expert: "e.gguf", antiexpert: "a.gguf" };
const plan = (options: Partial<BenchOptions> = {}, hasPairs = true) =>
    planBench(resolveBenchOptions({ models: trio, ...options }), hasPairs);

describe("options of a benchmark", () => {
    it.each<[string, Record<string, unknown>, RegExp]>([
        ["an unknown mode", { modes: ["quick"] }, /^Expected one of "base", "host", "device", "draft" for modes/],
        ["no mode", { modes: [] }, /^Expected a list with something in it for modes/],
        ["zero repetitions", { repetitions: 0 }, /^Expected an integer in \[1, 1000\] for repetitions, received 0/],
        ["half a repetition", { repetitions: 1.5 }, /for repetitions, received 1.5/],
        ["a negative prompt", { prompts: [-1] }, /for prompts, received -1/],
        ["nothing to measure", { prompts: [0], generates: [0] }, /something to measure/],
        ["one token, which takes no time", { generates: [1] }, /^Expected 0, or an integer from 2 for generates/],
        ["too many sequences", { sequences: [65] }, /for sequences, received 65/],
        ["an unknown cache type", { kvTypes: ["q3"] }, /for kvTypes, received "q3"/],
        ["an unknown rival", { peers: ["vllm"] }, /^Expected one of "node-llama-cpp" for peers/],
        ["layers that are no number", { gpuLayers: ["all"] }, /for gpuLayers/],
        ["a misspelt option", { repetition: 3 }, /Did you mean repetitions\?/]
    ])("refuse %s", (_, options, message) => {
        expect(() => resolveBenchOptions({ models: trio, ...options })).toThrow(message);
    });

    it("count a value that comes twice once", () => {
        expect(resolveBenchOptions({ models: trio, depths: [0, 64, 0] }).depths).toEqual([0, 64]);
    });
});

describe("the plan of a benchmark", () => {
    it("has one engine per way of drawing, with llama-bench's tests by default", () => {
        const engines = plan();
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
        expect(plan({}, false).flatMap(({ cases }) => cases.map(({ mode }) => mode))).toEqual(["base", "base"]);
        expect(() => plan({ modes: ["base", "draft"] }, false)).toThrow('Mode "draft" needs an expert');
        expect(() => plan({ peers: ["node-llama-cpp"] }, false)).toThrow('Mode "node-llama-cpp" needs');
    });

    it("multiplies what is listed, and lambda only where it counts", () => {
        const engines = plan({
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

    it("lets rivals run beside the plain engine, one text at a time", () => {
        const engines = plan({ modes: ["draft"], peers: ["node-llama-cpp"], prompts: [0], sequences: [1, 2] });
        expect(engines.map(({ kind, cases }) => [kind, ...cases.map(({ mode }) => mode)])).toEqual([
            ["plain", "node-llama-cpp"],
            ["draft", "draft", "draft"]
        ]);
    });
});

describe("prompts of a benchmark", () => {
    it("are the same every time, different from each other, and within the vocabulary", () => {
        const prompts = new PromptSource(1000, []);
        expect(prompts.prompt(3, 50)).toEqual(new PromptSource(1000, []).prompt(3, 50));
        expect(prompts.prompt(3, 50)[0]).not.toBe(prompts.prompt(4, 50)[0]);
        expect(prompts.prompt(3, 500).every((token) => token >= 125 && token < 1000)).toBe(true);
    });

    it("gives fresh prompts that begin alike with none before", () => {
        const begin = (source: PromptSource): string => source.fresh(8).join();
        const random = new PromptSource(1000, []);
        expect(new Set(Array.from({ length: 100 }, () => begin(random))).size).toBe(100);
        for (const n of [1, 2, 3, 12, 97, 100]) {
            const text = new PromptSource(
                1000,
                Array.from({ length: n }, (_, i) => i)
            );
            expect(new Set(Array.from({ length: n }, () => begin(text))).size).toBe(n);
        }
    });

    it("take pieces of a text, around its end where they must", () => {
        const text = [5, 6, 7, 8];
        const prompt = new PromptSource(1000, text).prompt(1, 9);
        expect(prompt).toHaveLength(9);
        expect(prompt.slice(1).every((token, i) => token === text[(text.indexOf(prompt[i]!) + 1) % 4])).toBe(true);
    });
});
