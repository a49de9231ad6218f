import { expect, it } from "vitest";
import { bareSteps, idealRate, meanStep, stepsBeside } from "../../../../src/bench/measure/baseline.js";
import type { MatrixCase } from "../../../../src/bench/measure/matrix.js";
import type { MeasureContext } from "../../../../src/bench/measure/samples.js";

const row: MatrixCase = {
    kind: "tg",
    mode: "device",
    tokens: 128,
    depth: 1000,
    sequences: 4,
    lambda: undefined,
    temperature: 1
};

// An engine of two pairs whose bare decodes take 8 ms for the base, 2 for an expert and 1 for an antiexpert.
function someContext(): { context: MeasureContext; asked: object[] } {
    const asked: object[] = [];
    const measureDecodes = async (options: { role: "base" | "expert" | "antiexpert" }): Promise<number[]> => {
        asked.push(options);
        const ms = { base: 8, expert: 2, antiexpert: 1 }[options.role];
        return [ms - 0.5, ms + 0.5];
    };
    return { context: { rast: { measureDecodes, info: { pairs: [{}, {}] } } } as unknown as MeasureContext, asked };
}

it("decodes in the middle of the text, every model of every pair", async () => {
    const { context, asked } = someContext();
    expect(await bareSteps(context, row, 16)).toEqual({ base: 8, expert: 4, antiexpert: 2 });
    const common = { sequences: 4, depth: 1056, tokens: 16, prompt: false };
    expect(asked).toEqual([
        { role: "base", ...common },
        { role: "expert", pair: 0, ...common },
        { role: "antiexpert", pair: 0, ...common },
        { role: "expert", pair: 1, ...common },
        { role: "antiexpert", pair: 1, ...common }
    ]);
});

it("decodes the prompt itself, and of the base alone nothing else", async () => {
    const { context, asked } = someContext();
    expect(await bareSteps(context, { ...row, kind: "pp", mode: "base" }, 16)).toEqual({
        base: 8,
        expert: 0,
        antiexpert: 0
    });
    expect(asked).toEqual([{ role: "base", sequences: 4, depth: 1000, tokens: 128, prompt: true }]);
});

it("has an eighth of the text's steps on either side, 2 to 16", () => {
    expect([2, 16, 17, 64, 128, 4096].map((tokens) => stepsBeside({ ...row, tokens }))).toEqual([2, 2, 3, 8, 16, 16]);
});

it("is the mean of its halves, and the rate that they alone would give", () => {
    const step = meanStep({ base: 6, expert: 2, antiexpert: 1 }, { base: 8, expert: 4, antiexpert: 3 });
    expect(step).toEqual({ base: 7, expert: 3, antiexpert: 2 });
    // 4 tokens in 12 ms; 4 x 128 in the same time where the step is a prompt
    expect(idealRate(row, step)).toBeCloseTo(4000 / 12, 10);
    expect(idealRate({ ...row, kind: "pp" }, step)).toBeCloseTo((128 * 4000) / 12, 8);
});
