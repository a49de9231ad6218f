// `rast generate` over a fake addon: what it writes, what an error or a signal in the middle of its work leaves behind, and the
// exit code it gets.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { run } from "../../../src/cli/run.js";
import type { LoadOptions } from "../../../src/loading/load-options.js";
import type * as Load from "../../../src/loading/load.js";
import type { RastResult } from "../../../src/engine/results.js";
import { RastError } from "../../../src/errors.js";
import { CommandProcess, rast, type IoSettings, type Ran } from "../../support/command-io.js";
import { FakeAddon, fakeNative, type FakeSettings } from "../../support/fake-addon.js";
import { makeModelFiles, type ModelFiles } from "../../support/model-files.js";

let files: ModelFiles;
let addon: FakeAddon;

vi.mock("../../../src/loading/load.js", async (original) => {
    const load = await original<typeof Load>();
    return { ...load, loadRast: (options: LoadOptions) => load.loadRastWith(options, fakeNative(addon)) };
});

beforeEach(async () => {
    files = await makeModelFiles();
});

afterEach(() => files.remove());

async function generate(settings: FakeSettings, flags: readonly string[] = [], io: IoSettings = {}): Promise<Ran> {
    addon = new FakeAddon(settings);
    return rast(["generate", "--trio", files.trio, ...flags, "--", "Hi"], io);
}

const figures =
    /^\[3 tokens, first after 11 ms, then 100\.0 tokens\/s; prompt 2 tokens; eos; seed \d+; drawn on CPU\]\n$/;

describe("rast generate", () => {
    test("streams a text, then figures, and ends with 0", async () => {
        const { code, stdout, stderr } = await generate({});
        expect([code, stdout]).toEqual([0, "Hello, world\n"]);
        expect(stderr).toMatch(figures);
    });

    test("--quiet leaves the figures out, a text's own newline is not doubled", async () => {
        expect(await generate({ completion: ["a\n"] }, ["--quiet"])).toMatchObject({ stdout: "a\n", stderr: "" });
    });

    test("--json prints the result, or all of them", async () => {
        const one = await generate({}, ["--json", "--seed", "5"]);
        expect(JSON.parse(one.stdout)).toMatchObject({ text: "Hello, world", stopReason: "eos", seed: 5 });
        const two = await generate({}, ["--json", "--samples", "2"]);
        const texts = (JSON.parse(two.stdout) as RastResult[]).map(({ text }) => text);
        expect([texts, two.stderr]).toEqual([["Hello, world", "Hello, world"], ""]);
    });

    test("--samples numbers the texts, and as many run together as there are, at most 16", async () => {
        const { stdout, stderr } = await generate({}, ["--samples", "3"]);
        expect(stdout).toBe([1, 2, 3].map((n) => `--- ${n} of 3 ---\nHello, world\n`).join(""));
        expect(stderr.trim().split("\n")).toHaveLength(3);
        expect(addon.configs[0]!.slots).toBe(3);
        await generate({}, ["--samples", "40", "--quiet"]);
        expect(addon.configs[0]!.slots).toBe(16);
    });

    test("--stream-json prints a line for every part, and the result last", async () => {
        const { code, stdout, stderr } = await generate({}, ["--stream-json", "--logprobs", "0"]);
        const lines = stdout.trimEnd().split("\n");
        const parts = lines.map((line) => JSON.parse(line) as { type: string; text: string; tokens: number[] });
        expect([code, stderr, parts.length > 2]).toEqual([0, "", true]);
        expect(parts.map(({ type }) => type)).toEqual([...parts.slice(1).map(() => "part"), "result"]);
        const result = parts.at(-1)!;
        expect(result).toMatchObject({ text: "Hello, world", stopReason: "eos" });
        expect(
            parts
                .slice(0, -1)
                .map(({ text }) => text)
                .join("")
        ).toBe(result.text);
        expect(parts.slice(0, -1).flatMap(({ tokens }) => tokens)).toEqual(result.tokens);
    });

    test("--stream-json: what fails is JSON on stderr, behind the parts there were", async () => {
        const { code, stdout, stderr } = await generate({ failAtStep: 2 }, ["--stream-json"]);
        expect([code, JSON.parse(stdout.split("\n")[0]!)]).toMatchObject([1, { type: "part", text: "Hello" }]);
        expect(JSON.parse(stderr)).toMatchObject({ error: { code: "ERR_DECODE" } });
    });

    test.each([
        [["--json", "--stream-json"], "--json or --stream-json"],
        [["--samples", "2", "--stream-json"], "--samples or --stream-json"],
        [["--file", "x"], "a prompt or --file"]
    ])("refuses %j", async (flags, named) => {
        const { code, stderr } = await generate({}, flags);
        expect([code, stderr]).toEqual([2, expect.stringContaining(`Expected either ${named}, received both.`)]);
        expect(addon.configs).toEqual([]);
    });

    test("takes the prompt from a file, without the newline that ends it", async () => {
        addon = new FakeAddon();
        const file = await files.write("prompt.txt", "From a file\n\n");
        for (const flag of ["-f", "--file"]) {
            expect((await rast(["generate", "--trio", files.trio, flag, file])).code).toBe(0);
            expect(addon.tokenized.at(-1)!.text).toBe("From a file\n");
        }
        const args = ["generate", "--trio", files.trio, "-f", "-"];
        await rast(args, { input: "From there\n" });
        expect(addon.tokenized.at(-1)!.text).toBe("From there");
        const missing = await rast([...args.slice(0, -1), files.path("none")]);
        expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining("The file for the prompt does not") });
    });

    test("~ is the home folder, and a folder with a trio file in it is a trio", async () => {
        addon = new FakeAddon();
        vi.stubEnv("HOME", files.folder);
        vi.stubEnv("USERPROFILE", files.folder);
        for (const trio of ["~/trio.json", "~", "~/", files.folder]) {
            expect(await rast(["generate", `--trio=${trio}`, "-q", "Hi"])).toMatchObject({ code: 0, stderr: "" });
        }
        const models = ["base", "expert", "antiexpert"].map((role) => `--${role}=~/${role}.gguf`);
        expect((await rast(["generate", ...models, "-q", "Hi"])).stderr).toBe("");
        expect(addon.configs.at(-1)!.base.path).toBe(files.base);
        // Other people's homes are the shell's business.
        expect((await rast(["generate", "--trio=~other/x.json", "Hi"])).stderr).toContain("[ERR_FILE_NOT_FOUND]");
        vi.unstubAllEnvs();
    });

    test("reads standard input where there is no prompt, or -", async () => {
        addon = new FakeAddon();
        for (const operands of [[], ["-"]]) {
            await rast(["generate", "--trio", files.trio, ...operands], { input: "From there\n" });
            expect(addon.tokenized.at(-1)!.text).toBe("From there");
        }
        const terminal = await rast(["generate", "--trio", files.trio], { terminal: true });
        expect([terminal.code, terminal.stderr]).toEqual([2, expect.stringContaining("[ERR_EMPTY_PROMPT]")]);
    });

    test("--system and --chat make a conversation of the prompt", async () => {
        const chatTemplate = "{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}";
        await generate({ chatTemplate }, ["--system", "Be brief."]);
        expect(addon.tokenized.at(-1)!.text).toBe("system:Be brief.;user:Hi;");
        await generate({ chatTemplate }, ["--chat"]);
        expect(addon.tokenized.at(-1)!.text).toBe("user:Hi;");
    });

    test("without a chat template flags are named that imply one, and no call of the API", async () => {
        for (const [flags, said] of [
            [["--thinking", "on"], "--thinking implies --chat, and the base model's file has no chat template."],
            [["--chat"], "rast: The base model's file has no chat template. Leave out --chat, or"],
            [["--system", "x", "--chat"], "Leave out --chat and --system, or take models with one: --trio demo-chat."]
        ] as const) {
            const { code, stderr } = await generate({ chatTemplate: null }, flags);
            expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
            expect(stderr).not.toMatch(/pass it/);
        }
    });

    test("a prompt that is a file's name comes with a note", async () => {
        addon = new FakeAddon();
        const file = await files.write("p.txt", "x");
        expect((await rast(["generate", "--trio", files.trio, file])).stderr).toContain(`-f ${file} reads it`);
        expect((await rast(["generate", "--trio", files.trio, "-f", file])).stderr).not.toContain("reads it");
        expect((await rast(["generate", "--trio", files.trio, "-q", file])).stderr).toBe("");
    });

    test("values are shown without the API's types", async () => {
        const { code, stderr } = await generate({}, ["--top-k", "-1"]);
        expect([code, stderr]).toEqual([2, expect.stringMatching(/for --top-k, received -1\. /)]);
    });

    test("characters that the vocabulary lacks are named once", async () => {
        addon = new FakeAddon();
        const original = addon.tokenize.bind(addon);
        addon.tokenize = (handle, text, options) => original(handle, String(text).replace(/[é☃]/g, ""), options);
        const { stderr } = await rast(["generate", "--trio", files.trio, "--", "h☃llé é"]);
        expect(stderr).toContain(
            "rast: the models' vocabulary lacks characters of the prompt, which are dropped: ☃ é\n"
        );
        expect((await rast(["generate", "--trio", files.trio, "--", "hello"])).stderr).not.toContain("lacks");
    });

    test("--thinking and --template-option go to the chat template", async () => {
        const chatTemplate = "{{ enable_thinking }} {{ effort }} {{ tools | tojson }}:{{ messages[0].content }}";
        await generate({ chatTemplate }, ["--thinking", "off", "--template-option", 'tools=[{"name":"f"}]']);
        expect(addon.tokenized.at(-1)!.text).toBe('False  [{"name": "f"}]:Hi');
        await generate({ chatTemplate }, ["--template-option", 'effort="a=b"']);
        expect(addon.tokenized.at(-1)!.text).toBe("True a=b null:Hi");
    });

    describe("reasoning", () => {
        const thinks = {
            chatTemplate: "{{ messages[0].content }}<think>",
            completion: ["a", " b", "</think>", "c", "d"]
        };
        const dim = (text: string): string => `\u001b[2m${text}\u001b[0m`;

        test("is dimmed on a terminal, with an empty line behind it", async () => {
            const terminal = { terminal: true };
            const { stdout } = await generate(thinks, ["--chat"], terminal);
            expect(stdout).toBe(`${dim("a")}${dim(" b")}\n\ncd\n`);
            const plain = await generate(thinks, ["--chat"], { ...terminal, env: { NO_COLOR: "1" } });
            expect(plain.stdout).toBe("a b\n\ncd\n");
            const cut = await generate(thinks, ["--chat", "--max-tokens", "2"], terminal);
            expect(cut.stdout).toBe(`${dim("a")}${dim(" b")}\n\n`);
        });

        test("is no part of a stdout that is no terminal", async () => {
            const { stdout, stderr } = await generate(thinks, ["--chat"]);
            expect(stdout).toBe("cd\n");
            expect(stderr).toMatch(/^a b\n\n\[5 tokens, /);
            expect(await generate(thinks, ["--chat", "-q"])).toMatchObject({ stdout: "cd\n", stderr: "" });
        });

        test("goes where --reasoning says", async () => {
            const to = (place: string, ...more: string[]): Promise<Ran> =>
                generate(thinks, ["--chat", "-q", "--reasoning", place, ...more]);
            expect(await to("stdout")).toMatchObject({ stdout: "a b\n\ncd\n", stderr: "" });
            expect(await to("stderr")).toMatchObject({ stdout: "cd\n", stderr: "a b\n\n" });
            expect(await to("none")).toMatchObject({ stdout: "cd\n", stderr: "" });
            expect((await to("stdout", "--samples", "2")).stdout).toBe(
                "--- 1 of 2 ---\na b\n\ncd\n--- 2 of 2 ---\na b\n\ncd\n"
            );
        });

        test("has fields of its own in JSON", async () => {
            const { stdout } = await generate(thinks, ["--chat", "--json"]);
            expect(JSON.parse(stdout)).toMatchObject({
                text: "a b</think>cd",
                reasoning: "a b",
                answer: "cd",
                usage: { reasoningTokens: 3 }
            });
            const lines = (await generate(thinks, ["--chat", "--stream-json"])).stdout.trimEnd().split("\n");
            const parts = lines.slice(0, -1).map((line) => JSON.parse(line) as { reasoning: string; answer: string });
            expect(parts.map(({ reasoning, answer }) => [reasoning, answer])).toEqual([
                ["a", ""],
                [" b", ""],
                ["", ""],
                ["", "c"],
                ["", "d"]
            ]);
            expect(JSON.parse((await generate({}, ["--json"])).stdout)).toMatchObject({
                text: "Hello, world",
                reasoning: null,
                answer: "Hello, world"
            });
        });

        test("--max-thinking-tokens and --answer-start are of chats", async () => {
            const chatTemplate =
                "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}<think>{% endif %}";
            await generate({ chatTemplate }, ["--max-thinking-tokens", "7"]);
            expect(addon.tokenized[1]!.text).toBe("[user]Hi<think>");
            expect(addon.submitted.at(-1)).toMatchObject({ reasoning: { open: true, maxTokens: 7 } });
            await generate({ chatTemplate }, ["--answer-start", "So: "]);
            expect(addon.tokenized[1]!.text).toBe("[user]Hi[assistant]So: ");
            expect(addon.submitted.at(-1)).toMatchObject({ reasoning: { open: false, maxTokens: -1 } });
            await generate({ chatTemplate }, ["--reasoning", "none"]);
            expect(addon.tokenized[1]!.text).toBe("[user]Hi<think>");
        });
    });

    test.each([
        [["--thinking", "yes"], 'Expected on, off or auto for --thinking, received "yes".'],
        [["--template-option", "effort"], 'for --template-option, received "effort".'],
        [["--template-option", "effort=high"], "a text in quotes"]
    ])("%j is refused", async (flags, message) => {
        const { code, stderr } = await generate({ chatTemplate: "x" }, flags);
        expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    });

    test("says what became of a context that was asked for, unless --quiet", async () => {
        const asked = ["--context-size", "4000"];
        const note = "rast: The context was cut from 4000 to 128 tokens";
        expect((await generate({}, asked)).stderr).toContain(note);
        expect((await generate({}, [...asked, "--quiet"])).stderr).toBe("");
        expect((await generate({})).stderr).not.toContain("rast: ");
    });

    test("saves a state after the text", async () => {
        const file = files.path("state");
        expect((await generate({}, ["--save-state", file])).code).toBe(0);
        expect((await generate({}, ["--samples", "2", "--save-state", file])).code).toBe(0);
        expect(addon.saved).toEqual([file]);
    });

    test.each([
        ["one text", [], "Hello,"],
        ["samples", ["--samples", "2"], ""],
        ["JSON", ["--json"], ""]
    ])("a decode that fails ends it with 1, %s: what was written stays, the engine is gone", async (_, flags, text) => {
        const { code, stdout, stderr } = await generate({ failAtStep: 2 }, flags);
        expect([code, stdout]).toEqual([1, text]);
        const json = { error: { code: "ERR_DECODE", message: "The decode failed.", details: { role: "base" } } };
        if (flags.includes("--json")) expect(JSON.parse(stderr)).toEqual(json);
        else expect(stderr).toBe("rast: The decode failed. [ERR_DECODE]\n");
        expect(addon.liveEngines()).toBe(0);
    });

    test("a load that fails ends it with 1, where the caller did nothing wrong", async () => {
        const failed = await generate({ loadError: new RastError("ERR_MODEL_LOAD", "It does not load.") });
        expect(failed).toMatchObject({ code: 1, stdout: "", stderr: "rast: It does not load. [ERR_MODEL_LOAD]\n" });
    });

    test("what the caller did wrong ends it with 2", async () => {
        const differ = { compareError: new RastError("ERR_TOKENIZER_MISMATCH", "They differ.") };
        expect(await generate(differ)).toMatchObject({
            code: 2,
            stderr: "rast: They differ. [ERR_TOKENIZER_MISMATCH]\n"
        });
        expect((await generate({}, ["--top-p", "0"])).code).toBe(2);
        expect((await generate({}, ["--trio", "none-of-this-name"])).code).toBe(2);
    });

    test("shows on a terminal what is being loaded, and wipes it away", async () => {
        const { stderr } = await generate({}, [], { terminal: true });
        const wipe = "\r\u001b[K";
        expect(stderr).toContain(`${wipe}loading base ... 30%`);
        expect(stderr.split(wipe).at(-1)).toMatch(figures);
        expect((await generate({}, ["--quiet"], { terminal: true })).stderr).toBe("");
    });
});

describe("interrupted", () => {
    async function interrupted(settings: FakeSettings, flags: readonly string[], when: (io: CommandProcess) => void) {
        addon = new FakeAddon(settings);
        const io = new CommandProcess();
        const ended = run(["generate", "--trio", files.trio, ...flags, "Hi"], io);
        await vi.waitFor(() => when(io), 20_000);
        io.send("SIGINT");
        return { code: await ended, io };
    }

    test("by SIGTERM: 143", async () => {
        addon = new FakeAddon({ manual: true });
        const io = new CommandProcess();
        const ended = run(["generate", "--trio", files.trio, "Hi"], io);
        await vi.waitFor(() => expect(addon.submitted.length).toBeGreaterThan(0), 20_000);
        io.send("SIGTERM");
        io.send("SIGTERM");
        expect([await ended, io.raised]).toEqual([143, ["SIGTERM"]]);
    });

    test.each([[[]], [["--samples", "2"]]])("while it generates (%j): 130, and the text until then", async (flags) => {
        const file = files.path("state");
        const { code, io } = await interrupted({ manual: true }, [...flags, "--save-state", file], () => {
            expect(addon.submitted.length).toBeGreaterThan(0);
            addon.step();
        });
        expect(code).toBe(130);
        expect(io.written.stdout).toContain("Hello");
        expect(addon.saved).toEqual([]);
        expect([addon.liveEngines(), io.listeners(), io.raised]).toEqual([0, 0, []]);
    });

    test("while it loads: 130, without a word", async () => {
        const { code, io } = await interrupted({ holdLoading: true }, [], () => expect(addon.configs).toHaveLength(1));
        expect([code, io.written]).toEqual([130, { stdout: "", stderr: "" }]);
        expect([addon.liveEngines(), io.listeners()]).toEqual([0, 0]);
    });
});
