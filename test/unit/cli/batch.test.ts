// `rast generate --batch` over a fake addon: what lines it takes, what it writes, and what a second run makes of a first that
// was cut at any byte.
import { readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { run } from "../../../src/cli/run.js";
import type { LoadOptions } from "../../../src/loading/load-options.js";
import type * as Load from "../../../src/loading/load.js";
import { CommandProcess, rast, type IoSettings, type Ran } from "../../support/command-io.js";
import { FakeAddon, fakeNative } from "../../support/fake-addon.js";
import { makeModelFiles, type ModelFiles } from "../../support/model-files.js";

let files: ModelFiles;
let addon: FakeAddon;

vi.mock("../../../src/loading/load.js", async (original) => {
    const load = await original<typeof Load>();
    return { ...load, loadRast: (options: LoadOptions) => load.loadRastWith(options, fakeNative(addon)) };
});

beforeEach(async () => {
    files = await makeModelFiles();
    addon = new FakeAddon();
});
afterEach(() => files.remove());

interface Line {
    readonly index: number;
    readonly id?: string | number;
    readonly request: Record<string, unknown>;
    readonly result?: { readonly text: string; readonly seed: number; readonly stopReason: string };
    readonly error?: { readonly code: string; readonly message: string };
}

const linesOf = (text: string): Line[] =>
    text
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Line);

const batch = (file: string, flags: readonly string[] = [], settings: IoSettings = {}): Promise<Ran> =>
    rast(["generate", "--trio", files.trio, "--batch", file, ...flags], settings);

async function prompts(content: string, name = "prompts.jsonl"): Promise<string> {
    return files.write(name, content);
}

describe("a file of prompts", () => {
    test("of text has a prompt a line; empty ones are passed over", async () => {
        const { code, stdout, stderr } = await batch(await prompts("\uFEFFone\r\n\n  \n two \nthree", "p.txt"));
        expect([code, stderr]).toEqual([0, ""]);
        const lines = linesOf(stdout);
        expect(lines.map(({ index, request }) => [index, request])).toEqual([
            [0, { prompt: "one" }],
            [1, { prompt: " two " }],
            [2, { prompt: "three" }]
        ]);
        expect(lines.every(({ result }) => result!.text === "Hello, world")).toBe(true);
        expect(addon.configs).toHaveLength(1);
        expect(addon.configs[0]!.slots).toBe(3);
    });

    test("of JSON lines has texts, or objects with a name and options, which come before the flags", async () => {
        const requests = [
            { id: "a", prompt: "x", seed: 7 },
            { id: 2, tokens: [1, 2] },
            { messages: [{ role: "user", content: "q" }], maxTokens: 1 }
        ];
        addon = new FakeAddon({ chatTemplate: "{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}" });
        const file = await prompts(['"plain"', ...requests.map((one) => JSON.stringify(one))].join("\n"));
        const { code, stdout } = await batch(file, ["--seed", "5", "--system", "Be brief."]);
        const lines = linesOf(stdout);
        expect(code).toBe(0);
        expect(lines.map(({ id }) => id)).toEqual([undefined, "a", 2, undefined]);
        expect(lines.map(({ result }) => result!.seed)).toEqual([5, 7, 5, 5]);
        expect(lines.map(({ request }) => request)).toEqual([
            { prompt: "plain" },
            { prompt: "x", seed: 7 },
            { tokens: [1, 2] },
            { messages: [{ role: "user", content: "q" }], maxTokens: 1 }
        ]);
        const texts = addon.tokenized.map(({ text }) => text);
        expect(texts).toEqual(["system:Be brief.;user:plain;", "system:Be brief.;user:x;", "user:q;"]);
    });

    test("a constraint of a line stands for that of the flags", async () => {
        await files.write("g.gbnf", 'root ::= "x"');
        const file = await prompts('{"prompt": "a", "jsonSchema": {"type": "null"}}\n"b"\n');
        expect(await batch(file, ["--grammar", files.path("g.gbnf")])).toMatchObject({ code: 0, stderr: "" });
    });

    test.each([
        ['"a"\n{"prompt": ', "Line 2 of ", "is not JSON"],
        ["5", "Line 1 of ", "is neither a string nor an object"],
        ["null", "Line 1 of ", "is neither a string nor an object"],
        ['{"prompt": "a", "temprature": 1}', "Line 1 of ", 'unknown key "temprature". Did you mean temperature?'],
        ['{"prompt": "a", "max_tokens": 1}', "Line 1 of ", 'unknown key "max_tokens". Did you mean maxTokens?'],
        ['{"prompt": "a", "signal": 1}', "Line 1 of ", 'unknown key "signal"'],
        ['{"id": 1}', "Line 1 of ", "received none"],
        ['{"prompt": "a", "tokens": [1]}', "Line 1 of ", "received prompt and tokens"],
        ['{"prompt": "a", "id": {}}', "Line 1 of ", "its id is neither text nor a number"],
        ["\n\n", "There is no prompt in ", "prompts.jsonl"],
        ['"a"\n{"prompt": "b", "temperature": -1}', "Line 2 of ", "in [0, 100] for temperature, received -1"],
        ['"a"\n{"prompt": ""}', "Line 2 of ", "The prompt is empty"],
        ['"a"\n\n{"prompt": "b", "mode": "wild"}', "Line 3 of ", 'one of "rast", "base", "expert" for mode'],
        ['{"prompt": "b", "lambda": [1, 2]}', "Line 1 of ", "one number per pair (1)"],
        ['{"tokens": [1], "maxThinkingTokens": 1}', "Line 1 of ", "messages or a prompt beside maxThinkingTokens"],
        ['{"messages": [{"content": "x"}]}', "Line 1 of ", "a string for messages[0].role"],
        ['{"messages": []}', "Line 1 of ", "at least one message"],
        ['{"prompt": "b", "jsonSchema": {"type": "strin"}}', "Line 1 of ", '"strin"'],
        ['{"prompt": "b", "grammar": "", "jsonSchema": true}', "Line 1 of ", "either grammar or jsonSchema"],
        ['{"prompt": "b", "speculation": {"draft": 999}}', "Line 1 of ", "for speculation.draft, received 999"]
    ])("that is wrong is refused before anything is loaded: %j", async (content, ...said) => {
        const { code, stdout, stderr } = await batch(await prompts(content));
        expect([code, stdout]).toEqual([2, ""]);
        for (const words of said) expect(stderr).toContain(words);
        expect(addon.configs).toEqual([]);
    });

    test("a wrong flag is named as such, and no line is blamed", async () => {
        const { code, stderr } = await batch(await prompts('"a"'), ["--temperature", "-1"]);
        expect([code, stderr]).toEqual([2, expect.stringMatching(/^rast: Expected .* for --temperature, received -1/)]);
        expect(addon.configs).toEqual([]);
    });

    test.each([
        ["list.json", '[\n  "one",\n  {"id": 7,\n   "prompt": "two"}\n]\n'],
        ["lines.json", '"one"\n{"id": 7, "prompt": "two"}\n'],
        ["LIST.JSON", '\uFEFF["one", {"id": 7, "prompt": "two"}]']
    ])("of JSON may be a list (%s)", async (name, content) => {
        const { code, stdout, stderr } = await batch(await prompts(content, name));
        expect([code, stderr]).toEqual([0, ""]);
        expect(linesOf(stdout).map(({ id, request }) => [id, request.prompt])).toEqual([
            [undefined, "one"],
            [7, "two"]
        ]);
    });

    test("of JSON may be one prompt over several lines", async () => {
        const { stdout } = await batch(await prompts('{\n  "prompt": "one"\n}\n', "one.json"));
        expect(linesOf(stdout).map(({ request }) => request)).toEqual([{ prompt: "one" }]);
    });

    test("a list's entries are named by number", async () => {
        for (const content of ['["a", {"promt": "b"}]', '["a", {"prompt": "b", "topP": 2}]']) {
            const { code, stderr } = await batch(await prompts(content, "list.json"));
            expect([code, stderr]).toEqual([2, expect.stringContaining("Entry 2 of ")]);
        }
        for (const [content, entry] of [
            ['[{"prompt": "6+7"}, "1+1", 3]', "Entry 3 of "],
            ['["a", null]', "Entry 2 of "],
            ["[[1]]", "Entry 1 of "]
        ] as const) {
            expect((await batch(await prompts(content, "list.json"))).stderr).toContain(entry);
        }
        expect((await batch(await prompts("[1]", "list.json"))).stderr).toContain("is neither a string nor an object");
    });

    test("of text that looks like JSON comes with a note", async () => {
        for (const content of ['{"prompt": "one"}\n', '["one",\n"two"]', '\n\n{"id": 1, "prompt": "x"}']) {
            const { code, stderr } = await batch(await prompts(content, "p.txt"));
            expect([code, stderr]).toEqual([
                0,
                expect.stringMatching(/^rast: .*p\.txt looks like JSON and is read as text/)
            ]);
        }
        const quiet = await batch(await prompts('{"prompt": "one"}\n', "p.txt"), ["--quiet"]);
        expect(quiet.stderr).toBe("");
        expect((await batch(await prompts("{not JSON}\n[x]", "p.txt"))).stderr).toBe("");
    });

    test("on standard input is text, or JSON lines where the first looks like that", async () => {
        const text = await batch("-", [], { input: "one\n\n{two\n" });
        expect(linesOf(text.stdout).map(({ request }) => request)).toEqual([{ prompt: "one" }, { prompt: "{two" }]);
        for (const input of [
            '"one"\n{"id": 7, "prompt": "two"}',
            '{"prompt": "one"}\r\n\n{"id": 7, "prompt": "two"}\n'
        ]) {
            const { code, stdout } = await batch("-", [], { input });
            expect(code).toBe(0);
            expect(linesOf(stdout).map(({ id, request }) => [id, request.prompt])).toEqual([
                [undefined, "one"],
                [7, "two"]
            ]);
        }
        const wrong = await batch("-", [], { input: '{"prompt": "one"}\ntwo' });
        expect([wrong.code, wrong.stderr]).toEqual([
            2,
            expect.stringContaining("Line 2 of standard input is not JSON")
        ]);
        expect((await batch("-")).stderr).toContain("There is no prompt in standard input");
    });

    test("on standard input is not waited for at a terminal", async () => {
        const { code, stderr } = await batch("-", [], { terminal: true });
        expect([code, stderr]).toEqual([
            2,
            expect.stringContaining("--batch - reads standard input, which is a terminal")
        ]);
    });

    test("with a line that is no text names the line", async () => {
        const bytes = Buffer.concat([
            Buffer.from('"\u00e4"\n"b"\n'),
            Buffer.from([0x22, 0xe4, 0x22]),
            Buffer.from('\n"d"')
        ]);
        await writeFile(files.path("latin1.jsonl"), bytes);
        expect((await batch(files.path("latin1.jsonl"))).stderr).toContain("is not UTF-8 text: see line 3.");
        expect((await batch("-", [], { input: bytes })).stderr).toContain(
            "Standard input is not UTF-8 text: see line 3."
        );
    });

    test.each([
        ["x"],
        ["--file", "x"],
        ["--samples", "2"],
        ["--load-state", "x"],
        ["--save-state", "x"],
        ["--stream-json"]
    ])("does not go with %j %s", async (...flags) => {
        const { code, stderr } = await batch(await prompts('"a"'), flags);
        expect([code, stderr]).toEqual([2, expect.stringMatching(/either .* or --batch, received both/)]);
    });

    test("--output without it is refused", async () => {
        const { stderr } = await rast(["generate", "--trio", files.trio, "--output", "x", "Hi"]);
        expect(stderr).toContain("--output is where lines of --batch go");
    });
});

describe("what fails", () => {
    test("a prompt that is wrong has an error in its line, and the rest go on", async () => {
        const long = JSON.stringify({ prompt: "b", tokens: undefined, logitBias: { 999: 1 } });
        const file = await prompts(`"a"\n${long}\n{"tokens": [999]}\n"d"`);
        const { code, stdout, stderr } = await batch(file);
        expect([code, stderr]).toEqual([1, "rast: 2 of 4 prompts failed\n"]);
        expect(linesOf(stdout).map(({ error }) => error?.code)).toEqual([
            undefined,
            "ERR_INVALID_OPTION",
            "ERR_INVALID_OPTION",
            undefined
        ]);
    });

    test("an engine that fails ends it, and the lines before stay", async () => {
        addon = new FakeAddon({ failAtStep: 2, failOrdinal: 3 });
        const out = files.path("out.jsonl");
        const file = await prompts(['"a"', '"b"', '{"prompt": "c", "ordinal": 3}', '"d"', '"e"'].join("\n"));
        const { code, stderr } = await batch(file, ["--output", out, "--parallel", "1"]);
        const left = "rast: 2 of 5 prompts are done; the same command goes on there\n";
        expect([code, stderr]).toEqual([1, `${left}rast: The decode failed. [ERR_DECODE]\n`]);
        expect(linesOf(await readFile(out, "utf8")).map(({ index }) => index)).toEqual([0, 1]);
        expect(addon.liveEngines()).toBe(0);
        addon = new FakeAddon();
        expect((await batch(file, ["--output", out])).code).toBe(0);
        expect(linesOf(await readFile(out, "utf8")).map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    });

    test("an output that cannot be written is told before anything is loaded", async () => {
        const file = await prompts('"a"');
        for (const out of [files.path("none/out"), files.folder]) {
            expect((await batch(file, ["--output", out])).stderr).toMatch(/\[ERR_(FILE_UNWRITABLE|IS_DIRECTORY)\]/);
        }
        expect(addon.configs).toEqual([]);
    });

    test.each([
        ["SIGINT", 130],
        ["SIGTERM", 143]
    ] as const)("interrupted by %s: whole lines, none of a text that was cut, and %i", async (name, exitCode) => {
        addon = new FakeAddon({ manual: true });
        const out = files.path("out.jsonl");
        const file = await prompts('"a"\n"b"\n"c"');
        const io = new CommandProcess();
        const args = ["generate", "--trio", files.trio, "--batch", file, "--output", out, "--parallel", "1"];
        const ended = run(args, io);
        await vi.waitFor(() => expect(addon.submitted.length).toBeGreaterThan(0), 20_000);
        addon.step();
        io.send(name);
        expect(await ended).toBe(exitCode);
        expect(io.written.stderr).toBe("rast: 0 of 3 prompts are done; the same command goes on there\n");
        expect(await readFile(out, "utf8")).toBe("");
        expect([addon.liveEngines(), io.listeners()]).toEqual([0, 0]);
    });
});

describe("a second run", () => {
    const content = '{"id": "ä", "prompt": "one"}\n"two"\n{"tokens": [999]}\n"vier €"\n';
    const flags = ["--seed", "3"];

    async function finished(out: string): Promise<{ file: string; whole: Buffer }> {
        const file = await prompts(content);
        await batch(file, ["--output", out, ...flags]);
        return { file, whole: await readFile(out) };
    }

    const withoutTimes = (text: string): unknown[] =>
        linesOf(text).map(({ result, ...line }) => ({ ...line, text: result?.text, seed: result?.seed }));

    test("of all that is done loads no models, and says again what failed", async () => {
        const out = files.path("out.jsonl");
        const { file, whole } = await finished(out);
        addon = new FakeAddon();
        const again = await batch(file, ["--output", out, ...flags]);
        expect(again).toMatchObject({ code: 1, stdout: "", stderr: "rast: 1 of 4 prompts failed\n" });
        expect(addon.configs).toEqual([]);
        expect(await readFile(out)).toEqual(whole);
    });

    test("of all that is done says so, unless it is to be quiet", async () => {
        const out = files.path("out.jsonl");
        const file = await prompts('"one"\n');
        await batch(file, ["--output", out]);
        const said = { code: 0, stderr: "rast: every prompt has its line already\n" };
        expect(await batch(file, ["--output", out])).toMatchObject(said);
        expect(await batch(file, ["--output", out, "--quiet"])).toMatchObject({ code: 0, stderr: "" });
    });

    test("after one that was cut at a byte ends at the same lines, and keeps those that were whole", async () => {
        const out = files.path("out.jsonl");
        const { file, whole } = await finished(out);
        const text = whole.toString("utf8");
        const ends = [...whole.keys()].filter((at) => whole[at] === 10);
        // All of the first line's beginning, with a character of two bytes in it, and places around every end of a line.
        const cuts = [
            0,
            1,
            9,
            12,
            20,
            21,
            22,
            23,
            40,
            ...ends.flatMap((end) => [end - 1, end, end + 1]),
            whole.length - 200
        ];
        for (const cut of cuts.filter((at) => at <= whole.length)) {
            await writeFile(out, whole.subarray(0, cut));
            addon = new FakeAddon();
            expect((await batch(file, ["--output", out, ...flags])).code).toBe(1);
            const after = await readFile(out);
            const keptBytes = whole.subarray(0, cut).lastIndexOf(10) + 1;
            expect(withoutTimes(after.toString("utf8"))).toEqual(withoutTimes(text));
            expect(after.subarray(0, keptBytes)).toEqual(whole.subarray(0, keptBytes));
        }
    });

    test("leaves a file alone that is not its output", async () => {
        const file = await prompts(content);
        for (const there of [
            "my notes",
            "my notes\n",
            '{"index":0}\n',
            '{"index":1,"request":{"prompt":"one"},"result":{}}\n',
            '{"index":0,"id":"ä","request":{"prompt":"other"},"result":{}}\n',
            '{"index":0,"id":"ä","request":{"prompt":"other'
        ]) {
            const out = await files.write("notes", there);
            const { code, stderr } = await batch(file, ["--output", out]);
            expect([code, stderr]).toEqual([2, expect.stringContaining("choose another --output")]);
            expect(await readFile(out, "utf8")).toBe(there);
        }
    });

    test("of fewer prompts than there are lines is refused", async () => {
        const out = files.path("out.jsonl");
        await finished(out);
        const { code, stderr } = await batch(await prompts(content.split("\n")[0]!), ["--output", out]);
        expect([code, stderr]).toEqual([2, expect.stringContaining("is one more than there are prompts")]);
    });
});
