import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadRast, type RastResult } from "../../dist/index.js";
import { root, run, type Finished } from "../support/native.js";
import { recurrentModel } from "../support/test-models.js";

const main = join(root, "dist", "cli", "main.js");
const rast = (...args: string[]): Promise<Finished> => run(process.execPath, [main, "generate", ...args]);

describe("rast generate --draft", () => {
    it("gives the same text at every length, and statistics", async () => {
        const settings = ["--trio", "demo-strong", "--seed", "3", "--json"];
        const [off, auto, four] = (await Promise.all(
            ["off", "auto", "4"].map(async (draft) => {
                const result = await rast(...settings, "--draft", draft, "6+34+63+39");
                return JSON.parse(result.stdout) as RastResult;
            })
        )) as [RastResult, RastResult, RastResult];
        expect(auto.text).toBe(off.text);
        expect(four.text).toBe(off.text);
        expect(off.speculation).toMatchObject({ mode: "off", drafted: 0, acceptanceRate: null, agreement: null });
        expect(off.speculation.reason).toMatch(/turned off/);
        expect(auto.speculation).toMatchObject({ mode: "auto", reason: null, maxDraft: 15 });
        expect(four.speculation).toMatchObject({ mode: "fixed", maxDraft: 4 });
        expect(four.speculation.accepted).toBeGreaterThan(0);
        expect(four.speculation.rounds).toBeLessThan(off.speculation.rounds);
        const drawn = four.usage.completionTokens + 1; // the end of the text is drawn too
        expect(four.speculation.tokensPerRound).toBeCloseTo(drawn / four.speculation.rounds);
    });

    it.each([
        ["x", "Expected a number for --draft"],
        ["-1", "for --draft, received"],
        ["1.5", "for --draft, received"],
        ["64", "for --draft, received"]
    ])("refuses %s", async (draft, message) => {
        const result = await rast("--trio", "demo", "--draft", draft, "1+2+3+4");
        expect(result.code).toBe(2);
        expect(result.stderr).toContain(message);
        expect(result.stderr.trim().split("\n")).toHaveLength(1);
    });
});

it("runs recurrent models without drafts, and says why", async () => {
    const [base, expert, antiexpert] = await Promise.all([1, 2, 3].map((seed) => recurrentModel(seed)));
    const engine = await loadRast({ base, expert, antiexpert, contextSize: 256, threads: 1, gpuLayers: 0 });
    try {
        expect(engine.info).toMatchObject({
            maxDraft: 0,
            draftReason: "the base model is recurrent, and what it remembers of drafts cannot be taken back"
        });
        const result = await engine.complete({ prompt: "ab", maxTokens: 12, ignoreEos: true, seed: 1 });
        expect(result.usage.completionTokens).toBe(12);
        expect(result.speculation).toMatchObject({ mode: "off", reason: engine.info.draftReason, drafted: 0 });
        const again = await engine.complete({ prompt: "ab", maxTokens: 12, ignoreEos: true, seed: 1 });
        expect(again.text).toBe(result.text);
    } finally {
        await engine.dispose();
    }
});
