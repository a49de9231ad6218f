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
import { extractLora, graftModel, quantizeModel } from "../../dist/index.js";
import { loadNative } from "../../dist/native/binding.js";
import { checkpointOf, writeCheckpoint } from "../support/checkpoints.js";
import { root, run } from "../support/native.js";
import { heavy, size } from "../support/size.js";

const folder = mkdtempSync(join(tmpdir(), "rast-killed-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = (...names: string[]): string => join(folder, ...names);
const hash = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");
const script = join(root, "test/lifecycle/scripts/make-file.mjs");
const kinds = ["graft", "quantize", "extract"] as const;
/** Kills at work. Others come behind the last report of progress, where the file gets its name. */
const rounds = size(2, 50);

type Kind = (typeof kinds)[number];
type Options = Record<string, unknown>;
let options: Record<Kind, Options>;
const expected: Record<string, string> = {};
/** Reports of progress. */
const reports: Record<string, number> = {};

beforeAll(async () => {
    const shape = { width: 256, layers: 2, heads: 4, kvHeads: 2, hidden: 512, vocabulary: size(512, 8192) };
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
    const demo = (role: string): string => join(root, "models", "demo", `demo-weak-${role}.gguf`);
    options = {
        graft: { template: base, weights: path("checkpoint"), type: "Q4_K_M", name: "x", threads: 2 },
        quantize: { input: base, type: "Q4_K_M", threads: 2 },
        extract: { expert: demo("expert"), antiexpert: demo("antiexpert"), rank: 16, threads: 2, measure: false }
    };
    for (const kind of kinds) {
        const output = path(`expected-${kind}.gguf`);
        let count = 0;
        const onProgress = (): void => void ++count;
        if (kind === "graft") await graftModel({ ...options.graft, output, onProgress } as never);
        else if (kind === "quantize") await quantizeModel({ ...options.quantize, output, onProgress } as never);
        else await extractLora({ ...options.extract, out: output, onProgress } as never);
        reports[kind] = count;
        expected[kind] = hash(output);
    }
});

interface Running {
    readonly child: ReturnType<typeof spawn>;
    readonly closed: Promise<unknown[]>;
    /** Resolves when it has said that, and when it has ended. */
    said(word: string): Promise<void>;
}

function start(kind: string, given: Options): Running {
    const child = spawn(process.execPath, [script, kind, JSON.stringify(given)], {
        stdio: ["ignore", "pipe", "inherit"]
    });
    const closed = once(child, "close");
    let all = "";
    let heard = (): void => {};
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
        all += text;
        heard();
    });
    const said = async (word: string): Promise<void> => {
        const told = new Promise<void>((resolve) => {
            heard = () => {
                if (all.includes(`${word}\n`)) resolve();
            };
            heard();
        });
        await Promise.race([told, closed]);
    };
    return { child, closed, said };
}

const leftIn = (place: string): string[] => readdirSync(place).filter((name) => name.endsWith(".part"));

describe.each(kinds)("%s", (kind) => {
    const place = path(`of-${kind}`);
    const output = join(place, "made.gguf");

    async function assertRerun(round: number): Promise<void> {
        const { closed } = start(kind, { ...options[kind], output });
        const [code] = (await closed) as [number];
        expect([round, code, hash(output), leftIn(place)]).toEqual([round, 0, expected[kind], []]);
    }

    it(
        `killed at ${rounds} moments of its work: there is nothing of the name, and a rerun ends with the right file`,
        {
            timeout: 3_600_000
        },
        async () => {
            for (let round = 0; round < rounds; ++round) {
                rmSync(place, { recursive: true, force: true });
                mkdirSync(place);
                // it stands still at that report, so that it cannot be done
                const stopAt = Math.floor(((round + 0.5) / rounds) * reports[kind]!) + 1;
                const { child, closed, said } = start(kind, { ...options[kind], output, stopAt });
                await said("stopped");
                await wait(Math.random() * 10); // a process of its own may go on meanwhile
                child.kill("SIGKILL");
                expect([round, (await closed)[1], existsSync(output)]).toEqual([round, "SIGKILL", false]);
                await assertRerun(round);
            }
        }
    );

    it("killed about its end: the name holds the right file, or is not there", { timeout: 3_600_000 }, async () => {
        for (let round = 0; round < size(1, 50); ++round) {
            rmSync(place, { recursive: true, force: true });
            mkdirSync(place);
            const { child, closed, said } = start(kind, { ...options[kind], output, tellFrom: reports[kind]! });
            await said("late");
            await wait(((round + Math.random()) / size(1, 50)) * 60);
            child.kill("SIGKILL");
            await closed;
            if (existsSync(output)) expect(hash(output)).toBe(expected[kind]);
            if (heavy || round === 0) await assertRerun(round);
        }
    });

    it("two at once both end with the right file", async () => {
        rmSync(place, { recursive: true, force: true });
        mkdirSync(place);
        const both = [1, 2].map(() => start(kind, { ...options[kind], output }));
        const codes = await Promise.all(both.map(async ({ closed }) => (await closed)[0]));
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
        const { child, closed, said } = start("plain", { output, bytes: 2 ** 22, stopAt: 9 });
        await said("stopped");
        child.kill("SIGKILL");
        await closed;
        expect([existsSync(output), leftIn(place).length]).toEqual([false, 1]);
        await start("plain", { output, bytes: 65_536 }).closed;
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
