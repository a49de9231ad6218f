// `rast explain` with the bundled trio: what was drawn, what is said of it, and the ways to see it.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { explain, loadRast, type Explanation, type Rast } from "../../dist/index.js";
import { rast as command } from "../support/command-io.js";
import { demo } from "../support/demo.js";

const folder = mkdtempSync(join(tmpdir(), "rast-explain-"));
const prompt = "6+34+63+39";
let rast: Rast;
let explained: Explanation;
beforeAll(async () => {
    rast = await loadRast({ trio: "demo" });
    explained = await explain(rast, { prompt, seed: 3, top: 20 });
});
afterAll(async () => {
    await rast.dispose();
    rmSync(folder, { recursive: true, force: true });
});

describe("an explanation", () => {
    test("is of the texts that both write from that seed", async () => {
        const alone = await rast.complete({ prompt, seed: 3, mode: "base" });
        expect(explained.base.text).toBe(alone.text);
        expect(explained.seed).toBe(3);
        expect(explained.rast.tokens.length).toBeGreaterThan(5);
        expect(explained.rast.text).toBe(explained.rast.tokens.map(({ text }) => text).join(""));
        expect(explained.promptText).toBe(`<bos>Q: ${prompt}?\n`);
    });

    test("figures are those of scoring the same text", async () => {
        const scored = await rast.score({
            prompt,
            completionTokens: explained.rast.tokens.map(({ token }) => token),
            top: 20
        });
        for (const [index, score] of scored.scores.entries()) {
            const one = explained.rast.tokens[index]!;
            expect(Math.abs(one.logprob.rast - score.logprob.rast)).toBeLessThan(
                0.01 + 0.01 * Math.abs(score.logprob.rast)
            );
            expect(Math.abs(one.divergence - score.divergence)).toBeLessThan(0.01);
            expect(one.changed).toBe(one.rank.base > 0);
            const mass = one.top!.rast.reduce((sum, { rast: logprob }) => sum + Math.exp(logprob), 0);
            expect(mass).toBeGreaterThan(0.9);
            expect(mass).toBeLessThan(1.0001);
        }
    });

    test("its summary counts what is there", () => {
        const { summary, rast: written } = explained;
        expect(summary.tokens).toBe(written.tokens.length);
        expect(summary.changed).toBe(written.tokens.filter(({ rank }) => rank.base > 0).length);
        expect(summary.pathCoverage).toBeCloseTo(1 - summary.changed / summary.tokens, 12);
        expect(Object.values(summary.kinds).reduce((a, b) => a + b)).toBe(summary.changed);
    });

    test("without a pair, with a wrong option, aborted: one typed error each", async () => {
        const base = await loadRast({ base: demo.base });
        await expect(explain(base, { prompt })).rejects.toMatchObject({ code: "ERR_INVALID_OPTION" });
        await base.dispose();
        await expect(explain(rast, { prompt, top: 0 })).rejects.toMatchObject({ code: "ERR_INVALID_OPTION" });
        await expect(explain(rast, { prompt, mode: "base" } as never)).rejects.toMatchObject({
            code: "ERR_UNKNOWN_OPTION"
        });
        const stop = new AbortController();
        const aborted = explain(rast, {
            prompt,
            signal: stop.signal,
            onProgress: () => stop.abort(new Error("enough"))
        });
        await expect(aborted).rejects.toMatchObject({ code: "ERR_ABORTED", cause: { message: "enough" } });
        const failing = explain(rast, {
            prompt,
            onProgress: () => {
                throw new Error("mine");
            }
        });
        await expect(failing).rejects.toMatchObject({ code: "ERR_ABORTED", cause: { message: "mine" } });
    });
});

describe("the command", () => {
    const args = ["explain", "--trio", "demo", "--seed", "3"];

    test("as text: marks without colours, colours on a terminal, a table, a summary", async () => {
        const { code, stdout, stderr } = await command([...args, prompt]);
        expect([code, stderr]).toEqual([0, ""]);
        expect(stdout).toMatch(/^RAST, lambda 1, seed 3 \(‹changed›: not the base's likeliest token\)\n/);
        expect(stdout).toContain("‹");
        expect(stdout).toMatch(/Base alone from the same seed|The base alone writes the same/);
        expect(stdout).toMatch(/^token +in the text +KL +base +RAST +base's likeliest +RAST's likeliest/m);
        expect(stdout).toMatch(/^path coverage \d+\.\d%, mean KL \d\.\d{3} nats$/m);
        expect(stdout).not.toContain("\u001b");
        const terminal = await command([...args, "-q", prompt], { terminal: true });
        expect(terminal.stdout).toContain("\u001b[31m");
        const plain = await command([...args, "-q", prompt], { terminal: true, env: { NO_COLOR: "1" } });
        expect(plain.stdout).not.toContain("\u001b[3");
    });

    test("as JSON and as a page", async () => {
        const html = join(folder, "out.html");
        const { code, stdout, stderr } = await command([...args, "--json", "--html", html, prompt]);
        expect([code, stderr]).toEqual([0, `rast: the page is in ${html}\n`]);
        const found = JSON.parse(stdout) as Explanation;
        expect(found.rast.text.length).toBeGreaterThan(0);
        expect(found.top).toBe(8);
        const page = readFileSync(html, "utf8");
        expect(page).toContain("What RAST wrote");
        expect(page.match(/id="r\d+"/g)).toHaveLength(found.rast.tokens.length);
    });

    test("wrong command lines are one line, and stdout is clean", async () => {
        for (const [line, message] of [
            [["--pcr", "x.jsonl", prompt], /Expected either a prompt or --pcr/],
            [["--pcr", "x.jsonl", "--chat"], /Expected either --chat or --pcr/],
            [["--pcr", "x.jsonl"], /does not exist: x\.jsonl \[ERR_FILE_NOT_FOUND\]/],
            [["--against", "demo", prompt], /Expected --pcr beside --against/],
            [["--top", "99", prompt], /Expected an integer in \[1, 20\] for --top/],
            [["--base", "nowhere.gguf", prompt], /nowhere\.gguf/]
        ] as const) {
            const { code, stdout, stderr } = await command([...args, ...line]);
            expect([line, code, stdout]).toEqual([line, 2, ""]);
            expect(stderr).toMatch(message);
            expect(stderr.trim().split("\n")).toHaveLength(1);
        }
    });
});
