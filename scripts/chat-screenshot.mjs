// Makes docs/chat-page.png: the page of `rast serve` with the bundled chat trio, in the Chromium of this machine.
// node scripts/chat-screenshot.mjs [path of Chromium]
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serve } from "../dist/server/index.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const server = await serve({ models: [{ trio: "demo-chat", threads: 1, tryModels: false }], port: 0 });
await server.ready;
const browser = await chromium.launch({
    executablePath: process.argv[2] ?? "/usr/bin/chromium",
    args: ["--no-sandbox"]
});
const page = await browser.newPage({ viewport: { width: 1100, height: 700 } });
await page.goto(`${server.url}/`);
await page.locator("#model option").first().waitFor({ state: "attached" });
await page.locator("#open-settings").click();
await page.locator("#seed").fill("2");
await page.locator("#close-settings").click();
for (const question of ["What is 12+5-3?"]) {
    await page.locator("#prompt").fill(question);
    await page.locator("#prompt").press("Enter");
    await page.locator("#send").waitFor();
}
await page.locator(".turn:last-child .answer.rast").getByRole("button", { name: "Tokens" }).click();
await page.locator(".turn:last-child .tokens .t.changed").first().click();
await page.locator(".turn:last-child").scrollIntoViewIfNeeded();
await page.screenshot({ path: join(root, "docs", "chat-page.png") });
await browser.close();
await server.close({ graceSeconds: 0 });
