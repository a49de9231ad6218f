// Every combination of context, cache, batch and slots that the options allow either works, with the text of a roomy
// engine, or is a typed error: llama.cpp ends the process on some that are not fitted to each other first.
import { describe, expect, it } from "vitest";
import { loadRast, RastError, type GenerateOptions, type LoadOptions } from "../../dist/index.js";
import type { Architecture } from "../support/architectures.js";
import { heavy } from "../support/size.js";
import { tinyTrio, tinyTrioOf } from "../support/test-models.js";

const exact = { kvType: "f32", flashAttention: false, gpuLayers: 0, threads: 1 } as const satisfies LoadOptions;

const combinations: readonly LoadOptions[] = [
    { contextSize: 64, cacheSize: 64, parallel: 8 },
    { contextSize: 64, cacheSize: 64, parallel: 2, batchSize: 16_384 },
    { contextSize: 300, cacheSize: 300, parallel: 3, batchSize: 512 },
    { contextSize: 8, cacheSize: 8, parallel: 64 },
    { contextSize: 8, cacheSize: 8, parallel: 64, batchSize: 8, speculation: "off" },
    { contextSize: 8, parallel: 1, batchSize: 1 },
    { contextSize: 64, parallel: 1, batchSize: 1, speculation: "off" },
    { contextSize: 64, parallel: 4, batchSize: 2 },
    { contextSize: 64, parallel: 4, batchSize: 4, speculation: "off" },
    { contextSize: 64, parallel: 3, batchSize: 5, speculation: { draft: 2 } },
    { contextSize: 64, parallel: 16, batchSize: 17, cacheSize: 100, speculation: { maxDraft: 1 } },
    { contextSize: 64, parallel: 64, batchSize: 64, cacheSize: 65, speculation: "off", prefillChunk: 1 },
    { contextSize: 512, parallel: 16, cacheSize: 512, batchSize: 512, speculation: { draft: 16 } }
];

const tokens = (count: number, seed: number): number[] =>
    Array.from({ length: count }, (_, i) => 1 + ((i * 37 + seed * 101) % 250));

async function texts(options: LoadOptions, requests: readonly GenerateOptions[]): Promise<string[] | string> {
    try {
        const rast = await loadRast({ ...exact, ...options });
        try {
            const results = await Promise.all(requests.map((one) => rast.complete(one)));
            return results.map((one) => one.tokens.join(" "));
        } finally {
            await rast.dispose();
        }
    } catch (error) {
        if (error instanceof RastError) return error.code;
        throw error;
    }
}

const kinds: readonly Architecture[] = heavy ? ["llama", "gemma3", "mamba", "lfm2", "jamba"] : ["llama", "lfm2"];

describe.each(kinds)("sizes of context, cache, batch and slots with %s", (kind) => {
    it("give the text of a roomy engine, or a typed error", async () => {
        const trio = await tinyTrioOf(kind);
        let worked = 0;
        for (const options of combinations) {
            const most = options.contextSize!;
            const requests = Array.from(
                { length: Math.min(options.parallel! + 2, heavy ? 66 : 10) },
                (_, i): GenerateOptions => {
                    const length = 1 + ((i * 23) % Math.min(most - 4, 60));
                    return { tokens: tokens(length, i), maxTokens: 4, temperature: 0, ignoreEos: true };
                }
            );
            const want = await texts(
                { ...trio, contextSize: most, parallel: 1, speculation: "off", reusePrefixes: false },
                requests
            );
            const got = await texts({ ...trio, ...options }, requests);
            expect(Array.isArray(want)).toBe(true);
            if (Array.isArray(got)) expect(got, JSON.stringify(options)).toEqual(want);
            else expect(["ERR_INVALID_OPTION", "ERR_INVALID_ARGUMENT"], JSON.stringify(options)).toContain(got);
            worked += Array.isArray(got) ? 1 : 0;
        }
        expect(worked).toBeGreaterThanOrEqual(10);
    });

    it.each([1, 2, 3])("a model whose context is %i tokens", async (contextLength) => {
        const trio = await tinyTrioOf(kind, kind, contextLength);
        const rast = await loadRast({ ...exact, ...trio, parallel: 3 });
        expect(rast.info.contextSize).toBe(contextLength);
        const results = await Promise.all(
            [1, 2, 3, 4].map((seed) => rast.complete({ tokens: tokens(1, seed), temperature: 0, ignoreEos: true }))
        );
        for (const one of results) {
            expect(one.stopReason).toBe("contextFull");
            expect(one.usage.completionTokens).toBe(contextLength); // the last one is not decoded
        }
        await expect(rast.complete({ tokens: tokens(contextLength + 1, 1) })).rejects.toThrow(/context/);
        await rast.dispose();
    });
});

describe("a token that only the base knows", () => {
    it("is refused where a small model would have to decode it, and costs nobody else anything", async () => {
        const trio = await tinyTrio({ padding: { base: 8 } });
        const rast = await loadRast({ ...exact, ...trio, contextSize: 64, parallel: 2 });
        const neighbour = rast.complete({ tokens: tokens(9, 1), maxTokens: 20, ignoreEos: true });
        const outside = { tokens: [5, 6, rast.info.vocabularySize - 1], maxTokens: 3, ignoreEos: true };
        await expect(rast.complete(outside)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
        expect((await rast.complete({ ...outside, mode: "base" })).usage.completionTokens).toBe(3);
        expect((await neighbour).usage.completionTokens).toBe(20);
        await rast.dispose();
    });
});
