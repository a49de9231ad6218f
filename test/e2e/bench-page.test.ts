import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BenchRecord } from "../../src/bench/record/schema.js";
import { benchPage } from "../../src/bench/page/page.js";
import { fullRecord, hostileRecord, someRecord } from "../support/bench-records.js";
import { Browser, chromium } from "../support/chromium.js";
import { measureLayout, type MeasuredLayout } from "../support/page-layout.js";

/** Labels of the widest kinds. */
function wideRecord(): BenchRecord {
    const record = fullRecord();
    return {
        ...record,
        memory: record.memory.map((memory, index) => ({
            ...memory,
            threads: 100 + index,
            kvType: "q".repeat(index * 40 + 1)
        })),
        results: record.results.map((row) => ({
            ...row,
            depth: row.depth * 100,
            sequences: row.sequences * 7,
            samples: row.samples.map((sample) => sample * 98_765.4),
            stepMs: row.stepMs === null ? null : row.stepMs * 1234.5,
            tokensPerRound: row.tokensPerRound === null ? null : 12.34
        }))
    };
}

const records = { one: someRecord(), full: fullRecord(), wide: wideRecord(), hostile: hostileRecord() };
type Name = keyof typeof records;
const names = Object.keys(records) as Name[];

describe.skipIf(chromium === undefined)("in a browser", () => {
    let folder: string;
    let browser: Browser;
    const url = (name: Name): string => pathToFileURL(join(folder, `${name}.html`)).href;

    beforeAll(async () => {
        folder = mkdtempSync(join(tmpdir(), "rast-page-"));
        for (const name of names) writeFileSync(join(folder, `${name}.html`), benchPage(records[name]));
        browser = await Browser.start();
    });
    afterAll(async () => {
        await browser.close();
        rmSync(folder, { recursive: true, force: true });
    });

    describe.each([360, 800, 1400])("%i pixels wide", (width) => {
        test.each(names)("everything of %s lies where it belongs", async (name) => {
            const requests = await browser.open(url(name), { width, scheme: "light" });
            const { problems, texts } = await browser.evaluate<MeasuredLayout>(measureLayout);
            expect(problems).toEqual([]);
            expect(texts).toBeGreaterThan(1);
            expect(requests).toEqual([url(name)]);
            expect(await browser.evaluate("innerWidth")).toBe(width);
        });
    });

    test("dark and light differ in background and text, and paper is white in both", async () => {
        const look = (): Promise<string[]> =>
            browser.evaluate(`[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color,
                getComputedStyle(document.querySelector("svg text")).fill]`);
        await browser.open(url("full"), { width: 800, scheme: "light" });
        const light = await look();
        expect(light[0]).toBe("rgb(255, 255, 255)");
        await browser.open(url("full"), { width: 800, scheme: "dark" });
        const dark = await look();
        expect(dark[0]).toBe("rgb(21, 24, 29)");
        expect(dark[2]).toBe(dark[1]);
        expect(dark[1]).not.toBe(light[1]);
        await browser.open(url("full"), { width: 800, scheme: "dark", media: "print" });
        expect(await look()).toEqual(light);
    });

    test("no markup comes out of names", async () => {
        await browser.open(url("hostile"), { width: 800, scheme: "light" });
        expect(await browser.evaluate("document.querySelectorAll('script, b').length")).toBe(0);
        expect(await browser.evaluate("document.querySelector('h1').textContent")).toContain(
            "<script>alert(1)</script>"
        );
    });

    test("tables fit on paper", async () => {
        // A4 without its margins
        await browser.open(url("full"), { width: 688, scheme: "light", media: "print" });
        const wide = `[...document.querySelectorAll(".scroll")].filter((box) => box.scrollWidth > box.clientWidth)
            .map((box) => box.ariaLabel + " " + box.scrollWidth)`;
        expect(await browser.evaluate(wide)).toEqual([]);
    });

    test("all of it is printed, raw samples too", async () => {
        await browser.open(url("full"), { width: 800, scheme: "dark" });
        await browser.call("Emulation.setEmulatedMedia", { media: "", features: [] });
        const pdf = (await browser.pdf()).toString("latin1");
        expect(pdf.match(/\/Type \/Page\b/g)!.length).toBeGreaterThan(3);
        await browser.evaluate('document.querySelector("details").open = true');
        const characters = await browser.evaluate<number>(`document.body.innerText.replace(/\\s/g, "").length`);
        // texts of pictures are not part of innerText, list markers are no text
        expect(printedGlyphs(pdf)).toBeGreaterThan(characters);
    });
});

/** Number of glyphs that the pages of a PDF show. */
function printedGlyphs(pdf: string): number {
    const contents = [...pdf.matchAll(/stream\r?\n(.*?)\r?\nendstream/gs)].map(([, data]) => {
        try {
            return inflateSync(Buffer.from(data!, "latin1")).toString("latin1");
        } catch {
            return ""; // not compressed: no page
        }
    });
    const shown = contents.flatMap((content) => [...content.matchAll(/<([0-9A-Fa-f]+)>[^<>]*?T[jJ]/g)]);
    const glyphs = shown.reduce((sum, [, hex]) => sum + hex!.length / 4, 0);
    return glyphs;
}
