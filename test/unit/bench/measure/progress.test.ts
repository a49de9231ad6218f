import { expect, it } from "vitest";
import type { MatrixEngine } from "../../../../src/bench/measure/matrix.js";
import { Progress } from "../../../../src/bench/measure/progress.js";

it("counts every sample and warm-up of all engines, and says what is being done", () => {
    const row = { kind: "tg", mode: "device", tokens: 16, depth: 0, sequences: 1, lambda: 1, temperature: 1 } as const;
    const cases = [row, { ...row, sequences: 4, depth: 32 }];
    const said: [string, number][] = [];
    const progress = new Progress([{ cases } as unknown as MatrixEngine], {
        repetitions: 1,
        loads: 1,
        onProgress: (what, fraction) => said.push([what, fraction])
    });
    progress.loading();
    progress.loading(0.509);
    for (const repetition of [0, 1]) for (const one of cases) progress.sample(one, repetition);
    progress.waiting("not quiet");
    expect(said).toEqual([
        ["loading 0%", 0],
        ["loading 50%", 0],
        ["tg16 device, warm-up", 0],
        ["tg16 @ d32 x 4 device, warm-up", 0.25],
        ["tg16 device, 1 of 1", 0.5],
        ["tg16 @ d32 x 4 device, 1 of 1", 0.75],
        ["not quiet", 0.75]
    ]);
});
