// What is done on another platform, by its own Node.js: cases.mjs RESULTS WORK [NAME ...]. Each case writes what it saw as a line of
// JSON, with fs alone: under Wine Node.js has no standard output. scripts/test-platforms.mjs compares the lines with Linux x64's.
import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { Worker } from "node:worker_threads";
import { loadRast, RastError } from "rast-llama";

const [results, work, ...wanted] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const demo = join(dirname(require.resolve("rast-llama/package.json")), "models", "demo");
const trioIn = (folder, pair) =>
    Object.fromEntries(
        Object.entries({ base: "base", expert: `${pair}-expert`, antiexpert: `${pair}-antiexpert` }).map(
            ([role, name]) => [role, join(folder, `demo-${name}.gguf`)]
        )
    );
// As they are shipped, in Q8_0. llama.cpp's kernels round activations each in its own way, so that on processors of
// another kind, or another generation, log-probabilities differ in the second digit and a draw may fall to a neighbour.
const shipped = trioIn(demo, "strong");
// Where nothing is rounded below F32 they agree to the sixth, and what is drawn is the same everywhere.
const unrounded = { kvType: "f32", flashAttention: false };
const wide = (pair) => trioIn(join(import.meta.dirname, "wide"), pair);
const strong = wide("strong");
const prompt = "Q: 6+34+63+39?\n";

async function withRast(options, use) {
    const rast = await loadRast({ contextSize: 256, ...unrounded, ...options });
    try {
        return await use(rast);
    } finally {
        await rast.dispose();
    }
}

const outcome = ({ text, stopReason, tokens }) => ({ text, stopReason, tokens: tokens.length });

async function codeOf(action) {
    try {
        await action();
    } catch (error) {
        return error instanceof RastError ? error.code : `${error}`;
    }
    return "none";
}

const cases = {
    async texts() {
        const all = {};
        for (const pair of ["weak", "strong"]) {
            await withRast(wide(pair), async (rast) => {
                for (const seed of [1, 2, 3]) {
                    for (const lambda of [0, 1]) {
                        const key = `${pair} ${seed} ${lambda}`;
                        all[key] = outcome(await rast.complete({ prompt: "6+34+63+39", seed, lambda, maxTokens: 60 }));
                    }
                }
            });
        }
        return all;
    },

    // What scripts/test-platforms.mjs allows to differ, by a bound.
    async logprobs() {
        const all = {};
        for (const trio of ["demo", "demo-strong"]) {
            const rast = await loadRast({ trio, contextSize: 256 });
            const { scores } = await rast.score({ prompt, completion: "A:24+63+39\nB:87+39\nC:126\nS:126#09" });
            all[trio] = scores.map(({ logprob }) => Object.values(logprob)).flat(2);
            await rast.dispose();
        }
        return all;
    },

    async settings() {
        return withRast(strong, async (rast) => {
            const all = [];
            for (const more of [
                { temperature: 0 },
                { topK: 5 },
                { topP: 0.8 },
                { minP: 0.1 },
                { repetitionPenalty: 1.3 }
            ]) {
                all.push(outcome(await rast.complete({ prompt, seed: 4, maxTokens: 24, ...more })));
            }
            return all;
        });
    },

    async description() {
        return withRast(shipped, async (rast) => {
            const { description, parameterCount, device } = rast.info.base;
            return { description, parameterCount, device };
        });
    },

    async drafts() {
        return withRast({ ...shipped, speculation: { maxDraft: 6 } }, async (rast) => {
            const drafted = await rast.complete({ prompt, temperature: 0, maxTokens: 40 });
            const plain = await rast.complete({ prompt, temperature: 0, maxTokens: 40, speculation: "off" });
            assert.equal(drafted.text, plain.text);
            return outcome(drafted);
        });
    },

    async together() {
        return withRast({ ...strong, parallel: 4 }, async (rast) => {
            const ask = (seed) => rast.complete({ prompt, seed, maxTokens: 30 });
            const seeds = [1, 2, 3, 4, 5, 6];
            const together = (await Promise.all(seeds.map(ask))).map(({ text }) => text);
            const alone = [];
            for (const seed of seeds) alone.push((await ask(seed)).text);
            assert.deepEqual(together, alone);
            return together;
        });
    },

    async states() {
        const folder = join(work, "Zustände 状態");
        mkdirSync(folder, { recursive: true });
        const file = join(folder, "état ✓.state");
        const first = await withRast(strong, async (rast) => {
            await rast.saveState(file, { prompt });
            return rast.complete({ prompt, seed: 9, maxTokens: 20 });
        });
        const second = await withRast(strong, async (rast) => {
            const { tokens } = await rast.loadState(file);
            const result = await rast.complete({ prompt, seed: 9, maxTokens: 20 });
            return { tokens, result };
        });
        assert.equal(second.result.text, first.text);
        const bytes = readFileSync(file);
        writeFileSync(file, bytes.subarray(0, bytes.length - 7));
        const damaged = await withRast(strong, (rast) => codeOf(() => rast.loadState(file)));
        return { text: first.text, damaged };
    },

    async grammars() {
        return withRast(strong, async (rast) => {
            const grammar = 'root ::= "S:" [0-9]+ "#" [0-9] [0-9]';
            const jsonSchema = {
                type: "object",
                properties: { n: { type: "integer" }, even: { type: "boolean" } },
                required: ["n", "even"],
                additionalProperties: false
            };
            const followed = await rast.complete({ prompt, grammar, seed: 1, maxTokens: 40 });
            // as far as the demo's 64 tokens can write it
            const json = await rast.complete({ prompt, jsonSchema: { type: "integer" }, seed: 2, maxTokens: 12 });
            const broken = await codeOf(() => rast.complete({ prompt, grammar: "root ::= (" }));
            return {
                followed: outcome(followed),
                json: outcome(json),
                broken,
                grammarOfSchema: await rast.grammarOf(jsonSchema)
            };
        });
    },

    async aborts() {
        return withRast({ ...strong, parallel: 2 }, async (rast) => {
            const controller = new AbortController();
            const generation = rast.generate({ prompt, ignoreEos: true, maxTokens: 200, signal: controller.signal });
            let text = "";
            for await (const part of generation) {
                text += part.text;
                if (text.length >= 3) controller.abort();
            }
            const { stopReason } = await generation.result;
            const after = await rast.complete({ prompt, seed: 3, maxTokens: 20 });
            const loading = new AbortController();
            const aborted = codeOf(() => loadRast({ ...strong, signal: loading.signal }));
            loading.abort();
            return { stopReason, after: after.text, load: await aborted };
        });
    },

    async names() {
        const folder = join(work, "Modèle ü 模型", "mit Leerzeichen");
        mkdirSync(folder, { recursive: true });
        const copy = (role) => {
            const file = join(folder, `${role} ł✓.gguf`);
            copyFileSync(strong[role], file);
            return file;
        };
        const trio = { base: copy("base"), expert: copy("expert"), antiexpert: copy("antiexpert") };
        const texts = [];
        const spellings = [trio, mapped(trio, (file) => file.replaceAll("\\", "/"))];
        // from the folder that the program runs in
        process.chdir(folder);
        spellings.push(
            mapped(trio, (file) => file.slice(folder.length + 1)),
            mapped(trio, (file) => `.${sep}${file.slice(folder.length + 1)}`)
        );
        for (const one of spellings)
            texts.push(
                await withRast(one, async (rast) => (await rast.complete({ prompt, seed: 5, maxTokens: 20 })).text)
            );
        process.chdir(work);
        assert.equal(new Set(texts).size, 1);
        return texts[0];
    },

    async threads() {
        const run = (data) =>
            new Promise((resolve, reject) => {
                const worker = new Worker(new URL("thread.mjs", import.meta.url), { workerData: data });
                worker.on("message", (message) => {
                    if (data.isEnded) void worker.terminate();
                    else resolve(message);
                });
                worker.on("error", reject);
                worker.on("exit", () => resolve("ended"));
            });
        const [first, second] = await Promise.all([run({ models: strong, prompt }), run({ models: strong, prompt })]);
        assert.equal(first, second);
        // in the middle of a generation
        const ended = await run({ models: strong, prompt, isEnded: true });
        const after = await withRast(
            strong,
            async (rast) => (await rast.complete({ prompt, seed: 6, maxTokens: 20 })).text
        );
        return { first, ended, after };
    },

    async served() {
        const { serve } = await import("rast-llama/server");
        const server = await serve({ models: ["demo-chat"], port: 0, logLevel: "silent" });
        try {
            await server.ready;
            const messages = [{ role: "user", content: "What is 12+5-3?" }];
            const body = JSON.stringify({ messages, seed: 3, temperature: 0, max_tokens: 60 });
            const answer = await fetch(`${server.url}/v1/chat/completions`, { method: "POST", body });
            const { choices } = await answer.json();
            const [{ message, finish_reason: end }] = choices;
            return { status: answer.status, content: message.content, reasoning: message.reasoning_content, end };
        } finally {
            await server.close();
        }
    },

    async errors() {
        const whole = readFileSync(shipped.base);
        const damaged = (name, bytes) => {
            const file = join(work, name);
            writeFileSync(file, bytes);
            return codeOf(() => withRast({ ...shipped, base: file }, () => undefined));
        };
        const changed = Buffer.from(whole);
        changed.write("XXXX", 0, "latin1");
        return {
            missing: await codeOf(() => loadRast({ ...shipped, base: join(work, "kein solches 模型.gguf") })),
            folder: await codeOf(() => loadRast({ ...shipped, base: work })),
            empty: await damaged("empty.gguf", ""),
            half: await damaged("half.gguf", whole.subarray(0, whole.length / 2)),
            header: await damaged("header.gguf", whole.subarray(0, 300)),
            magic: await damaged("magic.gguf", changed),
            option: await codeOf(() => loadRast({ ...shipped, contextSize: -1 })),
            prompt: await withRast(shipped, (rast) => codeOf(() => rast.complete({ prompt: "" }))),
            disposed: await codeOf(async () => {
                const rast = await loadRast(shipped);
                await rast.dispose();
                await rast.complete({ prompt });
            })
        };
    }
};

const mapped = (trio, change) => Object.fromEntries(Object.entries(trio).map(([role, file]) => [role, change(file)]));

rmSync(results, { force: true });
for (const [name, run] of Object.entries(cases)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    let line;
    try {
        line = { name, seen: await run() };
    } catch (error) {
        line = { name, error: error instanceof Error ? `${error.stack}` : String(error) };
    }
    appendFileSync(results, `${JSON.stringify(line)}\n`);
}
appendFileSync(results, `${JSON.stringify({ name: "end", seen: "all" })}\n`);
