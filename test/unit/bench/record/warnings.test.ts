import { describe, expect, test } from "vitest";
import { benchPage } from "../../../../src/bench/page/page.js";
import { printRecord } from "../../../../src/bench/print/record.js";
import { compareRecords } from "../../../../src/bench/record/compare.js";
import type { BenchNoise, BenchRecord, BenchResult } from "../../../../src/bench/record/schema.js";
import { quickestYardstick, warningsOf } from "../../../../src/bench/record/warnings.js";
import { someRecord, someResult } from "../../../support/bench-records.js";

const quiet: BenchNoise = { yardstickMs: [5, 5.2, 5.1], othersCpus: 0.03, stealShare: 0.001, throttledShare: 0 };
const steady = { samples: [10, 10.2, 10.1, 9.9, 10], idealSamples: [10.4, 10.4, 10.4, 10.4, 10.4], noise: quiet };
const warnings = (row: Partial<BenchResult>, cores = 2): string[] =>
    warningsOf(someResult({ ...steady, ...row }), { cores, yardstickMs: 5 });

describe("nothing is said against", () => {
    test.each<[string, Partial<BenchResult>]>([
        ["a steady row", {}],
        ["one sample, or one that stands out among many", { samples: [10], idealSamples: [] }],
        ["one outlier of seven", { samples: [10, 10, 10, 4, 10, 10, 10], idealSamples: [] }],
        ["drafts above the ideal", { mode: "draft", tokensPerRound: 3, idealSamples: [4, 4, 4, 4, 4] }],
        ["a row of an earlier version", { noise: null }],
        [
            "a system that tells nothing",
            { noise: { yardstickMs: [5], othersCpus: null, stealShare: null, throttledShare: null } }
        ]
    ])("%s", (_, row) => {
        expect(warnings(row)).toEqual([]);
    });

    test("other programs on CPUs that the row leaves", () => {
        expect(warnings({ threads: 2, noise: { ...quiet, othersCpus: 5.5 } }, 8)).toEqual([]);
        expect(warnings({ threads: 6, noise: { ...quiet, othersCpus: 5.5 } }, 8)).toHaveLength(1);
    });
});

describe("it is said", () => {
    test.each<[string, Partial<BenchResult>, string]>([
        [
            "that samples spread",
            { samples: [10, 12, 14, 16, 18], idealSamples: [] },
            "the middle half of the samples spans 29% of their median"
        ],
        ["that two samples differ", { samples: [10, 14], idealSamples: [] }, "the samples span 33% of their median"],
        [
            "that the yardstick moved",
            { noise: { ...quiet, yardstickMs: [7, 8, 7] } },
            "a fixed piece of work beside the samples took 1.40 times as long as at best"
        ],
        ["that others work", { noise: { ...quiet, othersCpus: 0.97 } }, "other programs used 0.97 of 2 CPUs"],
        [
            "that a hypervisor steals",
            { noise: { ...quiet, stealShare: 0.05 } },
            "a hypervisor took 5% of the CPUs' time"
        ],
        [
            "that there is a quota",
            { noise: { ...quiet, throttledShare: 0.5 } },
            "a quota held threads back for 50% of the time"
        ],
        [
            "that a ratio cannot be",
            { idealSamples: [2, 2, 2, 2, 2] },
            "5.00 of the ideal is more than there can be: the baseline was disturbed"
        ],
        [
            "of drafts, too",
            { mode: "draft", tokensPerRound: 2, idealSamples: [2, 2, 2, 2, 2] },
            "5.00 of the ideal is more than there can be: the baseline was disturbed"
        ]
    ])("%s", (_, row, expected) => {
        expect(warnings(row)).toEqual([expected]);
    });
});

test("the yardstick at best is that of the quickest quarter of all rows", () => {
    const row = (yardstickMs: number[]): BenchResult => someResult({ noise: { ...quiet, yardstickMs } });
    expect(quickestYardstick([row([4, 9]), row([5, 6, 8])])).toBe(5);
    expect(quickestYardstick([someResult()])).toBeNull();
});

describe("a row with warnings", () => {
    // what a machine with two busy programs gave
    const samples = [303, 1749, 1026, 500, 1552];
    const noisy = someResult({
        samples,
        idealSamples: samples.map((rate) => rate / 5.38),
        warnings: ["others work", "it spreads"]
    });
    const doubtful = someResult({
        mode: "host",
        samples: [10, 11, 12],
        idealSamples: [20, 22, 24],
        warnings: ["others work"]
    });
    const record = someRecord({ warnings: ["not quiet"], results: [noisy, doubtful, someResult({ mode: "base" })] });

    test("says so in the table, and gives no ratio that cannot be", () => {
        const printed = printRecord(record, "md");
        expect(printed).toMatch(/\| device \| +1026\.00 ± 632\.\d+ \| 1026\.00 \| +\? \| +2 \|/);
        expect(printed).toMatch(/\| host .* \| +0\.50\? \| +1 \|/);
        expect(printed).toMatch(/\| base .* \| +- \| +- \|/);
        expect(printed).not.toContain("5.38");
        expect(printed.split("**Not to be believed as it stands**")[1]).toContain(
            ":\n\n- not quiet\n- tg128, device: others work; it spreads\n- tg128, host: others work\n"
        );
    });

    test("says so in the lines and fields of other formats", () => {
        const [head, line] = printRecord(record, "csv")
            .split("\n")
            .map((text) => text.split(","));
        expect(line![head!.indexOf("warnings")]).toBe("not quiet; others work; it spreads");
        const json = JSON.parse(printRecord(record, "json")) as typeof record;
        expect(json.results[0]!.warnings).toEqual(["others work", "it spreads"]);
        const lines = printRecord(record, "jsonl").trim().split("\n");
        expect(lines.map((text) => (JSON.parse(text) as BenchResult).warnings.length)).toEqual([2, 1, 0]);
    });

    test("says so on the page, before all figures", () => {
        const page = benchPage(record);
        const at = page.indexOf("Not to be believed as it stands");
        expect(at).toBeGreaterThan(0);
        expect(at).toBeLessThan(page.indexOf("Tokens per second</h2>"));
        expect(page).toContain("<li>tg128, device: others work; it spreads</li>");
        expect(page).toContain("· 50%?");
        expect(page).not.toContain("538%");
        expect(benchPage(someRecord())).not.toContain("Not to be believed");
    });

    test("what the machine did is said, where it was looked at", () => {
        const said = (activity: BenchRecord["activity"]): string =>
            printRecord(someRecord({ activity }), "md").split("\n\n")[0]!;
        expect(said({ loadBefore: 0.214, loadAfter: 1.9, waitedMs: 12_400 })).toMatch(
            /\nLoad average 0\.21 before, 1\.90 after; 12 s were spent on waiting for a quiet machine\.$/
        );
        expect(said({ loadBefore: 0, loadAfter: 1, waitedMs: 0 })).toMatch(/after; the machine was quiet at once\.$/);
        expect(said({ loadBefore: 0, loadAfter: 1, waitedMs: null })).toMatch(
            /\nLoad average 0\.00 before, 1\.00 after\.$/
        );
        expect(said({ loadBefore: null, loadAfter: null, waitedMs: null })).not.toContain("oad average");
        const page = benchPage(someRecord({ activity: { loadBefore: 0.2, loadAfter: 1.9, waitedMs: null } }));
        expect(page).toContain("Load average 0.20 before, 1.90 after.");
    });

    test("is neither faster nor slower than another", () => {
        const other = someRecord({ results: [someResult({ samples: [1, 1, 1] })] });
        const comparison = compareRecords(record, other, { a: "a", b: "b" });
        expect(comparison.rows[0]!.verdict).toBe("unclear");
        expect(comparison.rows[0]!.a.ofIdeal).toBeNull();
        expect(comparison.warnings).toEqual(["a: not quiet", "2 of 3 rows of a have warnings."]);
        const old = compareRecords({ ...other, schema: "rast-bench/1" }, other);
        expect(old.warnings.join()).toContain("The clocks differ");
    });
});
