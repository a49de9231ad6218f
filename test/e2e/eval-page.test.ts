import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { evalPage } from "../../src/eval/page/page.js";
import { Browser, chromium } from "../support/chromium.js";
import { someReport } from "../support/eval-samples.js";
import { measureLayout, type MeasuredLayout } from "../support/page-layout.js";

const hostile = '<script>alert(1)</script>"&\u202e'.repeat(4);
const names = ["one", "several", "hostile"] as const;
type Name = (typeof names)[number];

describe.skipIf(chromium === undefined)("in a browser", () => {
    let folder: string;
    let browser: Browser;
    const url = (name: Name): string => pathToFileURL(join(folder, `${name}.html`)).href;

    beforeAll(async () => {
        folder = mkdtempSync(join(tmpdir(), "rast-page-"));
        const reports = {
            one: await someReport(),
            several: await someReport("some-long-name-of-a-data-set.jsonl", ["qwen2.5-32b-f16", "qwen2.5-32b-q4_k_m"]),
            hostile: await someReport(hostile, [hostile])
        };
        for (const name of names) writeFileSync(join(folder, `${name}.html`), evalPage(reports[name]));
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
            expect(texts).toBeGreaterThan(10);
            expect(requests).toEqual([url(name)]);
        });
    });

    test("dark and light differ in background and text, and paper is white in both", async () => {
        const look = (): Promise<string[]> =>
            browser.evaluate(`[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color,
                getComputedStyle(document.querySelector("svg .role-rast .fill")).fill]`);
        await browser.open(url("one"), { width: 800, scheme: "light" });
        const light = await look();
        expect(light[0]).toBe("rgb(255, 255, 255)");
        await browser.open(url("one"), { width: 800, scheme: "dark" });
        const dark = await look();
        expect(dark[0]).toBe("rgb(21, 24, 29)");
        expect(dark[2]).not.toBe(light[2]);
        await browser.open(url("one"), { width: 800, scheme: "dark", media: "print" });
        expect(await look()).toEqual(light);
    });

    test("no markup comes out of names", async () => {
        await browser.open(url("hostile"), { width: 800, scheme: "light" });
        expect(await browser.evaluate("document.querySelectorAll('script, b').length")).toBe(0);
        expect(await browser.evaluate("document.querySelector('h1').textContent")).toContain(
            "<script>alert(1)</script>"
        );
    });

    test("every picture has a name and a description that are its own", async () => {
        await browser.open(url("one"), { width: 800, scheme: "light" });
        const named = `[...document.querySelectorAll("svg[role=img]")].map((svg) =>
            svg.getAttribute("aria-labelledby").split(" ").map((id) => document.getElementById(id)?.textContent.length > 0))`;
        const all = await browser.evaluate<boolean[][]>(named);
        expect(all.length).toBeGreaterThan(4);
        expect(all.flat().every(Boolean)).toBe(true);
    });
});
