// How the command ends: exit codes, signals, and output or input that fails.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { RastResult } from "../../dist/index.js";
import { root, run, type Finished } from "../support/native.js";

const main = join(root, "dist", "cli", "main.js");
const env = { ...process.env, RAST_BACKEND: "cpu" };
const rast = (args: readonly string[], options: Parameters<typeof run>[2] = {}): Promise<Finished> =>
    run(process.execPath, [main, ...args], { env, ...options });
const shell = (command: string): Promise<Finished> =>
    run("bash", ["-c", `rast() { exec "${process.execPath}" "${main}" "$@"; }; ${command}`], { env });
// As on a machine where the addon does not load.
const noAddon = "--import=data:text/javascript,process.dlopen=()=>{throw(Error('gone'))}";
const folder = mkdtempSync(join(tmpdir(), "rast-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
// Without an end of its own: the context is filled again and again.
const endless = [
    "generate",
    "--trio",
    "demo",
    "--ignore-eos",
    "--samples",
    "100000",
    "--parallel",
    "2",
    "--quiet",
    "1+1"
];

function started(args: readonly string[]): { child: ChildProcess; ended: Promise<(number | string | null)[]> } {
    const child = spawn(process.execPath, [main, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.resume();
    child.stderr.resume();
    const ended = new Promise<(number | string | null)[]>((resolve) =>
        child.on("close", (code, signal) => resolve([code, signal]))
    );
    return { child, ended };
}

// Handlers are there before the addon is.
async function busy(child: ChildProcess): Promise<void> {
    for (let turn = 0; turn < 1200; turn++) {
        if (readFileSync(`/proc/${child.pid}/maps`, "utf8").includes("rast.node")) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error("the command does not get to work");
}

describe.runIf(process.platform === "linux")("output that cannot be written", () => {
    it.each(["", "--json", "--samples 3"])("a full disk: one line, exit code 1 (%s)", async (flags) => {
        const code = "ERR_OUTPUT_UNWRITABLE";
        const message = "The output cannot be written: ENOSPC.";
        const line =
            flags === "--json"
                ? JSON.stringify({ error: { code, message, details: {} } })
                : `rast: ${message} [${code}]`;
        const result = await shell(`rast generate --trio demo --threads 1 --seed 1 ${flags} 1+1 > /dev/full`);
        expect(
            result.stderr
                .trim()
                .split("\n")
                .filter((one) => !one.startsWith("["))
        ).toEqual([line]);
        expect(result.stderr).not.toContain("    at ");
        expect(result.code).toBe(1);
    });

    it("a full disk for messages is no reason to fail", async () => {
        const result = await shell("rast generate --trio demo --threads 1 --seed 1 1+1 2> /dev/full");
        expect(result.code).toBe(0);
        expect(result.stdout).not.toBe("");
    });

    it("a reader that goes away ends the command while it generates", async () => {
        const { child, ended } = started([...endless.filter((arg) => !["--samples", "100000"].includes(arg))]);
        child.stdout!.destroy();
        expect(await ended).toEqual([0, null]);
    });
});

describe("arguments", () => {
    it("--debug behind -- is a prompt, and the value of an option is its value", async () => {
        const prompt = await rast(["generate", "--trio", "demo", "--threads", "1", "--seed", "1", "--", "--debug"]);
        expect(prompt.stderr).not.toContain("    at ");
        expect([0, 2]).toContain(prompt.code);
        const stop = await rast([
            "generate",
            "--trio",
            "demo",
            "--threads",
            "1",
            "--seed",
            "1",
            "--json",
            "--stop",
            "--debug",
            "1+1"
        ]);
        expect((JSON.parse(stop.stdout) as RastResult).usage.promptTokens).toBeGreaterThan(0);
        expect(stop).toMatchObject({ code: 0, stderr: "" });
    });

    it("--debug before or behind the command prints the stack", async () => {
        for (const args of [
            ["--debug", "generate", "--trio", "nope", "x"],
            ["generate", "--trio", "nope", "x", "--debug"]
        ]) {
            const result = await rast(args);
            expect(result.code).toBe(2);
            expect(result.stderr).toContain("    at ");
        }
        expect(await rast(["--debug"])).toMatchObject({ code: 2, stdout: "" });
    });

    it.runIf(process.platform === "linux")("that are not UTF-8 are told so", async () => {
        const result = await shell(`rast generate --base $'/tmp/\\xff.gguf' x`);
        expect(result).toMatchObject({ code: 2, stdout: "" });
        expect(result.stderr).toContain("is not UTF-8 text. Rename the file");
        const typed = await shell("rast generate --base /tmp/\uFFFD.gguf x");
        expect(typed.stderr).toContain("ERR_FILE_NOT_FOUND");
    });
});

describe("input", () => {
    it("that is no text, no file, or nothing at all", async () => {
        const trio = "rast generate --trio demo --threads 1 --seed 1";
        const binary = join(folder, "binary");
        writeFileSync(binary, Buffer.from([0x31, 0xff, 0xfe, 0x00]));
        for (const [command, code] of [
            [`${trio} < "${binary}"`, "ERR_FILE_UNREADABLE"],
            [`${trio} < "${folder}"`, "ERR_EMPTY_PROMPT"],
            [`${trio} < /dev/null`, "ERR_EMPTY_PROMPT"],
            [`${trio} <&-`, "ERR_EMPTY_PROMPT"],
            [`${trio} --grammar "${binary}" 1`, "ERR_FILE_UNREADABLE"],
            [`${trio} --grammar "${folder}" 1`, "ERR_IS_DIRECTORY"],
            [`${trio} --grammar /dev/zero 1`, "ERR_FILE_UNREADABLE"],
            [`${trio} --json-schema "${folder}/none" 1`, "ERR_FILE_NOT_FOUND"]
        ] as const) {
            const result = await shell(command);
            expect([command, result.stderr]).toEqual([command, expect.stringContaining(`[${code}]`)]);
            expect(result.stderr.trim().split("\n")).toHaveLength(1);
            expect(result).toMatchObject({ code: 2, stdout: "" });
        }
    });

    it("without an end is refused before memory ends", async () => {
        const result = await shell("rast generate --trio demo --threads 1 < /dev/zero");
        expect(result).toMatchObject({ code: 2, stdout: "" });
        expect(result.stderr).toContain("it is no text to read");
    });
});

describe.runIf(process.platform === "linux")("signals", () => {
    it.each([
        ["SIGINT", 130],
        ["SIGTERM", 143]
    ] as const)("%s once: what there is, and %i", async (name, exitCode) => {
        const { child, ended } = started(endless);
        await busy(child);
        child.kill(name);
        expect(await ended).toEqual([exitCode, null]);
    });

    it("twice: at once", async () => {
        const { child, ended } = started(endless);
        await busy(child);
        child.kill("SIGINT");
        child.kill("SIGTERM");
        const [code, signal] = await ended;
        // The first may have been enough before the second came.
        expect(code === 130 || signal === "SIGTERM" || signal === "SIGINT").toBe(true);
    });
});

describe("exit codes", () => {
    it("0 for success, help and version; 2 for misuse; 1 for what the machine refuses", async () => {
        expect(
            (await rast(["generate", "--trio", "demo", "--threads", "1", "--seed", "1", "--max-tokens", "1", "1"])).code
        ).toBe(0);
        expect((await rast(["--help"])).code).toBe(0);
        expect((await rast(["--version"])).code).toBe(0);
        expect((await rast([])).code).toBe(2);
        expect((await rast(["generate", "--nonsense"])).code).toBe(2);
        const record = join(folder, "record.json");
        writeFileSync(record, "{}");
        expect((await rast(["bench", record])).code).toBe(2);
        const addon = { ...env, NODE_OPTIONS: noAddon };
        expect((await rast(["devices"], { env: addon })).code).toBe(1);
    });
});
