// The chat page as `rast serve` has it, with the bundled chat trio: what models say, and what the page makes of it.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadRast } from "../../dist/index.js";
import type { RastServer } from "../../dist/server/index.js";
import { chromium } from "../support/chromium.js";
import { chatModel, plainModel, startServer } from "../support/http-server.js";
import { accessProblems, contrastProblems, sidewaysProblems } from "../support/page-checks.js";
import { startBrowser, WatchedPage } from "../support/watched-page.js";

describe.skipIf(chromium === undefined)("served", () => {
    let server: RastServer;
    let browser: Browser;
    beforeAll(async () => {
        [server, browser] = await Promise.all([
            startServer({ models: [chatModel, plainModel], apiKeys: ["secret"] }),
            startBrowser()
        ]);
    });
    afterAll(async () => {
        await Promise.all([server.close({ graceSeconds: 0 }), browser.close()]);
    });

    test("a chat with RAST and base beside each other: texts, thinking, tokens and figures are the engine's", async () => {
        const watched = await WatchedPage.open(browser, `${server.url}/`);
        const { page } = watched;
        // the page is there without a key; what it asks for is not
        await page.locator("#settings[open]").waitFor();
        await page.locator("#api-key").fill("secret");
        await page.locator("#temperature").fill("0");
        await page.locator("#maxTokens").fill("100");
        await page.locator("#close-settings").click();
        await page.locator("#model option").first().waitFor({ state: "attached" });
        expect(await page.locator("#model option").allInnerTexts()).toEqual(["demo-chat", "demo"]);
        await page.locator("#lambda-said", { hasText: "1 (the trio's)" }).waitFor();
        await page.locator("#prompt").fill("What is 12+5-3?");
        await page.locator("#prompt").press("Enter");
        await page.locator("#send").waitFor();

        const rast = await loadRast({ trio: "demo-chat", threads: 1, tryModels: false });
        const messages = [{ role: "user", content: "What is 12+5-3?" }];
        const own = await rast.complete({ messages, temperature: 0, maxTokens: 100, explain: true });
        const base = await rast.complete({ messages, temperature: 0, maxTokens: 100, mode: "base" });
        await rast.dispose();
        const answer = page.locator(".answer.rast");
        expect(await answer.locator(".answer-text").innerText()).toBe(own.answer.trim());
        expect(await page.locator(".answer.base .answer-text").innerText()).toBe(base.answer.trim());
        await answer.locator("summary").click();
        expect((await answer.locator(".thought").innerText()).split(/\s+/)).toEqual(own.reasoning!.trim().split(/\s+/));
        const { completionTokens, promptTokens } = own.usage;
        const figures = await answer.locator(".figures").innerText();
        expect(figures).toContain(`${completionTokens} tokens (`);
        expect(figures).toMatch(/; [\d.]+ tokens\/s; .*prompt \d+.* in \d+ ms/);
        expect(figures).toContain(`lambda 1; prompt ${promptTokens}`);
        await answer.getByRole("button", { name: "Tokens" }).click();
        expect(await answer.getByRole("option").count()).toBe(own.scores!.length);
        const changed = own.scores!.filter(({ rank }) => rank.base > 0).length;
        expect(await answer.locator(".tokens .changed").count()).toBe(changed);
        for (const check of [sidewaysProblems, contrastProblems, accessProblems]) {
            expect(await watched.evaluate(check)).toEqual([]);
        }

        // the next turn finds the first one's prompt in the cache
        await page.locator("#prompt").fill("What is 7+8?");
        await page.locator("#prompt").press("Enter");
        await page.locator("#send").waitFor();
        expect(await page.locator(".turn:nth-child(2) .answer.rast .figures").innerText()).toMatch(/\d+ of them known/);
        expect(watched.problems).toEqual([]);
        await watched.close();
    });

    test("a trio that is loaded when it is asked for; one without a chat template says why it cannot answer; stopping frees the slot", async () => {
        const watched = await WatchedPage.open(browser, `${server.url}/`);
        const { page } = watched;
        await page.locator("#api-key").fill("secret");
        await page.locator("#api-key").press("Tab");
        await page.locator("#close-settings").click();
        await page.locator("#model option").first().waitFor({ state: "attached" });
        await page.locator("#side").uncheck();
        await page.locator("#model").selectOption("demo");
        await page.locator("#prompt").fill("6+34");
        await page.locator("#prompt").press("Enter");
        await page.locator("#send").waitFor();
        expect(await page.locator(".failure").innerText()).toMatch(/no chat template/);
        await page.locator("#model").selectOption("demo-chat");
        await page.locator("#prompt").fill("What is 1+2?");
        await page.locator("#prompt").press("Enter");
        await page.keyboard.press("Escape");
        await page.locator("#send").waitFor();
        const idle = async (): Promise<boolean> => {
            const response = await fetch(`${server.url}/slots`, { headers: { authorization: "Bearer secret" } });
            return ((await response.json()) as { is_processing: boolean }[]).every((slot) => !slot.is_processing);
        };
        await expect.poll(idle).toBe(true);
        expect(watched.problems).toEqual([]);
        await watched.close();
    });
});
