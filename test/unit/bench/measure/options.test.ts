import { describe, expect, it } from "vitest";
import { resolveBenchOptions } from "../../../../src/bench/measure/options.js";

const trio = { base: "b.gguf", expert: "e.gguf", antiexpert: "a.gguf" };

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
        ["an unknown peer", { peers: ["vllm"] }, /^Expected one of "node-llama-cpp" for peers/],
        ["layers that are no number", { gpuLayers: ["all"] }, /for gpuLayers/],
        ["a misspelt option", { repetition: 3 }, /Did you mean repetitions\?/]
    ])("refuse %s", (_, options, message) => {
        expect(() => resolveBenchOptions({ models: trio, ...options })).toThrow(message);
    });

    it("count a value that comes twice once", () => {
        expect(resolveBenchOptions({ models: trio, depths: [0, 64, 0] }).depths).toEqual([0, 64]);
        const peers = ["node-llama-cpp", "node-llama-cpp"] as const;
        expect(resolveBenchOptions({ models: trio, peers }).peers).toEqual(["node-llama-cpp"]);
    });
});
