// Processes that make files, killed at any moment, two at once, and on a disk that is full.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeShapedTrio } from "../../dist/gguf/shaped-trio.js";
import { graftModel, quantizeModel } from "../../dist/index.js";
import { loadNative } from "../../dist/native/binding.js";
import { checkpointOf, writeCheckpoint } from "../support/checkpoints.js";
import { root, run } from "../support/native.js";
import { size } from "../support/size.js";

const folder = mkdtempSync(join(tmpdir(), "rast-killed-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = (...names: string[]): string => join(folder, ...names);
const hash = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");
const script = join(root, "test/lifecycle/scripts/make-file.mjs");
const rounds = size(3, 50);

type Options = Record<string, unknown>;
let options: Record<"graft" | "quantize", Options>;
const expected: Record<string, string> = {};
const usualMs: Record<string, number> = {};

beforeAll(async () => {
    const shape = { width: 256, layers: 2, heads: 4, kvHeads: 2, hidden: 512, vocabulary: size(2048, 8192) };
    const { base } = await writeShapedTrio(folder, {
        base: shape,
        small: shape,
        type: "f16",
        agreement: 1,
        certainty: 16
    });
    await quantizeModel({ input: base, output: path("wide.gguf"), type: "F32" });
    const { addon } = await loadNative();
    writeCheckpoint(await checkpointOf(addon, path("wide.gguf"), path("checkpoint")), 3);
    options = {
        graft: { template: base, weights: path("checkpoint"), type: "Q4_K_M", name: "x", threads: 2 },
        quantize: { input: base, type: "Q4_K_M", threads: 2 }
    };
    for (const kind of ["graft", "quantize"] as const) {
        const output = path(`expected-${kind}.gguf`);
        const begin = performance.now();
        if (kind === "graft") await graftModel({ ...options.graft, output } as never);
        else await quantizeModel({ ...options.quantize, output } as never);
        usualMs[kind] = performance.now() - begin;
        expected[kind] = hash(output);
    }
});

function start(kind: string, given: Options): ReturnType<typeof spawn> {
    return spawn(process.execPath, [script, kind, JSON.stringify(given)], { stdio: ["ignore", "pipe", "inherit"] });
}

const leftIn = (place: string): string[] => readdirSync(place).filter((name) => name.endsWith(".part"));

describe.each(["graft", "quantize"] as const)("%s", (kind) => {
    const place = path(`of-${kind}`);
    const output = join(place, "made.gguf");

    it(
        `killed at ${rounds} moments: the name is never partial, and a rerun ends with the right file`,
        { timeout: 3_600_000 },
        async () => {
            let whole = 0;
            for (let round = 0; round < rounds; ++round) {
                rmSync(place, { recursive: true, force: true });
                mkdirSync(place);
                const child = start(kind, { ...options[kind], output });
                const closed = once(child, "close"); // it may be done before it is killed
                await once(child.stdout!, "data");
                // from the beginning to a little behind the usual end
                await wait(((round + 0.5) / rounds) * 1.1 * usualMs[kind]!);
                child.kill("SIGKILL");
                await closed;
                if (existsSync(output)) {
                    ++whole;
                    expect(hash(output)).toBe(expected[kind]);
                }
                const rerun = start(kind, { ...options[kind], output });
                const [code] = (await once(rerun, "close")) as [number];
                expect([round, code, hash(output), leftIn(place)]).toEqual([round, 0, expected[kind], []]);
            }
            expect(whole).toBeLessThan(rounds); // some were killed at work
        }
    );

    it("two at once both end with the right file", async () => {
        rmSync(place, { recursive: true, force: true });
        mkdirSync(place);
        const both = [start(kind, { ...options[kind], output }), start(kind, { ...options[kind], output })];
        const codes = await Promise.all(both.map(async (child) => ((await once(child, "close")) as [number])[0]));
        expect([...codes, hash(output), leftIn(place)]).toEqual([0, 0, expected[kind], []]);
    });

    it.runIf(process.platform !== "win32")(
        "on a disk that is full it is a typed error, and nothing remains",
        async () => {
            rmSync(place, { recursive: true, force: true });
            mkdirSync(place);
            // half of what the file takes, in blocks of 512 bytes
            const blocks = Math.floor(statSync(path(`expected-${kind}.gguf`)).size / 2 / 512);
            const command = `ulimit -f ${blocks}; exec "$0" "$@"`;
            const given = JSON.stringify({ ...options[kind], output });
            const { code, stdout } = await run("sh", ["-c", command, process.execPath, script, kind, given]);
            const error = JSON.parse(stdout.trim().split("\n").at(-1)!) as { code: string; message: string };
            expect([code, error.code]).toEqual([1, "ERR_FILE_UNWRITABLE"]);
            expect(error.message).toContain(output);
            expect(readdirSync(place)).toEqual([]);
        }
    );
});

describe("output files", () => {
    it("of a killed process are removed by the next, whoever that is", async () => {
        const place = path("plain");
        mkdirSync(place);
        const output = join(place, "x.bin");
        const child = start("plain", { output, bytes: 2 ** 30 });
        while (leftIn(place).length === 0) await wait(5);
        child.kill("SIGKILL");
        await once(child, "close");
        expect([existsSync(output), leftIn(place).length]).toEqual([false, 1]);
        const next = start("plain", { output, bytes: 65_536 });
        await once(next, "close");
        expect([statSync(output).size, leftIn(place)]).toEqual([65_536, []]);
    });

    const isRoot = process.getuid?.() === 0 && process.platform === "linux";
    it.runIf(isRoot)("on a full disk say so, and leave nothing", async () => {
        const disk = path("disk");
        mkdirSync(disk);
        if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]).status !== 0) return;
        try {
            const { stdout } = await run(process.execPath, [
                script,
                "plain",
                JSON.stringify({ output: join(disk, "x"), bytes: 2 ** 22 })
            ]);
            expect(stdout).toMatch(/ERR_FILE_UNWRITABLE.*the disk is full \(ENOSPC\)/);
            expect(readdirSync(disk)).toEqual([]);
        } finally {
            spawnSync("umount", [disk]);
        }
    });
});
