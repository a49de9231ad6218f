import { describe, expect, test } from "vitest";
import { printRecord } from "../../../../src/bench/print/record.js";
import type { BenchRecord } from "../../../../src/bench/record/schema.js";
import {
    fullRecord,
    hostileRecord,
    someMemory,
    someModels,
    someRecord,
    someResult
} from "../../../support/bench-records.js";

const origin =
    "Some CPU, 2 cores, 8.00 GiB, linux x64 6.1.0, node v20.20.2; 2026-11-25T07:09:50Z; " +
    "rast-llama 0.1.0, node-llama-cpp 3.22.1, llama.cpp v0.5.0, ggml 0.9.4 (a1b2c3d); CPU";

const record = someRecord({
    memory: [someMemory(), someMemory({ sampler: "host", peakBytes: null })],
    results: [
        someResult({ test: "pp512", kind: "pp", mode: "base", tokens: 512, samples: [300, 310, 320] }),
        someResult({
            samples: [9, 10, 11, 12, 13, 14],
            idealSamples: [10, 10, 11, 12.5, 13, 15],
            hostBytesPerToken: 16,
            shares: { base: 0.65, expert: 0.16, antiexpert: 0.16, sampling: 0.012, overhead: 0.018 },
            stepMs: 86.9
        }),
        someResult({
            mode: "draft",
            samples: [20],
            idealSamples: [16],
            hostBytesPerToken: 20.25,
            shares: { base: 0.5, expert: 0.3, antiexpert: 0.15, sampling: 0.025, overhead: 0.025 },
            stepMs: 160,
            agreement: 0.8125,
            tokensPerRound: 3.2
        })
    ]
});

describe("md", () => {
    test("has the origin, llama-bench's columns, steps and memory", () => {
        expect(printRecord(record, "md")).toBe(
            `${origin}

| model                                 |     size | params | backend | threads |  test | mode   |            t/s | median |          of ideal | bytes/token | agreement | tokens/round |
| ------------------------------------- | -------: | -----: | ------- | ------: | ----: | ------ | -------------: | -----: | ----------------: | ----------: | --------: | -----------: |
| qwen2 1.5B Q4_0                       | 1.00 GiB | 1.54 B | CPU     |       2 | pp512 | base   | 310.00 ± 10.00 | 310.00 |                 - |           - |         - |            - |
| qwen2 1.5B Q4_0 + 2 x qwen2 0.5B Q4_0 | 1.50 GiB | 2.52 B | CPU     |       2 | tg128 | device |   11.50 ± 1.87 |  11.50 | 0.98 [0.90, 1.00] |          16 |         - |            - |
| qwen2 1.5B Q4_0 + 2 x qwen2 0.5B Q4_0 | 1.50 GiB | 2.52 B | CPU     |       2 | tg128 | draft  |   20.00 ± 0.00 |  20.00 |              1.25 |        20.3 |     0.813 |         3.20 |

Time of a step:

|  test | mode   |  base | expert | antiexpert | sampling | overhead | ms/step |
| ----: | ------ | ----: | -----: | ---------: | -------: | -------: | ------: |
| tg128 | device | 65.0% |  16.0% |      16.0% |     1.2% |     1.8% |    86.9 |
| tg128 | draft  | 50.0% |  30.0% |      15.0% |     2.5% |     2.5% |     160 |

Memory:

| sampler | drafts | context | sequences |  weights |  kv cache |    compute |   output | sampling | accounted |     peak | measured/accounted |
| ------: | -----: | ------: | --------: | -------: | --------: | ---------: | -------: | -------: | --------: | -------: | -----------------: |
|  device |     no |    4096 |         1 | 1.50 GiB | 96.00 MiB | 192.00 MiB | 3.00 MiB | 6.00 MiB |  1.79 GiB | 1.86 GiB |               1.04 |
|    host |     no |    4096 |         1 | 1.50 GiB | 96.00 MiB | 192.00 MiB | 3.00 MiB | 6.00 MiB |  1.79 GiB |        - |                  - |
`
        );
    });

    test("says how much of the weights is there twice", () => {
        const models = someMemory().models.map((model) => ({ ...model, repackedBytes: 512 * 1_048_576 }));
        const printed = printRecord(someRecord({ memory: [someMemory({ models })] }), "md");
        expect(printed).toMatch(/\| +weights \| of it repacked \| +kv cache \|/);
        expect(printed).toMatch(/\| 3\.00 GiB \| +1\.50 GiB \|/);
    });

    test("leaves out what was not measured", () => {
        expect(printRecord(someRecord(), "md")).toBe(
            `${origin}

| model                                 |     size | params | backend | threads |  test | mode   |          t/s | median |
| ------------------------------------- | -------: | -----: | ------- | ------: | ----: | ------ | -----------: | -----: |
| qwen2 1.5B Q4_0 + 2 x qwen2 0.5B Q4_0 | 1.50 GiB | 2.52 B | CPU     |       2 | tg128 | device | 11.00 ± 1.00 |  11.00 |
`
        );
    });

    test("shows the time of a step where its parts are not known", () => {
        const text = printRecord(someRecord({ results: [someResult({ stepMs: 0.5 })] }), "md");
        expect(text).toContain("| tg128 | device |    - |      - |          - |        - |        - |   0.500 |");
    });

    function columns(of: BenchRecord): string[] {
        const head = printRecord(of, "md").split("\n")[2]!;
        return head
            .split("|")
            .slice(6, -4)
            .map((name) => name.trim());
    }

    test("shows a setting that varies or is not the default", () => {
        const rows = (...changes: Parameters<typeof someResult>[0][]): BenchRecord =>
            someRecord({ results: changes.map((change) => someResult(change)) });
        expect(columns(rows({}))).toEqual(["test"]);
        expect(columns(rows({ gpuLayers: 29 }))).toEqual(["ngl", "test"]);
        expect(columns(rows({ kvType: "q8_0" }))).toEqual(["type_kv", "test"]);
        expect(columns(rows({}, { sequences: 4 }))).toEqual(["sequences", "test"]);
        expect(columns(rows({ lambdas: [0.5] }))).toEqual(["lambda", "test"]);
        expect(columns(rows({}, { mode: "base" }))).toEqual(["test"]);
        expect(columns(rows({ temperature: 0, topP: 0.5 }))).toEqual(["temperature", "test"]);
        expect(columns(rows({ topP: 1 }))).toEqual(["top_p", "test"]);
        expect(columns(rows({ kind: "pp", temperature: 0, topP: 1, lambdas: [2] }))).toEqual(["test"]);
    });

    test("counts equal small models, and names different lambdas", () => {
        const of = someRecord({ models: someModels(2), results: [someResult({ lambdas: [1, 0.5] })] });
        const text = printRecord(of, "md");
        expect(text).toContain("| qwen2 1.5B Q4_0 + 4 x qwen2 0.5B Q4_0 | 2.00 GiB | 3.50 B |");
        expect(text).toContain("| 1, 0.5 |");
    });

    test("names devices and driver", () => {
        expect(printRecord(fullRecord(), "md").split("\n")[0]).toContain(
            "node v20.20.2; Some GPU 24 GB (Vulkan0, 24.00 GiB), driver 550.54.14; 2026"
        );
    });

    test("keeps its columns, and the terminal, whatever names hold", () => {
        const text = printRecord(hostileRecord(), "md");
        expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
        const widths = text
            .split("\n\n")[1]!
            .split("\n")
            .filter((line) => line !== "")
            .map((line) => [line.replaceAll("\\|", "").split("|").length, [...line].length].join());
        expect(new Set(widths).size).toBe(1);
    });
});

/** Rows of a CSV text, read back as RFC 4180 says. */
function parseCsv(text: string): string[][] {
    const fields = [...text.matchAll(/("(?:[^"]|"")*"|[^",\n]*)(,|\n)/g)];
    const rows: string[][] = [[]];
    for (const [, field = "", end] of fields) {
        rows.at(-1)!.push(field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field);
        if (end === "\n") rows.push([]);
    }
    return rows.slice(0, -1);
}

test("what tokens needed of workers has a table of its own", () => {
    const network = { bytes: 4096, networkMs: 1.25, workerMs: 30.5, hereMs: 8, waits: 1 };
    const remote = someRecord({ results: [someResult({ network }), someResult({ mode: "draft" })] });
    expect(printRecord(remote, "md")).toContain(`Workers, for a token:

|  test | mode   | ms here | ms of workers | ms of network | waits | network KiB |
| ----: | ------ | ------: | ------------: | ------------: | ----: | ----------: |
| tg128 | device |    8.00 |          30.5 |          1.25 |  1.00 |         4.0 |
`);
    expect(printRecord(record, "md")).not.toContain("Workers");
    const [head, row, other] = parseCsv(printRecord(remote, "csv"));
    expect(row![head!.indexOf("networkMs")]).toBe("1.25");
    expect(other![head!.indexOf("networkMs")]).toBe("");
});

describe("csv", () => {
    test("has a line per result with every field", () => {
        const [head, first, second, third] = parseCsv(printRecord(record, "csv"));
        const value = (row: string[] | undefined, name: string): string | undefined => row?.[head!.indexOf(name)];
        expect(first).toHaveLength(head!.length);
        expect(value(first, "lambdas")).toBe("");
        expect(value(first, "ofIdeal")).toBe("");
        expect(value(second, "cpu")).toBe("Some CPU");
        expect(value(second, "modelFiles")).toBe("base-q4.gguf;expert-q4.gguf;antiexpert-q4.gguf");
        expect(value(second, "samples")).toBe("9;10;11;12;13;14");
        expect(value(second, "meanPerSecond")).toBe("11.5");
        expect(value(second, "medianPerSecond")).toBe("11.5");
        expect(value(second, "ofIdealLow")).toBe("0.9");
        expect(value(second, "samplingShare")).toBe("0.012");
        expect(value(third, "ofIdealLow")).toBe("");
        expect(value(third, "agreement")).toBe("0.8125");
        expect(value(third, "idealSamples")).toBe("16");
    });

    test("has every field of a result but those that it takes apart", () => {
        const [head] = parseCsv(printRecord(record, "csv"));
        const missing = Object.keys(someResult()).filter((name) => !head!.includes(name));
        expect(missing).toEqual(["shares", "network", "noise"]);
    });

    test("gives back what it quoted", () => {
        const file = 'a "quoted", comma.gguf';
        const models = someModels().map((model) => ({ ...model, file }));
        const [head, row] = parseCsv(printRecord(someRecord({ models, command: "two\nlines" }), "csv"));
        expect(row![head!.indexOf("modelFiles")]).toBe([file, file, file].join(";"));
        expect(row![head!.indexOf("command")]).toBe("two\nlines");
    });
});

describe("json and jsonl", () => {
    test("json is the record", () => {
        expect(JSON.parse(printRecord(record, "json"))).toEqual(record);
    });

    test("jsonl has the head and a result on each line", () => {
        const lines = printRecord(record, "jsonl").trimEnd().split("\n");
        expect(lines).toHaveLength(3);
        const { results, ...head } = record;
        lines.forEach((line, index) => {
            // toEqual takes an undefined field for a missing one
            expect(JSON.parse(line)).toEqual({ ...head, memory: undefined, ...results[index] });
        });
    });
});
