// Drafts taken from the text: the same text as without, whatever is asked for, and fewer rounds where it repeats itself.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadRast, type GenerateOptions, type Rast, type RastResult, type Speculation } from "../../dist/index.js";
import { writeShapedTrio } from "../../src/gguf/shaped-trio.js";

const lengths: readonly Speculation[] = [
    { ngram: true },
    { ngram: "auto" },
    { ngram: false },
    { draft: 5, ngram: true },
    { draft: 5, ngram: "auto" },
    { maxDraft: 3, ngram: true }
];

async function expectSameText(
    rast: Rast,
    request: GenerateOptions,
    speculations = lengths
): Promise<Map<Speculation, RastResult>> {
    const plain = await rast.complete({ ...request, speculation: "off" });
    const results = new Map<Speculation, RastResult>();
    for (const speculation of speculations) {
        const result = await rast.complete({ ...request, speculation });
        const what = JSON.stringify(speculation);
        expect(result.tokens, what).toEqual(plain.tokens);
        expect([result.text, result.reasoning, result.stopReason, result.stopString], what).toEqual([
            plain.text,
            plain.reasoning,
            plain.stopReason,
            plain.stopString
        ]);
        const { drafted, accepted, ngram } = result.speculation;
        expect(ngram.accepted).toBeLessThanOrEqual(ngram.drafted);
        expect(ngram.drafted).toBeLessThanOrEqual(drafted);
        expect(ngram.accepted).toBeLessThanOrEqual(accepted);
        if (typeof speculation === "object" && speculation.ngram === false) expect(ngram.drafted).toBe(0);
        results.set(speculation, result);
    }
    return results;
}

describe("on the demo trio", () => {
    let rast: Rast;
    const sum = "Q: 6+34+63+39?\n";
    const repeated = `${sum}S:6+34=40;40+63=103;103+39=142#142\n${sum}`;

    beforeAll(async () => {
        rast = await loadRast({ trio: "demo-strong", contextSize: 512, threads: 1, gpuLayers: 0 });
    });
    afterAll(() => rast.dispose());

    it.each<[string, object]>([
        ["greedy", { temperature: 0 }],
        ["sampled", { temperature: 1, topP: 0.95 }],
        ["with penalties", { temperature: 0.7, repetitionPenalty: 1.2, frequencyPenalty: 0.3, penaltyWindow: -1 }],
        ["with a stop string", { temperature: 0, stop: ["3;"] }],
        ["with a grammar", { temperature: 1, grammar: 'root ::= "S:" [0-9+=;]+ "#" [0-9]+' }],
        ["of one token", { maxTokens: 1 }],
        ["of five", { maxTokens: 5 }]
    ])("%s", async (_, request) => {
        await expectSameText(rast, { prompt: repeated, seed: 3, maxTokens: 48, ...request });
    });

    it("a chat whose reasoning is ended by words that are put in", async () => {
        const chat = await loadRast({ trio: "demo-chat", contextSize: 512, threads: 1, gpuLayers: 0 });
        try {
            const messages = [{ role: "user", content: "6+34+63+39" }];
            for (const maxThinkingTokens of [4, 64]) {
                await expectSameText(chat, {
                    messages,
                    thinking: true,
                    temperature: 0,
                    maxTokens: 64,
                    maxThinkingTokens
                });
            }
        } finally {
            await chat.dispose();
        }
    });
});

describe("a text that repeats itself, of models that agree at half of the positions", () => {
    const folder = mkdtempSync(join(tmpdir(), "rast-ngram-"));
    let rast: Rast;

    beforeAll(async () => {
        const shape = { width: 64, layers: 1, heads: 2, kvHeads: 1, hidden: 96, vocabulary: 400 };
        const options = { base: shape, small: shape, type: "q8_0", agreement: 0.5, certainty: 16 };
        const models = await writeShapedTrio(folder, options);
        rast = await loadRast({
            ...models,
            contextSize: 2048,
            threads: 1,
            gpuLayers: 0,
            speculation: { maxDraft: 15 }
        });
    });
    afterAll(async () => {
        await rast.dispose();
        rmSync(folder, { recursive: true, force: true });
    });

    it("takes a fraction of the rounds and of the expert's decodes", async () => {
        const request = { prompt: "ab", temperature: 0, ignoreEos: true, maxTokens: 900 };
        const results = await expectSameText(rast, request, lengths.slice(0, 3));
        const [always, , never] = [...results.values()] as [RastResult, RastResult, RastResult];
        const { ngram, rounds } = always.speculation;
        expect(ngram.accepted / ngram.drafted).toBeGreaterThan(0.9);
        expect(rounds).toBeLessThan(0.8 * never.speculation.rounds);
        const decodes = ({ timings }: RastResult): number => timings.roles.expert.decodeSteps;
        expect(decodes(always)).toBeLessThan(0.8 * decodes(never));
    });
});
