// examples/electron without Electron: what is shipped, in the layout of a packaged app.
import {
    cpSync,
    existsSync,
    linkSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    writeFileSync
} from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { chromium } from "../support/chromium.js";
import { ElectronApp } from "../support/electron-app.js";
import { canSeeProcesses, isRunning, until } from "../support/engine-processes.js";
import { root, run } from "../support/native.js";
import { startBrowser } from "../support/watched-page.js";

const example = join(root, "examples", "electron");
const require = createRequire(join(root, "examples", "package.json"));
const asarFile = join(root, "examples", "node_modules", "@electron", "asar");
const canRun = existsSync(asarFile) && chromium !== undefined && canSeeProcesses;
if (!canRun && process.env["RAST_REQUIRE_WEBVIEW"] === "1") throw new Error("The examples' packages are missing");

interface Asar {
    createPackageWithOptions(source: string, archive: string, options: object): Promise<void>;
    listPackage(archive: string): string[];
}

// Hard links, as llama.cpp's libraries are large.
function linkTree(from: string, to: string, wanted = /./): void {
    mkdirSync(to, { recursive: true });
    for (const entry of readdirSync(from, { withFileTypes: true })) {
        if (entry.isDirectory()) linkTree(join(from, entry.name), join(to, entry.name), wanted);
        else if (wanted.test(entry.name)) linkSync(join(from, entry.name), join(to, entry.name));
    }
}

function filesBelow(folder: string): string[] {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

describe.skipIf(!canRun)("the Electron example, with all but Electron", () => {
    let folder: string;
    let browser: Browser;
    let running: ElectronApp | undefined;
    const resources = (): string => join(folder, "resources");

    beforeAll(async () => {
        const built = await run(process.execPath, [join(example, "build.mjs")]);
        expect([built.code, built.stderr]).toEqual([0, ""]);
        folder = mkdtempSync(join(root, "build", "electron-"));
        // As a packager puts it together: the app, and what it depends on.
        const app = join(folder, "app");
        cpSync(join(example, "dist"), join(app, "dist"), { recursive: true });
        cpSync(join(example, "package.json"), join(app, "package.json"));
        const own = join(app, "node_modules", "rast-llama");
        cpSync(join(root, "package.json"), join(own, "package.json"), { recursive: true });
        linkTree(join(root, "dist"), join(own, "dist"));
        linkTree(join(root, "models"), join(own, "models"));
        const platform = `${process.platform}-${process.arch}`;
        const addon = join(app, "node_modules", "@rast-llama", platform);
        mkdirSync(addon, { recursive: true });
        linkSync(join(root, "build", "Release", "rast.node"), join(addon, "rast.node"));
        const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
        writeFileSync(join(addon, "package.json"), JSON.stringify({ name: `@rast-llama/${platform}`, version }));
        const libraries = `@node-llama-cpp/${platform}`;
        for (const name of [libraries, "@huggingface/jinja"]) {
            linkTree(join(root, "node_modules", name), join(app, "node_modules", name));
        }
        // The archive as forge makes it, then as Electron shows it: a folder of its name, without what the system must open.
        const asar = require(asarFile) as Asar;
        const { packagerConfig } = require(join(example, "forge.config.cjs")) as { packagerConfig: { asar: object } };
        const archive = join(folder, "app.asar");
        await asar.createPackageWithOptions(app, archive, packagerConfig.asar);
        expect(asar.listPackage(archive)).toEqual(
            expect.arrayContaining(["/dist/main.js", "/node_modules/@huggingface"])
        );
        const shown = join(resources(), "app.asar");
        linkTree(app, shown, /\.(js|json|cjs|html)$/);
        linkTree(`${archive}.unpacked`, `${shown}.unpacked`);
        browser = await startBrowser();
    });
    afterEach(() => running?.kill());
    afterAll(async () => {
        await browser?.close();
        rmSync(folder, { recursive: true, force: true });
    });

    const start = async (): Promise<ElectronApp> =>
        (running = await ElectronApp.start(browser, join(resources(), "app.asar")));
    const engineOf = (app: ElectronApp): number => {
        const children = readFileSync(`/proc/${app.pid}/task/${app.pid}/children`, "utf8").trim().split(/\s+/);
        return Number(children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("engine.js")));
    };

    it("leaves beside the archive what the system opens, and nothing of the app", () => {
        const unpacked = filesBelow(join(resources(), "app.asar.unpacked"));
        expect(unpacked.some((file) => /@rast-llama\/[^/]+\/rast\.node$/.test(file))).toBe(true);
        expect(unpacked.some((file) => /node-llama-cpp.*libllama/.test(file))).toBe(true);
        expect(unpacked.some((file) => file.endsWith("demo-base.gguf"))).toBe(true);
        expect(unpacked.every((file) => /^node_modules\/(rast-llama|@rast-llama|@node-llama-cpp)\//.test(file))).toBe(
            true
        );
        expect(filesBelow(join(resources(), "app.asar")).some((file) => /\.(node|so|gguf)$/.test(file))).toBe(false);
    });

    it("ships what runs on this platform alone, without CUDA", () => {
        const { packagerConfig } = require(join(example, "forge.config.cjs")) as {
            packagerConfig: { ignore: RegExp[] };
        };
        const isShipped = (path: string): boolean => !packagerConfig.ignore.some((each) => each.test(path));
        const here = `${process.platform}-${process.arch}`;
        const shipped = [
            ...[
                "/package.json",
                "/dist",
                "/dist/main.js",
                "/node_modules",
                "/node_modules/@huggingface/jinja/package.json"
            ],
            ...["/node_modules/rast-llama/dist/index.js", `/node_modules/rast-llama/prebuilds/${here}/rast.node`],
            ...["/node_modules/@rast-llama/linux-x64/rast.node", "/node_modules/@node-llama-cpp/linux-x64/bins/x"],
            "/node_modules/@node-llama-cpp/win-x64-vulkan/bins/x"
        ];
        const left = [
            ...["/src/main.ts", "/build.mjs", "/out/x", "/distant", "/node_modules/.bin/rast"],
            ...["/node_modules/rast-llama/native/addon.cpp", "/node_modules/rast-llama/docs/embedding.md"],
            ...[
                "/node_modules/@node-llama-cpp/linux-x64-cuda/bins/x",
                "/node_modules/@node-llama-cpp/win-x64-cuda-ext"
            ],
            "/node_modules/rast-llama/prebuilds/freebsd-x64/rast.node"
        ];
        expect(shipped.filter((path) => !isShipped(path))).toEqual([]);
        expect(left.filter(isShipped)).toEqual([]);
    });

    it("loads, answers in two conversations, stops, crashes, comes back with its trio and closes", async () => {
        const app = await start();
        expect(app.preferences).toMatchObject({ contextIsolation: true, sandbox: true, nodeIntegration: false });
        const click = (id: string): Promise<unknown> => app.evaluate(`document.getElementById("${id}").click()`);
        const answers = (state: string): string =>
            `document.querySelectorAll(".turn:last-child [data-state=${state}]").length === 2`;
        const ask = (text: string): Promise<unknown> =>
            app.evaluate(`(question.value = ${JSON.stringify(text)}, composer.requestSubmit())`);
        const text = (): Promise<string> =>
            app.evaluate("document.querySelector('.turn:last-child .rast .text').textContent");

        await ask("too early");
        expect(await app.evaluate("document.querySelectorAll('.turn').length")).toBe(0);
        await app.evaluate("(path.value = 'demo-chat', loader.requestSubmit())");
        await app.until("the trio is loaded", "!ask.disabled");
        await app.evaluate("(document.getElementById('temperature').value = 0)");
        await ask("What is 12+5-3?");
        await app.until("both answers", answers("done"));
        expect(await text()).toBe("It is 14.");
        await click("new");
        await ask("How much is 13+8-8?");
        await app.until("both answers", answers("done"));
        expect(await text()).toMatch(/^It is \d+\.$/);
        await app.evaluate("document.querySelectorAll('#conversations button')[1].click()");
        expect(await text()).toBe("It is 14.");

        // The engine's process ends: it is started again, and the trio comes back.
        const first = engineOf(app);
        process.kill(first, "SIGKILL");
        await app.until(
            "the message",
            "/ended by itself.*started again.*ERR_ENGINE_CRASHED/s.test(document.getElementById('notice-text').textContent)"
        );
        await app.until("the trio is loaded", "!ask.disabled");
        expect(engineOf(app)).not.toBe(first);
        await click("new");
        await ask("What is 12+5-3?");
        await app.until("both answers", answers("done"));
        expect(await text()).toBe("It is 14.");

        const engine = engineOf(app);
        app.close();
        expect([await app.ended, app.output]).toEqual([0, ""]);
        await until("the engine's process has ended", () => !isRunning(engine));
        expect(app.problems).toEqual([]);
    });

    it("leaves no process behind when it is killed", async () => {
        const app = await start();
        await app.evaluate("(path.value = 'demo', loader.requestSubmit())");
        await app.until("a load", "!document.getElementById('progress').hidden");
        const engine = engineOf(app);
        app.kill();
        await app.ended;
        await until("the engine's process has ended", () => !isRunning(engine));
        running = undefined;
    });
});
