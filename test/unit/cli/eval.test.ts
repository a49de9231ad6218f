// The command without models: what is made of flags, what is printed where, and one line for what is wrong.
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type * as Evaluate from "../../../src/eval/evaluate.js";
import type { EvalReport } from "../../../src/eval/metrics/report.js";
import type { EvaluateOptions } from "../../../src/eval/options.js";
import { promptTooLong } from "../../../src/engine/generate-options.js";
import { RastError } from "../../../src/errors.js";
import { CommandProcess, rast } from "../../support/command-io.js";
import { run } from "../../../src/cli/run.js";
import { evalEngines } from "../../support/eval-engines.js";
import { StandInHub } from "../../support/stand-in-hub.js";

let folder: string;
let data: string;
let asked: EvaluateOptions | undefined;
let answer: () => string | Promise<string>;

vi.mock("../../../src/eval/evaluate.js", async (original) => {
    const { evaluateWith } = await original<typeof Evaluate>();
    return {
        evaluate: (options: EvaluateOptions) => {
            asked = options;
            return evaluateWith(
                options,
                evalEngines(() => answer())
            );
        }
    };
});

beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rast-eval-"));
    data = join(folder, "some.jsonl");
    await writeFile(data, '{"question": "?", "answer": 8}\n'.repeat(3));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => {
    asked = undefined;
    answer = () => "\\boxed{8}";
});

const base = ["--base", "b.gguf"];
const common = (): string[] => ["eval", ...base, "--data", data];
const optionsOf = async (...args: readonly string[]): Promise<EvaluateOptions> => {
    await rast(["eval", ...args]);
    const { signal, onProgress, ...options } = asked!;
    expect([typeof signal, typeof onProgress]).toEqual(["object", "function"]);
    return options;
};

describe("flags", () => {
    test.each<[args: string, options: object]>([
        ["--lambda 0.5,1", { lambda: [0.5, 1] }],
        ["--sweep lambda=0:0.3:0.1", { lambda: [0, 0.1, 0.2, 0.3] }],
        ["--sweep lambda=0.5:1:0.3", { lambda: [0.5, 0.8] }],
        ["--mode base,rast", { modes: ["base", "rast"] }],
        ["--reference r.gguf", { reference: "r.gguf" }],
        ["--server http://x:1 --model m", { server: { url: "http://x:1", model: "m" } }],
        [
            "--server http://x:1 --model m --concurrency 3 --timeout 5 --retries 0",
            { server: { url: "http://x:1", model: "m", concurrency: 3, timeoutSeconds: 5, retries: 0 } }
        ],
        ["--question-field q --answer-field a", { questionField: "q", answerField: "a" }],
        ["--limit 5 --offset 2 --shuffle-seed 3 --samples 4", { limit: 5, offset: 2, shuffleSeed: 3, samples: 4 }],
        ["--style abel --shots 2 --shots-file s.jsonl", { style: "abel", shots: 2, shotsFile: "s.jsonl" }],
        ["--thinking off --max-thinking-tokens 9", { thinking: false, maxThinkingTokens: 9 }],
        ["--max-tokens 9 --stop a --stop b", { maxTokens: 9, stop: ["a", "b"] }],
        ["--without-stop", { stop: [] }],
        [
            "--temperature 0 --top-k 3 --top-p 0.5 --min-p 0.1",
            { sampling: { temperature: 0, topK: 3, topP: 0.5, minP: 0.1 } }
        ],
        [
            "--repetition-penalty 1.1 --presence-penalty 1 --frequency-penalty 1 --penalty-window 9",
            { sampling: { repetitionPenalty: 1.1, presencePenalty: 1, frequencyPenalty: 1, penaltyWindow: 9 } }
        ],
        ["--seed 7 --parallel 3", { seed: 7, parallel: 3 }],
        ["--repeatable", { repeatable: true }],
        ["--batched", { repeatable: false }],
        ["--record r.jsonl", { record: "r.jsonl" }]
    ])("%s", async (args, options) => {
        // What follows is an error: nothing is asked.
        const found = await optionsOf(...base, "--data", "nowhere.jsonl", ...args.split(" "));
        expect(found).toEqual({ models: [{ base: { path: "b.gguf" } }], data: "nowhere.jsonl", ...options });
    });

    test.each<[args: string, models: object[] | undefined]>([
        ["", [{ trio: "demo" }]],
        ["--threads 1", [{ trio: "demo", threads: 1 }]],
        ["--against demo-strong", [{ trio: "demo" }, { trio: "demo-strong" }]],
        [
            "--trio demo --against a --against b --threads 1",
            [
                { trio: "demo", threads: 1 },
                { trio: "a", threads: 1 },
                { trio: "b", threads: 1 }
            ]
        ],
        ["--base b.gguf --against a", [{ base: { path: "b.gguf" } }, { trio: "a" }]],
        ["--trio demo --gpu-layers 0 --isolate", [{ trio: "demo", gpuLayers: 0, isolate: true }]],
        ["--trio demo --expert e.gguf", [{ trio: "demo", expert: { path: "e.gguf" } }]],
        ["--server http://x:1 --model m", undefined]
    ])("models of %j", async (args, models) => {
        const words = args === "" ? [] : args.split(" ");
        expect((await optionsOf(...words, "--data", "nowhere.jsonl")).models).toEqual(models);
    });
});

test("a data set by its name comes from the hub", async () => {
    const hub = await StandInHub.start();
    try {
        const rows = [8, 9].map((answer, at) => JSON.stringify({ id: at, problem: `${at}?`, answer }));
        hub.add("datasets/HuggingFaceTB/math_tasks/data/amc23/test.jsonl", Buffer.from(rows.join("\n")));
        vi.stubEnv("HF_ENDPOINT", hub.endpoint);
        const { code, stdout } = await rast(["eval", ...base, "--data", "amc23", "--json"]);
        expect(code).toBe(0);
        const { data: found, contestants, notes } = JSON.parse(stdout) as EvalReport;
        expect([found.name, found.asked, contestants[0]!.accuracy.correct]).toEqual(["amc23", 2, 1]);
        expect(notes).toEqual(["amc23 has 2 problems here, and 40 as it is known."]);
    } finally {
        vi.unstubAllEnvs();
        await hub.stop();
    }
});

describe("output", () => {
    test("tables on stdout, and every file that was asked for", async () => {
        const path = (name: string): string => join(folder, name);
        const files = [
            "--md",
            path("a.md"),
            "--csv",
            path("a.csv"),
            "--html",
            path("a.html"),
            "--record",
            path("a.jsonl")
        ];
        const { code, stdout, stderr } = await rast([...common(), ...files]);
        expect([code, stderr]).toEqual([0, ""]);
        expect(stdout).toMatch(/^some\.jsonl: 3 problems, one sample each/);
        expect(stdout).toMatch(/\| base \| 100\.0% \[/);
        expect(await readFile(path("a.md"), "utf8")).toBe(stdout);
        expect(await readFile(path("a.csv"), "utf8")).toMatch(/^contestant,/);
        expect(await readFile(path("a.html"), "utf8")).toMatch(/^<!DOCTYPE html>/);
        const shown = await rast(["eval", path("a.jsonl"), "--json"]);
        expect(JSON.parse(shown.stdout)).toMatchObject({ contestants: [{ label: "base", accuracy: { correct: 3 } }] });
        expect(asked).toBeDefined();
        asked = undefined;
        const noted = await rast(["eval", path("a.jsonl"), "--samples", "3"]);
        expect(noted.stderr).toBe("rast: --samples has no effect with a record.\n");
        expect(asked).toBeUndefined();
    });

    test("one object with --json", async () => {
        const { stdout } = await rast([...common(), "--json"]);
        expect(JSON.parse(stdout)).toMatchObject({ format: "rast-eval-report/1", contestants: [{ label: "base" }] });
    });
});

test.each([
    ["--html", "--record", /Two outputs are the same file/],
    ["--csv", "--md", /Two outputs are the same file/],
    ["--md", "--data", /Input and output are the same file/]
])("%s is not %s", async (output, other, words) => {
    const path = other === "--data" ? data : join(folder, "both");
    const flags = other === "--data" ? [] : [other, path];
    const { code, stdout, stderr } = await rast([...common(), ...flags, output, path]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(words);
    expect(asked).toBeUndefined();
});

test.runIf(process.platform !== "win32")("two outputs are not the same file by way of a link to a folder", async () => {
    await mkdir(join(folder, "real"), { recursive: true });
    await symlink(join(folder, "real"), join(folder, "linked"));
    const { code, stderr } = await rast([
        ...common(),
        "--md",
        join(folder, "real", "o"),
        "--csv",
        join(folder, "linked", "o")
    ]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/Two outputs are the same file/);
    expect(asked).toBeUndefined();
});

test.each<[flags: string[], input: string]>([
    [["--base", "x.gguf"], "x.gguf"],
    [["--base", "b.gguf", "--reference", "x.gguf"], "x.gguf"],
    [["--base", "b.gguf", "--expert", "e.gguf", "--antiexpert", "x.gguf"], "x.gguf"],
    [["--base", "b.gguf", "--expert", "x.gguf", "--antiexpert", "a.gguf"], "x.gguf"],
    [["--base", "b.gguf", "--base-lora", "x.gguf=0.5"], "x.gguf"],
    [["--base", "b.gguf", "--base-lora", "lora"], "lora/adapter_config.json"],
    [["--trio", "t.json"], "t.json"],
    [["--trio", "t.json"], "of-trio-b.gguf"],
    [["--trio", "t.json"], "of-trio-a.gguf"],
    [["--base", "b.gguf", "--against", "t.json"], "of-trio-e.gguf"],
    [["--base", "b.gguf", "--against", "t.json"], "t.json"],
    [["--base", "part-00001-of-00002.gguf"], "part-00002-of-00002.gguf"],
    [["--base", "b.gguf", "--reference", "part-00001-of-00002.gguf"], "part-00002-of-00002.gguf"]
])("outputs of %j do not take the place of %s", async (flags, input) => {
    const place = (name: string): string => join(folder, "lost", name);
    await mkdir(place("lora"), { recursive: true });
    const models = ["of-trio-b.gguf", "of-trio-e.gguf", "of-trio-a.gguf"];
    const parts = ["part-00001-of-00002.gguf", "part-00002-of-00002.gguf"];
    for (const name of ["x.gguf", "lora/adapter_config.json", ...models, ...parts])
        await writeFile(place(name), "kept");
    const [base, expert, antiexpert] = models;
    await writeFile(place("t.json"), JSON.stringify({ name: "t", base, expert, antiexpert, lambda: 1 }));
    const before = await readFile(place(input), "utf8");
    const placed = flags.map((one) => (one.startsWith("--") ? one : place(one)));
    for (const output of ["--md", "--csv", "--html"]) {
        const { code, stdout, stderr } = await rast(["eval", "--data", data, ...placed, output, place(input)]);
        expect([code, stdout]).toEqual([2, ""]);
        expect(stderr).toMatch(/Input and output are the same file/);
    }
    expect(await readFile(place(input), "utf8")).toBe(before);
    expect(asked).toBeUndefined();
});

describe("an interruption", () => {
    test.each([
        ["--record", "i.jsonl", /^rast: \d of 3 samples are done; the same command goes on there\.\n$/],
        ["--seed", "1", /^rast: \d of 3 samples are done; with --record FILE nothing of it would be lost\.\n$/]
    ])("with %s %s", async (flag, value, words) => {
        const io = new CommandProcess();
        answer = async () => {
            io.send("SIGINT");
            await new Promise((resolve) => setTimeout(resolve, 20));
            return "\\boxed{8}";
        };
        const code = await run([...common(), flag, flag === "--record" ? join(folder, value) : value], io);
        expect([code, io.written.stdout]).toEqual([130, ""]);
        expect(io.written.stderr).toMatch(words);
        expect(io.listeners()).toBe(0);
    });
});

describe("what is wrong is one line", () => {
    test.each<[args: string[], code: number, words: RegExp]>([
        [["--data", "nowhere"], 2, /There is no data set "nowhere".*\[ERR_DATA_SET\]/],
        [
            ["--base", "b.gguf"],
            2,
            /Nothing to ask: expected a set such as math500, or a file, for --data\. \[ERR_DATA_SET\]/
        ],
        [["--lambda", "1", "--sweep", "lambda=0:1:0.5"], 2, /Expected either --lambda or --sweep/],
        [["--stop", "a", "--without-stop"], 2, /Expected either --stop or --without-stop/],
        [["--repeatable", "--batched"], 2, /Expected either --repeatable or --batched/],
        [["--model", "m"], 2, /Expected an address for --server: --model say/],
        [["--timeout", "5"], 2, /Expected an address for --server: --timeout say/],
        [["--server", "http://x:1"], 2, /Expected the name of a model there for --model, beside its address\. /],
        [["--data", "sums", "--shots", "3"], 2, /Expected a data file for --shots-file: shots are taken from one\. /],
        [["--server", "x", "--model", "m"], 2, /Expected an address such as .* for --server/],
        [["--csv", "-"], 2, /"-" stands for no file here; what goes to stdout needs no file\. \[ERR_INVALID_OPTION\]/],
        [["--html", "/nowhere/a.html"], 2, /folder of .* does not exist/],
        [["nowhere.jsonl"], 2, /record does not exist.*\[ERR_FILE_NOT_FOUND\]/]
    ])("%j", async (args, code, words) => {
        const { stdout, stderr, ...ran } = await rast(["eval", ...args]);
        expect([ran.code, stdout]).toEqual([code, ""]);
        expect(stderr).toMatch(words);
        expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    });

    test.each<[content: string, words: RegExp, flags?: string[]]>([
        ["", /There are no problems in .*: it is empty/],
        [`${'{"question": "?", "answer": 1}\n'.repeat(6)}{"question"\n`, /Line 7 of bad\.jsonl is not JSON/],
        ['{"text": "?", "answer": 1}\n', /Line 1 of bad\.jsonl has no question .* Name it with --question-field\./],
        ['{"question": "?", "answer": null}\n', /Line 1 of bad\.jsonl: its "answer" is null\. /],
        ['{"question": null, "answer": 1}\n', /Line 1 of bad\.jsonl: its "question" is null\. /],
        ['{"question": "?"}\n', /has no answer .* Name it with --answer-field\./],
        ['{"question": "?", "answer": 1}\n', /has no "gold"/, ["--answer-field", "gold"]]
    ])("data %j", async (content, words, flags = []) => {
        const bad = join(folder, "bad.jsonl");
        await writeFile(bad, content);
        const { code, stdout, stderr } = await rast(["eval", ...base, "--data", bad, ...flags]);
        expect([code, stdout]).toEqual([2, ""]);
        expect(stderr).toMatch(words);
        expect(stderr).toContain("[ERR_DATA_SET]");
        expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    });

    test("data that has a head alone", async () => {
        const file = join(folder, "head.csv");
        await writeFile(file, "question,answer\n");
        const { code, stderr } = await rast(["eval", ...base, "--data", file]);
        expect(code).toBe(2);
        expect(stderr).toMatch(/There are no problems in head\.csv: it has a head alone\./);
    });

    test("what could not be asked at all has no figures: exit code 1, and why", async () => {
        answer = () => {
            throw promptTooLong(9, 8);
        };
        const { code, stdout, stderr } = await rast(common());
        expect(code).toBe(1);
        expect(stdout).toContain("not asked");
        const why =
            "Nothing could be asked of base, and counts as wrong: The prompt has 9 tokens; the context holds 8. " +
            "Shorten the prompt, or raise --context-size where the models hold more.";
        expect(stderr).toBe(`rast: ${why}\n`);
        expect(stdout).toContain(why);
        let at = 0;
        answer = () => {
            if (at++ > 0) return "8";
            throw new RastError("ERR_PROMPT_TOO_LONG", "too long");
        };
        const some = await rast([...common(), "--json"]);
        expect([some.code, some.stderr]).toEqual([0, ""]);
        expect(JSON.parse(some.stdout)).toMatchObject({
            notes: ["1 of 3 samples could not be asked of base, and counts as wrong: too long"]
        });
    });

    test("a failure of the machine is exit code 1, and JSON with --json", async () => {
        answer = () => {
            throw new RastError("ERR_DECODE", "no");
        };
        const { code, stderr } = await rast([...common(), "--json"]);
        expect(code).toBe(1);
        expect(JSON.parse(stderr)).toMatchObject({ error: { code: "ERR_DECODE" } });
    });
});
