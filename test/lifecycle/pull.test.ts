// Pulls in processes of their own, killed at any moment, or beside each other; and from a hub to a text.
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makePullingPlace, type PullingPlace } from "../support/pulling.js";
import { size } from "../support/size.js";
import { sha256Of } from "../support/stand-in-hub.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const roles = ["base", "expert", "antiexpert"] as const;
const demo = { base: "demo-base", expert: "demo-weak-expert", antiexpert: "demo-weak-antiexpert" };

let place: PullingPlace;
beforeAll(async () => {
    const file = (name: string): Promise<Buffer> => readFile(join(root, "models", "demo", `${name}.gguf`));
    const contents = {
        base: await file(demo.base),
        expert: await file(demo.expert),
        antiexpert: await file(demo.antiexpert)
    };
    const settings = {
        lambda: 1,
        promptTemplate: "Q: {prompt}?\n",
        sampling: { temperature: 1, topP: 1, maxTokens: 72 }
    };
    place = await makePullingPlace(contents, settings);
});
afterAll(() => place.remove());

interface Ended {
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
}

const command = [join(root, "dist", "cli", "main.js")];

function start(
    args: readonly string[],
    program: readonly string[] = command
): { child: ChildProcess; ended: Promise<Ended> } {
    const child = spawn(process.execPath, [...program, ...args], {
        env: { ...process.env, ...place.env, RAST_CACHE: "off" },
        stdio: ["ignore", "pipe", "pipe"]
    });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
        child[name].setEncoding("utf8").on("data", (text: string) => (output[name] += text));
    }
    return { child, ended: new Promise((resolve) => child.on("close", (code) => resolve({ code, ...output }))) };
}

const pathOf = (role: string): string => join(place.folder, "maker", `${role}-GGUF`, `${role}.Q8_0.gguf`);

// Under its own name a file is whole, or not there.
async function assertNothingPartial(): Promise<void> {
    for (const role of roles) {
        if (!existsSync(pathOf(role))) continue;
        expect(sha256Of(await readFile(pathOf(role))), role).toBe(sha256Of(place.content(role)));
    }
    const trio = join(place.folder, "tiny.json");
    if (existsSync(trio)) expect(JSON.parse(await readFile(trio, "utf8"))).toMatchObject({ lambda: 1 });
}

async function assertWhole(): Promise<void> {
    for (const role of roles) {
        expect(sha256Of(await readFile(pathOf(role))), role).toBe(sha256Of(place.content(role)));
    }
    const names = await readdir(place.folder, { recursive: true });
    expect(names.filter((name) => name.endsWith(".part"))).toEqual([]);
}

const slowly = ({ server }: { server: string }): object | undefined =>
    server === "storage" ? { slow: { bytes: 16_384, ms: 1 } } : undefined;

/** Calls back once, in front of the piece with that byte; nothing more is sent until what it gives has happened. */
function atByte(byte: number, act: () => Promise<unknown>): void {
    let acted: Promise<unknown> | undefined;
    place.hub.beforePiece = (end) => (end > byte ? (acted ??= act()) : undefined);
}

const allBytes = (): number => roles.reduce((sum, role) => sum + place.content(role).length, 0);

test("killed at random moments: nothing partial under a final name, and the next pull ends with the right files", async () => {
    const rounds = size(4, 50);
    for (let round = 0; round < rounds; round++) {
        await rm(place.folder, { recursive: true, force: true });
        place.hub.forget();
        place.hub.fault = slowly;
        const { child, ended } = start(["pull", "tiny"]);
        let killed = false;
        const kill = async (): Promise<unknown> => {
            killed = child.exitCode === null && child.kill("SIGKILL");
            return ended;
        };
        // Most in front of a byte that has not been sent, so that none is through; some when all has, while it checks and renames.
        const behind = round % 4 === 3;
        if (!behind) atByte(Math.floor(((round + Math.random()) / rounds) * allBytes()), kill);
        else atByte(allBytes() - 1, async () => void setTimeout(() => void kill(), Math.random() * 100));
        await ended;
        if (!behind) expect([round, killed]).toEqual([round, true]);
        await assertNothingPartial();
        place.hub.forget();
        place.hub.fault = () => undefined;
        expect(await start(["pull", "tiny"]).ended).toMatchObject({ code: 0 });
        await assertWhole();
    }
}, 600_000);

test("two processes at once, and one that is interrupted", async () => {
    await rm(place.folder, { recursive: true, force: true });
    place.hub.fault = slowly;
    const outcomes = await Promise.all([start(["pull", "tiny"]).ended, start(["pull", "tiny"]).ended]);
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
    await assertWhole();
    await rm(place.folder, { recursive: true, force: true });
    place.hub.forget();
    const { child, ended } = start(["pull", "tiny"]);
    atByte(100_000, async () => {
        child.kill("SIGINT");
        return ended;
    });
    expect(await ended).toMatchObject({
        code: 130,
        stderr: expect.stringContaining("what has come is kept") as string
    });
    await assertNothingPartial();
    place.hub.forget();
    place.hub.fault = () => undefined;
}, 120_000);

test("a program that exits in the middle of a pull leaves what has come for the next", async () => {
    await rm(place.folder, { recursive: true, force: true });
    place.hub.fault = slowly;
    const program =
        `import { pullTrio } from ${JSON.stringify(pathToFileURL(join(root, "dist", "index.js")).href)};` +
        'await pullTrio("tiny", { onProgress: ({ overallBytes }) => overallBytes > 300_000 && process.exit(5) });';
    expect(await start(["--input-type=module", "-e", program], []).ended).toMatchObject({ code: 5 });
    await assertNothingPartial();
    const left = (await readdir(place.folder, { recursive: true })).filter((name) => name.endsWith(".part"));
    expect(left.length).toBeGreaterThan(0);
    place.hub.fault = () => undefined;
    place.hub.forget();
    expect(await start(["pull", "tiny"]).ended).toMatchObject({ code: 0 });
    await assertWhole();
    expect(place.hub.askedBytes).toBeLessThan(allBytes());
}, 120_000);

test("from a hub to a text: rast pull, then rast generate --trio", async () => {
    await rm(place.folder, { recursive: true, force: true });
    let faults = 0;
    // The network of a train: busy, broken, and no ranges now and then.
    place.hub.fault = ({ server }) => {
        if (server !== "storage") return faults++ === 0 ? { status: 429, headers: { "retry-after": "0" } } : undefined;
        return [{ cutAfter: 90_000 }, { status: 502 }, undefined, undefined][faults++ % 4];
    };
    const pulled = await start(["pull", "tiny"]).ended;
    expect([pulled.code, pulled.stderr]).toEqual([0, expect.any(String)]);
    place.hub.fault = () => undefined;
    await assertWhole();
    const args = ["6+34+63+39", "--seed", "3", "-q"];
    const [ours, bundled] = [
        await start(["generate", "--trio", "tiny", ...args]).ended,
        await start(["generate", "--trio", "demo", ...args]).ended
    ];
    expect([ours.code, ours.stderr]).toEqual([0, ""]);
    expect(ours.stdout).toBe(bundled.stdout);
    expect(ours.stdout.trim().length).toBeGreaterThan(3);
}, 120_000);
