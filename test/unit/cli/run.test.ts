// The command line as a whole: exit codes, help, what cannot be parsed, and how errors are said.
import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import type * as Binding from "../../../src/native/binding.js";
import { commands } from "../../../src/cli/commands/index.js";
import { RastError } from "../../../src/errors.js";
import { packageVersion } from "../../../src/package-root.js";
import { rast } from "../../support/command-io.js";

let nativeError: unknown;
vi.mock("../../../src/native/binding.js", async (original) => ({
    ...(await original<typeof Binding>()),
    loadNative: async () => {
        throw nativeError;
    }
}));
afterEach(() => (nativeError = undefined));

describe("what is no work", () => {
    test("--version and --help go to stdout and end with 0", async () => {
        expect(await rast(["--version"])).toMatchObject({ code: 0, stdout: `${packageVersion()}\n`, stderr: "" });
        for (const args of [["--help"], ["-h"], ["help"], ["help", "generate"], ["generate", "--help"]]) {
            expect(await rast(args)).toMatchObject({
                code: 0,
                stderr: "",
                stdout: expect.stringMatching(/^Usage: rast /)
            });
        }
    });

    test.each([[[]], [["--debug"]], [["-v", "--debug"]]])("no command (%j): help on stderr, and 2", async (args) => {
        const { code, stdout, stderr } = await rast(args);
        expect([code, stdout]).toEqual([2, ""]);
        expect(stderr).toMatch(/^Usage: rast /);
    });

    test("help of the whole", async () => {
        expect((await rast(["--help"])).stdout).toMatch(
            new RegExp(["General:", "Commands:", ...commands.map(({ name }) => `  ${name} `)].join("[^]*"))
        );
    });

    test.each([["rast"], ...commands.map(({ name }) => [name])])("help of %s has 80 columns", async (name) => {
        const args = name === "rast" ? ["--help"] : [name, "--help"];
        for (const terminal of [false, true]) {
            const lines = (await rast(args, { terminal })).stdout.split("\n");
            expect(lines.filter((line) => line.length > 80)).toEqual([]);
        }
    });

    test("help has headings, and examples of flags that there are", async () => {
        const { stdout } = await rast(["generate", "--help"]);
        const headings = stdout.match(/^\w[\w ]*:$/gm);
        expect(headings).toEqual(
            ["Arguments", "Models", "Prompt", "Text", "Output", "Sampling", "Where models run", "Drafts", "Processes"]
                .concat(["General", "Examples"])
                .map((heading) => `${heading}:`)
        );
        for (const { name, examples = [], flags } of commands) {
            const known = Object.values(flags).flatMap(({ usage }) => usage.match(/(?<=^|, )--?[\w-]+/g) ?? []);
            for (const [line] of examples) {
                expect(line).toMatch(new RegExp(`(^|[|(] ?)rast ${name}( |$)`));
                const used = line.match(/(?<= )--?[a-z][\w-]*/g) ?? [];
                expect(used.filter((flag) => !known.includes(flag))).toEqual([]);
            }
        }
    });
});

describe("what cannot be parsed: one line, exit code 2", () => {
    test.each([
        [
            ["nonsense"],
            "unknown command 'nonsense'. rast help lists commands. To ask it: rast generate \"nonsense\"",
            "ERR_INVALID_ARGUMENT"
        ],
        [["generat"], "unknown command 'generat' (Did you mean generate?)", "ERR_INVALID_ARGUMENT"],
        [
            ["generate", "--temprature", "1"],
            "unknown option '--temprature' (Did you mean --temperature?)",
            "ERR_UNKNOWN_OPTION"
        ],
        [
            ["generate", "one", "two"],
            "too many arguments for 'generate'. Expected 1 argument but got 2. Put a prompt of several words in quotes.",
            "ERR_INVALID_ARGUMENT"
        ],
        [["devices", "x"], "too many arguments for 'devices'. Expected 0 arguments but got 1.", "ERR_INVALID_ARGUMENT"],
        [["demo", "--seed"], "option '--seed <integer>' argument missing", "ERR_INVALID_OPTION"],
        [["--wild"], "unknown option '--wild'", "ERR_UNKNOWN_OPTION"]
    ])("%j", async (args, message, code) => {
        expect(await rast(args)).toMatchObject({ code: 2, stdout: "", stderr: `rast: ${message}\n` });
        const json = [args[0]!, "--json", ...args.slice(1)];
        const { stderr, ...rest } = await rast(args.length > 1 ? json : [...args, "--json"]);
        expect(rest).toMatchObject({ code: 2, stdout: "" });
        expect(JSON.parse(stderr)).toEqual({ error: { code, message, details: {} } });
    });

    test.each([
        [["completion"], "missing required argument 'shell'. It is bash, zsh or fish."],
        [
            ["generate", "--model", "x"],
            "unknown option '--model'. A trio of models is --base, --expert and --antiexpert FILE"
        ],
        [["generate", "-m", "x"], "unknown option '-m'. A trio of models is"],
        [["bench", "-m", "x"], "unknown option '-m'. A trio of models is"],
        [["generate", "-p", "x"], "unknown option '-p'. The prompt stands by itself, in quotes."],
        [["generate", "-ngl", "9"], "unknown option '-ngl'. Write --gpu-layers."],
        [["generate", "--n-predict", "9"], "unknown option '--n-predict'. Write --max-tokens."],
        [["generate", "--temp", "1"], "unknown option '--temp'. Write --temperature."],
        [["generate", "--", "-5+3", "x"], "Put a prompt of several words in quotes."],
        [["generate", "-5+3"], "A text that begins with - stands behind --."],
        [["--model", "x"], "unknown option '--model'. Flags stand behind the command: rast generate."],
        [["devices", "--josn"], "unknown option '--josn' (Did you mean --json?)"],
        [["-m", "x.gguf", "-p", "hi"], "Flags stand behind the command: rast generate. A trio of models is --base"],
        [["6+7"], `unknown command '6+7'. rast help lists commands. To ask it: rast generate "6+7"`],
        [["it's $HOME?"], 'To ask it: rast generate "..."'],
        [["list"], "rast trios lists the models that are here."],
        [["run", "llama"], "A text comes from rast generate."],
        [["generate", "--format", "json"], "Write --json-schema, with a schema; the whole result as JSON is --json."],
        [["generate", "--think=false", "x"], "Write --thinking, with on or off."],
        [["generate", "--seed", "-1", "x"], "Leave it out for a random one."],
        [["generate", "--json-schema", "{type:integer}", "x"], "Its keys and texts stand in double quotes"],
        [["generate", "--json-schema", "{'type':'integer'}", "x"], "Its keys and texts stand in double quotes"],
        [["help", "devcies"], 'There is no command "devcies". Did you mean devices?'],
        [["help", "wings"], 'There is no command "wings". Commands are generate, chat, explain, score, perplexity,']
    ])("%j says what to write", async (args, said) => {
        const { code, stdout, stderr } = await rast(args);
        expect([code, stdout, stderr.split("\n").length]).toEqual([2, "", 2]);
        expect(stderr).toContain(said);
    });

    test("what is advised is there", async () => {
        const source = await readFile(new URL("../../../src/cli/misuse.ts", import.meta.url), "utf8");
        const advised = source.match(/(?<=(?:Write|is|,|and|or) )--[a-z][\w-]+/g) ?? [];
        expect(advised.length).toBeGreaterThan(10);
        const { stdout } = await rast(["generate", "--help"]);
        expect(advised.filter((flag) => !stdout.includes(flag))).toEqual([]);
    });

    test("commands without --json have none", async () => {
        for (const name of ["build", "bench"]) {
            expect((await rast([name, "--json"])).stderr).toMatch(/^rast: unknown option '--json'/);
        }
    });
});

describe("how errors are said", () => {
    const failing = { message: "first\n   second", details: { bytes: 5n, option: "topP" } };

    test("on one line of text with the code; 1 for the machine's, 2 for the caller's", async () => {
        nativeError = new RastError("ERR_LIBRARIES", failing.message);
        expect(await rast(["devices"])).toMatchObject({ code: 1, stderr: "rast: first second [ERR_LIBRARIES]\n" });
        nativeError = new RastError("ERR_BACKEND_UNAVAILABLE", "There is none.");
        expect(await rast(["devices"])).toMatchObject({
            code: 2,
            stderr: "rast: There is none. [ERR_BACKEND_UNAVAILABLE]\n"
        });
    });

    test("with --json on one line of JSON, with plain details", async () => {
        nativeError = new RastError("ERR_LIBRARIES", failing.message, { details: failing.details });
        const { code, stdout, stderr } = await rast(["devices", "--json"]);
        expect([code, stdout, stderr.split("\n")]).toEqual([1, "", [expect.any(String), ""]]);
        expect(JSON.parse(stderr)).toEqual({
            error: { code: "ERR_LIBRARIES", message: failing.message, details: { bytes: "5", option: "topP" } }
        });
    });

    test("one that is no RastError is a failure of the program", async () => {
        for (const [error, message] of [
            [new TypeError("odd\nthing"), "odd thing"],
            ["text", "text"]
        ] as const) {
            nativeError = error;
            expect(await rast(["devices"])).toMatchObject({ code: 1, stderr: `rast: ${message}\n` });
            const { stderr } = await rast(["devices", "--json"]);
            expect(JSON.parse(stderr)).toMatchObject({ error: { code: "ERR_INTERNAL", details: {} } });
        }
    });

    test.each([[["--debug", "devices"]], [["devices", "--debug"]]])(
        "with stacks, causes and llama.cpp's log: %j",
        async (args) => {
            nativeError = new RastError("ERR_LIBRARIES", "Outer.", { cause: new Error("inner") });
            const { stderr } = await rast(args);
            expect(stderr).toMatch(/^rast: Outer. \[ERR_LIBRARIES\]\nRastError \[ERR_LIBRARIES\]: Outer.\n {4}at /);
            expect(stderr).toMatch(/\ncaused by Error: inner\n {4}at /);
            const json = (await rast([...args, "--json"])).stderr.trimEnd().split("\n");
            expect(JSON.parse(json.at(-1)!)).toMatchObject({ error: { code: "ERR_LIBRARIES" } });
            expect(json.length).toBeGreaterThan(2);
        }
    );

    test("-v and --debug turn llama.cpp's log on, unless it is said how", async () => {
        nativeError = new Error("gone");
        const { CommandProcess } = await import("../../support/command-io.js");
        const { run } = await import("../../../src/cli/run.js");
        for (const [args, before, after] of [
            [["devices"], {}, undefined],
            [["devices", "--debug"], {}, "1"],
            [["devices", "-v"], {}, "1"],
            [["-v", "devices"], {}, "1"],
            [["devices", "--verbose"], { RAST_LOG: "0" }, "0"],
            [["devices", "--debug"], { RAST_LOG: "0" }, "0"]
        ] as const) {
            const io = new CommandProcess({ env: before });
            await run(args, io);
            expect(io.env["RAST_LOG"]).toBe(after);
        }
    });

    test("a --json that is the value of another flag is none", async () => {
        const { stderr } = await rast(["generate", "--stop", "--json", "--trio", "no-such-trio", "x"]);
        expect(stderr).toMatch(/^rast: .*\[ERR_UNKNOWN_TRIO\]\n$/);
    });

    test("arguments that are no text are told so, where the system has their bytes", async () => {
        const args = ["generate", "--base", "/tmp/\uFFFD.gguf", "x"];
        const bytes = Buffer.from([0x2f, 0xff, 0x2e]);
        const { code, stderr } = await rast(args, { commandLine: bytes });
        expect([code, stderr]).toEqual([2, expect.stringContaining("is not UTF-8 text. Rename the file")]);
        for (const settings of [{}, { commandLine: Buffer.from("/tmp/\uFFFD.gguf") }]) {
            expect((await rast(args, settings)).stderr).toContain("[ERR_FILE_NOT_FOUND]");
        }
    });
});

describe("output that cannot be written", () => {
    test("a full disk: one line, exit code 1", async () => {
        expect(await rast(["--version"], { stdoutError: "ENOSPC" })).toMatchObject({
            exits: [1],
            stderr: "rast: The output cannot be written: ENOSPC. [ERR_OUTPUT_UNWRITABLE]\n"
        });
    });

    test("a reader that went away: 0, without a word", async () => {
        expect(await rast(["--version"], { stdoutError: "EPIPE" })).toMatchObject({ exits: [0], stderr: "" });
    });
});
