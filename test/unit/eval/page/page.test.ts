import { beforeAll, describe, expect, test } from "vitest";
import { looks, roles, seriesOf } from "../../../../src/eval/page/looks.js";
import { evalPage } from "../../../../src/eval/page/page.js";
import type { EvalReport } from "../../../../src/eval/metrics/report.js";
import { contrast, dark, light } from "../../../../src/report/palette.js";
import { smallestDistance, visions } from "../../../support/colour-vision.js";
import { someReport } from "../../../support/eval-samples.js";
import { captions, titles } from "../../../support/page-text.js";

describe.each([
    ["light", light],
    ["dark", dark]
] as const)("the colours of contestants in the %s scheme", (name, scheme) => {
    const colours = roles.map((role) => looks[role][name]);

    test.each(visions)("differ with %s", (vision) => {
        expect(smallestDistance(colours, vision)).toBeGreaterThan(20);
    });

    test("stand out from the paper by 3", () => {
        for (const colour of colours) expect(contrast(colour, scheme.paper)).toBeGreaterThan(3);
    });
});

test("contestants differ in marker and line too", () => {
    const series = roles.map((role) => seriesOf(role));
    expect(new Set(series.map(({ marker }) => marker.text)).size).toBe(series.length);
    expect(new Set(series.map(({ dashes }) => dashes)).size).toBe(series.length);
});

describe("a page", () => {
    let report: EvalReport;
    let page: string;
    beforeAll(async () => {
        report = await someReport();
        page = evalPage(report);
    });

    test("has accuracies, the sweep, curves, lengths and all figures", () => {
        expect(titles(page)).toEqual([
            ...["Notes", "Accuracy", "By strength of the delta", "By number of samples", "Length", "All figures"]
        ]);
        expect(captions(page)).toEqual([
            ...["some.jsonl, 6 problems", "percent right", "pass@k, percent", "majority@k, percent", "tokens"]
        ]);
    });

    test("asks for nothing and runs nothing", () => {
        expect(page).toContain("default-src 'none'");
        expect(page).not.toMatch(/<script|<link|src=|href=|url\(/);
    });

    test("says in words what pictures show", () => {
        const descriptions = [...page.matchAll(/<desc [^>]*>(.*?)<\/desc>/g)].map((match) => match[1]!);
        expect(descriptions[0]).toMatch(/^base 37\.5% \[.*; reference 100\.0% \[/);
        expect(descriptions[1]).toMatch(/^RAST 37\.5% at 0, 54\.2% at 0\.5, .*; base 37\.5%/);
        expect(descriptions[2]).toMatch(/base 37\.5% at 1, /);
    });

    test("ids are unique", () => {
        const ids = [...page.matchAll(/ id="([^"]*)"/g)].map((match) => match[1]!);
        expect(new Set(ids).size).toBe(ids.length);
    });

    test("of several trios has pictures for each", async () => {
        const several = evalPage(await someReport("x", ["f16", "q4"]));
        expect(captions(several)).toEqual([
            "x, 6 problems",
            ...["f16: percent right", "q4: percent right"],
            ...["f16: pass@k, percent", "f16: majority@k, percent", "q4: pass@k, percent", "q4: majority@k, percent"],
            "tokens"
        ]);
    });

    test("names are text, whatever they hold", async () => {
        const hostile = '<script>alert(1)</script>"&\u202e';
        const made = evalPage(await someReport(hostile, [hostile]));
        expect(made).not.toMatch(/<script|\u202e/);
        expect(made).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    });

    test("without samples there are no curves, without strengths no sweep", () => {
        const one = { ...report, samples: 1, contestants: report.contestants.slice(0, 2) };
        expect(titles(evalPage(one))).not.toContain("By number of samples");
        expect(titles(evalPage(one))).not.toContain("By strength of the delta");
    });
});
