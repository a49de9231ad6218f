import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { coveragePage } from "../../../../src/explain/page/coverage-page.js";
import { explanationPage } from "../../../../src/explain/page/page.js";
import { shadeFrom, shadeOf, shades } from "../../../../src/explain/page/shades.js";
import { quotedToken, shownToken } from "../../../../src/explain/page/shown-token.js";
import { probabilityInWords, rankInWords } from "../../../../src/explain/page/words.js";
import { totalOf } from "../../../../src/explain/path-coverage.js";
import { accuracyOf } from "../../../../src/accuracy.js";
import { contrast, dark, light } from "../../../../src/report/palette.js";
import {
    explainedText,
    explanationOf,
    hostileExplanation,
    hostileTexts,
    longExplanation,
    smallExplanation
} from "../../../support/explanations.js";

const titles = (page: string): string[] => [...page.matchAll(/<h2>(.*?)<\/h2>/g)].map((match) => match[1]!);
const withoutScript = (page: string): string =>
    page.replace(/<script.*?<\/script>/gs, "").replace(/<style>.*?<\/style>/s, "");
const texts = (page: string): string =>
    withoutScript(page)
        .replace(/<[^>]*>/g, " ")
        .replaceAll("&#39;", "'")
        .replace(/\s+/g, " ");

test("what is no explanation is a typed error", () => {
    for (const wrong of [{}, null, undefined, "text", [], { ...smallExplanation(), rast: {} }]) {
        const typed = expect.objectContaining({
            code: "ERR_INVALID_OPTION",
            message: expect.stringMatching(/^Expected what explain gave for explanation, received/) as string
        }) as Error;
        expect(() => explanationPage(wrong as never)).toThrow(typed);
    }
    for (const wrong of [{}, [], [{}], null]) {
        const typed = expect.objectContaining({ code: "ERR_INVALID_OPTION" }) as Error;
        expect(() => coveragePage(wrong as never)).toThrow(typed);
    }
});

test("one of each is counted as one", () => {
    const small = smallExplanation();
    const page = explanationPage({ ...small, summary: { ...small.summary, swapped: 1, drafted: 1 } });
    expect(page).toMatch(/>1 \([\d.]+%\) place where/);
    expect(page).toMatch(/>1 \([\d.]+%\) token was drafted/);
});

describe("a page of nine tokens", () => {
    const page = explanationPage(smallExplanation());

    test("says everything without its script", () => {
        const text = texts(page);
        expect(titles(page)).toEqual([
            "What RAST wrote",
            "Beside the base",
            "Changed tokens",
            "KL along the text",
            "At another strength"
        ]);
        for (const words of [
            "Trio demo: base.gguf (llama 1.5B Q4_0), with the difference between expert.gguf",
            "lambda 1. Seed 3.",
            "Made by rast-llama 0.1.0 on 2026-11-26 at 13:30:00Z",
            "9, ended by eos; the base alone 3, ended by maxTokens",
            "5 (55.6%) are not the base's likeliest",
            "44.4% of the tokens are the base's likeliest",
            "3 (33.3%) tokens were drafted",
            "after 1 token",
            "Backtracking: words like wait, however, but, actually 1 token",
            "Self-verification: words like check, verify, let me see 1 token",
            "Branching: words like alternatively, another, or 1 token",
            "So‹ Wait›, let me check",
            // of the second token
            "1.363 10.0% 80.0% 3rd",
            "All tokens of RAST's text",
            "All tokens of the base's text"
        ]) {
            expect(text).toContain(words);
        }
        expect(text).not.toMatch(/NaN|undefined|Infinity/);
    });

    test("shades each token by KL, and underlines changed ones", () => {
        const spans = [...page.matchAll(/<span class="(t [^"]*)" id="r(\d)">/g)].map((match) => match[1]);
        expect(spans).toHaveLength(9);
        expect(spans[0]).toBe("t s0");
        expect(spans[1]).toBe("t s4 changed");
        expect(spans[6]).toBe("t s0");
    });

    test("what the likeliest token would have been at other strengths", () => {
        const rows = [
            ...page
                .split("<h2>At another strength")[1]!
                .split("</section>")[0]!
                .matchAll(/<tr><td class="right">([\d.]+)<\/td>(.*?)<\/tr>/g)
        ];
        const cells: Record<string, (string | undefined)[]> = Object.fromEntries(
            rows.map(([, lambda, rest]) => [
                lambda,
                [...rest!.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map((match) => match[1])
            ])
        );
        // at lambda 0 the likeliest is the base's: five places differ
        expect(cells["0"]).toEqual(["5", "9", "4"]);
        expect(cells["1"]![0]).toBe("0");
    });

    test("has one script, which its policy names, and asks for nothing from elsewhere", () => {
        const [, data] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page)!;
        expect((JSON.parse(data!) as { tokens: unknown[] }).tokens).toHaveLength(9);
        const [, script] = /<script>(.*?)<\/script>/s.exec(page)!;
        const hash = createHash("sha256").update(script!).digest("base64");
        expect(page).toContain(`script-src &#39;sha256-${hash}&#39;`);
        expect(page).not.toMatch(/<link|<img|<iframe|@import|url\(|https?:|src=|href="[^#]/);
        expect(script).not.toMatch(/innerHTML|document\.write|insertAdjacent|eval\(/);
    });

    test("is well-formed, and no id is there twice", () => {
        const open: string[] = [];
        for (const [, close, name, end] of withoutScript(page)
            .replace(/<!DOCTYPE html>/, "")
            .matchAll(/<(\/?)([a-z0-9]+)(?:\s[^<>]*?)?(\/?)>/g)) {
            if (end === "/" || name === "meta" || name === "input") continue;
            if (close === "/") expect(open.pop()).toBe(name);
            else open.push(name!);
        }
        expect(open).toEqual([]);
        const ids = [...page.matchAll(/ id="(.*?)"/g)].map((match) => match[1]!);
        expect(new Set(ids).size).toBe(ids.length);
    });
});

describe("other pages", () => {
    test("the same text of both is said, and not shown twice", () => {
        const { rast, tokenTexts } = smallExplanation();
        const text = texts(explanationPage(explanationOf(rast, rast, tokenTexts)));
        expect(text).toContain("The base alone writes the same from this seed.");
        expect(text).toContain("none: the base alone writes the same");
    });

    test("no tokens at all", () => {
        const empty = explainedText([]);
        const page = explanationPage(explanationOf(empty, empty, {}));
        expect(titles(page)).toEqual(["What RAST wrote", "Beside the base"]);
        expect(texts(page)).toContain("Nothing: it ended at once.");
    });

    test("nothing added: no other strength follows", () => {
        expect(titles(explanationPage(smallExplanation({ lambdas: [0] })))).not.toContain("At another strength");
        expect(texts(explanationPage(smallExplanation({ lambdas: [1, 0.5] })))).toContain("0.5 and 0.25");
    });

    test("thousands of tokens are drawn as stretches", () => {
        const page = explanationPage(longExplanation(3000));
        const plot = page.split("KL along the text")[1]!.split("</svg>")[0]!;
        expect(plot.match(/class="fill/g)!.length).toBeLessThanOrEqual(240);
        expect(plot).toContain("3000 tokens, 13 to a bar");
        expect(page.length).toBeLessThan(10_000_000);
    });

    test("path coverage: bars with their intervals, and every text", () => {
        const records = [
            { line: 1, id: "<b>", base: accuracyOf(9, 10), rast: accuracyOf(10, 10), beside: [3] },
            { line: 2, base: accuracyOf(5, 10), rast: accuracyOf(6, 10), beside: [1, 2, 3, 4, 5] },
            { line: 3, error: { code: "ERR_PROMPT_TOO_LONG" as const, message: "x" } }
        ];
        const coverage = {
            base: totalOf([accuracyOf(9, 10), accuracyOf(5, 10)]),
            rast: totalOf([accuracyOf(10, 10), accuracyOf(6, 10)]),
            texts: 2,
            failed: 1
        };
        const page = coveragePage([{ name: "demo", coverage, records }]);
        const text = texts(page);
        for (const words of [
            "2 texts (20 tokens)",
            "base of demo",
            "70.0%",
            "RAST of demo",
            "80.0%",
            "&lt;b&gt; 10 90.0% 100.0%"
        ]) {
            expect(text).toContain(words);
        }
        expect(page).not.toContain("<script");
        expect(text).not.toMatch(/NaN|undefined/);
    });
});

describe("texts of strangers", () => {
    const page = explanationPage(hostileExplanation());

    test("are shown as text everywhere, and end no element", () => {
        expect(page.match(/<script/g)).toHaveLength(2);
        expect(page.match(/<\/script>/g)).toHaveLength(2);
        expect(page).not.toMatch(/<img|<b>/);
        expect(page).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u200b\ufeff]/);
        expect(withoutScript(page).split("&lt;script&gt;alert(1)&lt;/script&gt;").length).toBeGreaterThan(8);
    });

    test("do not end an attribute", () => {
        for (const [tag] of withoutScript(page).matchAll(/<[a-z][^>]*>/g)) {
            expect(tag).toMatch(/^<[a-z0-9]+(\s[a-zA-Z0-9-]+(="[^"<>]*")?)*\s*\/?>$/);
        }
    });

    test("what has no sign of its own gets one", () => {
        const text = texts(page);
        for (const sign of [
            "⟨202E⟩gnp.exe",
            "⟨00⟩⟨1B⟩[31m⟨0D⟩↵⇥⟨009B⟩",
            "⟨200B⟩⟨2066⟩⟨FEFF⟩",
            "שלום עולם",
            "مرحبا بالعالم"
        ]) {
            expect(text).toContain(sign);
        }
        expect(shownToken("a\nb\t\u00ad")).toBe("a↵b⇥⟨00AD⟩");
        expect(quotedToken("  x ")).toBe("“␣␣x␣”");
        expect(quotedToken("   ")).toBe("“␣␣␣”");
    });

    test("are in the data whole", () => {
        const [, data] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page)!;
        const { texts: known } = JSON.parse(data!) as { texts: Record<string, string> };
        expect(known["0"]).toBe("“<script>alert(1)</script>”");
        expect(Object.keys(known)).toHaveLength(hostileTexts.length);
    });
});

describe("shades and words", () => {
    test("text stands out from every shade, 4.5 to 1 and more", () => {
        for (const colour of shades.light) expect(contrast(colour, light.ink)).toBeGreaterThan(4.5);
        for (const colour of shades.dark) expect(contrast(colour, dark.ink)).toBeGreaterThan(4.5);
    });

    test("each shade is further from the paper than the one before", () => {
        for (const [scheme, paper] of [
            [shades.light, light.paper],
            [shades.dark, dark.paper]
        ] as const) {
            const steps = scheme.map((colour) => contrast(colour, paper));
            expect([...steps].sort((a, b) => a - b)).toEqual(steps);
        }
        expect(shades.light.length).toBe(shadeFrom.length);
    });

    test("a shade begins where it says", () => {
        expect([0, 0.0199, 0.02, 0.1, 0.3, 0.8, 2, 50].map(shadeOf)).toEqual([0, 0, 1, 2, 3, 4, 5, 5]);
    });

    test("probabilities and ranks", () => {
        expect(
            [0, Math.log(0.9997), Math.log(0.5), Math.log(0.05), Math.log(2e-7), -Infinity].map(probabilityInWords)
        ).toEqual(["100%", "99.97%", "50.0%", "5.00%", "2e-7", "0"]);
        expect([0, 1, 2, 3, 10, 11, 12, 20, 21, 110].map(rankInWords)).toEqual(
            "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 111th".split(" ")
        );
    });
});
