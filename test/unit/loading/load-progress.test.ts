import { describe, expect, test } from "vitest";
import { progressReporter } from "../../../src/loading/load-progress.js";
import type { LoadProgress } from "../../../src/loading/load-options.js";
import type { ModelChoice } from "../../../src/loading/model-set.js";
import { tick } from "../../support/fake-addon.js";

const model = (role: "base" | "expert" | "antiexpert", pair = 0): ModelChoice =>
    ({ role, pair, path: role }) as unknown as ModelChoice;
const bytes = new Map([
    [model("base"), 700],
    [model("expert"), 100],
    [model("antiexpert"), 100],
    [model("expert", 1), 100]
]);

describe("progress of a load", () => {
    test("counts each model by its size, and pairs apart", () => {
        const seen: LoadProgress[] = [];
        const { report } = progressReporter((progress) => void seen.push(progress), bytes);
        expect(report({ role: "base", pair: 0, fraction: 0.5 })).toBe(true);
        report({ role: "base", pair: 0, fraction: 1 });
        report({ role: "expert", pair: 0, fraction: 1 });
        report({ role: "expert", pair: 1, fraction: 0.5 });
        expect(seen).toEqual([
            { role: "base", pair: 0, fraction: 0.5, overall: 0.35 },
            { role: "base", pair: 0, fraction: 1, overall: 0.7 },
            { role: "expert", pair: 0, fraction: 1, overall: 0.8 },
            { role: "expert", pair: 1, fraction: 0.5, overall: 0.85 }
        ]);
    });

    test("never goes back, nor beyond 1; an unknown model weighs nothing", () => {
        const seen: number[] = [];
        const { report } = progressReporter(({ overall }) => void seen.push(overall), bytes);
        report({ role: "base", pair: 0, fraction: 1 });
        report({ role: "base", pair: 0, fraction: 0 });
        report({ role: "antiexpert", pair: 2, fraction: 1 });
        report({ role: "base", pair: 0, fraction: 9 });
        expect(seen).toEqual([0.7, 0.7, 0.7, 1]);
        const empty: number[] = [];
        progressReporter(({ overall }) => void empty.push(overall), new Map()).report({
            role: "base",
            pair: 0,
            fraction: 1
        });
        expect(empty).toEqual([0]);
    });

    test("without a callback it goes on", () => {
        const reporter = progressReporter(undefined, bytes);
        expect(reporter.report({ role: "base", pair: 0, fraction: 1 })).toBe(true);
        expect(reporter.failure).toBeUndefined();
    });

    test("a callback that throws is not called again; its first error counts", () => {
        let calls = 0;
        const reporter = progressReporter(() => {
            throw new Error(`call ${++calls}`);
        }, bytes);
        const step = { role: "base", pair: 0, fraction: 1 } as const;
        expect([reporter.report(step), reporter.report(step)]).toEqual([false, false]);
        expect(calls).toBe(1);
        expect(reporter.failure).toMatchObject({ error: { message: "call 1" } });
    });

    test("so is one whose promise is rejected; what else it returns does not matter", async () => {
        let calls = 0;
        const rejected = ((): unknown => Promise.reject(new Error(`call ${++calls}`))) as () => void;
        const late = progressReporter(rejected, bytes);
        const step = { role: "base", pair: 0, fraction: 1 } as const;
        expect([late.report(step), late.report(step)]).toEqual([true, true]);
        await tick();
        expect(late.failure).toMatchObject({ error: { message: "call 1" } });
        expect(late.report(step)).toBe(false);
        for (const returned of [null, 5, "x", undefined, {}, Promise.resolve(false)]) {
            const reporter = progressReporter(() => returned, bytes);
            expect(reporter.report(step)).toBe(true);
            await tick();
            expect(reporter.failure).toBeUndefined();
        }
    });
});
