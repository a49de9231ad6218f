// Bundlers: what says that the package was not kept external, and that the lines of docs/install.md keep it so.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root, run, type Finished } from "../support/native.js";

const folder = mkdtempSync(join(tmpdir(), "rast-bundlers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = `import { loadRast } from "rast-llama";
const main = async () => {
    const rast = await loadRast({ trio: "demo-strong", threads: 1, gpuLayers: 0 });
    console.log((await rast.complete({ prompt: "6+34+63+39", seed: 3 })).text);
    await rast.dispose();
};
main().catch(({ code, message }) => console.log(code, message));
`;

beforeAll(() => {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(root, join(folder, "node_modules", "rast-llama"));
    writeFileSync(join(folder, "package.json"), '{"name": "app", "private": true}');
    writeFileSync(join(folder, "main.mjs"), program);
});

async function bundled(output: string, ...args: string[]): Promise<Finished> {
    const esbuild = join(root, "node_modules", "esbuild", "bin", "esbuild");
    const all = ["main.mjs", "--bundle", "--platform=node", "--log-level=error", `--outfile=${output}`, ...args];
    const made = await run(esbuild, all, { cwd: folder });
    expect(made.code, made.stderr).toBe(0);
    return run(process.execPath, [output], { cwd: folder });
}

describe("esbuild", () => {
    it.each([
        ["inside.mjs", "--format=esm"],
        ["inside.cjs", "--format=cjs", "--log-override:empty-import-meta=silent"]
    ])("%s with the package in it says what to do", async (output, ...args) => {
        const require = 'import{createRequire as making}from"node:module";const require=making(import.meta.url);';
        const banner = output.endsWith(".mjs") ? [`--banner:js=${require}`] : [];
        const { stdout, stderr } = await bundled(output, ...args, ...banner);
        expect(stdout, stderr).toMatch(/^ERR_BUNDLED .*--external:rast-llama/);
    });

    it.each([
        ["outside.mjs", "--format=esm"],
        ["outside.cjs", "--format=cjs"]
    ])("%s with it external runs", async (output, ...args) => {
        const { stdout, stderr } = await bundled(output, ...args, "--external:rast-llama");
        expect([stdout, stderr]).toEqual(["S:6+34=40;40+63=103;103+39=142#142\n", ""]);
    });
});
