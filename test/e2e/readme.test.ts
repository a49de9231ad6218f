import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseTrio } from "../../src/trio/trio.js";
import { root, run } from "../support/native.js";

const readme = readFileSync(join(root, "README.md"), "utf8");
const folder = join(root, "build", "readme");
beforeAll(() => mkdirSync(folder, { recursive: true }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function blocks(language: string): string[] {
    return [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map((match) => match[1]!);
}

const commands = blocks("sh").flatMap((block) => block.trim().split("\n"));

it("names the commands that set everything up", () => {
    expect(commands).toContain("npm run demo");
    expect(commands).toContain("npm test");
});

it.each(commands.filter((command) => !command.startsWith("npm ")))("runs: %s", async (command) => {
    const line = command.replace(/(^|\| )rast /, `$1"${process.execPath}" dist/cli/main.js `);
    expect(line).not.toBe(command);
    const result = await run("sh", ["-c", line]);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).not.toBe("");
});

it("has a program that runs", async () => {
    const program = blocks("js").find((one) => one.includes("rast.generate("));
    const file = join(folder, "program.mjs"); // within the package, whose own name resolves there
    writeFileSync(file, program!);
    const result = await run(process.execPath, [file]);
    expect(result.stderr).toBe("");
    expect(result.stdout).toMatch(/^S:6\+34=40;40\+63=103;103\+39=142#142A:#\d+ eos [\d.]+\n$/);
});

it("has a trio file that is one", () => {
    const [text] = blocks("json");
    const trio = parseTrio(JSON.parse(text!), join(folder, "my-trio.json"));
    expect(trio.pairs).toMatchObject([
        { expert: join(folder, "small-rl.gguf"), antiexpert: join(folder, "small.gguf"), lambda: 1 }
    ]);
});
