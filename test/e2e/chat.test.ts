// `rast chat` as a person uses it: on a terminal of its own, and behind a pipe, with the bundled chat trio.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { root, run } from "../support/native.js";
import { hasTerminals, Terminal } from "../support/terminal.js";

const main = join(root, "dist", "cli", "main.js");
const trio = ["--trio", "demo-chat", "--temperature", "0", "--threads", "1"];
const ctrlC = "\u0003";
const ctrlD = "\u0004";
const pasted = (text: string): string => `\u001b[200~${text}\u001b[201~`;

let folder: string;
let env: NodeJS.ProcessEnv;
beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rast-chat-"));
    env = {
        ...process.env,
        XDG_CONFIG_HOME: folder,
        RAST_CONFIG: "",
        NO_COLOR: "",
        RAST_TRY_MODELS: "0",
        RAST_CACHE: "off"
    };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!hasTerminals)("on a terminal", () => {
    let terminal: Terminal;
    afterEach(() => terminal.end());
    const start = (...args: string[]): void => {
        terminal = new Terminal([process.execPath, main, "chat", ...trio, ...args], env);
    };

    test("a conversation: streamed, thinking dimmed, the cache kept between turns, figures, leaving", async () => {
        start();
        await terminal.until("Ctrl-D leaves");
        await terminal.until("> ");
        terminal.type("What is 12+5-3?\r");
        await terminal.until(/It is \d+\./);
        await terminal.until(/\[\d+ tokens, [\d.]+ tokens\/s; prompt \d+ tokens/);
        // thinking is dimmed, the answer is not
        expect(terminal.shown).toMatch(/\u001b\[2m12/);
        expect(terminal.shown).not.toMatch(/\u001b\[2mIt is/);
        terminal.type("What is 7+8?\r");
        await terminal.until(/It is \d+\./);
        await terminal.until("of them cached");
        terminal.type("/stats\r");
        await terminal.until("last answer");
        await terminal.until(/prompt +\d+ tokens, \d+ of them cached/);
        await terminal.until("2 answers in all");
        terminal.type(ctrlD);
        expect(await terminal.exitCode).toBe(0);
        // and the terminal is as it was
        expect(terminal.shown.lastIndexOf("\u001b[?2004l")).toBeGreaterThan(
            terminal.shown.lastIndexOf("\u001b[?2004h")
        );
    });

    test("Ctrl-C stops an answer and keeps what came, twice leaves; what is typed meanwhile waits", async () => {
        start("--ignore-eos", "--max-tokens", "3500");
        await terminal.until("> ");
        terminal.type("What is 12+5-3?\r");
        await terminal.until(/It is/);
        terminal.type("typed ahead");
        terminal.type(ctrlC);
        await terminal.until("stopped; /retry asks again");
        await terminal.until("> ");
        terminal.type("/save one.json\r".replace("one.json", join(folder, "one.json")));
        await terminal.until("saved: ");
        const saved = JSON.parse(readFileSync(join(folder, "one.json"), "utf8")) as { messages: { content: string }[] };
        expect(saved.messages).toHaveLength(2);
        expect(saved.messages[1]!.content).toContain("It is");
        terminal.type("What is 1+2?\r");
        await terminal.until(/It is/);
        terminal.type("/undo\r");
        terminal.type(ctrlC);
        await terminal.until("stopped");
        // as in any terminal, the interrupt voids what was typed before it
        terminal.type("half a line");
        await terminal.until("half a line");
        terminal.type(ctrlC);
        terminal.type(ctrlC);
        await terminal.until("Ctrl-C again");
        terminal.type(ctrlC);
        expect(await terminal.exitCode).toBe(0);
    });

    test("several lines: a backslash, quotes, a paste; each is one message, and history has them", async () => {
        start("--max-tokens", "2");
        await terminal.until("> ");
        terminal.type("What is \\\r");
        await terminal.until("\u2026 ");
        terminal.type("1+2?\r");
        await terminal.until("maxTokens]");
        terminal.type('"""\rone\r/two\r"""\r');
        await terminal.until("maxTokens]");
        terminal.type(pasted("three\nfour\tfive\n/exit\n"));
        await terminal.until("three\u23CEfour");
        terminal.type("\r");
        await terminal.until("maxTokens]");
        const path = join(folder, "talk.json");
        terminal.type(`/save ${path}\r`);
        await terminal.until("saved: ");
        const { messages } = JSON.parse(readFileSync(path, "utf8")) as {
            messages: { role: string; content: string }[];
        };
        expect(messages.filter(({ role }) => role === "user").map(({ content }) => content)).toEqual([
            "What is \n1+2?",
            "one\n/two",
            "three\nfour\tfive\n/exit"
        ]);
        terminal.type(ctrlD);
        expect(await terminal.exitCode).toBe(0);
        const history = join(folder, "rast", "chat-history.jsonl");
        expect(statSync(history).mode & 0o077).toBe(0);
        const lines = readFileSync(history, "utf8").trim().split("\n");
        expect(lines.map((line) => JSON.parse(line) as string)).toContain("three\nfour\tfive\n/exit");
        // the next chat has it, as one message
        start("--max-tokens", "2");
        await terminal.until("> ");
        terminal.type("\u001b[A\u001b[A");
        await terminal.until("three\u23CEfour");
        terminal.type("\r");
        await terminal.until("maxTokens]");
        terminal.type("/exit\r");
        expect(await terminal.exitCode).toBe(0);
    });

    test("a tab completes commands, settings and files; what is wrong is told, and nothing has changed", async () => {
        start("--no-history");
        await terminal.until("> ");
        terminal.type("/lam\t");
        await terminal.until("/lambda");
        terminal.type(" 0.5\r");
        await terminal.until("lambda 0.5");
        terminal.type("/lambda 50\r");
        await terminal.until(/Expected a number in \[-10, 10\] for lambda.* \[ERR_INVALID_OPTION\]/);
        terminal.type("/lambda\r");
        await terminal.until("lambda 0.5");
        terminal.type("/mode b\t");
        await terminal.until("/mode base");
        terminal.type("\r");
        await terminal.until("mode base");
        terminal.type("/set tempera\t");
        await terminal.until("/set temperature");
        terminal.type(" 0.3\r/set\r");
        await terminal.until("temperature 0.3");
        terminal.type("/lamda\r");
        await terminal.until("There is no command /lamda. Did you mean /lambda?");
        terminal.type("/seed x\r");
        await terminal.until("Expected an integer");
        terminal.type("/load /nowhere.json\r");
        await terminal.until("ERR_FILE_NOT_FOUND");
        writeFileSync(join(folder, "talk.json"), '[{"role": "assistant", "content": "x"}]');
        terminal.type(`/load ${join(folder, "ta")}\t`);
        await terminal.until("talk.json");
        terminal.type("\r");
        await terminal.until("message 1 is not the turn of");
        terminal.type("//What is 1+2?\r");
        await terminal.until(/\[\d+ tokens/);
        terminal.type(ctrlD);
        expect(await terminal.exitCode).toBe(0);
        expect(() => statSync(join(folder, "rast"))).toThrow();
    });

    test("a conversation that is too long: told, and the oldest turns are dropped where somebody agrees", async () => {
        start("--context-size", "256", "--max-tokens", "30", "--thinking", "off");
        await terminal.until("> ");
        const question = `What is 12+5-3?${" Please answer.".repeat(3)}`;
        for (let turn = 0; turn < 12; turn++) {
            terminal.type(`${question}\r`);
            await terminal.until(/\[\d+ tokens[^\]]*\]|Forget the oldest/);
            if (terminal.text.endsWith("Forget the oldest")) break;
            if (terminal.text.includes("Forget the oldest")) break;
        }
        await terminal.until("[Y/n]");
        terminal.type("\r");
        await terminal.until(/\[\d+ tokens/);
        // a message that is too long by itself is told so, and the chat goes on
        terminal.type(`${"1+2 ".repeat(400)}\r`);
        await terminal.until("ERR_PROMPT_TOO_LONG");
        terminal.type("/clear\rWhat is 1+2?\r");
        await terminal.until(/It is \d+\./);
        terminal.type(ctrlD);
        expect(await terminal.exitCode).toBe(0);
    });

    test("SIGTERM leaves the terminal as it was", async () => {
        start();
        await terminal.until("> ");
        terminal.signal("SIGTERM");
        expect(await terminal.exitCode).toBe(143);
        expect(terminal.shown.lastIndexOf("\u001b[?2004l")).toBeGreaterThan(
            terminal.shown.lastIndexOf("\u001b[?2004h")
        );
    });
});

describe("behind a pipe", () => {
    test("a message a line; stdout has the answers alone, thinking and words go to stderr", async () => {
        const input = '/seed 5\nWhat is 12+5-3?\n\n"""\nWhat is\n7+8?\n"""\n/nonsense\nWhat is \\\n1+2?';
        const { code, stdout, stderr } = await run(process.execPath, [main, "chat", ...trio], { input, env });
        expect(stdout).toMatch(/^It is \d+\.\nIt is \d+\.\nIt is \d+\.\n$/);
        expect(stderr).toContain("seed 5\n");
        expect(stderr).toContain("12+5=");
        expect(stderr).toContain("There is no command /nonsense.");
        expect(stderr).not.toContain("\u001b");
        // something failed, and nobody sat there to see it
        expect(code).toBe(1);
    });

    test("-q: answers alone; --color always dims what it is told to", async () => {
        const quiet = await run(process.execPath, [main, "chat", ...trio, "-q"], { input: "What is 12+5-3?\n", env });
        expect([quiet.code, quiet.stderr]).toEqual([0, ""]);
        expect(quiet.stdout).toMatch(/^It is \d+\.\n$/);
        const args = ["chat", ...trio, "--reasoning", "stdout", "--color", "always"];
        const coloured = await run(process.execPath, [main, ...args], { input: "What is 12+5-3?\n", env });
        expect(coloured.stdout).toMatch(/^\u001b\[2m12/);
    });

    test("a trio without a chat template: a prompt of its own for each message, and it says so", async () => {
        const args = ["chat", "--trio", "demo", "--temperature", "0", "--threads", "1"];
        const { code, stdout, stderr } = await run(process.execPath, [main, ...args], { input: "6+34\n6+34\n", env });
        expect(code).toBe(0);
        expect(stderr).toContain(
            "no chat template: each message is a prompt of its own, in the trio's prompt template"
        );
        const [one, two] = stdout.trim().split("\n");
        expect(one).toMatch(/#\d+$/);
        expect(two).toBe(one);
        const flagged = await run(process.execPath, [main, ...args, "--system", "Be brief."], { input: "6+34\n", env });
        expect([flagged.code, flagged.stdout]).toEqual([2, ""]);
        expect(flagged.stderr).toContain("without which --system means nothing");
    });
});
