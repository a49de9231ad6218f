import { describe, expect, test } from "vitest";
import { parseRecord } from "../../../../src/bench/record/parse.js";
import { printRecord } from "../../../../src/bench/print/record.js";
import { RastError } from "../../../../src/errors.js";
import { benchPage } from "../../../../src/bench/page/page.js";
import {
    fullRecord,
    hostileRecord,
    someMemory,
    someModels,
    someRecord,
    someResult
} from "../../../support/bench-records.js";

function refusal(text: string): RastError {
    try {
        parseRecord(text, "some.json");
    } catch (error) {
        expect(error).toBeInstanceOf(RastError);
        return error as RastError;
    }
    throw new Error("nothing was refused");
}

describe("what is a record", () => {
    test.each([
        ["of one row", someRecord()],
        ["of all there is", fullRecord()],
        ["with hostile names", hostileRecord()],
        ["of three pairs", someRecord({ models: someModels(3), results: [someResult({ lambdas: [1, -10, 0] })] })],
        ["of the base alone", someRecord({ models: someModels(0), results: [someResult({ mode: "base" })] })]
    ])("%s is read as it was written", (_, record) => {
        expect(parseRecord(JSON.stringify(record), "x")).toEqual(record);
        expect(parseRecord(`\uFEFF${printRecord(record, "json")}`, "x")).toEqual(record);
    });

    test("fields that are not known are left out", () => {
        const record = someRecord();
        const results = [{ ...record.results[0], date: "never", toString: 1 }];
        const text = JSON.stringify({ ...record, results, more: true }).replace("{", '{"__proto__":{"backend":5},');
        expect(parseRecord(text, "x")).toEqual(record);
    });
});

describe("what is none", () => {
    test.each([
        ["", "it is not JSON"],
        ["{", "it is not JSON"],
        ["null", "expected an object for the whole, received null"],
        ["[]", "expected an object for the whole, received an array of 0"],
        ["{}", 'expected one of "rast-bench/1", "rast-bench/2" for schema, received undefined'],
        [
            '{"schema":"rast-bench/3"}',
            'expected one of "rast-bench/1", "rast-bench/2" for schema, received "rast-bench/3" (string)'
        ]
    ])("%j", (text, reason) => {
        const error = refusal(text);
        expect(error.message).toBe(`some.json is not a benchmark record: ${reason}.`);
        expect(error).toMatchObject({ code: "ERR_BENCH_RECORD", details: { what: "some.json" } });
    });

    /** A record with memory and a row that has everything. */
    const full = someRecord({
        memory: [someMemory()],
        results: [
            someResult({
                idealSamples: [11, 12, 13],
                hostBytesPerToken: 16,
                shares: { base: 0.6, expert: 0.2, antiexpert: 0.1, sampling: 0.05, overhead: 0.05 },
                stepMs: 80,
                agreement: 0.8,
                tokensPerRound: 2,
                network: { bytes: 3800, networkMs: 0.2, workerMs: 9, hereMs: 4, waits: 1 }
            })
        ]
    });

    /** The record with one value replaced; undefined takes it away. */
    function damaged(path: string, value: unknown): string {
        const copy = structuredClone(full) as unknown as Record<string, unknown>;
        const keys = path.split(".");
        const last = keys.pop()!;
        const place = keys.reduce((at, key) => at[key] as Record<string, unknown>, copy);
        expect(Object.hasOwn(place, last)).toBe(true);
        place[last] = value;
        return JSON.stringify(copy);
    }

    test.each<[path: string, value: unknown, message: string]>([
        ["date", "yesterday", "a date and time in ISO 8601 for date"],
        ["date", "2026-13-25T07:09:50Z", "a date and time in ISO 8601 for date"],
        ["date", "2026-11-25T07:09:50Z\n<b>", "a date and time in ISO 8601 for date"],
        ["command", 5, "a string for command"],
        ["command", "x".repeat(10_001), "a string of at most 10000 characters for command"],
        ["machine", [], "an object for machine"],
        ["machine.cpu", "", "a string that is not empty for machine.cpu"],
        ["machine.cores", 1.5, "an integer in [1, 1000000000] for machine.cores"],
        ["machine.memoryBytes", -1, "an integer >= 0 for machine.memoryBytes"],
        ["machine.devices", {}, "an array of 0 to 64 items for machine.devices"],
        ["machine.devices", [null], "an object for machine.devices[0]"],
        ["machine.driver", undefined, "a string for machine.driver"],
        ["versions.ggml", null, "a string for versions.ggml"],
        ["backend", "", "a string that is not empty for backend"],
        ["backendReason", [], "a string for backendReason"],
        ["models", [], "an array of 1 to 7 items for models"],
        ["models.0.role", "boss", 'one of "base", "expert", "antiexpert" for models[0].role'],
        ["models.1.pair", 3, "an integer in [0, 2] for models[1].pair"],
        ["models.0.fileBytes", "1", "an integer >= 0 for models[0].fileBytes"],
        ["models.0.quantization", 4, "a string for models[0].quantization"],
        ["repetitions", 0, "an integer in [1, 1000000000] for repetitions"],
        ["seed", "1", "for seed"],
        ["memory", null, "an array of 0 to 10000 items for memory"],
        ["memory.0.sampler", "gpu", 'one of "device", "host" for memory[0].sampler'],
        ["memory.0.speculation", 1, "true or false for memory[0].speculation"],
        ["memory.0.models", [], "an array of 1 to 7 items for memory[0].models"],
        ["memory.0.models.0.cacheBytes", 0.5, "an integer >= 0 for memory[0].models[0].cacheBytes"],
        ["memory.0.peakBytes", "much", "an integer >= 0 for memory[0].peakBytes"],
        ["results", [], "an array of 1 to 10000 items for results"],
        ["results.0.test", null, "a string for results[0].test"],
        ["results.0.kind", "tgg", 'one of "pp", "tg" for results[0].kind'],
        ["results.0.mode", "rast", 'one of "base", "host", "device", "draft", "node-llama-cpp" for results[0].mode'],
        ["results.0.tokens", 0, "for results[0].tokens"],
        ["results.0.depth", -1, "for results[0].depth"],
        ["results.0.lambdas", [11], "a number in [-10, 10] for results[0].lambdas[0]"],
        ["results.0.temperature", -1, "for results[0].temperature"],
        ["results.0.topP", 0, "for results[0].topP"],
        ["results.0.samples", [], "an array of 1 to 10000 items for results[0].samples"],
        ["results.0.samples", [1, null, 2], "for results[0].samples[1]"],
        ["results.0.samples", [1, 0, 2], "for results[0].samples[1]"],
        ["results.0.samples", [1, 2, 1e300], "for results[0].samples[2]"],
        ["results.0.idealSamples", null, "for results[0].idealSamples"],
        ["results.0.idealSamples", [1], "results[0] has 3 samples and 1 idealSamples"],
        ["results.0.hostBytesPerToken", -16, "for results[0].hostBytesPerToken"],
        ["results.0.shares", { base: 1 }, "for results[0].shares.expert"],
        ["results.0.shares.sampling", -0.05, "a number in [0, 1] for results[0].shares.sampling"],
        ["results.0.shares.base", 0.9, "results[0].shares add up to 1.300, expected 1"],
        ["results.0.agreement", 1.01, "for results[0].agreement"],
        ["results.0.tokensPerRound", "2", "for results[0].tokensPerRound"],
        ["results.0.network.waits", -1, "for results[0].network.waits"],
        ["results.0.path", undefined, "a string for results[0].path"],
        ["results.0.lambdas", [], "results[0] has 0 lambdas, expected 1 for mode device"],
        ["results.0.mode", "base", "results[0] has 1 lambdas, expected 0 for mode base"],
        ["models.0.pair", 1, "models has no base"],
        ["models.1.role", "base", "models has two of base 0"],
        ["models.1.pair", 1, "models has no antiexpert of pair 1"],
        ["models", someModels(0), "results[0] has mode device, and models has no pair"],
        ["results", [someResult(), someResult()], "results[1] is the same case as results[0]"]
    ])("%s = %j", (path, value, message) => {
        const error = refusal(damaged(path, value));
        expect(error.code).toBe("ERR_BENCH_RECORD");
        expect(error.message).toMatch(/^some\.json is not a benchmark record: [^\n]+\.$/);
        expect(error.message).toContain(message);
    });

    // what version 2 has beside those of version 1
    const added = ["name", "trio", "loads", "activity", "warnings", "noise", "network"];

    test("every field is needed", () => {
        const paths = (value: unknown, path: string[]): string[][] => {
            if (typeof value !== "object" || value === null) return [path];
            return [path, ...Object.entries(value).flatMap(([key, part]) => paths(part, [...path, key]))];
        };
        const all = paths(full, []).filter((path) => path.length > 0 && !/^\d+$/.test(path.at(-1)!));
        expect(all.length).toBeGreaterThan(80);
        const [later, first] = [true, false].map((is) => all.filter((path) => added.includes(path.at(-1)!) === is));
        // devices have names, too
        const needed = [...first!, ...later!.filter((path) => path.includes("devices"))];
        for (const path of needed) expect(refusal(damaged(path.join("."), undefined)).code).toBe("ERR_BENCH_RECORD");
    });
});

test("records of version 1 are read, with nothing in the fields that they lack", () => {
    const without = (value: unknown): unknown => {
        if (Array.isArray(value)) return value.map(without);
        if (typeof value !== "object" || value === null) return value;
        const added = ["trio", "loads", "activity", "warnings", "noise", "network"];
        const isModel = "parameterCount" in value;
        const kept = Object.entries(value).filter(([key]) => !added.includes(key) && !(isModel && key === "name"));
        return Object.fromEntries(kept.map(([key, part]) => [key, without(part)]));
    };
    const old = { ...(without(fullRecord()) as object), schema: "rast-bench/1" };
    expect(parseRecord(JSON.stringify(old), "old")).toEqual({ ...fullRecord(), schema: "rast-bench/1" });
});

test("what is let through can be printed and shown, at the ends of all ranges", () => {
    const huge = Number.MAX_SAFE_INTEGER;
    const record = parseRecord(
        JSON.stringify(
            someRecord({
                machine: { ...someRecord().machine, memoryBytes: huge, cores: 1e9 },
                models: someModels().map((model) => ({ ...model, fileBytes: huge, parameterCount: huge })),
                memory: [
                    someMemory({ accountedBytes: 0, peakBytes: huge, deviceBytes: huge }),
                    someMemory({ kvType: "q8_0", peakBytes: 0 })
                ],
                results: [
                    someResult({ samples: [1e-6], idealSamples: [1e12], sequences: 1e9, depth: 1e9 }),
                    someResult({ samples: [1e12, 1e-6], idealSamples: [1e-6, 1e12], hostBytesPerToken: 1e12 }),
                    someResult({
                        mode: "draft",
                        shares: { base: 0, expert: 0, antiexpert: 0, sampling: 0, overhead: 1 },
                        stepMs: 0,
                        agreement: 0,
                        tokensPerRound: 0,
                        network: { bytes: 0, networkMs: 0, workerMs: 0, hereMs: 1e12, waits: 0 }
                    })
                ]
            })
        ),
        "x"
    );
    const shown = [
        benchPage(record),
        ...(["md", "csv", "jsonl"] as const).map((format) => printRecord(record, format))
    ];
    for (const text of shown) expect(text).not.toMatch(/NaN|Infinity|undefined|\[object/);
});
