// examples/desktop as a person uses it, in a real window on a screen in memory.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { loadRast } from "../../dist/index.js";
import { DesktopApp, noWindow } from "../support/desktop-app.js";
import { isRunning, until } from "../support/engine-processes.js";
import { root, run } from "../support/native.js";
import { heavy } from "../support/size.js";
import { tinyTrio } from "../support/test-models.js";
import { png, XServer } from "../support/x-server.js";

// For docs/desktop-window.png: a path from the root.
const picture = process.env["RAST_SCREENSHOT"];
const width = 1040;
const height = 680;
const load = { gpuLayers: 0, threads: 1, tryModels: false };
// Base and RAST differ clearly in what they say likeliest.
const sum = "Eva has 81 pens, gives 6, sees 33 cats, buys 40, sells 94";
// What the trio "endless" answers takes minutes.
const long = { tokens: 4096, temperature: 1 };

describe.skipIf(noWindow !== undefined)(`the desktop example${noWindow === undefined ? "" : `: ${noWindow}`}`, () => {
    let screen: XServer;
    let folder: string;
    let running: DesktopApp | undefined;

    beforeAll(async () => {
        screen = await XServer.start(width, height);
        folder = mkdtempSync(join(tmpdir(), "rast-desktop-"));
        mkdirSync(join(folder, "endless"));
        writeFileSync(
            join(folder, "endless", "endless.json"),
            JSON.stringify(await tinyTrio({ contextLength: 100_000 }))
        );
        writeFileSync(join(folder, "package.json"), "{}");
        for (const name of ["base", "weak-expert", "weak-antiexpert"]) {
            copyFileSync(join(root, "models", "demo", `demo-${name}.gguf`), join(folder, `demo-${name}.gguf`));
        }
        copyFileSync(join(root, "models", "demo", "demo.json"), join(folder, "copied.json"));
    });
    afterEach(() => running?.kill("SIGKILL"));
    afterAll(async () => {
        await screen.stop();
        rmSync(folder, { recursive: true, force: true });
    });

    const start = async (silenceMs = 30_000): Promise<DesktopApp> =>
        (running = await DesktopApp.start(screen, { folders: [folder], load, silenceMs }));
    const endless = (): string => join(folder, "endless");
    const engineOf = (app: DesktopApp): number =>
        [...app.processes()].find(([, command]) => command.includes("isolate/child.js"))![0];

    /** Nothing that it started is left. */
    async function expectNothingLeft(processes: ReadonlyMap<number, string>): Promise<void> {
        expect([...processes.values()].join("\n")).toMatch(/WebKitWebProcess/);
        await until("all its processes have ended", () => ![...processes.keys()].some(isRunning));
        running = undefined;
    }

    it("chooses, loads, answers, stops, crashes, comes back and closes", async () => {
        const app = await start();
        const trios = await app.evaluate<string[]>("[...trio.options].map(({ value }) => value)");
        expect(trios).toEqual(expect.arrayContaining(["demo", "demo-strong", "demo-chat"]));
        expect(trios).toContain(join(folder, "copied.json"));
        expect(trios).toContain(join(folder, "endless", "endless.json"));
        expect(trios.some((each) => each.includes("package.json"))).toBe(false);

        // A trio that is not there, and one whose model is gone.
        const notice = "(notice.hidden ? '' : document.getElementById('notice-text').textContent)";
        await app.evaluate("(path.value = 'no-such-trio', loader.requestSubmit())");
        await app.until("the message", `/no trio named "no-such-trio".*ERR_UNKNOWN_TRIO/s.test(${notice})`);
        rmSync(join(folder, "demo-weak-expert.gguf"));
        await app.evaluate(`(path.value = ${JSON.stringify(join(folder, "copied.json"))}, loader.requestSubmit())`);
        await app.until("the message", `/demo-weak-expert.gguf.*ERR_FILE_NOT_FOUND/s.test(${notice})`);
        expect(await app.evaluate("ask.disabled")).toBe(true);

        // Both sides, with the engine's own texts.
        await app.load("demo");
        expect(await app.evaluate(notice)).toBe("");
        await app.ask(sum, { temperature: 0 });
        await app.until("both answers", "document.querySelectorAll('[data-state=done]').length === 2");
        const said = await app.answers();
        const rast = await loadRast({ ...load, trio: "demo" });
        const question = { prompt: sum, temperature: 0 };
        const { text } = await rast.complete(question);
        expect(said).toEqual({ base: (await rast.complete({ ...question, mode: "base" })).text, rast: text });
        await rast.dispose();
        expect(said.base).not.toBe(said.rast);

        // With lambda 0 RAST is the base.
        await app.evaluate("(lambda.value = 0, lambda.dispatchEvent(new Event('input')))");
        expect(await app.evaluate("document.getElementById('lambda-said').textContent")).toBe("0");
        await app.ask(sum);
        await app.until("both answers", "document.querySelectorAll('[data-state=done]').length === 4");
        const same = await app.answers();
        expect(same.rast).toBe(same.base);
        expect(same.base).toBe(said.base);
        // What is on the page is on the screen a little later: then it is painted, with text.
        if (picture !== undefined) await new Promise((resolve) => setTimeout(resolve, 1000));
        const painted = async (): Promise<Buffer> => {
            const pixels = await screen.pixels(width, height);
            const colours = new Set(pixels.toString("hex").match(/.{8}/g));
            expect(colours.size).toBeGreaterThan(20);
            return pixels;
        };
        const pixels = await vi.waitFor(painted, { timeout: 20_000, interval: 200 });
        if (picture !== undefined) writeFileSync(join(root, picture), png(pixels, width, height));

        // A stop in the middle.
        await app.load(endless());
        await app.ask("stop me", long);
        await app.until("texts grow", "document.querySelector('.turn:last-child .rast .text').textContent.length > 20");
        await app.evaluate("document.getElementById('stop').click()");
        await app.until("both have stopped", "document.querySelectorAll('[data-state=stopped]').length === 2");
        expect(await app.evaluate("document.querySelectorAll('[data-state=running]').length")).toBe(0);

        // What models say is never markup. The call's numbers are the page's own, counted from 1.
        const hostile = `</script><img src=x onerror="document.title='run'"><b>\u2028${"`${1}`"}`;
        await app.evaluate(
            "addEventListener('securitypolicyviolation', (event) => (window.violated = event.violatedDirective))"
        );
        await app.ask(hostile, long);
        await app.until("it is being answered", "document.querySelectorAll('[data-state=running]').length === 2");
        await app.evaluate(
            `[...Array(60).keys()].forEach((id) => fromApp({ kind: "part", id, part: { reasoning: "", answer: ${JSON.stringify(hostile)} } }))`
        );
        const shown = "document.querySelector('.turn:last-child .rast .text').textContent";
        await app.until("it is shown", `${shown}.includes(${JSON.stringify(hostile)})`);
        expect(await app.evaluate("document.querySelector('.turn:last-child h2').textContent")).toBe(hostile);
        expect(await app.evaluate("document.querySelectorAll('img, b').length")).toBe(0);
        expect(await app.evaluate("document.title + (window.violated ?? '')")).toBe("RAST, side by side");

        // The engine's process ends while it answers: what was asked fails, and the next question starts it again.
        process.kill(engineOf(app), "SIGKILL");
        await app.until("both have failed", "document.querySelectorAll('[data-state=failed]').length === 2");
        expect(await app.evaluate(notice)).toMatch(
            /SIGKILL.*started again with the next question.*ERR_ENGINE_CRASHED/s
        );
        await app.ask("again", { tokens: 8 });
        await app.until("both answers", "document.querySelectorAll('.turn:last-child [data-state=done]').length === 2");

        await app.ask("to the end", long);
        await app.until("it is being answered", "document.querySelectorAll('[data-state=running]').length === 2");
        // Thousands of tokens a second do not keep the page from answering.
        const end = performance.now() + (heavy ? 30_000 : 4000);
        while (performance.now() < end) await app.evaluate("document.title", 2000);
        const processes = app.processes();
        expect(await screen.closeWindow("RAST, side by side")).toBe(true);
        expect(await app.ended).toBe(0);
        await expectNothingLeft(processes);
    });

    it("has its page back when the page's process ends, and ends with whatever kills it", async () => {
        const app = await start(3000);
        await app.load(endless());
        await app.ask("the page will not see this", long);
        await app.until("texts grow", "document.querySelectorAll('[data-state=running]').length === 2");
        const [page] = [...app.processes()].find(([, command]) => command.includes("WebKitWebProcess"))!;
        const before = app.pages;
        process.kill(page, "SIGKILL");
        await until("another page", () => app.pages > before);
        if (heavy) {
            // A page from elsewhere has no say, and does not stay.
            await app.until("the page", "!ask.disabled");
            await app.evaluate("location.replace('about:blank')");
            await until("our page", () => app.pages > before + 1);
        }
        // It finds the engine as the other has left it, at rest.
        await app.until("it can ask", "!ask.disabled");
        expect(await app.evaluate("document.getElementById('status').textContent")).toContain("endless");
        await app.ask("again", long);
        await app.until("texts grow", "document.querySelectorAll('[data-state=running]').length === 2");
        const processes = app.processes();
        app.kill("SIGKILL");
        expect(await app.ended).toBe("SIGKILL");
        await expectNothingLeft(processes);
    });

    it.each(["SIGINT", "SIGTERM"] as const)("ends on %s, in the middle of a load", async (signal) => {
        const app = await start();
        await app.evaluate("(path.value = 'demo-strong', loader.requestSubmit())");
        await until("the engine's process", () =>
            [...app.processes().values()].some((each) => each.includes("child.js"))
        );
        const processes = app.processes();
        app.kill(signal);
        expect(await app.ended).toBe(0);
        await expectNothingLeft(processes);
    });

    it("says what is missing where there is no screen", async () => {
        const env = { ...process.env, DISPLAY: "", WAYLAND_DISPLAY: "" };
        const { code, stderr } = await run(process.execPath, [join(root, "examples", "desktop", "main.js")], { env });
        expect(code).toBe(1);
        expect(stderr).toMatch(/^There is no display to open a window on: .*xvfb-run npm start\.\n$/);
    });
});

it("the example depends on rast-llama and webview-napi alone", () => {
    const manifest = JSON.parse(readFileSync(join(root, "examples", "desktop", "package.json"), "utf8")) as {
        dependencies: object;
        devDependencies?: object;
    };
    expect(Object.keys(manifest.dependencies)).toEqual(["rast-llama", "webview-napi"]);
    expect(manifest.devDependencies).toBeUndefined();
});
