import { spawnSync } from "node:child_process";
import {
    cpSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    renameSync,
    rmSync,
    symlinkSync,
    writeFileSync
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root, run, type Finished } from "../support/native.js";

const work = mkdtempSync(join(tmpdir(), "rast-layouts-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

function where(command: string): string {
    return spawnSync("sh", ["-c", `command -v ${command}`], { encoding: "utf8" }).stdout.trim();
}

/** A PATH with these commands and no others. */
function pathWith(name: string, ...commands: string[]): string {
    const folder = join(work, `path-${name}`);
    mkdirSync(folder, { recursive: true });
    for (const command of commands) {
        const found = command === "node" ? process.execPath : where(command);
        if (found !== "" && !existsSync(join(folder, command))) symlinkSync(found, join(folder, command));
    }
    return folder;
}

const everyday = ["node", "sh", "env", "uname", "tar", "gzip", "ls", "sed", "dirname", "basename"];
// npm and npx are scripts that look for their own files beside them
const npmFolder = dirname(where("npm"));
const withoutCompilers = (): NodeJS.ProcessEnv => ({ ...process.env, PATH: pathWith("none", ...everyday), CXX: "" });

let tarball = "";

beforeAll(async () => {
    const prebuilt = await run(process.execPath, [join(root, "scripts", "prebuild.mjs")]);
    expect(prebuilt.stdout).toContain(`prebuilds/${process.platform}-${process.arch}/rast.node`);
    const packed = await run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", work]);
    tarball = join(work, packed.stdout.trim().split("\n").at(-1)!);
    expect(existsSync(tarball)).toBe(true);
}, 300_000);

const smoke = `
import { loadRast } from "rast-llama";
const rast = await loadRast({ trio: "demo-strong", threads: 1, gpuLayers: 0 });
const result = await rast.complete({ prompt: "6+34+63+39", seed: 3 });
console.log(result.text);
await rast.dispose();
`;

function project(name: string, manifest: object = {}): string {
    const folder = join(work, name);
    mkdirSync(folder);
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name, private: true, type: "module", ...manifest }));
    writeFileSync(join(folder, "smoke.mjs"), smoke);
    return folder;
}

/** An empty package in place of each one for another platform: yarn 1 asks for all of them, and a mirror may lack some. */
function otherPlatforms(): Record<string, string> {
    const empty = join(work, "empty");
    mkdirSync(empty);
    writeFileSync(join(empty, "package.json"), JSON.stringify({ name: "empty", version: "1.0.0" }));
    const manifest = readFileSync(join(root, "node_modules", "node-llama-cpp", "package.json"), "utf8");
    const { optionalDependencies } = JSON.parse(manifest) as { optionalDependencies: Record<string, string> };
    const absent = Object.keys(optionalDependencies).filter((name) => !existsSync(join(root, "node_modules", name)));
    return Object.fromEntries(absent.map((name) => [name, `file:${empty}`]));
}

async function expectWorks(folder: string): Promise<void> {
    const result = await run(process.execPath, ["smoke.mjs"], { cwd: folder, env: withoutCompilers() });
    expect(result.stderr).toBe("");
    expect(result.stdout).toBe("S:6+34=40;40+63=103;103+39=142#142\n");
}

async function install(folder: string, command: string, ...args: string[]): Promise<Finished> {
    const result = await run(command, args, { cwd: folder });
    expect(result.code, `${result.stdout}${result.stderr}`).toBe(0);
    return result;
}

it("leaves out what only developers run: of bench it has the peers, of native no test and no benchmark", () => {
    const listed = spawnSync("tar", ["-tzf", tarball], { encoding: "utf8" }).stdout.trim().split("\n");
    const files = listed.map((line) => line.replace(/^package\//, ""));
    const below = (folder: string): string[] => files.filter((file) => file.startsWith(`${folder}/`)).sort();
    expect(below("bench")).toEqual(["bench/peers/node-llama-cpp.mjs"]);
    expect(below("scripts")).toEqual([
        "scripts/build-native.mjs",
        "scripts/install.mjs",
        "scripts/llama-headers.mjs",
        "scripts/toolchain.mjs"
    ]);
    expect([...below("native/test"), ...below("native/fuzz"), ...below("test"), ...below("src")]).toEqual([]);
    expect(files.filter((file) => /_bench\.|\.test\./.test(file))).toEqual([]);
});

describe("the packed package, without a compiler", () => {
    it("works from an npm layout, after the folder is moved, and builds itself there", async () => {
        const folder = project("npm-layout");
        await install(folder, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", tarball);
        await expectWorks(folder);
        const moved = join(work, "moved elsewhere");
        renameSync(folder, moved);
        await expectWorks(moved);

        // without its prebuilt addon it says what to do, and that helps
        const installed = join(moved, "node_modules", "rast-llama");
        rmSync(join(installed, "prebuilds"), { recursive: true });
        const missing = await run(process.execPath, ["smoke.mjs"], { cwd: moved });
        expect(missing.stderr).toContain("ERR_ADDON_MISSING");
        expect(missing.stderr).toContain("npx rast build");
        const command = join(moved, "node_modules", ".bin", "rast");
        const bare = await run(process.execPath, [command, "build"], { cwd: moved, env: withoutCompilers() });
        expect(bare.code).toBe(1);
        expect(bare.stderr).toMatch(/needs a C\+\+ compiler .* \(apt-get install g\+\+\)/);
        const built = await run(process.execPath, [command, "build"], { cwd: moved });
        expect(built.code, built.stderr).toBe(0);
        await expectWorks(moved);
    }, 400_000);

    it("works from a strict pnpm layout", async () => {
        const folder = project("pnpm-layout");
        const store = join(work, "pnpm-store");
        const args = [
            "--yes",
            "pnpm@9",
            "add",
            "--ignore-scripts",
            "--config.hoist=false",
            `--store-dir=${store}`,
            tarball
        ];
        await install(folder, join(npmFolder, "npx"), ...args);
        expect(existsSync(join(folder, "node_modules", "node-llama-cpp"))).toBe(false);
        await expectWorks(folder);
    }, 400_000);

    it("works from a yarn layout", async () => {
        const folder = project("yarn-layout", { resolutions: otherPlatforms() });
        const cache = join(work, "yarn-cache");
        const args = [
            "--yes",
            "yarn@1.22",
            "add",
            "--ignore-scripts",
            "--ignore-engines",
            "--cache-folder",
            cache,
            `file:${tarball}`
        ];
        await install(folder, join(npmFolder, "npx"), ...args);
        await expectWorks(folder);
    }, 400_000);
});

describe("building without a tool", () => {
    it.each([
        ["a C++ compiler", ["cmake", "git", "make"], "apt-get install g++"],
        ["CMake", ["c++", "g++", "git", "make"], "apt-get install cmake"],
        ["git", ["c++", "g++", "cmake", "make"], "apt-get install git"]
    ])("says in one line that %s is missing", async (what, others, how) => {
        const copy = join(work, `checkout-${basename(how.split(" ").at(-1)!)}`);
        mkdirSync(copy);
        cpSync(join(root, "scripts"), join(copy, "scripts"), { recursive: true });
        const env = { ...process.env, PATH: pathWith(what.replaceAll(" ", "-"), ...everyday, ...others), CXX: "" };
        const result = await run(process.execPath, [join(copy, "scripts", "build-native.mjs")], { cwd: copy, env });
        expect(result.code).toBe(1);
        expect(result.stderr).toBe(
            `rast-llama needs ${what} to build its addon, and found none: install it (${how}) and try again.\n`
        );
    });
});

// A PATH must be made of folders, or the tests above would test nothing.
it("has compilers to take away", () => {
    expect(where("c++")).not.toBe("");
    expect(where("cmake")).not.toBe("");
    expect((process.env["PATH"] ?? "").split(delimiter).length).toBeGreaterThan(1);
});
