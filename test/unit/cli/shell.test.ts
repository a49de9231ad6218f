// Completion and manual: what shells and man make of them, where they are installed. bash is everywhere but on Windows.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { commands } from "../../../src/cli/commands/index.js";
import { rast } from "../../support/command-io.js";

const folder = mkdtempSync(join(tmpdir(), "rast-shell-"));
const folderOf = (name: string): string => join(folder, name);
const scripts: Record<string, string> = {};
beforeAll(async () => {
    const trios = join(folderOf("config"), "rast", "trios");
    mkdirSync(trios, { recursive: true });
    for (const name of ["mine", "$(touch ran)", "two words", "-x"]) writeFileSync(join(trios, `${name}.json`), "{}");
    vi.stubEnv("XDG_CONFIG_HOME", folderOf("config"));
    writeFileSync(join(folder, "a file.gguf"), "");
    for (const shell of ["bash", "zsh", "fish"]) {
        scripts[shell] = join(folder, `rast.${shell}`);
        writeFileSync(scripts[shell], (await rast(["completion", shell])).stdout);
    }
});
afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
});

const has = (program: string): boolean => spawnSync(program, ["--version"]).error === undefined;
const ran = (program: string, args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
    return stdout;
};

const flagsOf = (name: string): string[] =>
    Object.values(commands.find((one) => one.name === name)!.flags).flatMap(({ usage }) =>
        usage.match(/(?<=^|, )--?[\w-]+/g)!
    );

/** Command lines, and what their last word may become. */
const completed: readonly (readonly [words: readonly string[], expected: readonly string[]])[] = [
    [["ge"], ["generate"]],
    [["b"], ["bench", "build"]],
    [["generate", "--flash"], ["--flash-attention"]],
    [
        ["generate", "--flash-attention", ""],
        ["auto", "on", "off"]
    ],
    [["generate", "--draft", "a"], ["auto"]],
    [
        ["bench", "--format", "js"],
        ["json", "jsonl"]
    ],
    [["generate", "--base", "a"], ["a file.gguf"]],
    [
        ["generate", "--trio", "d"],
        ["demo", "demo-chat", "demo-seed2", "demo-strong"]
    ],
    [["bench", "--trio", "mi"], ["mine"]],
    [["generate", "--trio", "a"], ["a file.gguf"]],
    [["completion", "z"], ["zsh"]]
];

describe("completion", () => {
    test
        .skipIf(!has("bash"))
        .each([
            ...completed,
            [["generate", "--draft", "=", "o"], ["off"]],
            [["--debug", "dev"], ["devices"]],
            [["help", "dem"], ["demo"]],
            [["generate", "--max-tokens", ""], []]
        ] as typeof completed)("in bash: rast %j", (words, expected) => {
        const line = ["rast", ...words].map((word) => `'${word}'`).join(" ");
        const program = `. ${scripts["bash"]}; COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _rast; printf '%s\\n' "\${COMPREPLY[@]}"`;
        expect(ran("bash", ["--norc", "-c", program]).split("\n").filter(Boolean)).toEqual(expected);
    });

    test.skipIf(!has("bash"))("in bash: a trio's name that is more than a word is no word, and is not run", () => {
        const program = `. ${scripts["bash"]}; COMP_WORDS=(rast generate --trio ''); COMP_CWORD=3; _rast; printf '%s\\n' "\${COMPREPLY[@]}"`;
        const found = ran("bash", ["--norc", "-c", program]).trim().split("\n");
        expect(found).toContain("mine");
        expect(found.filter((word) => /touch|two|-x/.test(word))).toEqual([]);
        expect(existsSync(folderOf("ran"))).toBe(false);
    });

    test.skipIf(!has("bash"))("in bash: every flag of every command", () => {
        for (const { name } of commands) {
            const program = `. ${scripts["bash"]}; COMP_WORDS=(rast ${name} -); COMP_CWORD=2; _rast; printf '%s\\n' "\${COMPREPLY[@]}"`;
            const found = ran("bash", ["--norc", "-c", program]).trim().split("\n");
            expect(found.sort()).toEqual([...flagsOf(name), "-v", "--verbose", "--debug", "-h", "--help"].sort());
        }
    });

    test.skipIf(!has("zsh"))("in zsh it parses, and defines its function", () => {
        const program = `compdef() { print -r -- "$@" }; . ${scripts["zsh"]}; functions _rast >/dev/null`;
        expect(ran("zsh", ["-f", "-c", program])).toBe("_rast rast\n");
    });

    test.skipIf(!has("fish")).each(completed)("in fish: rast %j", (words, expected) => {
        const line = ["rast", ...words].join(" ");
        const text = ran("fish", ["--no-config", "-c", `source ${scripts["fish"]}; complete -C '${line}'`]);
        const found = text
            .split("\n")
            .filter(Boolean)
            .map((one) => one.split("\t")[0]!.replaceAll("\\", ""));
        expect(found.sort()).toEqual([...expected].sort());
    });

    test("of another shell is refused", async () => {
        expect(await rast(["completion", "csh"])).toMatchObject({ code: 2, stdout: "" });
        expect((await rast(["completion"])).stderr).toContain("missing required argument 'shell'");
    });
});

describe("the manual", () => {
    test("has every flag of every command, with what help says", async () => {
        const { stdout } = await rast(["man"]);
        const plain = stdout.replaceAll("\\-", "-").replaceAll("\\e", "\\");
        for (const { name, flags, examples = [] } of commands) {
            expect(plain).toContain("--no-json for --json");
            expect(plain).toMatch(new RegExp(`^\\.SS rast ${name}( |$)`, "m"));
            for (const { usage, description } of Object.values(flags))
                expect(plain).toContain(`.B ${usage}\n${description}\n`);
            for (const [line] of examples) expect(plain).toContain(`.nf\n${line}\n.fi`);
        }
    });

    test.skipIf(!has("groff"))("is read by groff without a warning", async () => {
        const { stdout } = await rast(["man"]);
        const page = join(folder, "rast.1");
        writeFileSync(page, stdout);
        const text = ran("groff", ["-man", "-ww", "-Tascii", "-P-cbou", page]);
        expect(text).toContain("--json-schema <file|json>");
        expect(text).toContain("EXIT STATUS");
    });
});
