// The parts of `rast chat` that need no engine and no terminal.
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AnswerWriter } from "../../../../src/cli/chat/answer-writer.js";
import { ChatSettings, settingNames } from "../../../../src/cli/chat/chat-settings.js";
import { Conversation, readConversation } from "../../../../src/cli/chat/conversation.js";
import { HistoryFile } from "../../../../src/cli/chat/history-file.js";
import { inputLines } from "../../../../src/cli/chat/input-lines.js";
import { MessageAssembler, type Assembled } from "../../../../src/cli/chat/message-assembler.js";
import { completeSlash, parseSlash, slashCommands, slashHelp } from "../../../../src/cli/chat/slash-commands.js";
import { TerminalInput } from "../../../../src/cli/chat/terminal-input.js";
import type { ReasoningPlace } from "../../../../src/cli/flags/chat.js";
import type { Output } from "../../../../src/cli/io.js";
import type { GenerateSettings } from "../../../../src/engine/generate-options.js";
import { requestCheck } from "../../../../src/engine/request-check.js";
import { plainLines } from "../../../../src/report/shown-text.js";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "rast-chat-parts-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("lines to messages", () => {
    const message = (text: string): Assembled => ({ kind: "message", text });
    test.each([
        [["a"], [message("a")]],
        [["a\\", "b"], [message("a\nb")]],
        [["a\\", "b\\", ""], [message("a\nb\n")]],
        [["a\\\\"], [message("a\\\\")]],
        [["a\\\\\\", "b"], [message("a\\\\\nb")]],
        [['"""', "a\\", "/b", "", '"""'], [message("a\\\n/b\n")]],
        [['"""a"""'], [message("a")]],
        [
            ['"""a', 'b"""', "c"],
            [message("a\nb"), message("c")]
        ],
        [['  """', "a", '"""  '], [message("a")]],
        [['""""""'], [message("")]],
        [["a\nb\nc"], [message("a\nb\nc")]],
        [['"""\na\nb\n"""'], [message("\na\nb\n")]],
        [["/help"], [{ kind: "command", text: "/help" }]],
        [["  /seed 5 "], [{ kind: "command", text: "/seed 5" }]],
        [["//help"], [message("/help")]],
        [["a\\", "/help"], [message("a\n/help")]],
        [["/usr\n/bin"], [message("/usr\n/bin")]]
    ] as const)("%j", (lines, expected) => {
        const assembler = new MessageAssembler();
        const found = lines.map((line) => assembler.push(line)).filter(({ kind }) => kind !== "more");
        expect(found).toEqual(expected);
        expect(assembler.isOpen).toBe(false);
    });

    test("what has begun is given at the end, or dropped", () => {
        const assembler = new MessageAssembler();
        expect(assembler.end()).toBeUndefined();
        assembler.push('"""');
        expect(assembler.isOpen).toBe(true);
        expect(assembler.end()).toBeUndefined();
        assembler.push("a\\");
        expect(assembler.end()).toBe("a");
        assembler.push('"""a');
        assembler.drop();
        expect(assembler.push("b")).toEqual(message("b"));
    });
});

describe("commands", () => {
    test("are found by name, with what stands behind", () => {
        expect(parseSlash("/lambda 0.5")).toEqual({ name: "lambda", rest: "0.5" });
        expect(parseSlash("/system  two\nlines ")).toEqual({ name: "system", rest: "two\nlines" });
        expect(parseSlash("/quit")).toEqual({ name: "exit", rest: "" });
        for (const text of ["/", "/lamda", "/constructor", "/LAMBDA", "/undo 3", "/retry now", "/quit it"]) {
            expect(() => parseSlash(text)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }) as Error);
        }
        for (const name of Object.keys(slashCommands)) expect(slashHelp()).toContain(`/${name}`);
    });

    test("a tab completes them, and what stands behind", async () => {
        expect(completeSlash("/s")).toEqual([["/seed", "/system", "/set", "/save", "/stats"], "/s"]);
        expect(completeSlash("/mode ")).toEqual([["rast", "base", "expert"], ""]);
        expect(completeSlash("/set top")).toEqual([["top-k", "top-p"], "top"]);
        expect(completeSlash("hello /s")).toEqual([[], "hello /s"]);
        expect(completeSlash("/clear x")).toEqual([[], "x"]);
        await writeFile(join(folder, "saved-chat.json"), "");
        const begun = join(folder, "sav");
        expect(completeSlash(`/load ${begun}`)).toEqual([[join(folder, "saved-chat.json")], begun]);
        expect(completeSlash("/load /nowhere/x")).toEqual([[], "/nowhere/x"]);
    });
});

describe("settings", () => {
    const check = async (settings: GenerateSettings): Promise<void> =>
        requestCheck({ pairs: 1, maxDraft: 8 })({ ...settings, prompt: "?" });
    const lambda = (settings: GenerateSettings): unknown => settings.lambda;

    test("change where they are right, go back to what was chosen, or to the trio's", async () => {
        const settings = new ChatSettings({ temperature: 0.5, seed: 7n }, check);
        await settings.set("top-p", "0.9");
        await settings.set("--lambda", "2");
        await settings.set("ignore-eos", "on");
        await settings.set("stop", "a b");
        await settings.set("temperature", "0");
        expect(settings.values).toMatchObject({ temperature: 0, topP: 0.9, ignoreEos: true, stop: ["a", "b"] });
        expect(lambda(settings.values)).toBe(2);
        expect(settings.lines()).toContain("top-p 0.9");
        await settings.set("temperature", "default");
        await settings.set("top-p", "default");
        settings.remove("seed");
        expect(settings.values.temperature).toBe(0.5);
        expect(settings.word("topP")).toBeUndefined();
        expect(settings.word("seed")).toBeUndefined();
    });

    test.each([
        ["temperature", "-1", "ERR_INVALID_OPTION"],
        ["temperature", "hot", "ERR_INVALID_OPTION"],
        ["mode", "wild", "ERR_INVALID_OPTION"],
        ["ignore-eos", "maybe", "ERR_INVALID_OPTION"],
        ["topp", "1", "ERR_UNKNOWN_OPTION"],
        ["__proto__", "1", "ERR_UNKNOWN_OPTION"]
    ])("%s %s is refused, and nothing has changed", async (name, text, code) => {
        const settings = new ChatSettings({ temperature: 0.5 }, check);
        await expect(settings.set(name, text)).rejects.toMatchObject({ code });
        expect(settings.values).toEqual({ temperature: 0.5 });
    });

    test("all have names that can be typed", () => {
        expect(settingNames).toEqual(
            expect.arrayContaining(["lambda", "mode", "seed", "temperature", "max-tokens", "thinking"])
        );
    });
});

describe("a conversation", () => {
    test("goes into a file and comes back", () => {
        const said = new Conversation();
        said.system = "Be brief.";
        said.turns.push({ question: "a", answer: "b" }, { question: "c", answer: "" });
        expect(said.messages("e", 1).map(({ content }) => content)).toEqual(["Be brief.", "c", "", "e"]);
        const json = said.toJson("demo-chat");
        expect(JSON.parse(json)).toMatchObject({ trio: "demo-chat", messages: [{ role: "system" }, {}, {}, {}, {}] });
        const read = readConversation(json);
        expect([read.system, read.turns]).toEqual([said.system, said.turns]);
        expect(readConversation('[{"role": "user", "content": "left"}]').turns).toEqual([]);
    });

    test.each([
        "",
        "{",
        "5",
        "{}",
        '{"messages": 5}',
        "[5]",
        '[{"role": "user"}]',
        '[{"role": "assistant", "content": "a"}]',
        '[{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]',
        '[{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]',
        '[{"role": "tool", "content": "a"}]'
    ])("%s is none", (json) => {
        expect(() => readConversation(json)).toThrow(expect.objectContaining({ code: "ERR_FILE_UNREADABLE" }) as Error);
    });
});

describe("history", () => {
    test("keeps what was said, for its owner alone, within bounds", async () => {
        const path = join(folder, "config", "rast", "history.jsonl");
        const file = new HistoryFile(path);
        expect(await file.read()).toEqual([]);
        for (const message of ["a", "b\nc", "b\nc", "x".repeat(20_000), "d"]) await file.add(message);
        expect(await new HistoryFile(path).read()).toEqual(["a", "b\nc", "d"]);
        if (process.platform !== "win32") expect((await stat(path)).mode & 0o077).toBe(0);
        await writeFile(
            path,
            `${"broken\n5\n".repeat(3)}${Array.from({ length: 1500 }, (_, index) => `"m${index}"\n`).join("")}`
        );
        const read = await new HistoryFile(path).read();
        expect([read.length, read[0], read.at(-1)]).toEqual([1000, "m500", "m1499"]);
        expect((await readFile(path, "utf8")).trim().split("\n")).toHaveLength(1000);
        await writeFile(path, `${JSON.stringify("y".repeat(9000))}\n`.repeat(900));
        expect((await new HistoryFile(path).read()).length).toBeLessThan(120);
    });

    test("is nothing where it is not wanted, or cannot be", async () => {
        const none = new HistoryFile(undefined);
        await none.add("a");
        expect(await none.read()).toEqual([]);
        await writeFile(join(folder, "file"), "");
        const impossible = new HistoryFile(join(folder, "file", "history"));
        await impossible.add("a");
        expect(await impossible.read()).toEqual([]);
    });
});

describe("keys of a terminal", () => {
    /** What reaches readline, what is pasted, and interruptions, in their order. */
    function keys(): {
        source: PassThrough;
        input: TerminalInput;
        events: string[];
        send: (...chunks: string[]) => void;
    } {
        const source = new PassThrough();
        const events: string[] = [];
        const input = new TerminalInput(source, {
            pasted: (text) => events.push(`paste ${text}`),
            interrupted: () => events.push("interrupt")
        });
        input.on("data", (data: Buffer) => events.push(data.toString()));
        return {
            source,
            input,
            events,
            send: (...chunks) => chunks.forEach((chunk) => source.emit("data", Buffer.from(chunk)))
        };
    }
    const start = "\u001b[200~";
    const end = "\u001b[201~";

    test("pasted text comes whole, in its place", () => {
        const { events, send } = keys();
        send(`a${start}b\nc${end}d`);
        expect(events).toEqual(["a", "paste b\nc", "d"]);
    });

    test.each([4, 5, 7])("also in pieces of %i bytes", (size) => {
        const { events, send } = keys();
        const text = `xy${start}b\n${end}zz`;
        for (let at = 0; at < text.length; at += size) send(text.slice(at, at + size));
        const pasted = events.indexOf("paste b\n");
        expect([events.slice(0, pasted).join(""), events.slice(pasted + 1).join("")]).toEqual(["xy", "zz"]);
    });

    test("while nobody reads only Ctrl-C means anything; the rest waits, what was typed before it is void", () => {
        const { input, events, send } = keys();
        input.busy = true;
        send("abc", "d\u0003e", "f\r", "g");
        expect(events).toEqual(["interrupt"]);
        input.busy = false;
        expect(events.slice(1).join("")).toBe("ef\rg");
    });

    test("a line at a time: what stands behind the end of one waits where its answer is written", () => {
        const { input, events, send } = keys();
        input.on("data", (data: Buffer) => {
            if (data.includes(0x0d)) input.busy = true;
        });
        send("one\rtwo\rthree\r");
        expect(events).toEqual(["one\r"]);
        input.busy = false;
        expect(events).toEqual(["one\r", "two\r"]);
        send("four\r");
        input.busy = false;
        expect(events).toEqual(["one\r", "two\r", "three\r"]);
        input.busy = false;
        expect(events).toEqual(["one\r", "two\r", "three\r", "four\r"]);
    });

    test("Escape and arrows are keys as ever", () => {
        const { events, send } = keys();
        send("\u001b", "\u001b[A", "\u001b[", "B");
        expect(events.join("|")).toBe("\u001b|\u001b[A|\u001b[B");
    });
});

describe("what is written of an answer", () => {
    function written(
        parts: readonly (readonly [string, string])[],
        isTTY: boolean,
        reasoning: ReasoningPlace
    ): string[] {
        const texts = { stdout: "", stderr: "" };
        const output = (name: keyof typeof texts): Output =>
            Object.assign(
                new Writable({
                    decodeStrings: false,
                    write: (text: string, _, done) => {
                        texts[name] += text;
                        done();
                    }
                }),
                { isTTY }
            );
        const place = {
            stdout: output("stdout"),
            stderr: output("stderr"),
            reasoning,
            dim: (text: string) => `<${text}>`
        };
        const writer = new AnswerWriter(place);
        for (const [thought, answer] of parts) writer.write(thought, answer);
        writer.end();
        return [texts.stdout, texts.stderr];
    }
    const parts = [
        ["a", ""],
        ["b", ""],
        ["", "\n\nc"],
        ["", "d"]
    ] as const;

    test("thinking stands before it, dimmed, an empty line between; or elsewhere, or nowhere", () => {
        expect(written(parts, true, "stdout")).toEqual(["<a><b>\n\ncd\n", ""]);
        expect(written(parts, true, "stderr")).toEqual(["cd\n", "<a><b>\n\n"]);
        expect(written(parts, true, "none")).toEqual(["cd\n", ""]);
        expect(written([["a", ""]], true, "stdout")).toEqual(["<a>\n", ""]);
        expect(written([["", "a\n"]], true, "stdout")).toEqual(["a\n", ""]);
        expect(written([], true, "stdout")).toEqual(["\n", ""]);
    });

    test("moves no cursor of a terminal; who reads a pipe gets it as it is", () => {
        const hostile = "a\u001b[2J\u0007\u009b1mb\r\nc\u202Ed\te\u{1F468}\u200D\u{1F469}";
        expect(written([["", hostile]], true, "stdout")[0]).toBe(
            "a\uFFFD[2J\uFFFD\uFFFD1mb\nc\uFFFDd\te\u{1F468}\u200D\u{1F469}\n"
        );
        expect(written([["", hostile]], false, "stdout")[0]).toBe(`${hostile}\n`);
    });

    test("lines stay lines", () => {
        expect(plainLines("a\nb\tc")).toBe("a\nb\tc");
        expect(plainLines("\u0000\u0085\u2028\u2066\uFEFF\uD800")).toBe("\uFFFD".repeat(6));
    });
});

describe("lines of standard input", () => {
    const lines = async (...chunks: (Buffer | string)[]): Promise<string[]> => {
        const found: string[] = [];
        const input = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
        for await (const line of inputLines(input, new AbortController().signal)) found.push(line);
        return found;
    };

    test("come whole, wherever they are cut", async () => {
        expect(await lines("a\r\nb\n\nc")).toEqual(["a", "b", "", "c"]);
        const bytes = Buffer.from("ä\nöü\n");
        expect(await lines(...[...bytes].map((byte) => Buffer.from([byte])))).toEqual(["ä", "öü"]);
        expect(await lines()).toEqual([]);
    });

    test("what is no text is an error that names the line", async () => {
        const bad = lines("a\n", Buffer.from([0xff, 0x0a]));
        await expect(bad).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE", details: { line: 2 } });
        const failing = new Readable({ read: () => failing.destroy(Object.assign(new Error("x"), { code: "EIO" })) });
        const read = inputLines(failing, new AbortController().signal).next();
        await expect(read).rejects.toMatchObject({ message: "Standard input cannot be read: EIO." });
    });
});
