import { describe, expect, test } from "vitest";
import { compareRecords, verdictCriterion } from "../../../../src/bench/record/compare.js";
import { printComparison } from "../../../../src/bench/print/comparison.js";
import type { BenchResult } from "../../../../src/bench/record/schema.js";
import { RastError } from "../../../../src/errors.js";
import { fullRecord, hostileRecord, someModels, someRecord, someResult } from "../../../support/bench-records.js";

const of = (...results: Partial<BenchResult>[]) => someRecord({ results: results.map((one) => someResult(one)) });

describe("a row", () => {
    test.each([
        ["faster", [10, 11, 12], [13, 14, 15]],
        ["slower", [13, 14, 15], [10, 11, 12]],
        ["same", [10, 11, 12], [10, 11, 12]],
        // one sample of the other reaches beyond the median
        ["same", [10, 11, 12], [9, 13, 14]],
        ["same", [10, 11, 14], [12, 13, 13]],
        // steady, and nearly equal
        ["same", [100, 100, 100], [100.9, 100.9, 100.9]],
        ["faster", [100, 100, 100], [101.1, 101.1, 101.1]],
        // ranges overlap, but neither median lies in the other's
        ["faster", [10, 10, 10, 10, 12], [11, 13, 13, 13, 13]],
        ["unclear", [10], [20]],
        ["unclear", [10, 11, 12], [20, 21]]
    ])("is %s: %j against %j", (verdict, a, b) => {
        expect(compareRecords(of({ samples: a }), of({ samples: b })).rows[0]?.verdict).toBe(verdict);
    });

    test("has the rates of both, and ratios of medians", () => {
        const a = of({ samples: [10, 11, 12], idealSamples: [20, 22, 24] });
        const b = of({ samples: [20, 22, 30], idealSamples: [25, 27.5, 30] });
        const [row] = compareRecords(a, b).rows;
        expect(row).toMatchObject({
            a: { mean: 11, standardDeviation: 1, median: 11, ofIdeal: 0.5, samples: [10, 11, 12] },
            b: { mean: 24, median: 22, ofIdeal: 0.8 },
            ratio: 2,
            idealRatio: 1.6
        });
        expect(row?.case).not.toHaveProperty("samples");
        expect(compareRecords(a, of({})).rows[0]?.idealRatio).toBeNull();
    });
});

describe("records", () => {
    test("are matched by case, whatever their order", () => {
        const a = of({ sequences: 1 }, { sequences: 2 }, { sequences: 4 });
        const b = of({ sequences: 4, samples: [1, 2, 3] }, { sequences: 8 }, { sequences: 2, samples: [5, 6, 7] });
        const { rows, onlyInA, onlyInB } = compareRecords(a, b);
        expect(rows.map((row) => [row.case.sequences, row.b.median])).toEqual([
            [2, 6],
            [4, 2]
        ]);
        expect(onlyInA.map(({ sequences }) => sequences)).toEqual([1]);
        expect(onlyInB.map(({ sequences }) => sequences)).toEqual([8]);
    });

    test("that are equal differ in nothing", () => {
        const { rows, warnings, onlyInA, onlyInB } = compareRecords(fullRecord(), fullRecord());
        expect(rows).toHaveLength(fullRecord().results.length);
        expect(new Set(rows.map(({ verdict }) => verdict))).toEqual(new Set(["same"]));
        expect([warnings, onlyInA, onlyInB]).toEqual([[], [], []]);
    });

    test("of other machines, versions and models are told apart", () => {
        const a = someRecord();
        const device = { name: "CUDA0", description: "Some GPU", backend: "CUDA", memoryTotalBytes: 0 };
        const other = (changes: Parameters<typeof someRecord>[0]): readonly string[] =>
            compareRecords(a, someRecord(changes)).warnings;
        expect(other({})).toEqual([]);
        expect(other({ date: "2027-01-01T00:00:00Z", command: "", seed: 2 })).toEqual([]);
        expect(other({ machine: { ...a.machine, cpu: "Another CPU" } })).toEqual([
            "The processors and systems differ: Some CPU, 2 cores, 8.00 GiB, linux x64 6.1.0, node v20.20.2 against " +
                "Another CPU, 2 cores, 8.00 GiB, linux x64 6.1.0, node v20.20.2."
        ]);
        expect(other({ machine: { ...a.machine, devices: [device], driver: "550" }, backend: "CUDA" })).toEqual([
            "The backends and devices differ: CPU against CUDA, Some GPU, driver 550."
        ]);
        expect(other({ versions: { ...a.versions, ggmlCommit: "fffffff" } })[0]).toMatch(
            /^The versions differ: .*a1b2c3d/
        );
        const models = someModels().map((model, index) => (index === 1 ? { ...model, file: "tuned.gguf" } : model));
        expect(other({ models })).toHaveLength(1);
        expect(other({ models })[0]).toContain("expert tuned.gguf (qwen2 0.5B Q4_0, 268435456 bytes)");
    });

    test("with no case in common are refused, naming what differs", () => {
        const a = of({ threads: 2 }, { threads: 2, mode: "host" });
        const b = of({ threads: 8, kvType: "q8_0", lambdas: [2] }, { threads: 8 });
        const compare = (): unknown => compareRecords(a, b, { a: "old.json", b: "new.json" });
        expect(compare).toThrow(RastError);
        expect(compare).toThrow(
            expect.objectContaining({
                code: "ERR_BENCH_RECORD",
                message:
                    "old.json and new.json have no case in common: the most similar ones differ in threads " +
                    "(threads 2 against threads 8).",
                details: { a: "old.json", b: "new.json", fields: ["threads"] }
            })
        );
    });
});

describe("the printers of a comparison", () => {
    const a = of({ samples: [10, 11, 12], idealSamples: [20, 22, 24] }, { mode: "host" }, { mode: "base" });
    const b = of({ samples: [20, 22, 24] }, { mode: "base", samples: [11] }, { sequences: 4, temperature: 0 });
    const comparison = compareRecords(a, { ...b, backend: "CUDA" }, { a: "a|1.json", b: "b.json" });

    test("md", () => {
        const [first, second, ...rest] = printComparison(comparison, "md").split("\n");
        expect(first).toMatch(/^- a: a\|1\.json: Some CPU, .*; CPU$/);
        expect(second).toMatch(/^- b: b\.json: Some CPU, .*; CUDA$/);
        expect(rest.join("\n")).toBe(`- **Note:** The backends and devices differ: CPU against CUDA.

|  test | mode   |        a t/s |        b t/s | b / a | a of ideal | b is    |
| ----: | ------ | -----------: | -----------: | ----: | ---------: | ------- |
| tg128 | device | 11.00 ± 1.00 | 22.00 ± 2.00 | 2.000 |       0.50 | faster  |
| tg128 | base   | 11.00 ± 1.00 | 11.00 ± 0.00 | 1.000 |          - | unclear |

${verdictCriterion}

Only in a:

- tg128, host, 2 threads, 0 layers on the GPU, KV cache f16, 1 sequence, lambda 1, temperature 1, top-p 0.95

Only in b:

- tg128, device, 2 threads, 0 layers on the GPU, KV cache f16, 4 sequences, lambda 1, greedy
`);
    });

    test("csv", () => {
        const lines = printComparison(comparison, "csv").trimEnd().split("\n");
        expect(lines).toHaveLength(5);
        const cells = lines.map((line) => line.split(","));
        expect(new Set(cells.map(({ length }) => length)).size).toBe(1);
        const column = (name: string): string[] => cells.slice(1).map((row) => row[cells[0]!.indexOf(name)]!);
        expect(column("verdict")).toEqual(["faster", "unclear", "only in a", "only in b"]);
        expect(column("ratio")).toEqual(["2", "1", "", ""]);
        expect(column("aOfIdeal")).toEqual(["0.5", "", "", ""]);
        expect(column("bSamples")).toEqual(["20;22;24", "11", "", ""]);
        expect(column("sequences")).toEqual(["1", "1", "1", "4"]);
    });

    test("json", () => {
        expect(JSON.parse(printComparison(comparison, "json"))).toEqual(comparison);
    });

    test("nothing that a terminal obeys", () => {
        const hostile = hostileRecord();
        const results = hostile.results.slice(1);
        const text = printComparison(compareRecords(hostile, { ...hostile, results, backend: "x" }), "md");
        expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    });
});
