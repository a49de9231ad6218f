// How long a newcomer waits for the desktop example: clones this repository into an empty folder, follows
// examples/desktop/README.md there with an empty npm cache, an empty home and no compiler cache, and says when the window had its page
// and when the first text of RAST stood in it. Needs the network, Xvfb and WebKitGTK; Linux.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const work = mkdtempSync(join(tmpdir(), "rast-first-window-"));
const folder = (name) => {
    mkdirSync(join(work, name));
    return join(work, name);
};
const env = { ...process.env, HOME: folder("home"), npm_config_cache: folder("npm"), CCACHE_DISABLE: "1" };
for (const name of Object.keys(env)) if (/^(XDG_|RAST_|CMAKE_.*_LAUNCHER$)/.test(name)) delete env[name];

const start = performance.now();
const say = (what) => console.log(`${what} after ${((performance.now() - start) / 1000).toFixed(1)} s`);
const clone = join(work, "clone");
const npm = (cwd, ...args) => execFileSync("npm", args, { cwd, env, stdio: ["ignore", "ignore", "pipe"] });
let screen;
let app;
try {
    execFileSync("git", ["clone", "-q", root, clone]);
    say("cloned");
    npm(clone, "run", "setup");
    say("set up");
    npm(join(clone, "examples", "desktop"), "install");
    say("window's package installed");
    screen = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1040x680x24", "-nolisten", "tcp"], {
        stdio: ["ignore", "ignore", "ignore", "pipe"]
    });
    const display = await new Promise((resolve, reject) => {
        screen.stdio[3].once("data", (data) => resolve(`:${String(data).trim()}`));
        screen.once("error", reject);
    });
    // The app of main.js, with a page that can be asked.
    const driver = join(clone, "test", "e2e", "scripts", "desktop-app.mjs");
    const options = JSON.stringify({ folders: [], load: {}, silenceMs: 60_000 });
    app = spawn(process.execPath, [driver, options], {
        env: { ...env, DISPLAY: display },
        stdio: ["ignore", "ignore", "ignore", "ipc"]
    });
    const waiting = new Map();
    let pageIsThere;
    const page = new Promise((resolve) => (pageIsThere = resolve));
    app.on("message", (message) => (message.page ? pageIsThere() : waiting.get(message.id)?.(message.value)));
    app.once("exit", (code) => {
        if (code !== null) throw new Error(`The app ended with ${code}.`);
    });
    let last = 0;
    const evaluate = (expression) =>
        new Promise((resolve) => {
            waiting.set(++last, resolve);
            app.send({ id: last, expression });
        });
    const until = async (expression) => {
        while (!(await evaluate(expression))) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await page;
    say("window and page");
    await until("document.querySelectorAll('#trio option').length > 0");
    await evaluate("(trio.value = 'demo', loader.requestSubmit())");
    await until("!ask.disabled");
    await evaluate("(question.value = '6+34+63+39', composer.requestSubmit())");
    await until("document.querySelector('.rast .text')?.textContent");
    say("first text of RAST");
} finally {
    app?.kill("SIGKILL");
    screen?.kill();
    rmSync(work, { recursive: true, force: true, maxRetries: 5 });
}
