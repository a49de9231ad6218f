// Scores of given texts and of texts that are drawn: the same figures whoever wrote the token, however many at a time, beside
// whatever else the engine does.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
    loadRast,
    type LoadOptions,
    type Rast,
    type ScoreOptions,
    type ScoreResult,
    type TokenScore
} from "../../dist/index.js";
import { bundledModels, vocabularyModel } from "../support/vocabularies.js";
import { errorOf } from "../support/isolated.js";
import { size } from "../support/size.js";
import { tinyTrioOf, wideDemo } from "../support/test-models.js";

// In F32 and without flash attention batches differ by rounding alone.
const exact = { contextSize: 256, kvType: "f32", flashAttention: false, gpuLayers: 0, threads: 1 } as const;
const within = 1e-4;
const prompt = "Q: 6+34+63+39?\n";
const text = "S:6+34=40;40+63=103;103+39=142#142";

function expectNear(got: number | null, want: number | null, what: string, bound = within): void {
    if (got === null || want === null || !Number.isFinite(want)) expect(got, what).toBe(want);
    else expect(Math.abs(got - want) / Math.max(1, Math.abs(want)), `${what}: ${got} for ${want}`).toBeLessThan(bound);
}

function expectSameScores(got: readonly TokenScore[], want: readonly TokenScore[], what: string, bound = within): void {
    expect(
        got.map(({ token }) => token),
        what
    ).toEqual(want.map(({ token }) => token));
    for (const [index, score] of got.entries()) {
        const other = want[index]!;
        const at = `${what}, token ${index}`;
        for (const role of ["base", "expert", "antiexpert", "rast"] as const) {
            expectNear(score.logprob[role], other.logprob[role], `${at}: log-probability (${role})`, bound);
            expectNear(score.entropy[role], other.entropy[role], `${at}: entropy (${role})`, bound);
        }
        expectNear(score.divergence, other.divergence, `${at}: KL`, bound);
        if (bound === within) expect(score.rank, at).toEqual(other.rank);
        for (const list of ["base", "rast"] as const) {
            const [mine, theirs] = [score.top?.[list] ?? [], other.top?.[list] ?? []];
            expect(mine.length, at).toBe(theirs.length);
            for (const [rank, one] of mine.entries())
                expectNear(one[list], theirs[rank]![list], `${at}: top ${rank}`, bound);
        }
    }
}

const loaded = new Set<Rast>();
async function load(options: LoadOptions): Promise<Rast> {
    const rast = await loadRast({ ...exact, ...options });
    loaded.add(rast);
    return rast;
}
afterAll(async () => {
    for (const rast of loaded) await rast.dispose();
});

describe("on the demo trio", () => {
    let trio: LoadOptions;
    let rast: Rast;
    let reference: ScoreResult;

    beforeAll(async () => {
        const { base, expert, antiexpert } = await wideDemo();
        trio = { base, expert, antiexpert };
        rast = await load({ ...trio, parallel: 4 });
        reference = await rast.score({ prompt, completion: text, top: 5 });
    });

    it("scores add up, and every distribution is one", async () => {
        const { tokens, scores, logprob, greedy, usage } = reference;
        expect(await rast.detokenize(tokens, { continuation: true })).toBe(text);
        expect(scores.map(({ token }) => token)).toEqual(tokens);
        expect(usage).toMatchObject({
            completionTokens: tokens.length,
            promptTokens: (await rast.promptTokens({ prompt })).length
        });
        for (const role of ["base", "expert", "antiexpert", "rast"] as const) {
            const sum = scores.reduce((total, score) => total + score.logprob[role]!, 0);
            expect(logprob[role]).toBeCloseTo(sum, 9);
        }
        expect(greedy.rast).toBe(scores.every(({ rank }) => rank.rast === 0));
        for (const { top, rank, logprob: of, divergence, entropy, token } of scores) {
            expect(top!.base).toHaveLength(5);
            for (const list of ["base", "rast"] as const) {
                const values = top![list].map((one) => one[list]);
                expect([...values].sort((a, b) => b - a)).toEqual(values);
                if (rank[list] < 5) expect(top![list][rank[list]]).toMatchObject({ token, [list]: of[list] });
                else expect(of[list]).toBeLessThanOrEqual(values[4]!);
            }
            expect(divergence).toBeGreaterThanOrEqual(0);
            expect(entropy.rast).toBeGreaterThanOrEqual(0);
        }
        // the delta changes something in this text, or there would be nothing to test
        expect(Math.max(...scores.map(({ divergence }) => divergence))).toBeGreaterThan(0.1);
    });

    it.each([1, 2, 4, 16, 64])("the same with %i rows at a time", async (rows) => {
        const other = await load({ ...trio, speculation: { maxDraft: rows - 1 } });
        const scored = await other.score({ prompt, completion: text, top: 5 });
        expectSameScores(scored.scores, reference.scores, `${rows} rows`);
        // one decode of each model for so many rows
        const rounds = Math.ceil(reference.tokens.length / rows);
        expect(scored.timings.roles.base.decodeSteps).toBe(rounds - 1);
        expect(scored.timings.roles.expert.decodeSteps).toBe(rounds - 1);
        expect(scored.timings.roles.antiexpert.decodeSteps).toBe(rounds - 1);
    });

    it.each(["off", "auto", { draft: 3 }, { draft: 15 }, { ngram: true }] as const)(
        "of a drawn text are those of the text, drafts %o",
        async (speculation) => {
            const drawn = await rast.complete({
                prompt: `${prompt}${text}\n${prompt}`,
                seed: 3,
                temperature: 0.7,
                maxTokens: 48,
                ignoreEos: true,
                logprobs: 3,
                explain: { top: 3 },
                speculation
            });
            const scores = drawn.scores!;
            expect(scores).toHaveLength(drawn.tokens.length);
            const given = await rast.score({
                prompt: `${prompt}${text}\n${prompt}`,
                completionTokens: drawn.tokens,
                top: 3
            });
            expectSameScores(scores, given.scores, JSON.stringify(speculation));
            expect(given.scores.every(({ draft }) => draft === null)).toBe(true);
            // what log-probabilities say of the ensemble
            for (const [index, { logprob, top }] of drawn.logprobs!.entries()) {
                expectNear(scores[index]!.logprob.rast, logprob, `token ${index}`);
                expect(scores[index]!.top!.rast.map(({ token }) => token)).toEqual(top.map(({ token }) => token));
            }
            const drafted = scores.filter(({ draft }) => draft !== null).length;
            expect(drafted).toBe(drawn.speculation.accepted);
            expect(scores.filter(({ draft }) => draft === "text").length).toBe(drawn.speculation.ngram.accepted);
            if (speculation === "off") expect(drafted).toBe(0);
            else if (speculation !== "auto") expect(drafted).toBeGreaterThan(0);
        }
    );

    it("come in parts as in the result, and change no text", async () => {
        const request = { prompt, seed: 5, maxTokens: 30, ignoreEos: true } as const;
        const plain = await rast.complete(request);
        expect(plain.scores).toBeUndefined();
        const generation = rast.generate({ ...request, explain: true });
        const parts: TokenScore[] = [];
        for await (const part of generation) parts.push(...(part.scores ?? []));
        const { tokens, scores } = await generation.result;
        expect(tokens).toEqual(plain.tokens);
        expect(parts).toEqual(scores);
        expect(scores!.every((score) => score.top === undefined)).toBe(true);
    });

    it("of penalties, bias, filters and a grammar's refusals say nothing: they are of the rows", async () => {
        const drawn = await rast.complete({
            prompt,
            seed: 2,
            temperature: 1.5,
            topP: 1,
            maxTokens: 30,
            repetitionPenalty: 1.3,
            frequencyPenalty: 0.5,
            logitBias: { 5: 3, 6: -4 },
            grammar: 'root ::= "S:" ("6" | "7" | "+")+ "#"',
            explain: { top: 4 }
        });
        expect(drawn.refusedDraws).toBeGreaterThan(0);
        const given = await rast.score({ prompt, completionTokens: drawn.tokens, top: 4 });
        expectSameScores(drawn.scores!, given.scores, "refused");
    });

    it("in mode base, and with lambda 0, are the base's alone", async () => {
        for (const how of [{ mode: "base" }, { lambda: 0 }] as const) {
            const { scores, logprob } = await rast.score({ prompt, completion: text, ...how });
            expect(logprob).toMatchObject({ expert: null, antiexpert: null });
            expectNear(logprob.base, reference.logprob.base, "base");
            for (const [index, score] of scores.entries()) {
                expect(score.logprob.rast).toBe(score.logprob.base);
                expect(score.entropy).toMatchObject({ expert: null, antiexpert: null, rast: score.entropy.base });
                expect(score.divergence).toBe(0);
                expectNear(score.entropy.base, reference.scores[index]!.entropy.base, "entropy");
            }
        }
        const { scores } = await rast.complete({ prompt, seed: 1, mode: "base", maxTokens: 5, explain: true });
        expect(scores!.every(({ logprob }) => logprob.expert === null && logprob.base === logprob.rast)).toBe(true);
        const alone = await load({ base: trio.base!, speculation: { maxDraft: 15 } });
        const base = await alone.score({ prompt, completion: text });
        expect(base.mode).toBe("base");
        expect(base.timings.roles.base.decodeSteps).toBe(Math.ceil(base.tokens.length / 16) - 1);
        expectNear(base.logprob.base, reference.logprob.base, "without pairs");
    });

    it("many at once, beside generations, are the same, and change no text", async () => {
        const generated = { prompt, seed: 11, maxTokens: 40, ignoreEos: true, temperature: 0 } as const;
        const before = await rast.complete(generated);
        const endings = Array.from({ length: size(8, 24) }, (_, index) => text.slice(0, 3 + index));
        const [scored, ...texts] = await Promise.all([
            rast.scoreMany(endings.map((completion) => ({ prompt, completion, top: 5 }))),
            rast.complete(generated),
            rast.complete({ ...generated, explain: true })
        ]);
        for (const { tokens } of texts) expect(tokens).toEqual(before.tokens);
        for (const [index, one] of scored.entries()) {
            expectSameScores(one.scores, reference.scores.slice(0, one.tokens.length), `ending ${index}`);
        }
    });

    it.each([1, 4])("decode the context of many endings once, with %i sequences", async (parallel) => {
        const other = await load({ ...trio, parallel });
        const context = `${prompt}${text}\n`.repeat(3) + prompt;
        const length = (await other.promptTokens({ prompt: context })).length;
        const endings = ["S:40", "S:6+34", "Q", "S:6+34=41", "142", "S", "S:1", "#"];
        const scored = await Promise.all(endings.map((completion) => other.score({ prompt: context, completion })));
        for (const role of ["base", "expert", "antiexpert"] as const) {
            const decoded = scored.reduce((sum, { timings }) => sum + timings.roles[role].prefillTokens, 0);
            // one whole, and of each other its last token again
            expect(decoded, role).toBe(length + endings.length - 1);
        }
        const cached = scored.map(({ usage }) => usage.cachedPromptTokens);
        expect(cached.filter((tokens) => tokens === length - 1)).toHaveLength(endings.length - 1);
    });

    it("give way where the cache is small, and are the same", async () => {
        const other = await load({ ...trio, parallel: 3, contextSize: 256, cacheSize: 256 });
        const long = `${prompt}${text}\n`.repeat(2);
        const completions = [text, `${text};`, `${text}+`].map((end) => `${end}${text}`);
        const together = await other.scoreMany(
            completions.map((completion) => ({ prompt: long + completion[34]!, completion }))
        );
        expect(together.reduce((sum, { restarts }) => sum + restarts, 0)).toBeGreaterThan(0);
        for (const [index, completion] of completions.entries()) {
            const alone = await rast.score({ prompt: long + completion[34]!, completion });
            expectSameScores(together[index]!.scores, alone.scores, `text ${index}`);
        }
    });

    it("without a prompt begin with the model's beginning of sequence", async () => {
        const tokens = await rast.tokenize(text);
        const bos = rast.info.bosToken;
        const whole = await rast.score({ completion: text, addBos: true });
        expect(whole.tokens).toEqual(tokens);
        expect(whole.usage.promptTokens).toBe(1);
        const spelled = await rast.score({ tokens: [bos], completionTokens: tokens });
        expectSameScores(whole.scores, spelled.scores, "beginning");
        expectSameScores(
            (await rast.score({ prompt: "", completionTokens: tokens, addBos: true })).scores,
            whole.scores,
            "tokens"
        );
        const without = await rast.score({ completion: text, addBos: false });
        expect(without.tokens).toEqual(tokens.slice(1));
    });

    it("of several pairs are of the first that adds something", async () => {
        const { strongExpert, strongAntiexpert } = await wideDemo();
        const two = await load({
            base: trio.base!,
            pairs: [
                { expert: trio.expert!, antiexpert: trio.antiexpert! },
                { expert: strongExpert, antiexpert: strongAntiexpert }
            ]
        });
        const first = await two.score({ prompt, completion: text, lambda: [1, 0] });
        const only = await rast.score({ prompt, completion: text });
        expectSameScores(first.scores, only.scores, "the first pair");
        const second = await two.score({ prompt, completion: text, lambda: [0, 1] });
        const both = await two.score({ prompt, completion: text, lambda: [1, 1] });
        expect(second.logprob.expert).not.toBeCloseTo(first.logprob.expert!, 2);
        expectNear(both.logprob.expert, first.logprob.expert, "the first of two");
        expect(both.logprob.rast).not.toBeCloseTo(first.logprob.rast, 2);
    });

    it("end with an abort and a dispose, by their own errors", async () => {
        const aborted = await errorOf(rast.score({ prompt, completion: text, signal: AbortSignal.abort("enough") }));
        expect(aborted).toMatchObject({ code: "ERR_ABORTED", cause: "enough" });
        const slow = await load({ ...trio, speculation: "off" });
        const controller = new AbortController();
        const long = Array.from({ length: 200 }, (_, index) => 3 + (index % 20));
        const running = errorOf(slow.score({ tokens: [3], completionTokens: long, signal: controller.signal }));
        setTimeout(() => controller.abort(), 5);
        expect((await running).code).toBe("ERR_ABORTED");
        expectSameScores(
            (await slow.score({ prompt, completion: text, top: 5 })).scores,
            reference.scores,
            "afterwards"
        );
        const disposed = errorOf(slow.score({ tokens: [3], completionTokens: long }));
        await slow.dispose();
        expect((await disposed).code).toBe("ERR_DISPOSED");
        expect((await errorOf(slow.score({ prompt, completion: text }))).code).toBe("ERR_DISPOSED");
        const many = await errorOf(
            rast.scoreMany([
                { prompt, completion: text },
                { prompt, completion: "" },
                { prompt, completion: text }
            ])
        );
        expect(many.code).toBe("ERR_INVALID_OPTION");
    });

    it("in a process of their own", async () => {
        const isolated = await load({ ...trio, isolate: true });
        const scored = await isolated.score({ prompt, completion: text, top: 5 });
        expectSameScores(scored.scores, reference.scores, "isolated");
        const { tokens, scores } = await isolated.complete({ prompt, seed: 1, maxTokens: 8, explain: true });
        expect(scores).toHaveLength(tokens.length);
    });

    it.each<[string, object, string]>([
        ["no completion", { prompt }, "ERR_INVALID_OPTION"],
        ["two completions", { prompt, completion: "S", completionTokens: [3] }, "ERR_INVALID_OPTION"],
        ["an empty completion", { prompt, completion: "" }, "ERR_INVALID_OPTION"],
        ["no tokens", { prompt, completionTokens: [] }, "ERR_INVALID_OPTION"],
        ["tokens out of range", { prompt, completionTokens: [3, 99_999] }, "ERR_INVALID_OPTION"],
        ["half tokens", { prompt, completionTokens: [3.5] }, "ERR_INVALID_OPTION"],
        ["too long a completion", { prompt, completion: "1".repeat(256) }, "ERR_PROMPT_TOO_LONG"],
        ["too many tokens", { prompt, completionTokens: new Int32Array(1000) }, "ERR_PROMPT_TOO_LONG"],
        ["too long a prompt", { prompt: "1".repeat(300), completion: "S" }, "ERR_PROMPT_TOO_LONG"],
        ["nothing before the only token", { completionTokens: [3], addBos: false }, "ERR_EMPTY_PROMPT"],
        ["the expert alone", { prompt, completion: "S", mode: "expert" }, "ERR_INVALID_OPTION"],
        ["too many alternatives", { prompt, completion: "S", top: 21 }, "ERR_INVALID_OPTION"],
        ["an option of generations", { prompt, completion: "S", temperature: 1 }, "ERR_UNKNOWN_OPTION"],
        ["too many lambdas", { prompt, completion: "S", lambda: [1, 1] }, "ERR_INVALID_OPTION"],
        ["a character that the vocabulary lacks", { prompt, completion: "\u{1F600}" }, "ERR_EMPTY_PROMPT"]
    ])("refuse %s", async (_, options, code) => {
        expect((await errorOf(rast.score(options as ScoreOptions))).code).toBe(code);
    });

    it("explain refuses mode expert and wrong settings", async () => {
        for (const more of [
            { explain: true, mode: "expert" },
            { explain: { top: 21 } },
            { explain: 3 },
            { explain: { n: 1 } }
        ]) {
            const error = await errorOf(rast.complete({ prompt, ...more } as never));
            expect(error.code).toMatch(/ERR_INVALID_OPTION|ERR_UNKNOWN_OPTION/);
        }
    });

    it("a text up to the context's last token", async () => {
        const tokens = await rast.promptTokens({ prompt });
        const completionTokens = Array.from({ length: 257 - tokens.length }, (_, index) => 3 + (index % 20));
        const { scores, usage } = await rast.score({ tokens, completionTokens });
        expect(scores).toHaveLength(completionTokens.length);
        expect(usage.promptTokens + usage.completionTokens).toBe(257);
        const more = { tokens, completionTokens: [...completionTokens, 3] };
        expect((await errorOf(rast.score(more))).code).toBe("ERR_PROMPT_TOO_LONG");
    });
});

describe.each(["llama", "gemma3", "mamba", "jamba", "lfm2", "qwen35"] as const)("of %s", (kind) => {
    it("are the same alone, together and a token at a time", async () => {
        const trio = await tinyTrioOf(kind);
        const tokens = (count: number, seed: number): number[] =>
            Array.from({ length: count }, (_, i) => 1 + ((i * 37 + seed * 101) % 250));
        const texts = [tokens(40, 1), tokens(25, 2), tokens(33, 3)];
        const asked = texts.map((completionTokens, seed) => ({
            tokens: tokens(20 + 9 * seed, seed + 5),
            completionTokens,
            top: 3
        }));
        const one = await load({ ...trio, speculation: "off", reusePrefixes: false });
        const singly: ScoreResult[] = [];
        for (const options of asked) singly.push(await one.score(options));
        const several = await load({ ...trio, parallel: 3, speculation: { maxDraft: 15 } });
        for (const [index, options] of asked.entries()) {
            expectSameScores((await several.score(options)).scores, singly[index]!.scores, `alone ${index}`, 1e-3);
        }
        const together = await several.scoreMany(asked);
        for (const [index, { scores }] of together.entries()) {
            expectSameScores(scores, singly[index]!.scores, `together ${index}`, 1e-3);
        }
    });
});

describe("a completion's tokens", () => {
    it.each(["llama-spm", "gpt-2"] as const)("continue the prompt with %s", async (name) => {
        const rast = await load({ base: await vocabularyModel(name), contextSize: 128, tryModels: false });
        expect(bundledModels()).not.toBe("");
        for (const completion of [" Paris", "Paris", "  two", "\nline", "x", " "]) {
            const { tokens } = await rast.score({ prompt: "The capital of France is", completion });
            expect(await rast.detokenize(tokens, { continuation: true }), JSON.stringify(completion)).toBe(completion);
        }
    });
});

describe("a chat whose reasoning is ended by words that are put in", () => {
    it("has scores of what was drawn alone, in order", async () => {
        const rast = await load({ trio: "demo-chat" });
        const messages = [{ role: "user", content: "6+34+63+39" }];
        const drawn = await rast.complete({
            messages,
            thinking: true,
            temperature: 0,
            maxTokens: 40,
            maxThinkingTokens: 4,
            logprobs: 1,
            explain: true
        });
        const put = drawn.logprobs!.filter(({ top }) => top.length === 0).length;
        expect(put).toBeGreaterThan(0);
        expect(drawn.scores).toHaveLength(drawn.tokens.length - put);
        const drawnTokens = drawn.logprobs!.filter(({ top }) => top.length > 0).map(({ token }) => token);
        expect(drawn.scores!.map(({ token }) => token)).toEqual(drawnTokens);
    });
});
