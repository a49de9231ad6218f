// The declarations as programs of several kinds compile them, with skipLibCheck off; and the package from CommonJS.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root, run } from "../support/native.js";
import { heavy } from "../support/size.js";

const folder = mkdtempSync(join(tmpdir(), "rast-types-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = `
async function main(): Promise<string> {
    await using rast: Rast = await loadRast({ trio: "demo" });
    const settings: GenerateSettings = { temperature: 0 };
    const { text, stopReason } = await rast.complete({ ...settings, prompt: "1+2=", signal: AbortSignal.timeout(1000) });
    if (stopReason === "abort") throw new RastError("ERR_ABORTED", "x");
    return text;
}
void main();
`;
const imported =
    'import { loadRast, RastError, type GenerateSettings, type Rast } from "rast-llama";\n' +
    'import { serve, type RastServer, type ServeOptions } from "rast-llama/server";\n' +
    'export const start = async (options: ServeOptions): Promise<RastServer> => serve({ ...options, models: ["demo"] });\n';
const dynamic = `
import type { GenerateSettings, Rast } from "rast-llama" with { "resolution-mode": "import" };
async function load(): Promise<typeof import("rast-llama", { with: { "resolution-mode": "import" } })> { return import("rast-llama"); }
`;

beforeAll(() => {
    mkdirSync(join(folder, "node_modules", "@types"), { recursive: true });
    symlinkSync(root, join(folder, "node_modules", "rast-llama"));
    for (const name of ["@types/node", "undici-types"]) {
        symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
    }
    writeFileSync(join(folder, "package.json"), '{"type": "module"}');
    writeFileSync(join(folder, "module.ts"), imported + program);
    writeFileSync(join(folder, "common.cts"), imported + program);
    const within = program.replace("{\n", "{\n    const { loadRast, RastError } = await load();\n");
    writeFileSync(join(folder, "dynamic.cts"), dynamic + within);
});

async function compile(name: string, file: string, options: object): Promise<string> {
    const config = join(folder, `${name}.json`);
    const compilerOptions = {
        noEmit: true,
        strict: true,
        target: "es2022",
        lib: ["es2022"],
        types: ["node"],
        // of this package's declarations, too
        skipLibCheck: false,
        // or the package's own node_modules would lend it what a program may lack
        preserveSymlinks: true,
        ...options
    };
    writeFileSync(config, JSON.stringify({ compilerOptions, files: [file] }));
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    return (await run(process.execPath, [tsc, "-p", config], { cwd: folder })).stdout;
}

describe("declarations compile", () => {
    // Each takes a compiler's start; the rest differ little from these.
    const everyday = [
        [
            "exact",
            "module.ts",
            { module: "nodenext", exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true }
        ],
        ["common", "common.cts", { module: "nodenext" }],
        ["dynamic", "dynamic.cts", { module: "node16" }]
    ] as const;
    const others = [
        ["module", "module.ts", { module: "nodenext" }],
        ["without-node", "module.ts", { module: "nodenext", types: [], lib: ["es2022", "dom"] }],
        ["bundler", "module.ts", { module: "esnext", moduleResolution: "bundler" }]
    ] as const;
    it.each([...everyday, ...(heavy ? others : [])])("%s", async (name, file, options) => {
        expect(await compile(name, file, options)).toBe("");
    });
});

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const requiresModules = major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);

it.runIf(requiresModules)("is required from CommonJS, by a Node.js that can", async () => {
    const lines = 'const { loadRast, RastError } = require("rast-llama"); console.log(typeof loadRast, RastError.name)';
    const result = await run(process.execPath, ["-e", lines], { cwd: folder });
    expect([result.code, result.stdout, result.stderr]).toEqual([0, "function RastError\n", ""]);
});

it("is imported from CommonJS by every Node.js", async () => {
    const lines = 'import("rast-llama").then(({ loadRast }) => console.log(typeof loadRast))';
    const result = await run(process.execPath, ["-e", lines], { cwd: folder });
    expect([result.code, result.stdout, result.stderr]).toEqual([0, "function\n", ""]);
});
