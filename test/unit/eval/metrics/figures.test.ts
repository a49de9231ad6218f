import { describe, expect, test } from "vitest";
import { wilsonInterval } from "../../../../src/accuracy.js";
import { reportOn, type Answered } from "../../../../src/eval/metrics/figures.js";
import { votesOf } from "../../../../src/eval/metrics/same-answers.js";
import type { EvalReport } from "../../../../src/eval/metrics/report.js";
import { answered, evalContestant, evalHead, evalSample, someReport } from "../../../support/eval-samples.js";

const base = evalContestant("base");
const rast = evalContestant("rast λ 1", { role: "rast", lambda: [1] });
const reference = evalContestant("reference", { role: "reference" });
const never = async (): Promise<boolean> => false;

const report = async (...all: readonly Answered[]): Promise<EvalReport> =>
    (await reportOn({ head: evalHead(), answered: all, same: never }))!;

describe("figures of a contestant", () => {
    test("counted by hand: three problems, four samples each", async () => {
        const { contestants, samples, data } = await report(answered(base, ["1100", "1111", "0000"]));
        expect([samples, data.asked]).toEqual([4, 3]);
        const [one] = contestants;
        expect(one!.accuracy).toMatchObject({ correct: 6, total: 12, value: 0.5 });
        // over problems: as if three had been tried
        expect(one!.accuracy).toMatchObject(wilsonInterval(0.5, 3));
        expect(one!.passAtK.map(({ k }) => k)).toEqual([1, 2, 4]);
        // (5/6 + 1 + 0) / 3, and (1 + 1 + 0) / 3
        expect(one!.passAtK.map(({ value }) => value.toFixed(6))).toEqual(["0.500000", "0.611111", "0.666667"]);
        // groups of two: right, then two wrong ones that differ; both right; both wrong. Of four: two agree, and are right
        expect(one!.majorityAtK.map(({ value }) => value.toFixed(6))).toEqual(["0.500000", "0.500000", "0.666667"]);
        // tokens: four times 10, 11, 12
        expect(one!.tokens).toEqual({ mean: 11, median: 11, ninth: 12 });
        expect(one!.tokensPerSecond).toBeCloseTo((1000 * 132) / 60, 9);
    });

    test("without an answer, cut off, timed out and never asked are told", async () => {
        const samples = [0, 1, 2, 3].map((sample) => evalSample("base", 0, sample, false));
        const all = [
            { ...samples[0]!, extracted: null },
            { ...samples[1]!, stop: "maxTokens" },
            { ...samples[2]!, extracted: null, timedOut: true },
            { ...samples[3]!, stop: "error", extracted: null, tokens: 0 }
        ];
        const { contestants } = await report({ contestant: base, samples: all });
        expect(contestants[0]).toMatchObject({ withoutAnswer: 0.5, cutOff: 0.25, timedOut: 1, failed: 1 });
    });

    test("a server that does not count tokens has no lengths", async () => {
        const sample = { ...evalSample("base", 0, 0, true), tokens: null };
        const { contestants } = await report({ contestant: base, samples: [sample] });
        expect(contestants[0]).toMatchObject({ tokens: null, tokensPerSecond: null });
    });

    test("do not depend on the order in which samples came", async () => {
        const { contestant, samples } = answered(base, ["1100", "1011", "0010"]);
        const turned = { contestant, samples: [...samples].reverse() };
        expect(await report(turned)).toEqual(await report(answered(base, ["1100", "1011", "0010"])));
    });
});

describe("comparisons", () => {
    const all = [
        answered(base, ["0", "0", "1", "0"]),
        answered(rast, ["1", "0", "1", "0"]),
        answered(reference, ["1", "1", "1", "0"])
    ];

    test("differences to the base, with an interval", async () => {
        const { differences } = await report(...all);
        expect(differences.map(({ a, b, value }) => [a, b, value])).toEqual([
            ["rast λ 1", "base", 0.25],
            ["reference", "base", 0.5]
        ]);
        for (const { low, value, high } of differences) expect(low <= value && value <= high).toBe(true);
    });

    test("the recovery rate", async () => {
        const { recovery } = await report(...all);
        expect(recovery).toMatchObject([{ contestant: "rast λ 1", base: "base", reference: "reference", value: 0.5 }]);
    });

    test("no recovery rate where training gave nothing", async () => {
        const { recovery } = await report(all[0]!, all[1]!, answered(reference, ["0", "0", "1", "0"]));
        expect(recovery).toEqual([]);
    });

    test("several trios: each with its own base, and with the same of the first", async () => {
        const other = (label: string, changes: object): Answered =>
            answered(evalContestant(`q4: ${label}`, { trio: "q4", ...changes }), ["0", "0", "0", "0"]);
        const { differences, recovery } = await report(
            ...all,
            other("base", {}),
            other("rast λ 1", { role: "rast", lambda: [1] })
        );
        expect(differences.map(({ a, b }) => `${a} less ${b}`)).toEqual([
            "rast λ 1 less base",
            "reference less base",
            "q4: rast λ 1 less q4: base",
            "q4: base less base",
            "q4: rast λ 1 less rast λ 1"
        ]);
        expect(recovery.map(({ contestant }) => contestant)).toEqual(["rast λ 1", "q4: rast λ 1"]);
    });
});

describe("a record that is not complete", () => {
    test("has the figures of what all have, and says so", async () => {
        const { data, samples, notes } = await report(answered(base, ["11", "10", "00"]), answered(rast, ["1", "1"]));
        expect([data.asked, samples]).toEqual([2, 1]);
        expect(notes).toEqual([
            expect.stringMatching(/^The record has more samples .* 2 problems, 1 of each \(more of base\)\.$/)
        ]);
    });

    test("has none where they have no problem in common", async () => {
        const none = { contestant: rast, samples: [] };
        expect(
            await reportOn({ head: evalHead(), answered: [answered(base, ["1"]), none], same: never })
        ).toBeUndefined();
    });
});

describe("votes", () => {
    const wrong = (extracted: string | null): Parameters<typeof votesOf>[0][number] => ({
        right: false,
        extracted,
        timedOut: false
    });

    test("answers that say the same are one, right ones too, and none is none", async () => {
        const samples = [
            wrong("1/2"),
            { right: true, extracted: "8", timedOut: false },
            wrong("0.5"),
            wrong(null),
            { right: true, extracted: "8.0", timedOut: false },
            wrong("7"),
            { right: false, extracted: "9", timedOut: true }
        ];
        const same = async (one: string, other: string): Promise<boolean> =>
            [one, other].sort().join(" ") === "0.5 1/2";
        const votes = await votesOf(samples, same);
        expect(votes.map(({ answer }) => answer)).toEqual(["wrong 0.5", 0, "wrong 0.5", null, 0, "wrong 7", null]);
    });

    test("by letters alone nothing is compared", async () => {
        const votes = await votesOf([wrong("1/2"), wrong("0.5")], undefined);
        expect(new Set(votes.map(({ answer }) => answer)).size).toBe(2);
    });

    test("integers are not compared, and others with 16 groups at most", async () => {
        let compared = 0;
        const same = async (): Promise<boolean> => ++compared < 0;
        await votesOf(
            Array.from({ length: 30 }, (_, at) => wrong(String(at))),
            same
        );
        expect(compared).toBe(0);
        await votesOf(
            Array.from({ length: 30 }, (_, at) => wrong(`x+${at}`)),
            same
        );
        expect(compared).toBe(15 * 8 + 14 * 16);
    });
});

test("a report is plain data", async () => {
    const one = await someReport();
    expect(JSON.parse(JSON.stringify(one))).toEqual(one);
});
