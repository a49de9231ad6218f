// Real tokenizers: llama.cpp's bundle, which node-llama-cpp ships, holds vocabularies (`models/ggml-vocab-*.gguf`) and
// tables of what texts become with them. Taken out once into test/.cache.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { writeGguf, type Metadata } from "../../src/gguf/writer.js";
import { architecture } from "../../src/gguf/shaped-model.js";
import { root } from "./native.js";
import { cached } from "./test-models.js";

/** Vocabularies with tables, by the name in `ggml-vocab-NAME.gguf`. */
export const tabledVocabularies = [
    "bert-bge",
    "command-r",
    "deepseek-coder",
    "deepseek-llm",
    "falcon",
    "gemma-4",
    "gpt-2",
    "llama-bpe",
    "llama-spm",
    "phi-3",
    "qwen2",
    "qwen35",
    "refact",
    "starcoder"
] as const;

/** All vocabularies of the bundle. */
export const vocabularies = [...tabledVocabularies, "aquila", "baichuan", "gpt-neox", "mpt", "nomic-bert-moe"] as const;

export type Vocabulary = (typeof vocabularies)[number];

const headers = pathToFileURL(join(root, "scripts", "llama-headers.mjs")).href;
const { nodeLlamaCppFolder } = (await import(headers)) as { readonly nodeLlamaCppFolder: () => string };
const cache = join(root, "test", ".cache");

/** Folder with the files of `models/` of llama.cpp's source. */
export const bundledModels = (): string => bundled("models");

/** Folder with its example grammars. */
export const bundledGrammars = (): string => bundled("grammars");

function bundled(name: "models" | "grammars"): string {
    const folder = join(cache, `bundle-${name}`);
    if (existsSync(join(folder, name))) return join(folder, name);
    const work = `${folder}.${process.pid}`;
    const bundle = join(nodeLlamaCppFolder(), "llama", "gitRelease.bundle");
    const git = (...args: string[]): void => void execFileSync("git", args, { stdio: ["ignore", "pipe", "pipe"] });
    mkdirSync(cache, { recursive: true });
    git("init", "-q", work);
    git("-C", work, "fetch", "-q", "--depth=1", bundle, "HEAD");
    git("-C", work, "checkout", "-q", "FETCH_HEAD", "--", name);
    rmSync(join(work, ".git"), { recursive: true, force: true });
    try {
        renameSync(work, folder);
    } catch {
        rmSync(work, { recursive: true, force: true }); // another process was quicker
    }
    return join(folder, name);
}

/** The vocabulary alone, as a GGUF file without weights. */
export function bundledVocabulary(name: Vocabulary): string {
    return join(bundledModels(), `ggml-vocab-${name}.gguf`);
}

/** What texts become: without anything around them, control tokens read as text. */
export function tokenTable(name: (typeof tabledVocabularies)[number]): { text: string; tokens: number[] }[] {
    const file = (ending: string): string =>
        readFileSync(join(bundledModels(), `ggml-vocab-${name}.gguf.${ending}`), "utf8");
    const tokens = file("out").split("\n");
    return file("inp")
        .split("\n__ggml_vocab_test__\n")
        .slice(0, -1)
        .map((text, i) => ({ text, tokens: tokens[i]!.split(" ").filter(Boolean).map(Number) }));
}

export interface VocabularyModelOptions {
    /** Random weights of another model with the same tokenizer. @default 0 */
    readonly seed?: number;
    /** Keys that differ from the vocabulary's own, such as "tokenizer.ggml.add_eos_token". */
    readonly metadata?: Readonly<Record<string, Metadata>>;
    /** @default 4096 */
    readonly contextLength?: number;
}

/** A tiny random model (llama, one layer of 32) with a real tokenizer. @returns its path */
export function vocabularyModel(name: Vocabulary, options: VocabularyModelOptions = {}): Promise<string> {
    return cached(`vocabulary-${name}`, { name, options }, (path) => {
        const tokenizer = tokenizerOf(bundledVocabulary(name));
        const width = 32;
        const shape = { width, hidden: 64, heads: 2, kvHeads: 2, layers: 1, vocabulary: tokenizer.tokens };
        let state = (options.seed ?? 0) * 7919 + 12345;
        const next = (): number => {
            state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
            return state / 2 ** 31 - 1;
        };
        const f32 = (of: string, dimensions: readonly number[], value: () => number) => ({
            name: of,
            shape: dimensions,
            type: "f32" as const,
            data: Float32Array.from({ length: dimensions.reduce((a, b) => a * b, 1) }, value)
        });
        const matrix = (of: string, n: number, m: number) => f32(`${of}.weight`, [n, m], () => next() / Math.sqrt(n));
        const norm = (of: string) => f32(`${of}.weight`, [width], () => 1);
        writeGguf(
            path,
            { ...architecture(name, shape, options.contextLength ?? 4096), ...tokenizer.metadata, ...options.metadata },
            [
                {
                    name: "token_embd.weight",
                    shape: [width, shape.vocabulary],
                    type: "q8_0",
                    data: () => rows(shape.vocabulary, next)
                },
                norm("blk.0.attn_norm"),
                ...["q", "k", "v", "output"].map((part) => matrix(`blk.0.attn_${part}`, width, width)),
                norm("blk.0.ffn_norm"),
                matrix("blk.0.ffn_gate", width, shape.hidden),
                matrix("blk.0.ffn_up", width, shape.hidden),
                matrix("blk.0.ffn_down", shape.hidden, width),
                norm("output_norm")
            ]
        );
    });
}

// Q8_0 blocks of 32: a scale (half precision) and 32 signed bytes.
function* rows(count: number, next: () => number): Iterable<Buffer> {
    for (let row = 0; row < count;) {
        const block = Buffer.alloc(Math.min(4096, count - row) * 34);
        for (let at = 0; at < block.length; at += 34, ++row) {
            block.writeUInt16LE(0x2000, at); // 1/128
            for (let i = 0; i < 32; ++i) block.writeInt8(Math.trunc(next() * 127), at + 2 + i);
        }
        yield block;
    }
}

// The keys "tokenizer.*" of a GGUF file as they stand there, and how many tokens there are.
function tokenizerOf(path: string): { readonly metadata: Record<string, Metadata>; readonly tokens: number } {
    const bytes = readFileSync(path);
    let at = 16;
    const u32 = (): number => bytes.readUInt32LE((at += 4) - 4);
    const u64 = (): number => Number(bytes.readBigUInt64LE((at += 8) - 8));
    const string = (): string => {
        const length = u64();
        return bytes.toString("utf8", at, (at += length));
    };
    const sizes: Readonly<Record<number, number>> = {
        0: 1,
        1: 1,
        2: 2,
        3: 2,
        4: 4,
        5: 4,
        6: 4,
        7: 1,
        10: 8,
        11: 8,
        12: 8
    };
    let tokens = 0;
    const skip = (type: number, key: string): void => {
        if (type === 8) string();
        else if (type === 9) {
            const element = u32();
            const count = u64();
            if (key === "tokenizer.ggml.tokens") tokens = count;
            for (let i = 0; i < count; ++i) skip(element, "");
        } else at += sizes[type]!;
    };
    const metadata: Record<string, Metadata> = {};
    for (let left = u64(); left > 0; --left) {
        const key = string();
        const start = at;
        skip(u32(), key);
        if (key.startsWith("tokenizer.")) metadata[key] = { kind: "encoded", value: bytes.subarray(start, at) };
    }
    return { metadata, tokens };
}
