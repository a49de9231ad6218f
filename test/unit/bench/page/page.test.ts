import { describe, expect, test } from "vitest";
import { benchPage } from "../../../../src/bench/page/page.js";
import { niceTicks, tickInWords } from "../../../../src/report/line-chart.js";
import { fullRecord, hostileRecord, someMemory, someRecord, someResult } from "../../../support/bench-records.js";
import { captions, titles } from "../../../support/page-text.js";

const texts = (page: string): string =>
    page
        .replace(/<style>.*?<\/style>/s, "")
        .replace(/<[^>]*>/g, " ")
        .replace(/\s+/g, " ");

describe("a page of one row", () => {
    const page = benchPage(someRecord());

    test("says what ran where", () => {
        const text = texts(page);
        for (const words of [
            "qwen2 1.5B Q4_0 + 2 x qwen2 0.5B Q4_0",
            "Base base-q4.gguf (qwen2 1.5B Q4_0, 1.54 B parameters, 1.00 GiB)",
            "antiexpert antiexpert-q4.gguf",
            "Measured on 2026-11-25 at 07:09:50Z on Some CPU, 2 cores",
            "Backend CPU (no GPU was found)",
            "rast-llama 0.1.0, node-llama-cpp 3.22.1, llama.cpp v0.5.0, ggml 0.9.4 (a1b2c3d)",
            "3 repetitions, seed 1.",
            "rast bench --trio my-trio.json",
            "device 11.00 ± 1.00 t/s",
            "10.00, 11.00, 12.00"
        ]) {
            expect(text).toContain(words);
        }
    });

    test("leaves out what there is nothing of", () => {
        expect(titles(page)).toEqual(["Tokens per second", "All rows"]);
        expect(captions(page)).toEqual(["tg128"]);
        expect(page).not.toContain("ideal:");
        expect(page).not.toMatch(/NaN|Infinity|undefined|null/);
    });
});

describe("a page of everything", () => {
    const page = benchPage(fullRecord());

    test("has all sections", () => {
        expect(titles(page)).toEqual([
            "Tokens per second",
            "By number of sequences",
            "By depth",
            "Time of a step",
            "Memory",
            "All rows"
        ]);
        expect(captions(page)).toContain("tg128 @ d4096, 1 sequence");
        expect(captions(page)).toContain("tg128, 1 sequence: tokens per second");
        expect(captions(page)).not.toContain("tg128, 2 sequences: tokens per second");
    });

    test("shows values, not only shapes", () => {
        const text = texts(page);
        for (const words of [
            "301.39 ± 6.53 t/s",
            "12.86 ± 0.28 t/s · 95%",
            "1823232",
            "183.9 ms, 3.20 tokens",
            "peak 2.05 GiB"
        ]) {
            expect(text).toContain(words);
        }
    });

    test("has a title and a description with the values for each picture", () => {
        const pictures = [...page.matchAll(/<svg role="img" aria-labelledby="(\S+) (\S+)".*?<\/desc>/gs)];
        expect(pictures.length).toBeGreaterThan(15);
        for (const [picture, title, description] of pictures) {
            expect(picture).toMatch(new RegExp(`<title id="${title}">[^<]{10,}</title>`));
            expect(picture).toMatch(new RegExp(`<desc id="${description}">[^<]{10,}</desc>`));
        }
        const ids = [...page.matchAll(/ id="(.*?)"/g)].map((match) => match[1]!);
        expect(new Set(ids).size).toBe(ids.length);
        expect(page).toContain("device 12.86 ± 0.28 tokens per second, 0.95 [0.94, 0.96] of the ideal");
    });

    test("needs nothing from elsewhere", () => {
        expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|https?:|src=|href=/);
    });

    test("is well-formed", () => {
        const open: string[] = [];
        const body = page.replace(/<!DOCTYPE html>|<style>.*?<\/style>/gs, "");
        for (const [, close, name, end] of body.matchAll(/<(\/?)([a-z0-9]+)(?:\s[^<>]*?)?(\/?)>/g)) {
            if (end === "/" || name === "meta") continue;
            if (close === "/") expect(open.pop()).toBe(name);
            else open.push(name!);
        }
        expect(open).toEqual([]);
    });
});

describe("names that look like markup", () => {
    const page = benchPage(hostileRecord());

    test("are shown as text, everywhere", () => {
        expect(page).not.toContain("<script");
        expect(page).not.toMatch(/[\u001b\u202e]/);
        expect(page.split("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;|").length).toBeGreaterThan(100);
    });

    test("do not end an attribute", () => {
        for (const [tag] of page.replace(/<style>.*?<\/style>/s, "").matchAll(/<[a-z][^>]*>/g)) {
            expect(tag).toMatch(/^<[a-z0-9]+(\s[a-zA-Z0-9-]+="[^"<>]*")*\s*\/?>$|^<style>$/);
        }
    });
});

describe("groups", () => {
    test("the base alone stands beside every lambda", () => {
        const results = [
            someResult({ mode: "base" }),
            someResult({ lambdas: [0.5] }),
            someResult({ lambdas: [2] }),
            someResult({ mode: "base", sequences: 2 }),
            someResult({ sequences: 2, lambdas: [2] })
        ];
        const page = benchPage(someRecord({ results }));
        expect(captions(page)).toEqual([
            "tg128, 1 sequence, lambda 0.5",
            "tg128, 1 sequence, lambda 2",
            "tg128, 2 sequences, lambda 2",
            "tg128, lambda 0.5: tokens per second",
            "tg128, lambda 2: tokens per second"
        ]);
    });

    test("rows of other threads, layers and cache types are apart", () => {
        const results = [{}, { threads: 1 }, { gpuLayers: 3 }, { kvType: "q8_0" }].map((change) => someResult(change));
        expect(captions(benchPage(someRecord({ results })))).toEqual([
            "tg128, 2 threads, 0 layers on the GPU, KV cache f16",
            "tg128, 1 thread, 0 layers on the GPU, KV cache f16",
            "tg128, 2 threads, 3 layers on the GPU, KV cache f16",
            "tg128, 2 threads, 0 layers on the GPU, KV cache q8_0"
        ]);
    });
});

describe("memory", () => {
    test("without a measured peak says so", () => {
        const text = texts(benchPage(someRecord({ memory: [someMemory({ peakBytes: null })] })));
        expect(text).toContain("not measured");
        expect(text).not.toContain("measured peak");
    });

    test("counts what a device's driver tells", () => {
        const memory = [someMemory({ peakBytes: 2 ** 30, deviceBytes: 2 ** 30 })];
        expect(texts(benchPage(someRecord({ memory })))).toContain("peak 2.00 GiB");
    });
});

test.each([
    [0, [0, 1]],
    [1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [116.1, [0, 25, 50, 75, 100, 125]],
    [0.0003, [0, 0.0001, 0.0002, 0.0003]],
    [1e12, [0, 2e11, 4e11, 6e11, 8e11, 1e12]]
])("ticks up to %d", (most, ticks) => {
    expect(niceTicks(most)).toEqual(ticks);
});

test("ticks are short", () => {
    expect([0, 0.25, 250, 9999, 12_500, 3e6, 2e11, 2e-5].map(tickInWords)).toEqual([
        "0",
        "0.25",
        "250",
        "9999",
        "12.5k",
        "3M",
        "2e11",
        "2e-5"
    ]);
});
