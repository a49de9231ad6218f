// Flags that are typed in vain: each is told once, on stderr, and those that do something are not.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LoadOptions } from "../../../src/loading/load-options.js";
import type * as Load from "../../../src/loading/load.js";
import { numberFlag } from "../../../src/cli/flag.js";
import { completionFlags, samplingFlags } from "../../../src/cli/flags/sampling.js";
import { rast, type Ran } from "../../support/command-io.js";
import { FakeAddon, fakeNative } from "../../support/fake-addon.js";
import { makeModelFiles, type ModelFiles } from "../../support/model-files.js";

let files: ModelFiles;

vi.mock("../../../src/loading/load.js", async (original) => {
    const load = await original<typeof Load>();
    const chatTemplate = "{{ enable_thinking }}{{ messages[0].content }}";
    const addon = (): FakeAddon => new FakeAddon({ chatTemplate });
    return { ...load, loadRast: (options: LoadOptions) => load.loadRastWith(options, fakeNative(addon())) };
});

beforeEach(async () => {
    files = await makeModelFiles();
});
afterEach(() => files.remove());

async function generate(flags: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
    const models = flags.includes("--base") ? [] : ["--trio", files.trio];
    const given = flags.map((flag) => (flag === "BASE" ? files.base : flag));
    return rast(["generate", ...models, ...given, "--", "Hi"], { env });
}

const notes = ({ stderr }: Ran): string[] => stderr.split("\n").filter((line) => line.startsWith("rast: "));

test.each([
    [["--logprobs", "2"], "--logprobs has no effect without --json or --stream-json."],
    [["--lambda", "0.5", "--mode", "base"], "--lambda has no effect with --mode base."],
    [["--lambda", "0.5", "--mode", "expert"], "--lambda has no effect with --mode expert."],
    [["--draft", "4", "--mode", "base"], "--draft has no effect with --mode base."],
    [["--expert-lora", "BASE", "--mode", "base"], "--expert-lora has no effect with --mode base."],
    [["--antiexpert-lora", "BASE", "--mode", "expert"], "--antiexpert-lora has no effect with --mode expert."],
    [["--base-lora", "BASE", "--mode", "expert"], "--base-lora has no effect with --mode expert."],
    [["--lambda", "0.5", "--base", "BASE"], "--lambda has no effect without --expert and --antiexpert."],
    [["--special-tokens", "same", "--base", "BASE"], "--special-tokens has no effect without --expert and"],
    [["--top-p", "0.5", "--temperature", "0"], "--top-p has no effect with --temperature 0, which takes the likeliest"],
    [["--top-k", "5", "--temperature", "0"], "--top-k has no effect with --temperature 0,"],
    [["--min-p", "0.1", "--temperature", "0"], "--min-p has no effect with --temperature 0,"],
    [["--seed", "5", "--temperature", "0"], "--seed has no effect with --temperature 0,"],
    [["--samples", "2", "--temperature", "0"], "--samples has no effect but the same text again with --temperature 0."],
    [["--ordinal", "1"], "--ordinal has no effect without --seed,"],
    [["--penalty-window", "9", "--base", "BASE"], "--penalty-window has no effect without --repetition-penalty,"],
    [["--raw", "--base", "BASE"], "--raw has no effect without --trio,"],
    [["--raw", "--chat"], "--raw has no effect with --chat,"],
    [["--raw", "--thinking", "off"], "--raw has no effect with --thinking,"],
    [["--reasoning", "stderr", "--json"], "--reasoning has no effect but that of --chat with --json,"],
    [["--ignore-unsupported"], "--ignore-unsupported has no effect without --json-schema."],
    [["--max-thinking-tokens", "9", "--thinking", "off"], "--max-thinking-tokens has no effect with --thinking off."],
    [["--ignore-eos", "--json-schema", "true"], "--ignore-eos has no effect with --json-schema,"],
    [["--parallel", "2"], "--parallel has no effect without --samples or --batch."]
])("%j", async (flags, said) => {
    const ran = await generate(flags);
    expect([ran.code, notes(ran)]).toEqual([0, [expect.stringContaining(said)]]);
    expect(notes(await generate([...flags, "--quiet"]))).toEqual([]);
});

test("two in vain are told one after the other", async () => {
    const ran = await generate(["--temperature", "0", "--seed", "5", "--top-p", "0.5"]);
    expect(notes(ran).map((line) => line.split(" ")[1])).toEqual(["--top-p", "--seed"]);
});

describe("nothing is said", () => {
    test.each([
        [["--logprobs", "2", "--json"]],
        [["--logprobs", "2", "--stream-json"]],
        [["--lambda", "0.5", "--mode", "rast"]],
        [["--mode", "base"]],
        [["--top-p", "0.5", "--temperature", "0.1"]],
        [["--temperature", "0", "--json"]],
        [["--ordinal", "1", "--seed", "2"]],
        [["--penalty-window", "9"]],
        [["--penalty-window", "9", "--base", "BASE", "--presence-penalty", "1"]],
        [["--raw"]],
        [["--parallel", "2", "--samples", "2"]],
        [["--parallel", "1"]],
        [["--max-thinking-tokens", "9"]]
    ])("%j", async (flags) => {
        expect(notes(await generate(flags))).toEqual([]);
    });

    test("of what the file of settings says, as it is for all calls", async () => {
        const settings = await files.write("settings.json", { logprobs: 2, lambda: 0.5, "top-p": 0.5 });
        expect(notes(await generate(["--mode", "base", "--temperature", "0"], { RAST_CONFIG: settings }))).toEqual([]);
        const cause = await files.write("settings.json", { temperature: 0 });
        expect(notes(await generate(["--seed", "1"], { RAST_CONFIG: cause }))).toHaveLength(1);
    });

    test("of flags that lines of a batch may have other values beside", async () => {
        const batch = await files.write("p.jsonl", '{"prompt": "x", "temperature": 1, "mode": "rast"}\n');
        const flags = ["--batch", batch, "--temperature", "0", "--seed", "1", "--mode", "base", "--lambda", "1"];
        const { code, stderr } = await rast(["generate", "--trio", files.trio, ...flags, "--parallel", "2"]);
        expect([code, stderr]).toEqual([0, ""]);
    });
});

test("the same file as expert and antiexpert is told", async () => {
    const flags = ["--expert", files.expert, "--antiexpert", files.expert];
    expect(notes(await generate(flags))).toEqual([
        "rast: The expert and the antiexpert are the same file: their delta is zero, and texts are the base's own."
    ]);
    const two = [...flags, "--expert", files.expert, "--antiexpert", files.antiexpert];
    expect(notes(await generate(["--base", "BASE", ...two]))).toEqual([
        "rast: The expert and the antiexpert are the same file: their delta is zero, and the pair adds nothing."
    ]);
});

test.each([
    [["--compare", "-p", "5", "--trio", "x", "a.json", "b.json"], ["--trio", "--prompt"], "--compare"],
    [["--seed", "5", "-o", "csv", "a.json"], ["--seed"], "a record"],
    [["--trio", "none", "--mode", "base", "--lambda", "1"], ["--lambda"], "--mode base"],
    [["--trio", "none", "--temperature", "0", "--top-p", "0.5"], ["--top-p"], "--temperature 0"],
    [["--trio", "none", "--temperature", "0,1", "--top-p", "0.5", "--lambda", "1"], [], ""]
])("bench %j", async (args, flags, cause) => {
    const said = notes(await rast(["bench", ...args])).filter((line) => line.includes("no effect"));
    expect(said).toEqual(flags.map((flag) => `rast: ${flag} has no effect with ${cause}.`));
});

describe("commands that ask for scores", () => {
    let texts: string;
    let records: string;
    const idle = async (...args: readonly string[]): Promise<string[]> =>
        notes(await rast(args)).filter((line) => line.includes("no effect"));
    const base = (): string[] => ["--base", files.base];
    beforeEach(async () => {
        texts = await files.write("texts.jsonl", '{"text": "a b"}');
        records = await files.write("records.jsonl", '{"prompt": "a", "completion": "b"}');
    });

    test.each([
        [
            ["--temperature", "0", "--top-p", "0.5"],
            ["--top-p has no effect with --temperature 0, which takes the like"]
        ],
        [["--ordinal", "1"], ["--ordinal has no effect without --seed, "]],
        [
            ["--thinking", "off", "--max-thinking-tokens", "9"],
            ["--max-thinking-tokens has no effect with --thinking off"]
        ],
        [["--raw", "--chat"], ["--raw has no effect with --chat, "]],
        [["--temperature", "0.5", "--top-p", "0.5", "--seed", "2", "--ordinal", "1", "--top", "3"], []]
    ])("explain %j", async (flags, said) => {
        expect(await idle("explain", "--trio", files.trio, ...flags, "--", "Hi")).toEqual(
            said.map((one) => expect.stringContaining(one) as string)
        );
        expect(await idle("explain", "--trio", files.trio, ...flags, "-q", "--", "Hi")).toEqual([]);
    });

    test("explain --pcr with each flag of a generation", async () => {
        const { maxTokens, stop, ignoreEos } = completionFlags;
        const all = { maxTokens, stop, ignoreEos, ...samplingFlags, top: numberFlag("--top <integer>", "") };
        const value = (usage: string): string => (usage.includes("id=value") ? "1=2" : "1");
        for (const { usage } of Object.values(all)) {
            const [name, ...takes] = usage.split(" ");
            const flags = [name!, ...takes.map(() => value(usage))];
            const found = await idle("explain", "--trio", files.trio, "--pcr", texts, ...flags);
            expect(found).toEqual([`rast: ${name!} has no effect with --pcr, as nothing is generated.`]);
            expect(await idle("explain", "--trio", files.trio, "--pcr", texts, ...flags, "--quiet")).toEqual([]);
        }
        expect(await idle("explain", "--trio", files.trio, "--pcr", texts, "--raw", "--parallel", "2")).toEqual([]);
        expect(await idle("explain", ...base(), "--pcr", texts, "--raw")).toEqual([
            expect.stringContaining("--raw has")
        ]);
        expect(await idle("explain", ...base(), "--pcr", texts, "--raw", "--against", files.trio)).toEqual([]);
    });

    test("perplexity", async () => {
        const perplexity = ["perplexity", "--trio", files.trio, texts];
        expect(await idle(...perplexity, "--top", "5")).toEqual(["rast: --top has no effect without --against."]);
        expect(await idle(...perplexity, "--top", "5", "--quiet")).toEqual([]);
        expect(await idle(...perplexity, "--top", "5", "--against", files.base)).toEqual([]);
        const lambda = ["perplexity", ...base(), texts, "--lambda", "0.5"];
        expect(await idle(...lambda, "--against", files.base)).toEqual([expect.stringContaining("--lambda has no")]);
        expect(await idle(...lambda, "--against", files.trio)).toEqual([]);
    });

    test("score", async () => {
        expect(await idle("score", ...base(), records, "--raw", "--lambda", "1", "--draft", "4")).toEqual([
            expect.stringContaining("--lambda has no effect without --expert"),
            expect.stringContaining("--raw has no effect without --trio")
        ]);
        expect(await idle("score", ...base(), records, "--raw", "--quiet")).toEqual([]);
        expect(await idle("score", "--trio", files.trio, records, "--raw", "--lambda", "1")).toEqual([]);
    });
});
