// Every program in README.md, docs and docstrings: it compiles against the package's declarations, and runs.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, expect, it } from "vitest";
import { root, run } from "../support/native.js";
import { snippets } from "../support/snippets.js";

const all = snippets();
// Within the package, whose own name resolves there.
const folder = join(root, "build", "snippets");
const fileOf = (where: string): string => join(folder, `${where.replace(/[^\w]/g, "_")}.mts`);

beforeAll(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const { where, code } of all) writeFileSync(fileOf(where), code);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("there are some in each place", () => {
    const files = all.map(({ where }) => where.replace(/:\d+$/, ""));
    expect(files).toEqual(expect.arrayContaining(["README.md", "docs/isolation.md", "src/engine/engine.ts"]));
    expect(all.every(({ code }) => /from "rast-llama(\/server)?"/.test(code))).toBe(true);
});

it("they compile, strictly", () => {
    const config = ts.readConfigFile(join(root, "tsconfig.json"), (path) => ts.sys.readFile(path));
    const { options } = ts.convertCompilerOptionsFromJson(
        (config.config as { compilerOptions: object }).compilerOptions,
        root
    );
    const program = ts.createProgram(
        all.map(({ where }) => fileOf(where)),
        { ...options, noEmit: true, rootDir: root, declaration: false, sourceMap: false }
    );
    const faults = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
        const snippet = all.find(({ where }) => fileOf(where) === file?.fileName);
        const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line;
        return `${snippet?.where ?? file?.fileName}, line ${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
    });
    expect(faults).toEqual([]);
});

it.each(all.map(({ where, code }) => [where, code]))("%s runs", async (where, code) => {
    const file = fileOf(where).replace(/\.mts$/, ".mjs");
    const target = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
    writeFileSync(file, ts.transpileModule(code, { compilerOptions: target }).outputText);
    const result = await run(process.execPath, [file]);
    expect([result.code, result.stderr]).toEqual([0, ""]);
});
