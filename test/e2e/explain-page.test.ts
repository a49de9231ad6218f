// The page of an explanation in a browser: where things lie, what keyboard, pointer and slider do, and what is left without a script.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { explanationPage } from "../../src/explain/page/page.js";
import { hostileExplanation, longExplanation, smallExplanation } from "../support/explanations.js";
import { Browser, chromium } from "../support/chromium.js";

const pages = { small: smallExplanation(), hostile: hostileExplanation(), long: longExplanation(700) };
type Name = keyof typeof pages;
const names = Object.keys(pages) as Name[];

/** What lies outside of where it belongs, as a program for the page. */
const measure = `(() => {
    for (const one of document.querySelectorAll("details")) one.open = true;
    const problems = [];
    const width = document.documentElement.clientWidth;
    const name = (element) => element.tagName + "." + element.getAttribute("class") + " " + element.textContent.slice(0, 30);
    if (document.documentElement.scrollWidth > width) problems.push("the page scrolls sideways");
    for (const element of document.querySelectorAll("body *")) {
        if (element.closest(".scroll") !== null || element.closest("script") !== null) continue;
        const box = element.getBoundingClientRect();
        if (box.width > 0 && (box.left < -0.5 || box.right > width + 0.5)) problems.push("beyond the page: " + name(element));
    }
    const boxes = [...document.querySelectorAll("svg[role=img] text")].map((text) => text.getBoundingClientRect());
    boxes.forEach((a, index) => {
        if (a.width === 0) problems.push("a text is not drawn");
        for (const b of boxes.slice(index + 1)) {
            if (a.left < b.right - 0.5 && b.left < a.right - 0.5 && a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5) problems.push("texts overlap");
        }
    });
    return problems;
})()`;

describe.skipIf(chromium === undefined)("in a browser", () => {
    let folder: string;
    let browser: Browser;
    const url = (name: Name): string => pathToFileURL(join(folder, `${name}.html`)).href;
    const open = (name: Name, width = 1100): Promise<string[]> => browser.open(url(name), { width, scheme: "light" });
    const press = async (key: string): Promise<void> => {
        for (const type of ["keyDown", "keyUp"]) await browser.call("Input.dispatchKeyEvent", { type, key, code: key });
    };
    const said = (): Promise<string> => browser.evaluate("document.getElementById('aloud').textContent");
    const focused = (): Promise<string> => browser.evaluate("document.activeElement.id");

    beforeAll(async () => {
        folder = mkdtempSync(join(tmpdir(), "rast-explain-page-"));
        for (const name of names) writeFileSync(join(folder, `${name}.html`), explanationPage(pages[name]));
        browser = await Browser.start();
    });
    afterAll(async () => {
        await browser.close();
        rmSync(folder, { recursive: true, force: true });
    });

    describe.each([360, 1100])("%i pixels wide", (width) => {
        test.each(names)("everything of %s lies where it belongs", async (name) => {
            const requests = await open(name, width);
            expect(await browser.evaluate(measure)).toEqual([]);
            expect(requests).toEqual([url(name)]);
            await browser.evaluate("document.getElementById('r1').click()");
            expect(await browser.evaluate(measure)).toEqual([]);
        });
    });

    test("by keyboard: one stop for a text, arrows from token to token, pages from change to change", async () => {
        await open("small");
        expect(await browser.evaluate("document.querySelectorAll('[data-tokens] [tabindex=\"0\"]').length")).toBe(1);
        await browser.evaluate("document.getElementById('r0').focus()");
        expect(await said()).toMatch(
            /^Token 1 of 9, “So”: base 90\.0%, RAST 90\.0%, KL 0\.\d+ nats\. The base would have taken it, too\.$/
        );
        await press("ArrowRight");
        expect([await focused(), await said()]).toEqual([
            "r1",
            "Token 2 of 9, “␣Wait”: base 10.0%, RAST 80.0%, KL 1.363 nats. The base would have taken “␣the”."
        ]);
        for (const [key, id] of [
            ["PageDown", "r3"],
            ["PageDown", "r4"],
            ["ArrowLeft", "r3"],
            ["PageUp", "r1"],
            ["End", "r8"],
            ["ArrowRight", "r8"],
            ["Home", "r0"],
            ["ArrowUp", "r0"],
            ["ArrowDown", "r1"]
        ] as const) {
            await press(key);
            expect([key, await focused()]).toEqual([key, id]);
        }
        const roles = `[...document.querySelectorAll("[data-tokens]")].map((list) => [list.getAttribute("role"), list.ariaLabel,
            list.querySelectorAll("[role=option]").length, list.querySelectorAll("[aria-selected=true]").length])`;
        expect(await browser.evaluate(roles)).toEqual([["listbox", "Tokens of RAST's text", 9, 1]]);
        // the focus is seen
        expect(await browser.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
    });

    test("pointed at, tapped, and reached by a link: the figures of a token", async () => {
        await open("small");
        const at = await browser.evaluate<{ x: number; y: number }>(
            "(({ left, top, width, height }) => ({ x: left + width / 2, y: top + height / 2 }))(document.getElementById('r4').getBoundingClientRect())"
        );
        await browser.call("Input.dispatchMouseEvent", { type: "mouseMoved", ...at });
        expect(await said()).toContain("Token 5 of 9, “␣check”");
        expect(await focused()).toBe("");
        await browser.evaluate("document.getElementById('r2').click()");
        expect([await focused(), await said()]).toEqual(["r2", expect.stringContaining("Token 3 of 9")]);
        await browser.evaluate("document.querySelector('a[href=\"#r7\"]').click()");
        await browser.evaluate("new Promise((resolve) => setTimeout(resolve, 50))");
        expect(await said()).toContain("Token 8 of 9, “␣Alternatively”");
        const cells = `[...document.querySelectorAll("#figures-body table")].map((table) =>
            [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent).join(" ")))`;
        expect(await browser.evaluate(cells)).toEqual([
            [
                " p log p rank entropy",
                "base 10.0% -2.303 3 0.639",
                "expert 50.0% -0.693 - 0.943",
                "antiexpert 10.0% -2.303 - 0.639",
                "RAST 50.0% -0.693 1 0.943"
            ],
            ["Base's likeliest base RAST", "“␣the” 80.0% 40.0%", "“↵” 10.0% 10.0%", "“␣Alternatively” 10.0% 50.0%"],
            ["RAST's likeliest base RAST", "“␣Alternatively” 10.0% 50.0%", "“␣the” 80.0% 40.0%", "“↵” 10.0% 10.0%"]
        ]);
    });

    test("the slider: at no strength the base's likeliest tokens, at the recorded one none other", async () => {
        await open("small");
        const slide = async (value: number): Promise<string> => {
            await browser.evaluate(`(() => {
                const slider = document.getElementById("strength");
                slider.value = ${value};
                slider.dispatchEvent(new Event("input"));
            })()`);
            return browser.evaluate("document.getElementById('strength-said').textContent");
        };
        expect(await browser.evaluate("document.querySelector('.slider').hidden")).toBe(false);
        expect(await browser.evaluate("document.getElementById('strength-said').textContent")).toBe(
            "lambda = 1: 0 of 9 places have another likeliest token"
        );
        expect(await slide(0)).toBe("lambda = 0: 5 of 9 places have another likeliest token");
        expect(await browser.evaluate("[...document.querySelectorAll('.otherwise')].map((one) => one.id).join()")).toBe(
            "r1,r3,r4,r5,r7"
        );
        expect(await browser.evaluate("document.querySelector('#strength-rows tr').textContent")).toBe(
            "2So‹␣Wait›,␣let me␣check“␣Wait”“␣the”"
        );
        expect(await slide(0.5)).toMatch(/^lambda = 0\.5: \d of 9/);
        await browser.evaluate("document.getElementById('r1').click()");
        expect(await browser.evaluate("document.getElementById('figures-body').textContent")).toMatch(
            /At lambda = 0\.5 the likeliest token is “␣\w+”/
        );
    });

    test("no markup comes out of strangers' texts, and nothing of them runs", async () => {
        await open("hostile");
        for (let index = 0; index < pages.hostile.rast.tokens.length; index++) {
            await browser.evaluate(`document.getElementById("r${index}").click()`);
        }
        expect(await browser.evaluate("document.querySelectorAll('script').length")).toBe(2);
        expect(await browser.evaluate("document.querySelectorAll('img, b').length")).toBe(0);
        expect(await browser.evaluate("document.querySelector('h1').textContent")).toContain(
            "<script>alert(1)</script>"
        );
    });

    test("without a script everything is there but figures beside the pointer, and the slider", async () => {
        await browser.call("Emulation.setScriptExecutionDisabled", { value: true });
        try {
            await open("small", 800);
            const { result } = (await browser.call("Runtime.evaluate", {
                expression: "[document.querySelector('[role=listbox]') === null, document.body.innerText]",
                returnByValue: true
            })) as unknown as { result: { value: [boolean, string] } };
            const [plain, text] = result.value;
            expect(plain).toBe(true);
            expect(text).toContain("So Wait, let me check 13↵\n Alternatively the");
            expect(text).not.toContain("Point at a token");
            expect(text).not.toContain("Strength");
        } finally {
            await browser.call("Emulation.setScriptExecutionDisabled", { value: false });
        }
    });

    test("dark and light have shades of their own, and paper is white", async () => {
        const look = `[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.getElementById("r1")).backgroundColor,
            getComputedStyle(document.getElementById("r1")).color]`;
        await browser.open(url("small"), { width: 800, scheme: "light" });
        const light = await browser.evaluate<string[]>(look);
        await browser.open(url("small"), { width: 800, scheme: "dark" });
        const dark = await browser.evaluate<string[]>(look);
        expect(light[0]).toBe("rgb(255, 255, 255)");
        expect(dark[0]).toBe("rgb(21, 24, 29)");
        expect(new Set([...light.slice(1), ...dark.slice(1)]).size).toBe(4);
        await browser.open(url("small"), { width: 800, scheme: "dark", media: "print" });
        expect(await browser.evaluate(look)).toEqual(light);
        expect(await browser.evaluate("getComputedStyle(document.querySelector('.slider')).display")).toBe("none");
    });
});
