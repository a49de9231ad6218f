// Clients from Python: `openai`, and lm-evaluation-harness, whose choices are those of `rast score`. They run where RAST_CLIENTS_PYTHON names a
// Python with `openai`, `lm_eval` and `transformers` (pip install openai 'lm_eval[api]' transformers).
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadRast } from "../../dist/index.js";
import { serve, type RastServer } from "../../dist/server/index.js";
import { readGguf } from "../support/header-edit.js";
import { root, run } from "../support/native.js";
import { size } from "../support/size.js";
import { items, tokenTexts } from "../support/token-edit.js";

const python = process.env["RAST_CLIENTS_PYTHON"];
const key = "a-key-of-this-test";
const scripts = join(root, "test", "e2e", "scripts");
const base = join(root, "models", "demo", "demo-chat-base.gguf");

describe.skipIf(python === undefined)("from Python", () => {
    let server: RastServer;
    let folder: string;
    beforeAll(async () => {
        const trio = { trio: "demo-chat", threads: 1, parallel: 4, contextSize: 2048, tryModels: false } as const;
        server = await serve({ models: [trio], port: 0, apiKeys: [key] });
        await server.ready;
        folder = mkdtempSync(join(tmpdir(), "rast-clients-"));
    }, 60_000);
    afterAll(async () => {
        await server.close({ graceSeconds: 0 });
        rmSync(folder, { recursive: true, force: true });
    });

    it("openai", { timeout: 300_000 }, async () => {
        const { code, stdout, stderr } = await run(python!, [
            join(scripts, "openai_client.py"),
            server.url,
            key,
            String(size(12, 100))
        ]);
        expect([code, stdout.trim()], stderr).toEqual([0, "all as it should be"]);
    });

    it("lm-evaluation-harness chooses as rast score does", { timeout: 300_000 }, async () => {
        const documents = sums(size(24, 200));
        writeTasks(folder, documents);
        writeTokenizer(folder);
        const { code, stdout, stderr } = await run(python!, [
            join(scripts, "lm_eval_tasks.py"),
            server.url,
            key,
            folder
        ]);
        expect(code, stderr).toBe(0);
        const made = JSON.parse(stdout.trim().split("\n").at(-1)!) as {
            accuracy: number;
            logprobs: number[][];
            answers: string[];
            exact: number;
        };

        const rast = await loadRast({ trio: "demo-chat", threads: 1, tryModels: false });
        const right: boolean[] = [];
        let nearTies = 0;
        for (const [index, { question, choices, label }] of documents.entries()) {
            const scored = await rast.scoreMany(
                choices.map((completion) => ({ prompt: question, completion, raw: true }))
            );
            const own = scored.map(({ logprob }) => logprob.rast ?? NaN);
            const theirs = made.logprobs[index]!;
            // kernels round differently for one row and for several
            theirs.forEach((logprob, i) => {
                expect(Math.abs(logprob - own[i]!)).toBeLessThan(0.1 + 0.02 * Math.abs(own[i]!));
            });
            const [first, second] = [...own].sort((x, y) => y - x) as [number, number];
            if (first - second > 0.3) expect(likeliest(theirs)).toBe(likeliest(own));
            else nearTies++;
            right.push(likeliest(own) === label);
        }
        await rast.dispose();
        const share = right.filter(Boolean).length / right.length;
        expect(Math.abs(made.accuracy - share)).toBeLessThanOrEqual(nearTies / right.length + 1e-9);
        expect(nearTies).toBeLessThan(right.length / 5);
        // it is no matter of chance: three choices each
        expect(made.accuracy).toBeGreaterThan(0.5);
        expect(made.answers).toHaveLength(documents.length);
        for (const answer of made.answers) expect(answer).toMatch(/\S/);
    });
});

function likeliest(logprobs: readonly number[]): number {
    return logprobs.indexOf(Math.max(...logprobs));
}

interface Sum {
    readonly question: string;
    readonly sum: string;
    readonly choices: readonly string[];
    readonly label: number;
    readonly answer: string;
}

function sums(count: number): Sum[] {
    return Array.from({ length: count }, (_, i) => {
        const [a, b] = [11 + ((i * 7) % 30), 2 + (i % 8)];
        const label = i % 3;
        const choices = [0, 1, 2].map((k) => String(a + b + (k - label) * 3));
        const question = `<|im_start|>user\nWhat is ${a}+${b}?<|im_end|>\n<|im_start|>assistant\n<think>\n${a}+${b}=`;
        return { question, sum: `${a}+${b}`, choices, label, answer: `It is ${a + b}.` };
    });
}

function writeTasks(folder: string, documents: readonly Sum[]): void {
    const data = join(folder, "documents.jsonl");
    writeFileSync(data, documents.map((document) => `${JSON.stringify(document)}\n`).join(""));
    const common = [
        "dataset_path: json",
        `dataset_kwargs: { data_files: { test: ${JSON.stringify(data)} } }`,
        "test_split: test",
        'target_delimiter: ""'
    ];
    writeFileSync(
        join(folder, "rast_choices.yaml"),
        [
            "task: rast_choices",
            ...common,
            "output_type: multiple_choice",
            'doc_to_text: "{{question}}"',
            "doc_to_choice: choices",
            "doc_to_target: label",
            "metric_list: [{ metric: acc, aggregation: mean, higher_is_better: true }]"
        ].join("\n")
    );
    writeFileSync(
        join(folder, "rast_answers.yaml"),
        [
            "task: rast_answers",
            ...common,
            "output_type: generate_until",
            'doc_to_text: "What is {{sum}}?"',
            'doc_to_target: "{{answer}}"',
            "generation_kwargs: { until: [], max_gen_toks: 100, temperature: 0 }",
            "metric_list: [{ metric: exact_match, aggregation: mean, higher_is_better: true }]"
        ].join("\n")
    );
}

/** The chat trio's tokenizer as transformers reads it: Qwen2's, as far as its vocabulary goes. */
function writeTokenizer(folder: string): void {
    const gguf = readGguf(base);
    const tokens = tokenTexts(gguf);
    const merges = items(gguf, "tokenizer.ggml.merges").map(String);
    const special = tokens.flatMap((content, id) =>
        /^<.*>$/.test(content) && id >= 2039
            ? [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }]
            : []
    );
    const pattern =
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };
    const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
    const tokenizer = {
        version: "1.0",
        truncation: null,
        padding: null,
        added_tokens: special,
        normalizer: { type: "NFC" },
        pre_tokenizer: {
            type: "Sequence",
            pretokenizers: [
                { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
                byteLevel
            ]
        },
        post_processor: byteLevel,
        decoder: byteLevel,
        model: { type: "BPE", dropout: null, unk_token: null, byte_fallback: false, vocab, merges }
    };
    writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
    writeFileSync(
        join(folder, "tokenizer_config.json"),
        JSON.stringify({
            tokenizer_class: "PreTrainedTokenizerFast",
            eos_token: "<|im_end|>",
            pad_token: "<|endoftext|>"
        })
    );
}
