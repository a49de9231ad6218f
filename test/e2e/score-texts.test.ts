// Scores of given texts, and what stands on them, with the bundled models and against figures made by other means.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
    loadRast,
    pathCoverage,
    perplexity,
    quantizeModel,
    type PerplexityResult,
    type Rast,
    type ScoredRecord
} from "../../dist/index.js";
import { rast } from "../support/command-io.js";
import { demo } from "../support/demo.js";
import { root } from "../support/native.js";

/** What `scripts/scores-reference/reference.mjs` printed. */
const reference = JSON.parse(readFileSync(join(root, "test", "support", "scores-reference.json"), "utf8")) as {
    readonly problems: number;
    readonly window: number;
    readonly windows: number;
    readonly tokens: number;
    readonly llamaPerplexity: Readonly<
        Record<"base" | "weak-expert" | "weak-antiexpert", { value: number; error: number }>
    >;
    readonly againstF16: Readonly<
        Record<"Q8_0" | "Q4_0", { mean: number; maximum: number; sameTop: number; rms: number }>
    >;
    readonly ensembles: Readonly<
        Record<"demo" | "demo-strong" | "divergenceFromBase" | "divergence" | "sameTop", number>
    >;
};

const folder = mkdtempSync(join(tmpdir(), "rast-scores-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
};
const problems = readFileSync(join(root, "models", "demo", "problems.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { prompt: string; answer: number });
// Worked out as the models do it.
const workedOut = (sum: string): string => {
    const [first, ...terms] = sum.match(/[+-]?\d+/g)!;
    let total = Number(first);
    const steps = terms.map((term) => {
        const before = total;
        total += Number(term);
        return `${before}${term}=${total}`;
    });
    return `S:${steps.join(";")}#${total}`;
};
const text = problems
    .filter(({ prompt }) => /^\d/.test(prompt))
    .slice(0, reference.problems)
    .map(({ prompt }) => `Q: ${prompt}?\n${workedOut(prompt)}\n`)
    .join("");
const { window } = reference;
// As the reference has it: nothing is rounded to 16 bits, so that the size of batches does not show.
const quiet = { gpuLayers: 0, threads: 1, kvType: "f32", flashAttention: false } as const;
const pair = [
    { trio: "demo", ...quiet },
    { trio: "demo-strong", ...quiet }
];

describe("perplexity against llama-perplexity, and against whole rows of logits", () => {
    let found: PerplexityResult;
    beforeAll(async () => {
        found = await perplexity({
            text,
            window,
            models: pair
        });
    });

    test("of base, expert and antiexpert: llama-perplexity's value and error", () => {
        expect(found).toMatchObject({ window, windows: reference.windows, tokens: reference.tokens });
        const { base, expert, antiexpert } = found.results[0]!.perplexity;
        for (const [ours, name] of [
            [base, "base"],
            [expert!, "weak-expert"],
            [antiexpert!, "weak-antiexpert"]
        ] as const) {
            const theirs = reference.llamaPerplexity[name];
            // theirs counts padding of the vocabulary, too
            expect(Math.abs(ours.value / theirs.value - 1)).toBeLessThan(1e-3);
            expect(Math.abs(ours.error / theirs.error - 1)).toBeLessThan(2e-3);
        }
    });

    test("of ensembles: the sum of whole rows", () => {
        const { ensembles } = reference;
        const values = found.results.map((result) => result.perplexity.rast.value);
        expect(Math.abs(values[0]! / ensembles.demo - 1)).toBeLessThan(1e-3);
        expect(Math.abs(values[1]! / ensembles["demo-strong"] - 1)).toBeLessThan(1e-3);
        expect(Math.abs(found.results[0]!.divergence.mean.value / ensembles.divergenceFromBase - 1)).toBeLessThan(1e-3);
    });

    test("KL between ensembles is below the exact one, by no more than its rest explains; agreement is exact", () => {
        const { divergence, rest, sameTop } = found.comparisons[0]!.rast;
        const exact = reference.ensembles.divergence;
        expect(divergence.mean.value).toBeLessThan(exact * 1.001);
        expect(divergence.mean.value).toBeGreaterThan(exact * 0.99);
        expect(rest).toBeLessThan(0.01);
        expect(Math.abs(sameTop.value - reference.ensembles.sameTop)).toBeLessThan(0.005);
        // both have the same base
        expect(found.comparisons[0]!.base.divergence.mean.value).toBeLessThan(1e-4);
        expect(found.comparisons[0]!.base.sameTop.value).toBeGreaterThan(0.999);
    });

    test("shorter lists give a lower bound, which says that it is one", async () => {
        const { comparisons } = await perplexity({
            text,
            window,
            top: 1,
            windows: 6,
            models: pair
        });
        const few = await perplexity({ text, window, windows: 6, models: pair });
        const [short, long] = [comparisons[0]!.rast, few.comparisons[0]!.rast];
        expect(short.divergence.mean.value).toBeLessThan(long.divergence.mean.value);
        expect(short.rest).toBeGreaterThan(long.rest);
        expect(short.sameTop).toEqual(long.sameTop);
    });
});

describe("what a quantization costs", () => {
    test("F16, Q8_0 and Q4_0 of the demo's base in one command: llama-perplexity's figures for the base, and RAST's beside them", async () => {
        const [f16, q4] = [join(folder, "f16.gguf"), join(folder, "q4.gguf")];
        await quantizeModel({ input: demo.base, output: f16, type: "F16" });
        await quantizeModel({ input: demo.base, output: q4, type: "Q4_0" });
        const path = file("text.txt", text);
        const models = ["--trio", "demo", "--base", f16, "--against", demo.base, "--against", q4];
        const common = [
            "--window",
            String(window),
            "--threads",
            "1",
            "--gpu-layers",
            "0",
            "--kv-type",
            "f32",
            "--flash-attention",
            "off",
            path
        ];
        const { code, stdout, stderr } = await rast(["perplexity", "--json", ...models, ...common]);
        expect([code, stderr]).toEqual([0, ""]);
        const { names, comparisons } = JSON.parse(stdout) as PerplexityResult & { names: string[] };
        expect(names).toEqual(["demo with f16.gguf", "demo with demo-base.gguf", "demo with q4.gguf"]);
        for (const [index, type] of (["Q8_0", "Q4_0"] as const).entries()) {
            const { base } = comparisons[index]!;
            const theirs = reference.againstF16[type];
            // 16 bits hold a log-probability in theirs
            expect(base.divergence.mean.value).toBeGreaterThan(theirs.mean * 0.95 - 2e-4);
            expect(base.divergence.mean.value).toBeLessThan(theirs.mean * 1.02 + 2e-4);
            expect(Math.abs(base.sameTop.value - theirs.sameTop)).toBeLessThan(0.006);
            expect(Math.abs(base.probability.rms.value - theirs.rms)).toBeLessThan(2e-3);
        }
        expect(comparisons[1]!.rast.divergence.mean.value).toBeGreaterThan(comparisons[0]!.rast.divergence.mean.value);
    });

    test("as text, in llama-perplexity's words", async () => {
        const path = file("short.txt", text.slice(0, 2500));
        const { code, stdout } = await rast([
            "perplexity",
            "--trio",
            "demo",
            "--against",
            "demo-seed2",
            "--threads",
            "1",
            "--window",
            "128",
            path
        ]);
        expect(code).toBe(0);
        for (const line of [
            /^\d+ windows of 128 tokens, \d+ tokens scored$/m,
            /^demo:$/m,
            /^base +Final estimate: PPL = \d+\.\d{4} \+\/- \d+\.\d{5}$/m,
            /^RAST +Final estimate: PPL = /m,
            /^RAST against its base: Mean KLD \d/m,
            /^demo-seed2 \(Q\) against demo \(base\), RAST, over the 20 likeliest tokens of each:$/m,
            /^Mean {4}KLD: +\d\.\d{6} ± +\d\.\d{6}/m,
            /^Maximum KLD: +\d/m,
            /^Same top p: +\d+\.\d{3} ± +\d/m,
            /^\| models +\| +PPL base \|/m,
            /^\| demo-seed2 +\|/m
        ]) {
            expect(stdout).toMatch(line);
        }
        const alone = await rast(["perplexity", "--base", demo.base, "--threads", "1", "--window", "128", path]);
        expect(alone.stdout).toMatch(/^base +Final estimate/m);
        expect(alone.stdout).not.toMatch(/expert|RAST/);
    });
});

describe("wrong texts", () => {
    test.each([
        [
            ["--window", "512", "short"],
            "ERR_SCORE_INPUT",
            /The text has \d+ tokens, and a window takes 512: .* lower --window/
        ],
        [["--window", "1024", "long"], "ERR_INVALID_OPTION", /Expected at most 512 for --window/],
        [["nowhere.txt"], "ERR_FILE_NOT_FOUND", /nowhere\.txt/]
    ])("%j is %s", async (args, code, message) => {
        const [short, long] = [file("a.txt", "Q: 1+2?\n"), file("b.txt", text)];
        const given = args.map((arg) => (arg === "short" ? short : arg === "long" ? long : arg));
        const ran = await rast(["perplexity", "--threads", "1", "--trio", "demo", ...given]);
        expect([ran.code, ran.stdout]).toEqual([2, ""]);
        expect(ran.stderr).toMatch(message);
        expect(ran.stderr).toContain(`[${code}]`);
        expect(ran.stderr.trim().split("\n")).toHaveLength(1);
    });

    test("models that cut the text into other tokens are not compared", async () => {
        const refused = perplexity({
            text,
            window,
            windows: 1,
            models: [
                { trio: "demo", threads: 1 },
                { trio: "demo-chat", threads: 1 }
            ]
        });
        await expect(refused).rejects.toMatchObject({ code: "ERR_TOKENIZER_MISMATCH" });
    });

    test("an abort ends it", async () => {
        const stop = new AbortController();
        const aborted = perplexity({
            text,
            window: 64,
            models: [{ trio: "demo" }],
            signal: stop.signal,
            onProgress: ({ loading }) => {
                if (!loading) stop.abort(new Error("enough"));
            }
        });
        await expect(aborted).rejects.toMatchObject({ code: "ERR_ABORTED" });
    });
});

describe("rast score", () => {
    const records = [
        { id: "a", prompt: "6+34", completion: "S:6+34=40#40" },
        { context: "6+34", endings: ["A:#40", "A:#41", "S:6+34=40#40"], gold: 0 },
        { prompt: "6+34", completion: "0".repeat(600) }
    ];

    test("a line for each, in order: sums, choices, greedy; what cannot be scored is told and the rest goes on", async () => {
        const path = file("records.jsonl", records.map((one) => JSON.stringify(one)).join("\n"));
        const { code, stdout, stderr } = await rast([
            "score",
            "--trio",
            "demo",
            "--tokens",
            "--top",
            "2",
            "--json",
            path
        ]);
        expect(code).toBe(1);
        const lines = stdout
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line) as ScoredRecord & { type: string });
        expect(lines.map(({ type }) => type)).toEqual(["scored", "scored", "failed", "summary"]);
        expect(lines[2]).toMatchObject({ line: 3, error: { code: "ERR_PROMPT_TOO_LONG" } });
        expect(stderr).toMatch(/^rast: line 3: .* raise --context-size where .*\[ERR_PROMPT_TOO_LONG\]\n$/);
        expect(stdout).not.toContain("contextSize");
        expect(lines[3]).toMatchObject({ records: 3, failed: 1, texts: 4, accuracy: { rast: { total: 1 } } });
        const loaded: Rast = await loadRast({ trio: "demo" });
        try {
            const scored = await loaded.score({ prompt: "6+34", completion: "S:6+34=40#40", top: 2 });
            const [ending] = lines[0]!.endings;
            expect(ending!.logprob.rast).toBeCloseTo(scored.logprob.rast, 3);
            expect(ending!.logprob.base).toBeCloseTo(scored.logprob.base, 3);
            expect(ending!.tokens).toBe(scored.tokens.length);
            expect(ending!.scores!.map((one) => one.text).join("")).toBe("S:6+34=40#40");
            expect(ending!.scores![0]!.top!.rast).toHaveLength(2);
            const sums = lines[1]!.endings.map(({ logprob }) => logprob.rast);
            expect(lines[1]!.best!.rast).toBe(sums.indexOf(Math.max(...sums)));
        } finally {
            await loaded.dispose();
        }
    });

    test("totals on stderr, and nothing with -q", async () => {
        const path = file(
            "two.jsonl",
            records
                .slice(0, 2)
                .map((one) => JSON.stringify(one))
                .join("\n")
        );
        const { stderr, stdout } = await rast(["score", "--threads", "1", "--trio", "demo", path]);
        expect(stderr).toMatch(/^2 records scored: 4 texts, \d+ tokens\nbase: \d+\.\d% right \(95%: /);
        expect(stdout.trim().split("\n")).toHaveLength(2);
        expect((await rast(["score", "--threads", "1", "--trio", "demo", "-q", path])).stderr).toBe("");
    });

    test("one of each is counted as one, and the ending that has no token is named", async () => {
        const one = file("one.jsonl", JSON.stringify({ prompt: "6+34", completion: "=" }));
        const { stderr } = await rast(["score", "--threads", "1", "--trio", "demo", one]);
        expect(stderr).toBe("1 record scored: 1 text, 1 token\n");
        const lacking = file("lacking.jsonl", JSON.stringify({ prompt: "6+34", endings: ["=", "\u{1F600}"] }));
        const ran = await rast(["score", "--threads", "1", "--trio", "demo", lacking]);
        expect(ran.code).toBe(1);
        expect(ran.stderr).toMatch(/^rast: line 1: Ending 1, counted from 0: There is no token to score: /);
        expect(ran.stderr).toMatch(/^0 records scored: 0 texts, 0 tokens\n1 record could not be scored\n$/m);
        expect(JSON.parse(ran.stdout)).toMatchObject({ type: "failed", error: { ending: 1 } });
        const loaded = await loadRast({ trio: "demo", threads: 1 });
        try {
            const ok = { prompt: "6+34", completion: "=" };
            for (const [bad, code] of [
                [{ prompt: "6+34", completion: "\u{1F600}" }, "ERR_EMPTY_PROMPT"],
                [{ prompt: "6+34", completion: 5 as never }, "ERR_INVALID_OPTION"],
                [{ prompt: "6+34", completion: "1".repeat(999) }, "ERR_PROMPT_TOO_LONG"]
            ] as const) {
                await expect(loaded.scoreMany([ok, ok, bad, ok])).rejects.toMatchObject({
                    code,
                    details: { index: 2 }
                });
            }
        } finally {
            await loaded.dispose();
        }
    });

    test("a line that is no record is named before anything is loaded", async () => {
        const path = file("bad.jsonl", `${JSON.stringify(records[0])}\n\n{"prompt": "x"\n`);
        const { code, stdout, stderr } = await rast(["score", "--base", "/nowhere.gguf", path]);
        expect([code, stdout]).toEqual([2, ""]);
        expect(stderr).toMatch(/^rast: Line 3 of .*bad\.jsonl: it is not JSON: .* \[ERR_SCORE_INPUT\]\n$/);
    });
});

describe("path coverage", () => {
    test("of what a base wrote greedily itself it is whole, but for near-ties", async () => {
        const loaded = await loadRast({ base: demo.base, ...quiet });
        try {
            const prompts = problems.slice(0, 8).map(({ prompt }) => `Q: ${prompt}?\n`);
            const written = await Promise.all(
                prompts.map((prompt) => loaded.complete({ prompt, temperature: 0, maxTokens: 60 }))
            );
            const records = written.map(({ text: said }, index) => ({
                line: index + 1,
                prompt: prompts[index]!,
                text: said
            }));
            const { base, rast: together } = await pathCoverage(
                loaded,
                records.filter((one) => one.text !== "")
            );
            expect(base.total).toBeGreaterThan(20);
            expect(base.value).toBeGreaterThan(0.99);
            expect(together).toBeNull();
        } finally {
            await loaded.dispose();
        }
    });

    test("of an expert's texts, with two trios and a page: the command's figures are those of single draws at temperature 0", async () => {
        const expert = await loadRast({ base: demo.expert, ...quiet });
        const base = await loadRast({ base: demo.base, ...quiet });
        const prompts = problems.slice(0, 6).map(({ prompt }) => `Q: ${prompt}?\n`);
        let [covered, total] = [0, 0];
        const lines: string[] = [];
        try {
            for (const [ordinal, prompt] of prompts.entries()) {
                const written = await expert.complete({ prompt, seed: 1, ordinal, maxTokens: 40 });
                lines.push(JSON.stringify({ id: ordinal, prompt, completion: written.text }));
                const asked = await base.promptTokens({ prompt });
                for (const [at, token] of written.tokens.entries()) {
                    const tokens = [...asked, ...written.tokens.slice(0, at)];
                    const next = await base.complete({ tokens, temperature: 0, maxTokens: 1, ignoreEos: true });
                    covered += next.tokens[0] === token ? 1 : 0;
                    total++;
                }
            }
        } finally {
            await expert.dispose();
            await base.dispose();
        }
        const path = file("written.jsonl", lines.join("\n"));
        const html = join(folder, "pcr.html");
        const args = ["explain", "--trio", "demo", "--raw", "--pcr", path, "--against", "demo-strong", "--html", html];
        const ran = await rast([...args, "--json", "--threads", "1", "-q"]);
        expect([ran.code, ran.stderr]).toEqual([0, ""]);
        const rows = JSON.parse(ran.stdout) as {
            name: string;
            base: { correct: number; total: number };
            rast: { value: number };
        }[];
        expect(rows.map(({ name }) => name)).toEqual(["demo", "demo-strong"]);
        expect(rows[0]!.base.total).toBe(total);
        expect(Math.abs(rows[0]!.base.correct - covered)).toBeLessThanOrEqual(1);
        expect(rows[1]!.base).toEqual(rows[0]!.base);
        // the weak expert's texts lie nearer to RAST with that expert
        expect(rows[0]!.rast.value).toBeGreaterThan(rows[0]!.base.correct / total);
        expect(readFileSync(html, "utf8")).toContain("RAST of demo-strong");
    });
});
