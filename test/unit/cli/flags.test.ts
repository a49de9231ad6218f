// Every flag of every command: what its text becomes, and what is said of a wrong one.
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { BenchOptions } from "../../../src/bench/measure/options.js";
import type * as BenchRun from "../../../src/bench/measure/run.js";
import { commands } from "../../../src/cli/commands/index.js";
import { longName } from "../../../src/cli/flag.js";
import { flagNames, inFlags } from "../../../src/cli/flag-names.js";
import type { GenerateOptions } from "../../../src/engine/generate-options.js";
import type { LoadOptions } from "../../../src/loading/load-options.js";
import type * as Load from "../../../src/loading/load.js";
import { RastError } from "../../../src/errors.js";
import { rast } from "../../support/command-io.js";
import { FakeAddon, fakeNative } from "../../support/fake-addon.js";
import { makeModelFiles, type ModelFiles } from "../../support/model-files.js";

interface Calls {
    load?: LoadOptions;
    generate?: GenerateOptions;
    bench?: BenchOptions;
    states: string[];
}

let files: ModelFiles;
let calls: Calls;

vi.mock("../../../src/loading/load.js", async (original) => {
    const load = await original<typeof Load>();
    return {
        ...load,
        loadRast: async (options: LoadOptions) => {
            calls.load = options;
            const loaded = await load.loadRastWith(options, fakeNative(new FakeAddon()));
            const generate = loaded.generate.bind(loaded);
            vi.spyOn(loaded, "generate").mockImplementation((given) => {
                calls.generate = given;
                return generate(given);
            });
            vi.spyOn(loaded, "loadState").mockImplementation(async (file) => {
                calls.states.push(`from ${file}`);
                return { tokens: [] };
            });
            vi.spyOn(loaded, "saveState").mockImplementation(async (file) => {
                calls.states.push(`to ${file}`);
                return { tokens: 0 };
            });
            return loaded;
        }
    };
});

vi.mock("../../../src/bench/measure/run.js", async (original) => {
    const run = await original<typeof BenchRun>();
    return {
        runBench: (options: BenchOptions) => {
            calls.bench = options;
            return run.runBench(options);
        }
    };
});

beforeAll(async () => {
    files = await makeModelFiles();
    await writeFile(files.path("grammar.gbnf"), 'root ::= "x"');
    await writeFile(files.path("schema.json"), '{"type": "string"}');
    await writeFile(files.path("records.jsonl"), '{"prompt": "Hi", "completion": "there"}');
    await writeFile(files.path("text.txt"), "Hi there. ".repeat(100));
});
afterAll(() => files.remove());
beforeEach(() => (calls = { states: [] }));

/** Flags and texts, and the options that they are. Files are those of the folder. */
type Case = readonly [args: readonly string[], expected: object];

const loading: readonly Case[] = [
    [["--trio", "trio.json"], { trio: "trio.json" }],
    [
        ["--base", "base.gguf", "--expert", "expert.gguf", "--antiexpert", "antiexpert.gguf"],
        { base: { path: "base.gguf" }, expert: { path: "expert.gguf" }, antiexpert: { path: "antiexpert.gguf" } }
    ],
    [["--base", "base.gguf"], { base: { path: "base.gguf" } }],
    [
        [..."base expert antiexpert expert antiexpert".split(" ").flatMap((role) => [`--${role}`, `${role}.gguf`])],
        {
            base: { path: "base.gguf" },
            pairs: Array.from({ length: 2 }, () => ({
                expert: { path: "expert.gguf" },
                antiexpert: { path: "antiexpert.gguf" }
            }))
        }
    ],
    ...["base", "expert", "antiexpert"].map((role): Case => [
        ["--trio", "trio.json", `--${role}-lora`, "l=1.lora", `--${role}-lora`, "m.lora=-0.5"],
        { trio: "trio.json", [role]: { lora: [{ path: "l=1.lora" }, { path: "m.lora", scale: -0.5 }] } }
    ]),
    [
        ["--base", "base.gguf", "--antiexpert", "antiexpert.gguf", "--expert-lora", "l.lora=2"],
        {
            base: { path: "base.gguf" },
            expert: { path: "antiexpert.gguf", lora: [{ path: "l.lora", scale: 2 }] },
            antiexpert: { path: "antiexpert.gguf" }
        }
    ],
    [["--device", "cpu"], { device: ["cpu"] }],
    [["--rpc", "a:1,b"], { rpc: ["a:1", "b"] }],
    [["--rpc", "a:1, b", "--rpc", "[fe80::1]:2"], { rpc: ["a:1", "b", "[fe80::1]:2"] }],
    [["--flash-attention", "on"], { flashAttention: true }],
    [["--flash-attention", "off"], { flashAttention: false }],
    [["--flash-attention", "auto"], { flashAttention: "auto" }],
    [["--no-mmap"], { mmap: false }]
];

const generateLoading: readonly Case[] = [
    ...loading,
    [["--lambda", "0.5"], { lambda: 0.5 }],
    [["--worker-timeout", "2000"], { workerTimeoutMs: 2000 }],
    [["--context-size", "64"], { contextSize: 64 }],
    [["--cache-size", "8192"], { cacheSize: 8192 }],
    [["--batch-size", "32"], { batchSize: 32 }],
    [["--gpu-layers", "0"], { gpuLayers: 0 }],
    [["--gpu-layers", "auto"], { gpuLayers: "auto" }],
    [["--cpu-moe", "4"], { cpuMoeLayers: 4 }],
    [["--cpu-moe", "auto"], { cpuMoeLayers: "auto" }],
    ...["base", "expert", "antiexpert"].flatMap((role): Case[] => [
        [[`--${role}-gpu-layers`, "0"], { [role]: { gpuLayers: 0 } }],
        [[`--${role}-device`, "cpu"], { [role]: { device: ["cpu"] } }]
    ]),
    [["--threads", "1"], { threads: 1 }],
    [["--kv-type", "q8_0"], { kvType: "q8_0" }],
    [["--mlock"], { mlock: true }],
    [["--sampler", "host"], { sampler: "host" }],
    [["--special-tokens", "same"], { specialTokens: "same" }],
    [["--draft", "auto"], { speculation: "auto" }],
    [["--draft", "off"], { speculation: "off" }],
    [["--draft", "3"], { speculation: { draft: 3 } }],
    [["--ngram", "on"], { speculation: { ngram: true } }],
    [["--ngram", "auto", "--draft", "3"], { speculation: { draft: 3, ngram: "auto" } }],
    [["--ngram", "off", "--draft", "auto"], { speculation: { ngram: false } }],
    [["--ngram", "on", "--draft", "off"], { speculation: "off" }],
    [["--no-try-models"], { tryModels: false }],
    [["--no-learned"], { learned: false }],
    [["--parallel", "2"], { parallel: 2 }],
    [["--samples", "1"], {}]
];

const request: readonly Case[] = [
    [["--mode", "base"], { mode: "base" }],
    [["--temperature", "0.5"], { temperature: 0.5 }],
    [["--top-k", "40"], { topK: 40 }],
    [["--top-p", "0.5"], { topP: 0.5 }],
    [["--min-p", "0.1"], { minP: 0.1 }],
    [["--repetition-penalty", "1.1"], { repetitionPenalty: 1.1 }],
    [["--presence-penalty", "-1"], { presencePenalty: -1 }],
    [["--frequency-penalty", "2"], { frequencyPenalty: 2 }],
    [["--penalty-window", "-1"], { penaltyWindow: -1 }],
    [
        ["--logit-bias", "5=-Infinity", "--logit-bias", "6=1.5"],
        {
            logitBias: new Map([
                [5, -Infinity],
                [6, 1.5]
            ])
        }
    ],
    [["--seed", "18446744073709551615"], { seed: 18446744073709551615n }],
    [["--ordinal", "3"], { ordinal: 3 }],
    [["--max-tokens", "1"], { maxTokens: 1 }],
    [["--stop", "a\\n\\t\\\\", "--stop", "b"], { stop: ["a\n\t\\", "b"] }],
    [["--ignore-eos"], { ignoreEos: true }],
    [["--logprobs", "2"], { logprobs: 2 }],
    [["--json-schema", '{"type": "null"}'], { jsonSchema: '{"type": "null"}' }],
    [["--json-schema", " true"], { jsonSchema: " true" }],
    [["--raw"], { raw: true }],
    [["--grammar", "grammar.gbnf"], { grammar: 'root ::= "x"' }],
    [["--json-schema", "schema.json"], { jsonSchema: '{"type": "string"}' }],
    [
        ["--json-schema", "schema.json", "--ignore-unsupported"],
        { jsonSchema: { schema: '{"type": "string"}', unsupported: "ignore" } }
    ]
];

const bench: readonly Case[] = [
    ...loading.map(([args, options]): Case => [args, { models: options }]),
    [["--mode", "base,draft"], { modes: ["base", "draft"] }],
    [["--peer", "node-llama-cpp"], { peers: ["node-llama-cpp"] }],
    [["--prompt", "1,2"], { prompts: [1, 2] }],
    [["-p", "1, 2"], { prompts: [1, 2] }],
    [["-p", "1,2", "--prompt", "3", "-d", "0", "-d", "8"], { prompts: [1, 2, 3], depths: [0, 8] }],
    [["-n", "8"], { generates: [8] }],
    [["--generate", "8"], { generates: [8] }],
    [["-d", "0,8"], { depths: [0, 8] }],
    [["--depth", "8"], { depths: [8] }],
    [["-s", "2"], { sequences: [2] }],
    [["--sequences", "1,2"], { sequences: [1, 2] }],
    [["-t", "1"], { threads: [1] }],
    [["--threads", "1,2"], { threads: [1, 2] }],
    [["-g", "auto,0"], { gpuLayers: ["auto", 0] }],
    [["--gpu-layers", "0"], { gpuLayers: [0] }],
    [["--kv-type", "f16,q8_0"], { kvTypes: ["f16", "q8_0"] }],
    [["--lambda", "0.5,1"], { lambdas: [0.5, 1] }],
    [["--temperature", "0,1"], { temperatures: [0, 1] }],
    [["--top-p", "0.5"], { topP: 0.5 }],
    [["-r", "1"], { repetitions: 1 }],
    [["--repetitions", "2"], { repetitions: 2 }],
    [["--loads", "3"], { loads: 3 }],
    [["--wait-quiet", "60"], { waitQuiet: 60 }],
    [["--batch-size", "32"], { batchSize: 32 }],
    [["--no-ideal"], { ideal: false }],
    [["--prompt-file", "grammar.gbnf"], { promptText: 'root ::= "x"' }],
    [["--seed", "7"], { seed: 7 }]
];

const given = (args: readonly string[]): string[] =>
    args.map((arg) => (/\.(json|gguf|gbnf)$/.test(arg) ? files.path(arg) : arg));
// Models, unless they are what is tried.
const withModels = (args: readonly string[]): string[] =>
    args.includes("--trio") || args.includes("--base") ? given(args) : ["--trio", files.trio, ...given(args)];
const resolved = (value: unknown): unknown =>
    typeof value === "string" && /^\w+\.(json|gguf|gbnf)$/.test(value)
        ? files.path(value)
        : Array.isArray(value)
          ? value.map(resolved)
          : typeof value === "object" && value !== null && !(value instanceof Map)
            ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolved(one)]))
            : value;
const models = (args: readonly string[]): object =>
    args.includes("--trio") || args.includes("--base") ? {} : { trio: files.trio };

describe("what flags become", () => {
    test.each(generateLoading)("generate %j", async (args, expected) => {
        await rast(["generate", ...withModels(args), "Hi"]);
        const { signal, onProgress, ...options } = calls.load!;
        expect([typeof signal, typeof onProgress]).toEqual(["object", "function"]);
        expect(options).toEqual(resolved({ ...models(args), ...expected }));
    });

    test("generate --isolate, which is a process of its own even here", async () => {
        await rast(["generate", ...withModels(["--isolate"]), "Hi"]);
        expect(calls.load).toMatchObject({ isolate: true });
    });

    test.each(request)("generate %j", async (args, expected) => {
        const { stderr } = await rast(["generate", ...withModels(args), "--quiet", "Hi"]);
        expect(stderr).toBe("");
        const { signal, ...options } = calls.generate!;
        expect(signal).toBeDefined();
        expect(options).toEqual({ prompt: "Hi", ...expected });
    });

    test("generate --load-state, --save-state", async () => {
        await rast(["generate", "--trio", files.trio, "--load-state", "a", "--save-state", "b", "Hi"]);
        expect(calls.states).toEqual(["from a", "to b"]);
    });

    test.each(bench)("bench %j", async (args, expected) => {
        const given = withModels(args);
        // A peer that is not known, so that nothing is measured.
        await rast(["bench", ...given, ...(args.includes("--peer") ? ["--top-p", "9"] : ["--peer", "nobody"])]);
        const { signal, onProgress, command, ...options } = calls.bench!;
        expect([typeof signal, typeof onProgress, command]).toEqual([
            "object",
            "function",
            expect.stringMatching(/^rast bench --/)
        ]);
        const instead = args.includes("--peer") ? { topP: 9 } : { peers: ["nobody"] };
        const expectedModels = { ...models(args), ...("models" in expected ? (expected.models as object) : {}) };
        expect(options).toEqual(resolved({ ...instead, ...expected, models: expectedModels }));
    });

    test("no flag with several values between commas drops those that came before", () => {
        const lists = commands.flatMap(({ name, flags }) =>
            Object.values(flags)
                .filter(({ usage }) => usage.includes("<list>") || usage.includes(",<") || usage.includes("[,"))
                .map((flag) => `${name} ${longName(flag)} ${flag.repeatable}`)
        );
        expect(lists).toContain("worker --allow true");
        expect(lists).toContain("plan --vram true");
        expect(lists).toContain("serve --rpc true");
        expect(lists).toContain("eval --lambda true");
        expect(lists.filter((one) => one.endsWith("false"))).toEqual([]);
    });

    test("bench: folders do not come into the record", async () => {
        await rast(["bench", "--trio", "/home/somebody/my trio.json", "-n", "8"]);
        expect(calls.bench!.command).toBe('rast bench --trio "my trio.json" -n 8');
    });
});

// Of generate.
const ofGenerate: Readonly<Record<string, readonly string[]>> = {
    "--lambda": ["11", "x", ""],
    "--context-size": ["0", "1.5"],
    "--cache-size": ["1"],
    "--batch-size": ["0", "x"],
    "--gpu-layers": ["-1", "x"],
    "--cpu-moe": ["-1", "x"],
    "--base-gpu-layers": ["-1", "x"],
    "--expert-gpu-layers": ["0.5", "x"],
    "--antiexpert-gpu-layers": ["-1", "x"],
    "--device": [""],
    "--rpc": ["", "a:0", "a b", "a,a"],
    "--worker-timeout": ["999", "x", ""],
    "--base-device": [""],
    "--expert-device": [""],
    "--antiexpert-device": [""],
    "--threads": ["0", "x"],
    "--kv-type": ["q9"],
    "--flash-attention": ["true"],
    "--sampler": ["gpu"],
    "--special-tokens": ["other"],
    "--draft": ["64", "x"],
    "--ngram": ["x", "true", ""],
    "--mode": ["wild"],
    "--temperature": ["-1", "hot", "NaN"],
    "--top-k": ["-1", "1.5"],
    "--top-p": ["0", "1.1"],
    "--min-p": ["-0.1"],
    "--repetition-penalty": ["0"],
    "--presence-penalty": ["101"],
    "--frequency-penalty": ["-101"],
    "--penalty-window": ["-2"],
    "--logit-bias": ["5", "5=1=2", "x=1", "5=x", "5=101", "999=1"],
    "--seed": ["-1", "1.5", "x", "18446744073709551616"],
    "--ordinal": ["-1"],
    "--max-tokens": ["0"],
    "--stop": [""],
    "--logprobs": ["21"],
    "--thinking": ["maybe", ""],
    "--template-option": ["x", "=1", "x=high"],
    "--max-thinking-tokens": ["-1", "1.5", "x"],
    "--answer-start": ["", " "],
    "--reasoning": ["nowhere", ""],
    "--samples": ["0", "x"],
    "--parallel": ["0", "65"],
    "--trio": [""],
    "--base": [""],
    "--expert": [""],
    "--antiexpert": [""]
};

const asGenerate = (flags: string): Readonly<Record<string, readonly string[]>> =>
    Object.fromEntries(flags.split(" ").map((flag) => [flag, ofGenerate[flag]!]));

// Those of an engine.
const engineWrong = asGenerate(
    "--lambda --cache-size --batch-size --gpu-layers --cpu-moe --base-gpu-layers --expert-gpu-layers --antiexpert-gpu-layers --device --rpc --worker-timeout --base-device --expert-device --antiexpert-device --threads --kv-type --flash-attention --sampler --special-tokens --draft --ngram --trio --base --expert --antiexpert"
);

/** Wrong texts, each with what is said of it behind "for --flag, ". Nothing of a flag that takes whatever is typed. */
const wrong: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
    generate: ofGenerate,
    explain: {
        ...Object.fromEntries(
            Object.entries(ofGenerate).filter(
                ([flag]) => !["--mode", "--logprobs", "--reasoning", "--samples", "--parallel"].includes(flag)
            )
        ),
        "--top": ["0", "21", "x"],
        "--parallel": ["0", "65", "x"]
    },
    chat: {
        ...Object.fromEntries(
            Object.entries(ofGenerate).filter(
                ([flag]) => !["--ordinal", "--logprobs", "--answer-start", "--samples", "--parallel"].includes(flag)
            )
        ),
        // Ids beyond the vocabulary are the engine's to tell, once something is asked.
        "--logit-bias": ofGenerate["--logit-bias"]!.filter((text) => text !== "999=1"),
        "--color": ["pink", "true", ""]
    },
    score: {
        ...engineWrong,
        "--context-size": ["0", "1.5"],
        "--parallel": ["0", "65", "x"],
        "--top": ["-1", "21", "x"]
    },
    perplexity: {
        ...engineWrong,
        "--window": ["3", "x", ""],
        "--windows": ["0", "x"],
        "--parallel": ["0", "65", "x"],
        "--top": ["0", "21", "x"]
    },
    serve: {
        ...engineWrong,
        "--context-size": ["0", "1.5"],
        "--parallel": ["0", "65", "x"],
        "--max-queue": ["-1", "x"],
        "--name": ["", "a b", "a:base"],
        "--idle": ["x", "10 minutes", "-1", "21d", ""],
        "--max-loaded": ["0", "x"],
        "--load-wait": ["x", "2h"],
        "--host": [""],
        "--port": ["-1", "65536", "x", ""],
        "--api-key": ["", "a b", "\u00e9"],
        "--cors-origin": ["", "localhost", "http://a/b"],
        "--allow-host": [""],
        "--max-requests": ["0", "x"],
        "--max-choices": ["0", "x"],
        "--max-prompt-tokens": ["0", "x"],
        "--max-tokens": ["0", "x"],
        "--max-body": ["x", "1", "2G", ""],
        "--max-json-depth": ["1", "x"],
        "--max-connections": ["0", "x"],
        "--timeout": ["0", "x", "2d"],
        "--header-timeout": ["0", "x"],
        "--receive-timeout": ["0", "x"],
        "--keep-alive": ["x", "2h"],
        "--stall": ["0", "x"],
        "--max-unread": ["1", "x"],
        "--grace": ["x", "2h"],
        "--log-level": ["loud", ""]
    },
    bench: {
        "--trio": [""],
        "--base": [""],
        "--expert": [""],
        "--antiexpert": [""],
        "--mode": ["wild", "base,wild", ""],
        "--peer": ["nobody"],
        "--prompt": ["-1", "x", "1,,2"],
        "--generate": ["1", "x"],
        "--depth": ["-1"],
        "--sequences": ["0", "65"],
        "--threads": ["0"],
        "--gpu-layers": ["-1", "x"],
        "--kv-type": ["q9"],
        "--lambda": ["11"],
        "--temperature": ["-1"],
        "--top-p": ["0"],
        "--repetitions": ["0"],
        "--loads": ["0", "101", "x"],
        "--wait-quiet": ["0", "x", ""],
        "--batch-size": ["0"],
        "--seed": ["-1", "x", ""],
        "--flash-attention": ["true"],
        "--device": [""],
        "--rpc": ["a:0", ""],
        "--format": ["pdf"]
    },
    demo: { "--problems": ["0", "1001", "x", ""], "--seed": ["-1", "x", ""] },
    models: {},
    pull: { "--connections": ["0", "33", "1.5", "x", ""] },
    graft: { "--threads": ["0", "513", "1.5", "x", ""] },
    quantize: { "--threads": ["0", "513", "1.5", "x", ""], "--tensor-type": ["x", "=q8_0", "attn=", ""] },
    trio: { "--lambda": ["11", "x", ""] },
    trios: {},
    check: {
        "--special-tokens": ["sometimes", ""],
        "--max-tokens": ["0", "x", ""],
        "--gpu-layers": ["-1", "x"],
        "--threads": ["0", "x"]
    },
    plan: {
        "--vram": ["x", "24Q", "12", "24G,12", ""],
        "--ram": ["x", "32", ""],
        "--bandwidth": ["0", "x", ""],
        "--ram-bandwidth": ["0", "x", ""],
        "--agreement": ["2", "x", ""],
        "--rpc": ["a:0", ""],
        "--quantization": ["Q99"],
        "--pair-quantization": ["Q99"],
        "--context-size": ["0", "x"],
        "--parallel": ["0", "65"],
        "--cache-size": ["0", "x"],
        "--batch-size": ["0", "x"],
        "--kv-type": ["q9"],
        "--flash-attention": ["true"],
        "--draft": ["64", "x"]
    },
    eval: {
        ...engineWrong,
        ...asGenerate(
            "--context-size --temperature --top-k --top-p --min-p --repetition-penalty --presence-penalty --frequency-penalty --penalty-window --samples --parallel --thinking --max-thinking-tokens --max-tokens --stop"
        ),
        "--mode": ["wild", "base,wild", ""],
        "--lambda": ["11", "x", "1,,2", ""],
        "--sweep": ["x", "lambda=1:0:1", "lambda=0:1:0", "lambda=0:1000:1", "lambda=0:x:1", "lambda=0:11:1", ""],
        "--reference": [""],
        "--server": ["x", "ftp://x", ""],
        "--concurrency": ["0", "x"],
        "--timeout": ["0", "x"],
        "--retries": ["-1", "x"],
        "--data": [""],
        "--question-field": [""],
        "--answer-field": [""],
        "--limit": ["0", "1.5", "x"],
        "--offset": ["-1", "x"],
        "--shuffle-seed": ["-1", "x"],
        "--style": [""],
        "--shots": ["-1", "x"],
        "--shots-file": [""],
        "--seed": ["-1", "1.5", "x", ""],
        "--record": [""]
    },
    grade: { "--output-field": [""], "--answer-field": [""] },
    lora: { "--rank": ["0", "1.5", "x", ""], "--threads": ["0", "x", ""], "--type": ["q8_0", ""] },
    devices: { "--rpc": ["a:0", ""] },
    worker: {
        "--port": ["65536", "x", ""],
        "--allow": ["x", "10.0.0.0/33", ""],
        "--max-connections": ["0", "x", ""],
        "--memory": ["x", ""],
        "--threads": ["0", "x", ""]
    },
    build: {},
    completion: {},
    man: {}
};

// Switches, files and free text: an empty prompt or a file that is not there is an error of its own.
const engineAnything =
    "--pull --no-mmap --mlock --isolate --no-try-models --no-learned --base-lora --expert-lora --antiexpert-lora".split(
        " "
    );

const anything: Readonly<Record<string, readonly string[]>> = {
    chat: [...engineAnything, ..."--system --no-history --ignore-eos --quiet".split(" ")],
    explain: [
        ...engineAnything,
        ..."--against --pcr --file --chat --system --raw --ignore-eos --html --json --quiet".split(" ")
    ],
    score: [...engineAnything, "--raw", "--tokens", "--json", "--quiet"],
    perplexity: [...engineAnything, "--against", "--json", "--quiet"],
    serve: [...engineAnything, "--lazy", "--api-key-file", "--json", "--quiet"],
    generate:
        "--pull --no-mmap --mlock --isolate --no-try-models --no-learned --ignore-eos --raw --chat --json --stream-json --quiet --file --batch --output --grammar --json-schema --ignore-unsupported --load-state --save-state --system --base-lora --expert-lora --antiexpert-lora".split(
            " "
        ),
    bench: "--pull --no-mmap --no-ideal --compare --prompt-file --output --html --base-lora --expert-lora --antiexpert-lora".split(
        " "
    ),
    demo: ["--trio", "--json"],
    models: "--catalog --folder --json".split(" "),
    pull: "--quantization --pair-quantization --keep-checkpoints --catalog --folder --json --quiet".split(" "),
    graft: "--template --weights --out --type --name --json --quiet".split(" "),
    quantize: "--imatrix --json --quiet".split(" "),
    trio: "--out --name --description --replace".split(" "),
    trios: ["--json"],
    check: "--trio --deep --text --device --strict --json".split(" "),
    plan: "--trio --base --expert --antiexpert --json".split(" "),
    eval: "--against --pull --no-mmap --mlock --isolate --no-try-models --no-learned --base-lora --expert-lora --antiexpert-lora --model --without-stop --repeatable --batched --md --csv --html --json --quiet".split(
        " "
    ),
    grade: ["--answers", "--wrong", "--quiet", "--json"],
    lora: "--out --model --no-measure --text --json".split(" "),
    devices: ["--json"],
    worker: "--host --devices --cache --json --quiet".split(" "),
    build: [],
    completion: [],
    man: []
};

const wrongCases = Object.entries(wrong).flatMap(([command, flags]) =>
    Object.entries(flags).flatMap(([flag, texts]) => texts.map((text) => [command, flag, text] as const))
);

/** Names that only options have. */
const optionNames = /(?<![-\w"])[a-z]+[A-Z]\w*/;

describe("wrong texts", () => {
    test.each(wrongCases)("%s %s %j is named as the flag it came from", async (command, flag, text) => {
        const pair = { "--expert": ["--antiexpert", files.antiexpert], "--antiexpert": ["--expert", files.expert] };
        const others =
            ["devices", "worker", "demo"].includes(command) ||
            command === "grade" ||
            command === "lora" ||
            command === "quantize"
                ? []
                : command === "graft"
                  ? ["--template", files.base, "--weights", "w", "--out", "o.gguf"]
                  : command === "plan"
                    ? [files.trio]
                    : command === "check" && flag !== "--special-tokens"
                      ? ["--trio", files.trio, "--deep"]
                      : flag === "--trio" || command === "pull" || command === "trio"
                        ? []
                        : flag === "--base"
                          ? Object.values(pair).flat()
                          : flag === "--expert" || flag === "--antiexpert"
                            ? ["--base", files.base, ...pair[flag]]
                            : ["--trio", files.trio];
        const isOfServer = command === "eval" && ["--concurrency", "--timeout", "--retries"].includes(flag);
        const ofServer = isOfServer ? ["--server", "http://x:1"] : [];
        const server = ofServer.length > 0 || flag === "--server" ? [...ofServer, "--model", "m"] : [];
        const samples = flag === "--samples" || command !== "generate" ? [] : ["--samples", "1"];
        const operands = {
            generate: ["Hi"],
            score: ["--tokens", files.path("records.jsonl")],
            perplexity: ["--against", files.trio, files.path("text.txt")],
            explain: flag === "--parallel" ? ["--pcr", files.path("records.jsonl")] : ["Hi"],
            grade: ["x.jsonl"],
            pull: ["demo"],
            quantize: ["in.gguf", "out.gguf", "Q8_0"],
            lora: ["extract", files.expert, files.antiexpert, "--out", files.path("lora.gguf")],
            trio: ["init", files.base, files.expert, files.antiexpert]
        };
        const { code, stdout, stderr } = await rast([
            command,
            ...others,
            flag,
            text,
            ...server,
            ...samples,
            ...(Object.hasOwn(operands, command) ? operands[command as "pull"] : [])
        ]);
        expect([code, stdout]).toEqual([2, ""]);
        expect(stderr).toMatch(/^rast: [^\n]+ \[ERR_(INVALID_OPTION|TRIO_FILE)\]\n$/);
        expect(stderr).toMatch(new RegExp(` for (?:the value of )?${flag}[ ,]`));
        expect(stderr).not.toMatch(optionNames);
    });

    test.each(commands.map((command) => [command.name, command] as const))(
        "%s: every flag is tried",
        (name, command) => {
            const flags = Object.values(command.flags).map(longName);
            expect([...Object.keys(wrong[name]!), ...anything[name]!].sort()).toEqual(flags.sort());
            if (name !== "generate" && name !== "bench") return;
            const tried = (name === "generate" ? [...generateLoading, ...request] : bench).flatMap(([args]) => args);
            const others =
                name === "generate"
                    ? [
                          "--pull",
                          "--isolate",
                          "--chat",
                          "--system",
                          "--json",
                          "--thinking",
                          "--template-option",
                          "--max-thinking-tokens",
                          "--answer-start",
                          "--reasoning",
                          "--stream-json",
                          "--quiet",
                          "--file",
                          "--batch",
                          "--output",
                          "--load-state",
                          "--save-state"
                      ]
                    : ["--pull", "--format", "--output", "--html", "--compare"];
            expect(flags.filter((flag) => !tried.includes(flag)).sort()).toEqual(others.sort());
        }
    );
});

describe("every flag is declared once", () => {
    test.each(commands.map((command) => [command.name, command] as const))("in %s", (_, { flags }) => {
        const names = Object.values(flags).flatMap(({ usage }) => usage.match(/(?<=^|, )--?[\w-]+/g) ?? []);
        expect(new Set(names).size).toBe(names.length);
    });

    test("in all of them: one that is written and explained alike is the same", () => {
        const known = new Map<string, unknown>();
        for (const flag of commands.flatMap(({ flags }) => Object.values(flags))) {
            const what = `${flag.usage}: ${flag.description}`;
            expect([what, known.get(what) ?? flag]).toEqual([what, flag]);
            expect(known.has(what) && known.get(what) !== flag).toBe(false);
            known.set(what, flag);
        }
    });
});

describe("help", () => {
    const plain = (text: string): string => text.replace(/\s+/g, " ");

    test.each(commands.map((command) => [command.name, command] as const))(
        "of %s has every flag",
        async (name, command) => {
            const { code, stdout, stderr } = await rast([name, "--help"]);
            expect([code, stderr]).toEqual([0, ""]);
            const operands = command.operands === undefined ? "" : ` ${command.operands.usage}`;
            expect(stdout.split("\n")[0]).toBe(`Usage: rast ${name} [options]${operands}`);
            expect(plain(stdout)).toContain(command.description);
            for (const { usage, description } of Object.values(command.flags)) {
                expect(plain(stdout)).toContain(`${plain(usage)} ${description}`);
            }
            const lines = stdout.split("\n").filter((line) => /^ {2}-/.test(line));
            expect(lines).toHaveLength(Object.keys(command.flags).length + 3);
        }
    );

    test("of a command, to the letter", async () => {
        expect((await rast(["demo", "--help"])).stdout).toBe(`Usage: rast demo [options]

solve small sums with bundled trios: side by side, then accuracies

Options:
  --trio <name>               demo, demo-seed2 or demo-strong alone (default
                              demo beside demo-strong)
  --problems <integer>        held-out problems to solve, at most 1000 (default
                              200)
  --json                      print one JSON object with the accuracies; errors
                              as JSON, too

Sampling:
  --seed <integer>            of all draws (default 1)

General:
  -v, --verbose               say what llama.cpp says, on stderr
  --debug                     the same, and print stack traces
  -h, --help                  show this
`);
    });
});

describe("flags in place of options", () => {
    const names = flagNames(commands.find(({ name }) => name === "generate")!);
    const said = (
        message: string,
        details: object = {},
        code: "ERR_INVALID_OPTION" | "ERR_TRIO_FILE" = "ERR_INVALID_OPTION"
    ) => inFlags(new RastError(code, message, { details: { ...details } }), names);

    test.each([
        ["Expected x for topP, received 3.", "topP", "Expected x for --top-p, received 3.", "--top-p"],
        ["Expected x for lambda[1], received 3.", "lambda[1]", "Expected x for --lambda, received 3.", "--lambda"],
        [
            "Expected x for pairs[1].expert.path, received.",
            "pairs[1].expert.path",
            "Expected x for --expert, received.",
            "--expert"
        ],
        [
            "Expected x for base.gpuLayers, received.",
            "base.gpuLayers",
            "Expected x for --base-gpu-layers, received.",
            "--base-gpu-layers"
        ],
        [
            "Expected x for a key of logitBias, received.",
            "a key of logitBias",
            "Expected x for --logit-bias, received.",
            "--logit-bias"
        ],
        [
            "Expected x for speculation.draft, received.",
            "speculation.draft",
            "Expected x for --draft, received.",
            "--draft"
        ],
        ["Expected x for n, received.", "n", "Expected x for --samples, received.", "--samples"],
        ["Expected x for unheardOf, received.", "unheardOf", "Expected x for unheardOf, received.", "unheardOf"]
    ])("%s", (message, option, expected, flag) => {
        expect(said(message, { option, expected: "x" })).toEqual({
            message: expected,
            details: { option: flag, expected: "x" }
        });
    });

    test.each([
        [
            'Lower gpuLayers or leave it "auto", lower contextSize, parallel or batchSize, or free device memory.',
            'Lower --gpu-layers or leave it "auto", lower --context-size, --parallel or --batch-size, or free device memory.'
        ],
        ["Shorten the prompt or raise contextSize.", "Shorten the prompt or raise --context-size."],
        // Ordinary words stay, and so does what somebody typed.
        ["The base and the expert differ in mode: stop.", "The base and the expert differ in mode: stop."],
        [
            'The file "topP for topP" is none: /tmp/topP/kvType.gguf or topP.gguf.',
            'The file "topP for topP" is none: /tmp/topP/kvType.gguf or topP.gguf.'
        ],
        ['Said \\"topP\\" twice: "a \\" topP".', 'Said \\"topP\\" twice: "a \\" topP".']
    ])("%s", (message, expected) => {
        expect(said(message).message).toBe(expected);
    });

    test("both options of a clash", () => {
        const clash = { option: "grammar", clashesWith: "jsonSchema" };
        expect(said("Expected either grammar or jsonSchema, received both.", clash)).toEqual({
            message: "Expected either --grammar or --json-schema, received both.",
            details: { option: "--grammar", clashesWith: "--json-schema" }
        });
    });

    test("not the keys of a trio file", () => {
        const message = "Expected a number for topP in the trio file, received 3.";
        expect(said(message, { option: "topP" }, "ERR_TRIO_FILE")).toEqual({ message, details: { option: "topP" } });
    });
});
