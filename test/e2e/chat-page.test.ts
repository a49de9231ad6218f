// The chat page in a browser, against a server whose answers are scripted: what it asks for, what it shows, what it never does.
import { readFileSync, statSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { chatPageFile } from "../../src/server/page.js";
import { ChatPageServer } from "../support/chat-page-server.js";
import { chromium } from "../support/chromium.js";
import { hostileAnswers } from "../support/hostile-answers.js";
import { accessProblems, contrastProblems, sidewaysProblems } from "../support/page-checks.js";
import { startBrowser, WatchedPage } from "../support/watched-page.js";

const rich = `Take $x^2 = 4$, so **either** root:

$$x = \\pm\\sqrt{\\frac{16}{4}} = \\pm 2$$

1. first
2. second

| n | square |
| --: | :-- |
| 2 | 4 |

\`\`\`python
print(2 ** 2)
\`\`\`

See [the docs](https://example.org/a?b=c).`;
const tokens = [
    { text: "Take", divergence: 0 },
    { text: " x", divergence: 0.05, base_rank: 2 },
    { text: "\n", divergence: 0.5 },
    { text: "", divergence: 3 }
];

test("is one file that asks for nothing, of a size that is stated", () => {
    const html = readFileSync(chatPageFile(), "utf8");
    // docs/chat.md
    expect(statSync(chatPageFile()).size).toBeLessThan(900_000);
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html.match(/<style/g)).toHaveLength(1);
    expect(/<style>([^]*)<\/style>/.exec(html)![1]).not.toMatch(/@import|url\((?!data:)/);
    expect(html.replace(/<(script|style)>[^]*?<\/\1>/g, "")).not.toMatch(/\s(?:src|action|style|on\w+)=/);
    expect(html.match(/<link\b[^>]*>/g)!.every((link) => link.includes('href="data:'))).toBe(true);
});

describe.skipIf(chromium === undefined)("in a browser", () => {
    let server: ChatPageServer;
    let browser: Browser;
    // Most tests have one tab after the other; some want one of their own.
    let shared: WatchedPage;
    let watched: WatchedPage;
    let page: Page;

    beforeAll(async () => {
        server = await ChatPageServer.start();
        browser = await startBrowser();
        shared = await WatchedPage.open(browser, server.url);
    });
    afterAll(async () => {
        await browser.close();
        await server.close();
    });
    beforeEach(async () => {
        server.reset();
        await shared.anew(server.url);
        await use(shared);
    });
    afterEach(async () => {
        const { problems } = watched;
        if (watched !== shared) await watched.close();
        expect(problems.splice(0)).toEqual([]);
    });

    const use = async (one: WatchedPage): Promise<void> => {
        watched = one;
        ({ page } = watched);
        await page.locator("#model option").first().waitFor({ state: "attached" });
    };
    const reopen = async (options: Parameters<typeof WatchedPage.open>[2]): Promise<void> => {
        if (watched !== shared) await watched.close();
        await use(await WatchedPage.open(browser, server.url, options));
    };
    const send = async (text: string): Promise<void> => {
        await page.locator("#prompt").fill(text);
        await page.locator("#prompt").press("Enter");
    };
    const done = (): Promise<void> => page.locator("#send").waitFor();
    const ask = async (text: string): Promise<void> => {
        await send(text);
        await done();
    };
    const answerOf = (column: "rast" | "base", turn = 1): ReturnType<Page["locator"]> =>
        page.locator(`.turn:nth-child(${turn}) .answer.${column}`);
    const setting = async (name: string, value: string): Promise<void> => {
        await page.locator("#open-settings").click();
        await page.locator(`#${name}`).fill(value);
        await page.locator("#close-settings").click();
    };

    test("one prompt, two answers: RAST and the base alone, from the same seed, with figures", async () => {
        server.script = ({ model }) => ({ text: ["I am ", model] });
        await ask("Hi");
        expect(await answerOf("rast").locator(".answer-text").innerText()).toBe("I am tiny");
        expect(await answerOf("base").locator(".answer-text").innerText()).toBe("I am tiny:base");
        const [one, other] = server.asked;
        expect([one!.model, other!.model].sort()).toEqual(["tiny", "tiny:base"]);
        expect(one!["seed"]).toEqual(expect.any(Number));
        expect(other!["seed"]).toBe(one!["seed"]);
        expect(one).toMatchObject({ stream: true, messages: [{ role: "user", content: "Hi" }] });
        const figures = await answerOf("rast").locator(".figures").innerText();
        expect(figures).toContain("2 tokens; 34.6 tokens/s; 75% of 40 drafts accepted");
        expect(figures).toContain("prompt 20, 8 of them known in 120 ms");
        expect(await page.locator("#aloud").textContent()).toMatch(/^The answer is there: 2 and 2 tokens\./);
    });

    test("each column goes on with its own answers; RAST alone asks once", async () => {
        server.script = ({ model, messages }) => ({ text: [`${model} ${messages.length}`] });
        await setting("system", "Be brief.");
        await ask("one");
        await ask("two");
        const second = server.asked.slice(2).find(({ model }) => model === "tiny:base")!;
        expect(second.messages).toEqual([
            { role: "system", content: "Be brief." },
            { role: "user", content: "one" },
            { role: "assistant", content: "tiny:base 2" },
            { role: "user", content: "two" }
        ]);
        await page.locator("#side").uncheck();
        await ask("three");
        expect(server.asked.slice(4).map(({ model }) => model)).toEqual(["tiny"]);
        expect(await page.locator(".turn:nth-child(3) .answer").count()).toBe(1);
    });

    test("settings go into the request, wrong ones are told and do not; they are there again after a reload", async () => {
        await page.locator("#side").uncheck();
        await setting("temperature", "0.4");
        await setting("topP", "0.9");
        await setting("maxTokens", "77");
        await setting("seed", "12");
        await page.locator("#lambda").fill("1.5");
        await page.locator("#model").selectOption("other");
        await page.locator("#thinking").uncheck();
        await ask("Hi");
        expect(server.asked[0]).toHaveProperty("reasoning_effort", "none");
        await page.locator("#thinking").check();
        const expected = { model: "other", temperature: 0.4, top_p: 0.9, max_tokens: 77, seed: 12 };
        expect(server.asked[0]).toMatchObject({ ...expected, rast: { lambda: 1.5, explain: true } });
        await page.locator("#open-settings").click();
        await page.locator("#topP").fill("7");
        expect(await page.locator("#topP-wrong").isVisible()).toBe(true);
        expect(await page.locator("#topP").getAttribute("aria-invalid")).toBe("true");
        await page.locator("#figures").uncheck();
        await page.locator("#close-settings").click();
        await page.locator("#lambda-own").click();
        await page.reload();
        await page.locator("#model option").first().waitFor({ state: "attached" });
        await ask("Hi");
        expect(server.asked[1]).toMatchObject(expected);
        expect(server.asked[1]).not.toHaveProperty("rast");
        expect(await page.locator("#lambda-said").innerText()).toContain("the trio's");
    });

    test("thinking is folded, and opens", async () => {
        server.script = () => ({ thinking: ["So two ", "and two."], text: ["Four."] });
        await ask("2+2");
        const fold = answerOf("rast").locator("details");
        expect(await fold.locator("summary").innerText()).toBe("Thinking: 4 words");
        expect(await fold.locator(".thought").isVisible()).toBe(false);
        await fold.locator("summary").press("Enter");
        expect(await fold.locator(".thought").innerText()).toBe("So two and two.");
        expect(await answerOf("rast").locator(".answer-text").innerText()).toBe("Four.");
    });

    test("math is typeset, for eyes and ears; code, lists, tables and links are elements", async () => {
        // in pieces of a few letters, as models write
        server.script = () => ({ text: rich.match(/[^]{1,7}/g)! });
        await ask("roots");
        const text = answerOf("rast").locator(".answer-text");
        expect(await text.locator(".katex").count()).toBe(2);
        expect(await text.locator(".katex-display").count()).toBe(1);
        expect(await text.locator("math annotation").first().textContent()).toBe("x^2 = 4");
        // KaTeX's own widths and heights are there, though the policy knows no style attribute
        expect(await text.locator(".katex [style]").count()).toBeGreaterThan(5);
        expect(await watched.evaluate("document.fonts.check('16px KaTeX_Main')")).toBe(true);
        expect(await text.locator("ol > li").allInnerTexts()).toEqual(["first", "second"]);
        expect(await text.locator("th").first().getAttribute("class")).toBe("to-right");
        expect(await text.locator("pre code").textContent()).toBe("print(2 ** 2)");
        expect(await text.locator(".code-head span").innerText()).toBe("python");
        const link = text.locator("a");
        expect([
            await link.getAttribute("href"),
            await link.getAttribute("rel"),
            await link.getAttribute("target")
        ]).toEqual(["https://example.org/a?b=c", "noopener noreferrer nofollow", "_blank"]);
    });

    test("a text that came in pieces looks as one that came whole", async () => {
        await page.locator("#side").uncheck();
        const looks: string[] = [];
        for (const pieces of [[rich], rich.match(/[^]{1,3}/g)!, [...rich]]) {
            server.script = () => ({ text: pieces });
            await ask("roots");
            looks.push(await page.locator(".turn:last-child .answer-text").innerHTML());
        }
        expect(looks[1]).toBe(looks[0]);
        expect(looks[2]).toBe(looks[0]);
    });

    test("what is settled stays the same element while more comes", async () => {
        await page.locator("#side").uncheck();
        const paragraphs = Array.from({ length: 60 }, (_, index) => `Paragraph ${index} with $x_{${index}}$.\n\n`);
        server.script = () => ({ text: paragraphs, paceMs: 5 });
        await send("long");
        await page.locator(".answer-text > p:nth-child(3)").waitFor();
        await watched.evaluate("document.querySelector('.answer-text > p').mine = true");
        await done();
        expect(await page.locator(".answer-text > p").count()).toBe(60);
        expect(await watched.evaluate("document.querySelector('.answer-text > p').mine")).toBe(true);
        // and the end is in sight
        expect(await page.locator(".answer-text > p").last().isVisible()).toBe(true);
        const rest =
            "(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight)(document.getElementById('chat'))";
        await expect.poll(() => watched.evaluate<number>(rest)).toBeLessThan(40);
    });

    test("who has scrolled up stays there, and gets a way back", async () => {
        await page.locator("#side").uncheck();
        server.script = () => ({ text: Array.from({ length: 300 }, (_, line) => `Line ${line}.\n\n`), paceMs: 3 });
        await send("long");
        await page.locator(".answer-text > p:nth-child(60)").waitFor();
        await watched.evaluate("document.getElementById('chat').scrollTop = 0");
        await done();
        expect(await watched.evaluate("document.getElementById('chat').scrollTop")).toBe(0);
        await page.locator("#to-end").click();
        expect(await page.locator(".answer-text > p").last().isVisible()).toBe(true);
        expect(await page.locator("#to-end").isVisible()).toBe(false);
    });

    test("tokens: shaded by how far they were moved, gone through by keyboard, with figures", async () => {
        server.script = () => ({ text: ["Take x\n"], tokens });
        await ask("shade");
        // the base has nothing to tell
        expect(await answerOf("base").getByRole("button", { name: "Tokens" }).count()).toBe(0);
        const toggle = answerOf("rast").getByRole("button", { name: "Tokens" });
        await toggle.click();
        const list = answerOf("rast").getByRole("option");
        expect(
            await watched.evaluate("[...document.querySelectorAll('.tokens .t')].map((one) => one.className)")
        ).toEqual(["t s0", "t s1 changed", "t s3", "t s5"]);
        expect(await list.nth(2).textContent()).toBe("\u21B5\n");
        const figures = answerOf("rast").locator(".token-figures");
        await toggle.focus();
        await list.first().focus();
        await page.keyboard.press("ArrowRight");
        expect(await figures.innerText()).toBe(
            "Token 2 of 4, “ x”: KL 0.050 nats, base 10.0% (3rd), RAST 90.5% (1st)."
        );
        await page.keyboard.press("End");
        expect(await figures.innerText()).toContain("Token 4 of 4");
        await page.keyboard.press("Home");
        await page.keyboard.press("PageDown");
        expect(await figures.innerText()).toContain("Token 2 of 4");
        expect(await watched.evaluate("document.querySelectorAll('.tokens [tabindex=\"0\"]').length")).toBe(1);
        await toggle.click();
        expect(await answerOf("rast").locator(".answer-text").isVisible()).toBe(true);
        // they are kept with the chat
        await page.reload();
        await page.locator("#open-history").click();
        await page.getByRole("button", { name: "shade", exact: true }).click();
        await answerOf("rast").getByRole("button", { name: "Tokens" }).click();
        await answerOf("rast").getByRole("option").nth(1).click();
        expect(await figures.innerText()).toContain("KL 0.050 nats, base 10.0% (3rd), RAST 90.5% (1st)");
    });

    test("stopped by button and by Escape: what came stays, the server is told, the next question is answered", async () => {
        server.script = () => ({ text: Array.from({ length: 500 }, (_, index) => `word${index} `), paceMs: 10 });
        for (const stop of [() => page.locator("#stop").click(), () => page.keyboard.press("Escape")]) {
            const before = server.cut;
            await send("long");
            await page.locator(".turn:last-child .answer.rast", { hasText: "word3" }).waitFor();
            await stop();
            await done();
            await expect.poll(() => server.cut).toBe(before + 2);
            expect(server.running).toBe(0);
            expect(await page.locator(".turn:last-child .answer.rast .answer-text").innerText()).toContain("word3");
            expect(await page.locator(".turn:last-child .answer.rast .figures").innerText()).toContain("stopped");
        }
        server.script = () => ({ text: ["fine"] });
        await ask("again");
        expect(await answerOf("rast", 3).locator(".answer-text").innerText()).toBe("fine");
    });

    test("edited: what came after goes; regenerated: one column anew; copied", async () => {
        let count = 0;
        server.script = ({ messages }) => ({ text: [`${messages.at(-1)!.content} ${++count}`] });
        await ask("one");
        await ask("two");
        await page.locator(".turn:first-child .question").getByRole("button", { name: "Edit" }).click();
        const area = page.locator(".question textarea");
        await area.press("Escape");
        expect(await page.locator(".question .said").allInnerTexts()).toEqual(["one", "two"]);
        await page.locator(".turn:first-child .question").getByRole("button", { name: "Edit" }).click();
        await area.fill("uno");
        await area.press("Enter");
        await done();
        expect(await page.locator(".question .said").allInnerTexts()).toEqual(["uno"]);
        expect(server.asked.at(-1)!.messages).toEqual([{ role: "user", content: "uno" }]);
        const asked = server.asked.length;
        const base = await answerOf("base").locator(".answer-text").innerText();
        await answerOf("rast").getByRole("button", { name: "Regenerate" }).click();
        await done();
        expect(server.asked.slice(asked).map(({ model }) => model)).toEqual(["tiny"]);
        expect(await answerOf("rast").locator(".answer-text").innerText()).toBe("uno 7");
        expect(await answerOf("base").locator(".answer-text").innerText()).toBe(base);
        await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
        await answerOf("rast").getByRole("button", { name: "Copy" }).click();
        await page.getByRole("button", { name: "Copied" }).waitFor();
        expect(await watched.evaluate("navigator.clipboard.readText()")).toBe("uno 7");
    });

    test("history: kept, opened, saved as a file, deleted", async () => {
        await ask("the first chat");
        await page.locator("#new-chat").click();
        expect(await page.locator("#welcome").isVisible()).toBe(true);
        await ask("the second chat");
        await page.reload();
        await page.locator("#open-history").click();
        expect(await page.locator(".chat-title").allInnerTexts()).toEqual(["the second chat", "the first chat"]);
        const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#export-chats").click()]);
        const saved = JSON.parse(readFileSync(await download.path(), "utf8")) as { chats: { turns: object[] }[] };
        expect(saved.chats.map(({ turns }) => turns.length)).toEqual([1, 1]);
        // the file brings back what was deleted
        const file = { name: "chats.json", mimeType: "application/json", buffer: readFileSync(await download.path()) };
        await page.getByRole("button", { name: "Delete the second chat" }).click();
        await page.locator("#import-file").setInputFiles(file);
        await page.locator("#import-said").waitFor();
        expect(await page.locator("#import-said").innerText()).toBe(
            "1 chat taken. 1 chat left out: there already, or empty."
        );
        expect(await page.locator(".chat-title").allInnerTexts()).toEqual(["the second chat", "the first chat"]);
        await page.locator("#import-file").setInputFiles({ ...file, buffer: Buffer.from("<script>") });
        await page.getByText("This is no file of chats.").first().waitFor();
        await page.getByRole("button", { name: "the first chat", exact: true }).click();
        expect(await answerOf("base").locator(".answer-text").innerText()).toBe("You said: the first chat");
        await page.locator("#open-history").click();
        await page.getByRole("button", { name: "Delete the first chat" }).click();
        expect(await page.locator(".chat-title").allInnerTexts()).toEqual(["the second chat"]);
        // it was the one that was open
        expect(await page.locator("#welcome").isVisible()).toBe(true);
        await page.locator("#remove-all").click();
        await page.locator("#remove-all").click();
        await page.locator("#close-history").click();
        expect(await page.locator("#welcome").isVisible()).toBe(true);
        await page.reload();
        await page.locator("#open-history").click();
        expect(await page.locator("#no-chats").isVisible()).toBe(true);
        expect(
            await watched.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('rast.chat.'))")
        ).toEqual([]);
    });

    test("after a reload the chat is there; of two windows neither writes over the other, nor brings back what was deleted", async () => {
        const questions = (): Promise<string[]> => page.locator(".question .said").allInnerTexts();
        await ask("one");
        await page.reload();
        expect(await questions()).toEqual(["one"]);
        await page.locator("#model option").first().waitFor({ state: "attached" });
        const other = await page.context().newPage();
        await other.goto(server.url);
        await other.locator("#open-history").click();
        await other.locator(".chat-title").click();
        await other.locator("#model option").first().waitFor({ state: "attached" });
        await other.locator("#prompt").fill("two");
        await other.locator("#prompt").press("Enter");
        await other.locator(".turn:nth-child(2) .answer.base .figures").waitFor();
        await other.locator("#send").waitFor();
        // this window has said nothing since, and is put away: the other's words stay
        await page.reload();
        expect(await questions()).toEqual(["one", "two"]);
        // both go on
        await page.locator("#model option").first().waitFor({ state: "attached" });
        await ask("three");
        await other.locator("#prompt").fill("drei");
        await other.locator("#prompt").press("Enter");
        await other.locator(".turn:nth-child(3) .answer.base .figures").waitFor();
        await other.locator("#send").waitFor();
        await other.reload();
        expect(await other.locator(".question .said").allInnerTexts()).toEqual(["one", "two", "drei"]);
        await page.reload();
        expect(await questions()).toEqual(["one", "two", "three"]);
        // settings: each keeps what it has set alone
        await other.locator("#side").uncheck();
        await page.locator("#thinking").uncheck();
        const kept = await watched.evaluate<string>("localStorage.getItem('rast.settings')");
        expect(JSON.parse(kept)).toMatchObject({ side: false, thinking: false });
        await other.locator("#open-history").click();
        expect(await other.locator(".chat-title").count()).toBe(2);
        await other.locator("#remove-all").click();
        await other.locator("#remove-all").click();
        await other.close();
        await page.reload();
        expect(await questions()).toEqual([]);
        await page.locator("#open-history").click();
        expect(await page.locator("#no-chats").isVisible()).toBe(true);
    });

    test("a full storage: its chats are shown, and the oldest go for what is said", async () => {
        await ask("old");
        await watched.evaluate(`(() => {
            let text = "x".repeat(1000000);
            for (let index = 0; text !== ""; ) {
                try { localStorage.setItem("other." + index, text); index += 1; } catch { text = text.slice(0, text.length / 2); }
            }
        })()`);
        await page.reload();
        await page.locator("#model option").first().waitFor({ state: "attached" });
        expect(await page.locator(".question .said").allInnerTexts()).toEqual(["old"]);
        await page.locator("#new-chat").click();
        await ask("new");
        await page.reload();
        await page.locator("#model option").first().waitFor({ state: "attached" });
        expect(await page.locator(".question .said").allInnerTexts()).toEqual(["new"]);
        await page.locator("#open-history").click();
        expect(await page.locator(".chat-title").allInnerTexts()).toEqual(["new"]);
    });

    test("models being loaded: how far they are, then the answer; a full queue: asked again", async () => {
        await page.locator("#side").uncheck();
        server.progress = 0.42;
        server.refusals = [
            { status: 503, message: "tiny is being loaded.", retryAfter: "2" },
            { status: 429, message: "The queue is full.", retryAfter: "0" }
        ];
        await send("Hi");
        const waiting = page.locator(".waiting");
        await waiting.filter({ hasText: "tiny is being loaded: 42%" }).waitFor();
        expect(await watched.evaluate("document.querySelector('.waiting progress').value")).toBe(0.42);
        await done();
        expect(server.asked).toHaveLength(3);
        expect(await answerOf("rast").locator(".answer-text").innerText()).toBe("You said: Hi");
        expect(await waiting.innerText()).toBe("");
        // and it can be given up
        server.refusals = [{ status: 503, message: "tiny is being loaded.", retryAfter: "60" }];
        await send("Hi");
        await page.locator(".turn:last-child .waiting", { hasText: "loaded" }).waitFor();
        await page.locator("#stop").click();
        await done();
        expect(server.asked).toHaveLength(4);
    });

    test("what fails is said in the answer's place, and what came before stays", async () => {
        await page.locator("#side").uncheck();
        const cases = [
            [{ text: ["half "], breakAfter: 1 }, "half", /^The connection broke|^The answer ended/],
            [{ text: ["some "], error: "The engine has crashed." }, "some", /^The engine has crashed\.$/]
        ] as const;
        for (const [script, text, failure] of cases) {
            server.script = () => script;
            await ask("Hi");
            const answer = page.locator(".turn:last-child .answer");
            expect(await answer.locator(".answer-text").innerText()).toBe(text);
            expect(await answer.locator(".failure").innerText()).toMatch(failure);
            expect(await page.locator("#aloud").textContent()).toMatch(/^The answer failed\. /);
        }
        server.refusals = [{ status: 400, message: "Expected a number in [0, 100] for temperature." }];
        await ask("Hi");
        const failure = page.locator(".turn:last-child .failure");
        expect(await failure.innerText()).toBe("Expected a number in [0, 100] for temperature.");
        // a load that has failed is not waited for
        const message = "The model tiny cannot be loaded.";
        server.refusals = [{ status: 503, message, retryAfter: "60", code: "model_load_failed" }];
        await ask("Hi");
        expect(await failure.innerText()).toBe(message);
        // there is nothing to copy
        expect(await page.locator(".turn:last-child .answer .actions button:visible").allInnerTexts()).toEqual([
            "Regenerate"
        ]);
        server.refusals = [{ status: 400, message: "Too long.", code: "context_length_exceeded" }];
        await ask("Hi");
        expect(await failure.innerText()).toMatch(/^Too long\. A new chat begins without what was said before/);
        // a server that was started anew has other models
        server.models = ["new"];
        server.refusals = [{ status: 404, message: "There is no tiny.", code: "model_not_found" }];
        await ask("Hi");
        await page.locator("#model option", { hasText: "new" }).waitFor({ state: "attached" });
        server.script = () => ({ text: ["well"] });
        await page.locator(".turn:last-child").getByRole("button", { name: "Regenerate" }).click();
        await page.locator(".turn:last-child .answer-text", { hasText: "well" }).waitFor();
        expect(await failure.isVisible()).toBe(false);
        watched.problems.splice(
            0,
            Infinity,
            ...watched.problems.filter((one) => !/ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION/.test(one))
        );
    });

    test("a server that wants a key, one that is not there, one whose models are not listed yet", async () => {
        server.key = "secret";
        await page.reload();
        await page.locator("#settings[open]").waitFor();
        expect(await watched.evaluate("document.activeElement.id")).toBe("api-key");
        const note = page.locator("#key-wanted");
        for (const [key, words] of [
            ["wrong", "A key is wanted."],
            ["schl\u00FCssel", "A key has letters of English"]
        ] as const) {
            await page.locator("#api-key").fill(key);
            await page.locator("#api-key").press("Enter");
            await note.filter({ hasText: words }).waitFor();
            expect(await page.locator("#settings[open]").count()).toBe(1);
        }
        await page.locator("#api-key").fill("secret");
        await page.locator("#api-key").press("Enter");
        await page.locator("#settings[open]").waitFor({ state: "detached" });
        expect(await note.textContent()).toMatch(/^Where the server wants one/);
        expect(await page.locator("#notice").isVisible()).toBe(false);
        await page.locator("#model option").first().waitFor({ state: "attached" });
        await ask("Hi");
        expect(await answerOf("rast").locator(".answer-text").innerText()).toBe("You said: Hi");
        // with the window it is forgotten, and it is nowhere else
        expect(await watched.evaluate("JSON.stringify(localStorage).includes('secret')")).toBe(false);
        server.key = "";
        server.modelRefusals = [{ status: 503, message: "Starting.", retryAfter: "0" }];
        await page.reload();
        await page.locator("#model option").first().waitFor({ state: "attached" });
        await page.route("**/v1/models", (route) => route.abort());
        await page.reload();
        await page.locator("#notice", { hasText: "The server cannot be reached." }).waitFor();
        await send("Hi");
        // what was typed is not lost
        expect(await page.locator("#prompt").inputValue()).toBe("Hi");
        await page.unroute("**/v1/models");
        await page.locator("#notice").getByRole("button").click();
        await page.locator("#notice").waitFor({ state: "hidden" });
        watched.problems.splice(0, Infinity, ...watched.problems.filter((one) => !/net::ERR_FAILED/.test(one)));
    });

    test("nothing that a model says runs, loads, leads astray or takes the place of the page's own", async () => {
        // two at a time, one in each column
        const parts = hostileAnswers.map((text) => [text.slice(0, 9), text.slice(9)]);
        server.script = ({ model, messages }) => {
            const text = parts[Number(messages.at(-1)!.content) + (model === "tiny" ? 0 : 1)] ?? ["fine"];
            return { text, thinking: text, tokens: [{ text: text.join(""), divergence: 1 }] };
        };
        for (let index = 0; index < parts.length; index += 2) {
            if (index % 10 === 0) await page.locator("#new-chat").click();
            await ask(String(index));
            if (index % 10 !== 8 && index + 2 < parts.length) continue;
            await watched.evaluate(
                `for (const one of document.querySelectorAll("summary, [aria-pressed]")) one.click()`
            );
            await watched.evaluate(`for (const one of document.querySelectorAll("[aria-pressed]")) one.click()`);
            const found = await watched.evaluate<Record<string, unknown>>(`({
                pwned: window.pwned ?? null,
                scripts: document.scripts.length,
                styles: document.querySelectorAll("style").length,
                foreign: document.querySelectorAll("img, iframe, object, embed, video, form form, base, meta[http-equiv], #turns input, #turns svg [href], #turns [src], #turns [id], #turns template").length,
                handlers: [...document.querySelectorAll("#turns *")].filter((one) => one.getAttributeNames().some((name) => name.startsWith("on"))).length,
                links: [...document.querySelectorAll("#turns a")].map((one) => one.href).filter((href) => !/^(?:https?|mailto):/.test(href) || href.includes("@evil")),
                urls: [...document.querySelectorAll("#turns [style]")].filter((one) => one.getAttribute("style").includes("url(")).length,
                wide: document.documentElement.scrollWidth > document.documentElement.clientWidth
            })`);
            expect(found).toEqual({
                ...{ pwned: null, scripts: 1, styles: 1, foreign: 0, handlers: 0, links: [], urls: 0, wide: false }
            });
        }
        // and a text that cannot be drawn at all is there as it is
        await watched.evaluate(
            "document.createElement = ((make) => function (tag) { if (tag === 'table') throw new Error('no tables'); return make.call(this, tag); })(document.createElement)"
        );
        await page.locator("#new-chat").click();
        server.script = () => ({ text: ["| a |\n| - |\n", "| b |"] });
        await ask("0");
        expect(await answerOf("rast").locator(".answer-text").innerText()).toBe("| a |\n| - |\n| b |");
        await page.reload();
        await page.locator("#model option").first().waitFor({ state: "attached" });
        expect(watched.problems.splice(0)).toContainEqual(expect.stringContaining("no tables"));
        server.script = () => ({ text: [hostileAnswers[0]!] });
        // what looks like markup is there to be read
        await page.locator("#new-chat").click();
        await ask("0");
        expect(await answerOf("rast").locator(".answer-text").innerText()).toBe(hostileAnswers[0]);
    });

    describe("its look", () => {
        const fill = async (): Promise<void> => {
            server.script = () => ({ thinking: ["Let me see."], text: [rich], tokens });
            await ask("What are the roots of x^2 = 4?");
            await ask(`and a long word: ${"w".repeat(300)}`);
            await page.locator(".turn:last-child summary").first().click();
            await answerOf("rast", 1).getByRole("button", { name: "Tokens" }).click();
        };

        test.each(["light", "dark"] as const)(
            "%s: texts stand out, on a phone and on a desk; nothing lies beyond the page",
            async (colorScheme) => {
                for (const viewport of [
                    { width: 360, height: 700 },
                    { width: 1280, height: 800 }
                ]) {
                    await reopen({ viewport, colorScheme });
                    await fill();
                    for (const check of [sidewaysProblems, contrastProblems, accessProblems]) {
                        expect(await watched.evaluate(check)).toEqual([]);
                    }
                    for (const dialog of ["settings", "history"]) {
                        await page.locator(`#open-${dialog}`).click();
                        for (const check of [sidewaysProblems, contrastProblems, accessProblems]) {
                            expect(await watched.evaluate(check)).toEqual([]);
                        }
                        await page.keyboard.press("Escape");
                    }
                    const columns = await watched.evaluate<number[]>(
                        "[...document.querySelectorAll('.turn:first-child .answer')].map((one) => Math.round(one.getBoundingClientRect().top))"
                    );
                    // beside each other where there is room, else below
                    expect(columns[0] === columns[1]).toBe(viewport.width > 1000);
                }
            }
        );

        test("colours can be forced against the system's", async () => {
            const paper = (): Promise<string> => watched.evaluate("getComputedStyle(document.body).backgroundColor");
            await reopen({ colorScheme: "dark" });
            expect(await paper()).toBe("rgb(21, 24, 29)");
            await page.locator("#open-settings").click();
            await page.locator("#theme").selectOption("light");
            expect(await paper()).toBe("rgb(255, 255, 255)");
            await page.reload();
            expect(await paper()).toBe("rgb(255, 255, 255)");
            await page.emulateMedia({ colorScheme: "light" });
            await page.locator("#open-settings").click();
            await page.locator("#theme").selectOption("dark");
            expect(await paper()).toBe("rgb(21, 24, 29)");
        });

        test("nothing moves for those who want it so", async () => {
            await reopen({ reducedMotion: "reduce" });
            server.script = () => ({ text: ["a ", "b "], paceMs: 400 });
            await send("Hi");
            await page.locator(".answer.rast.open .answer-text", { hasText: "a" }).waitFor();
            const names = `[...document.querySelectorAll("*")].flatMap((one) => [getComputedStyle(one).animationName, getComputedStyle(one, "::after").animationName]).filter((name) => name !== "none")`;
            expect(await watched.evaluate(names)).toEqual([]);
            await done();
        });
    });

    test("on a phone Enter begins a line, and the page does not say otherwise", async () => {
        await reopen({ viewport: { width: 375, height: 667 }, hasTouch: true, isMobile: true });
        expect(await page.locator("#welcome").innerText()).toContain("Enter begins a line.");
        expect(await page.locator("#welcome").innerText()).not.toContain("Enter sends");
        await page.locator("#prompt").tap();
        await page.keyboard.type("one");
        await page.keyboard.press("Enter");
        await page.keyboard.type("two");
        await page.locator("#send").tap();
        await done();
        expect(server.asked[0]!.messages).toEqual([{ role: "user", content: "one\ntwo" }]);
    });

    test("a text begins at the side of its first letter", async () => {
        await page.locator("#side").uncheck();
        for (const [text, side] of [
            ["12 \u05E9\u05DC\u05D5\u05DD world", "rtl"],
            ["- 1\n- \u0645\u0631\u062D\u0628\u0627", "rtl"],
            ["**x** \u05E9", "ltr"],
            ["\u4F60\u597D", "ltr"],
            ["1 + 1", ""]
        ] as const) {
            server.script = () => ({ text: [...text] });
            await ask("?");
            const last = page.locator(".turn:last-child .answer-text");
            expect([text, (await last.getAttribute("dir")) ?? ""]).toEqual([text, side]);
        }
    });

    test("all of it by keyboard", async () => {
        const focused = (): Promise<string> =>
            watched.evaluate("document.activeElement.id || document.activeElement.textContent.slice(0, 20)");
        expect(await focused()).toBe("prompt");
        await page.keyboard.type("one");
        await page.keyboard.press("Shift+Enter");
        await page.keyboard.type("two");
        await page.keyboard.press("Enter");
        await done();
        expect(server.asked[0]!.messages).toEqual([{ role: "user", content: "one\ntwo" }]);
        expect(await focused()).toBe("prompt");
        // from the top: first of all the way past everything
        await watched.evaluate("document.querySelector('.skip').focus()");
        const order: string[] = [];
        for (let steps = 0; steps < 40; steps++) {
            const now = await focused();
            if (order.includes("stop") || (order.length > 3 && now === order[0])) break;
            order.push(now);
            const outline = await watched.evaluate<string>("getComputedStyle(document.activeElement).outlineStyle");
            if (order.length > 1) expect([now, outline]).toEqual([now, expect.not.stringMatching("none")]);
            await page.keyboard.press("Tab");
            if ((await watched.evaluate("document.activeElement === document.body")) === true) break;
        }
        const places = [
            "model",
            "new-chat",
            "open-history",
            "open-settings",
            "chat",
            "Edit",
            "prompt",
            "side",
            "thinking",
            "lambda",
            "send"
        ];
        const found = places.map((name) => order.indexOf(name));
        expect([order, found.includes(-1)]).toEqual([order, false]);
        expect(found).toEqual([...found].sort((a, b) => a - b));
        // a dialog keeps the focus, and gives it back
        await page.locator("#open-history").focus();
        await page.keyboard.press("Enter");
        await page.locator("#history[open]").waitFor();
        for (let steps = 0; steps < 8; steps++) {
            await page.keyboard.press("Tab");
            const inside =
                "document.activeElement === document.body || document.activeElement.closest('dialog') !== null";
            expect(await watched.evaluate(inside)).toBe(true);
        }
        await page.keyboard.press("Escape");
        expect(await focused()).toBe("open-history");
    });

    test("a chat of an earlier version, or somebody else's words in the storage, harm nothing", async () => {
        await watched.evaluate(`(() => {
            localStorage.setItem("rast.chat.x", "{broken");
            localStorage.setItem("rast.chat.y", JSON.stringify({ id: "y", updated: 1e300, turns: [{ question: "<b>old</b>", answers: { rast: 5 } }, null] }));
            localStorage.setItem("rast.settings", JSON.stringify({ temperature: "hot", theme: "pink", lambda: 1e9, side: 3 }));
        })()`);
        await page.reload();
        await page.locator("#open-history").click();
        expect(await page.locator(".chat-title").allInnerTexts()).toEqual(["<b>old</b>"]);
        await page.locator(".chat-title").click();
        await page.locator("#model option").first().waitFor({ state: "attached" });
        await ask("Hi");
        expect(server.asked[0]).not.toHaveProperty("temperature");
    });
});
