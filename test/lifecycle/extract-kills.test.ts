// An extraction that is killed at any moment leaves no half of a file under its name, and the next one ends with the right file.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { run, root } from "../support/native.js";
import { noise } from "../support/random-models.js";
import { size } from "../support/size.js";

const folder = mkdtempSync(join(tmpdir(), "rast-extract-kills-"));
const out = join(folder, "lora.gguf");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const models = join(root, "models", "demo");
const args = [
    ...[
        "dist/cli/main.js",
        "lora",
        "extract",
        join(models, "demo-chat-expert.gguf"),
        join(models, "demo-chat-antiexpert.gguf")
    ],
    ...["--rank", "64", "--threads", "1", "--no-measure", "--out", out]
];
const hash = (): string => createHash("sha256").update(readFileSync(out)).digest("hex");

let right: string;
let wholeMs: number;
beforeAll(async () => {
    const { code, ms } = await run(process.execPath, args);
    expect(code).toBe(0);
    right = hash();
    wholeMs = ms;
    rmSync(out);
});

/** @returns whether it was killed before its end */
function killAfter(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
        const child = spawn(process.execPath, args, { cwd: root, stdio: "ignore" });
        const timer = setTimeout(() => child.kill("SIGKILL"), ms);
        child.once("close", (_, signal) => {
            clearTimeout(timer);
            resolve(signal === "SIGKILL");
        });
    });
}

it("ends with the right file after kills at random moments", { timeout: 600_000 }, async () => {
    const next = noise(11);
    let killed = 0;
    for (let i = 0; i < size(6, 50); ++i) {
        killed += (await killAfter((next() / 3.4641 + 0.5) * wholeMs)) ? 1 : 0;
        if (existsSync(out)) {
            expect(hash()).toBe(right);
            rmSync(out);
        }
    }
    expect(killed).toBeGreaterThan(size(1, 20));
    expect((await run(process.execPath, args)).code).toBe(0);
    expect(hash()).toBe(right);
    expect(readdirSync(folder)).toEqual(["lora.gguf"]); // what the killed ones left is gone
});

it("does so with two at once", async () => {
    rmSync(out, { force: true });
    const ends = await Promise.all([1, 2].map(() => run(process.execPath, args)));
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    expect(hash()).toBe(right);
    expect(readdirSync(folder)).toEqual(["lora.gguf"]);
});
