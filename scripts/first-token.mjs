// How long a newcomer waits: clones this repository into an empty folder, runs `npm run demo` there with an empty npm cache, an
// empty home and no compiler cache, and says when the first words and the first answer of RAST came. Needs the network.
// node scripts/first-token.mjs [--threads N]   (Linux: on N processors alone)
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({ options: { threads: { type: "string" } } });
const work = mkdtempSync(join(tmpdir(), "rast-first-token-"));
const folder = (name) => {
    mkdirSync(join(work, name));
    return join(work, name);
};
const env = { ...process.env, HOME: folder("home"), npm_config_cache: folder("npm"), CCACHE_DISABLE: "1" };
for (const name of Object.keys(env)) if (/^(XDG_|RAST_|CMAKE_.*_LAUNCHER$)/.test(name)) delete env[name];

const start = performance.now();
const since = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
try {
    execFileSync("git", ["clone", "-q", root, join(work, "clone")]);
    console.log(`cloned after ${since()}`);
    const [command, ...args] =
        values.threads === undefined
            ? ["npm", "run", "demo"]
            : ["taskset", "-c", `0-${Number(values.threads) - 1}`, "npm", "run", "demo"];
    const child = spawn(command, args, {
        cwd: join(work, "clone"),
        env,
        detached: true,
        stdio: ["ignore", "pipe", "pipe"]
    });
    let shown = "";
    let first = true;
    const hear = (text) => {
        if (first) console.log(`first words after ${since()}`);
        first = false;
        shown += text;
        const said = /^ +RAST +(right|wrong) .*$/m.exec(shown);
        if (said === null) return;
        console.log(`first answer of RAST after ${since()}: ${said[0].trim()}`);
        process.kill(-child.pid, "SIGKILL");
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", hear);
    const code = await new Promise((resolve) => child.on("close", resolve));
    console.log(shown.replace(/^/gm, "    "));
    if (code !== null) process.exitCode = 1; // it ended by itself, before any answer or with an error
} finally {
    rmSync(work, { recursive: true, force: true, maxRetries: 5 });
}
