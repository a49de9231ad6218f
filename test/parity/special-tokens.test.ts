// Special tokens that are elsewhere in the small models: their logits are brought into the base's order by nodes of the graph,
// on the device as on the CPU. The same models without anything to move must give the same draws there.
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { GenerateOptions, LoadOptions } from "../../dist/index.js";
import { prompt } from "../support/demo.js";
import { digits, digitTrios, EditedModels, mapToLetters } from "../support/moved-digits.js";
import { places, root, run, vulkanEnvironment, type Place } from "../support/native.js";
import { size } from "../support/size.js";

interface Answers {
    readonly results: readonly { tokens: number[]; logprobs: number[] }[];
    readonly devices: readonly string[];
    readonly path: string;
    readonly moved: readonly number[];
}

const files = new EditedModels();
afterAll(() => files.remove());

async function answers(place: Place, load: LoadOptions, requests: readonly GenerateOptions[]): Promise<Answers> {
    const settings = { threads: 1, contextSize: 160, tryModels: false, ...(place === "CPU" ? { device: "cpu" } : {}) };
    const job = JSON.stringify({ load: { ...settings, ...load }, requests });
    const env = place === "CPU" ? process.env : vulkanEnvironment();
    const script = join(root, "test", "parity", "scripts", "answers.mjs");
    const { code, stdout, stderr } = await run(process.execPath, [script, job], { env });
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as Answers;
}

describe.each(places)("mapped special tokens on %s", (place) => {
    const { plain, moved } = digitTrios(files);
    const few = place === "CPU" ? 24 : size(6, 24);
    const requests: GenerateOptions[] = [
        { prompt, seed: 5, maxTokens: few, logprobs: 0 },
        { prompt, temperature: 0, maxTokens: few, mode: "expert", logprobs: 0 }
    ];
    const named = {
        ...moved,
        expert: files.rotated(files.renamed(plain.expert, "a"), 3),
        antiexpert: files.rotated(files.renamed(plain.antiexpert, "a"), 7)
    };

    it.each([
        ["by text, plain", moved, { speculation: "off" }],
        ["by text, drafted", moved, { speculation: { draft: 3 } }],
        ["by a map", named, { speculation: "off", specialTokens: { map: mapToLetters("a") } }]
    ] as const)("%s: the draws of models with the same ids", async (_, models, options) => {
        const { specialTokens: rule, ...others } = options as Partial<LoadOptions>;
        const expected = await answers(place, { ...plain, ...others }, requests);
        const found = await answers(place, { ...models, ...others, ...(rule && { specialTokens: rule }) }, requests);
        expect(found.results.map(({ tokens }) => tokens)).toEqual(expected.results.map(({ tokens }) => tokens));
        for (const [i, { logprobs }] of found.results.entries()) {
            expect(logprobs.length).toBeGreaterThan(0);
            for (const [at, one] of logprobs.entries()) expect(one).toBeCloseTo(expected.results[i]!.logprobs[at]!, 4);
        }
        expect(found.results[0]!.tokens.some((token) => digits.includes(token))).toBe(true);
        expect([found.moved, expected.moved]).toEqual([
            [10, 10],
            [0, 0]
        ]);
        expect(new Set(found.devices)).toEqual(new Set([place]));
        expect(found.path).toBe("device");
    });
});
