// Every layout of docs/install.md, from the page itself: installed by name from a registry on this machine, without a compiler,
// and run. Everyday runs take a sample of those that are small.
import { spawnSync } from "node:child_process";
import {
    cpSync,
    existsSync,
    lstatSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    readdirSync,
    renameSync,
    rmSync,
    symlinkSync,
    writeFileSync
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root, run, type Finished } from "../support/native.js";
import { heavy } from "../support/size.js";
import { readInstallPage, type Layout } from "./install-page.js";
import {
    forgetLocalRegistries,
    managerEnvironment,
    managerOf,
    npmCli,
    reachable,
    upstreamRegistry
} from "./managers.js";
import { Registry, type Held } from "./registry.js";

const upstream = upstreamRegistry();
const isReachable = await reachable(upstream);
if (!isReachable && (process.env["CI"] ?? "") !== "") throw new Error(`npm's registry does not answer: ${upstream}`);
if (!isReachable) process.stderr.write("npm's registry does not answer: tests of layouts are skipped\n");
// Figures and packages of the page are of this platform.
const isTested = isReachable && process.platform === "linux" && process.arch === "x64";

const work = mkdtempSync(join(tmpdir(), "rast-layouts-"));
const { layouts, program } = readInstallPage();
const expected = "S:6+34=40;40+63=103;103+39=142#142\n";
const everyday: readonly string[] = ["npm, CPU", "pnpm, CPU", "Yarn 4, Plug'n'Play, without CUDA and Vulkan"];
/** Within which the page's figures hold: other versions of small dependencies come. */
const sizeTolerance = 0.08;

const where = (command: string): string =>
    spawnSync("sh", ["-c", `command -v ${command}`], { encoding: "utf8" }).stdout.trim();

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

/**
 * The same, with a compiler that leaves optimizing out: what it makes is run for one line. In everyday runs it stops behind the
 * first of the package's own files, as the whole is what this checkout's addon took.
 */
function pathWithCompiler(...commands: string[]): string {
    const folder = pathWith("tools", ...commands);
    const stops = `case "$*" in *unity_*) mkdir "${join(work, "compiled")}" || { echo "that was enough" >&2; exit 1; };; esac`;
    for (const name of ["cc", "c++", "g++"]) {
        const found = where(name);
        if (found === "") continue;
        const script = `#!/bin/sh\n${heavy ? "" : `${stops}\n`}exec "${found}" "$@" -O0\n`;
        writeFileSync(join(folder, name), script, { mode: 0o755 });
    }
    return folder;
}

const basics = ["node", "sh", "env", "uname", "tar", "gzip", "ls", "sed", "dirname", "basename"];
const withoutCompilers = (): string => pathWith("none", ...basics);

let registry: Registry;
let tarball = "";

async function pack(folder: string): Promise<string> {
    const args = [npmCli, "pack", "--ignore-scripts", "--silent", "--pack-destination", work];
    const packed = await run(process.execPath, args, { cwd: folder });
    expect(packed.code, packed.stderr).toBe(0);
    return join(work, packed.stdout.trim().split("\n").at(-1)!);
}

const manifestOf = (folder: string): Held["manifest"] & Record<string, Record<string, string>> =>
    JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as ReturnType<typeof manifestOf>;

// Packages for other platforms, as far as they are not here: some package managers ask for all, and a mirror may lack some.
async function otherPlatforms(): Promise<Held[]> {
    const empty = join(work, "empty");
    mkdirSync(empty);
    writeFileSync(join(empty, "package.json"), '{"name": "empty", "version": "1.0.0"}');
    const content = await pack(empty);
    const systems: Readonly<Record<string, string>> = { mac: "darwin", win: "win32", linux: "linux" };
    return Object.entries(manifestOf(root)["optionalDependencies"]!)
        .filter(([name]) => !existsSync(join(root, "node_modules", name)))
        .map(([name, version]) => {
            const [system, cpu] = name.split("/")[1]!.split("-");
            return { manifest: { name, version, os: [systems[system!]!], cpu: [cpu!] }, tarball: content };
        });
}

beforeAll(async () => {
    if (!isTested) return;
    const prebuilt = await run(process.execPath, [join(root, "scripts", "prebuild.mjs")]);
    expect(prebuilt.stdout).toContain(`prebuilds/${process.platform}-${process.arch}/rast.node`);
    tarball = await pack(root);
    registry = new Registry([{ manifest: manifestOf(root), tarball }, ...(await otherPlatforms())], upstream);
    await registry.listen();
}, 600_000);
afterAll(async () => {
    if (isTested) await registry.close();
    forgetLocalRegistries();
    rmSync(work, { recursive: true, force: true });
});

/** A project with nothing but what a layout asks for, and the page's program. */
function project(name: string, files: Layout["files"] = {}): string {
    const folder = join(work, name);
    mkdirSync(folder);
    const { "package.json": more = "{}", ...others } = files;
    const manifest = { name: "app", private: true, type: "module", ...(JSON.parse(more) as object) };
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
    writeFileSync(join(folder, "main.mjs"), program);
    for (const [file, text] of Object.entries(others)) writeFileSync(join(folder, file), text);
    return folder;
}

/** Runs a command line of the page. `yarn` is that of the layout's name. */
async function line(folder: string, command: string, layout: string, path = withoutCompilers()): Promise<Finished> {
    const [name, ...args] = command.split(" ");
    const words: Readonly<Record<string, () => Promise<readonly string[]>>> = {
        node: async () => [process.execPath],
        npm: async () => [process.execPath, npmCli],
        pnpm: () => managerOf("pnpm"),
        yarn: () => managerOf(layout.startsWith("Yarn 1") ? "yarn" : "@yarnpkg/cli-dist"),
        bun: () => managerOf("bun"),
        deno: () => managerOf("deno")
    };
    const [run_, ...before] = await words[name!]!();
    return run(run_!, [...before, ...args], { cwd: folder, env: managerEnvironment(registry.url, path) });
}

/** As `du -sm` counts: what is linked several times once, in blocks. */
function megabytes(folder: string): number {
    const seen = new Set<string>();
    let bytes = 0;
    for (const name of ["", ...readdirSync(folder, { recursive: true, encoding: "utf8" })]) {
        const { dev, ino, blocks } = lstatSync(join(folder, name));
        if (seen.size === seen.add(`${dev}:${ino}`).size) continue;
        bytes += blocks * 512;
    }
    return Math.ceil(bytes / 1_048_576);
}

const isRun = (command: string): boolean => / ?main\.mjs$/.test(command);

async function installed(layout: Layout): Promise<string> {
    const folder = project(layout.name.replaceAll(/[^\w]+/g, "-"), layout.files);
    if (layout.name.startsWith("Yarn")) writeFileSync(join(folder, "yarn.lock"), "");
    for (const command of layout.commands.filter((one) => !isRun(one))) {
        const result = await line(folder, command, layout.name);
        expect(result.code, `${command}\n${result.stdout}${result.stderr}`).toBe(0);
        // Nothing was left undone that somebody would have to allow.
        expect(`${result.stdout}${result.stderr}`).not.toMatch(
            /approve-builds|ignored build scripts|blocked .*postinstall/i
        );
    }
    return folder;
}

async function expectRuns(folder: string, { name, commands }: Layout): Promise<void> {
    for (const command of commands.filter(isRun)) {
        const { code, stdout, stderr } = await line(folder, command, name);
        expect([code, stdout], `${command}\n${stderr}`).toEqual([0, expected]);
    }
}

const layoutNamed = (name: string): Layout => layouts.find((one) => one.name === name)!;

it("leaves out what only developers run, and has no script that is run while installing", () => {
    if (!isTested) return;
    const listed = spawnSync("tar", ["-tzf", tarball], { encoding: "utf8" }).stdout.trim().split("\n");
    const files = listed.map((file) => file.replace(/^package\//, ""));
    const below = (folder: string): string[] => files.filter((file) => file.startsWith(`${folder}/`)).sort();
    expect(below("bench")).toEqual(["bench/peers/node-llama-cpp.mjs"]);
    expect(below("scripts")).toEqual([
        "scripts/build-native.mjs",
        "scripts/llama-headers.mjs",
        "scripts/progress-lines.mjs",
        "scripts/toolchain.mjs"
    ]);
    expect(below("native/llama/include")).toContain("native/llama/include/llama.h");
    expect([...below("native/test"), ...below("native/fuzz"), ...below("test"), ...below("src")]).toEqual([]);
    expect(files.filter((file) => /_bench\.|\.test\./.test(file))).toEqual([]);
    const scripts = Object.keys(manifestOf(root)["scripts"]!);
    expect(scripts.filter((name) => /^(?:pre|post)?(?:install|prepare)$/.test(name))).toEqual([]);
});

it("the page has a size for each layout, and a sample of them that is run every day", () => {
    expect(layouts.length).toBeGreaterThan(10);
    for (const { name, commands, megabytes } of layouts)
        expect([name, commands.some(isRun), megabytes > 0]).toEqual([name, true, true]);
    for (const name of everyday) expect(layoutNamed(name)).toBeDefined();
});

describe.skipIf(!isTested)("docs/install.md, without a compiler", () => {
    it.each(layouts.filter(({ name }) => heavy || everyday.includes(name)))(
        "$name",
        async (layout) => {
            const folder = await installed(layout);
            await expectRuns(folder, layout);
            const places = ["node_modules", join(".yarn", "unplugged")].map((place) => join(folder, place));
            const found = places.filter((place) => existsSync(place)).reduce((sum, place) => sum + megabytes(place), 0);
            process.stdout.write(`| ${layout.name} | ${found} |\n`);
            expect(Math.abs(found - layout.megabytes), `${found} MB`).toBeLessThanOrEqual(
                3 + sizeTolerance * layout.megabytes
            );
            if (layout.name !== "npm, CPU") rmSync(folder, { recursive: true });
        },
        900_000
    );

    it("works where only what the CPU needs was copied", async () => {
        const folder = project("copied");
        const from = join(work, "npm-CPU", "node_modules");
        for (const name of ["rast-llama", "@node-llama-cpp/linux-x64", "@huggingface/jinja", "commander"]) {
            cpSync(join(from, name), join(folder, "node_modules", name), { recursive: true });
        }
        await expectRuns(folder, layoutNamed("npm, CPU"));
        const stated = /The CPU alone needs (\d+) MB/.exec(readFileSync(join(root, "docs", "install.md"), "utf8"));
        expect(Math.abs(megabytes(join(folder, "node_modules")) - Number(stated![1]))).toBeLessThanOrEqual(2);
    });

    it.runIf(heavy)(
        "says which package is missing and what brings it, and that helps",
        async () => {
            const layout = layoutNamed("npm, CPU");
            const folder = project("none");
            const bare = await line(folder, "npm install --omit=optional rast-llama", layout.name);
            expect(bare.code, bare.stderr).toBe(0);
            const { stderr } = await line(folder, "node main.mjs", layout.name);
            const [, advice] =
                /ERR_LIBRARIES\].*@node-llama-cpp\/linux-x64 is not installed, nor any other optional package, as with --omit=optional\. Run (npm install .*)\.$/m.exec(
                    stderr
                )!;
            await line(folder, advice!, layout.name);
            await expectRuns(folder, layout);
        },
        400_000
    );

    it("works after its folder is moved, and builds itself there", async () => {
        const layout = layoutNamed("npm, CPU");
        const moved = join(work, "moved elsewhere");
        renameSync(join(work, "npm-CPU"), moved);
        await expectRuns(moved, layout);
        // without its prebuilt addon it says what to do, and that helps
        rmSync(join(moved, "node_modules", "rast-llama", "prebuilds"), { recursive: true });
        const { stderr } = await line(moved, "node main.mjs", layout.name);
        expect(stderr).toMatch(
            /ERR_ADDON_MISSING\]: There is no addon for linux-x64: @rast-llama\/linux-x64 is not installed\. Run npm install @rast-llama\/linux-x64@\S+\. Or build it: npx rast build\.$/m
        );
        const build = "node node_modules/.bin/rast build";
        const bare = await line(moved, build, layout.name);
        expect(bare.code).toBe(1);
        expect(bare.stderr).toMatch(/needs a C\+\+ compiler .* \(apt-get install g\+\+\)/);
        // headers come with the package, so that git is not needed
        const tools = ["cmake", "make", "mkdir", "ld", "as", "ar", "ranlib", "ccache"];
        const built = await line(moved, build, layout.name, pathWithCompiler(...basics, ...tools));
        if (!heavy) {
            expect([built.code, built.stdout]).toEqual([1, ""]);
            expect(built.stderr).toMatch(/Built target|Building CXX object/);
            expect(built.stderr).toMatch(
                /that was enough[^]*The addon did not compile; the compiler's words are above/
            );
            expect(built.stderr).not.toMatch(/error:/);
            return;
        }
        expect(built.code, built.stderr).toBe(0);
        expect([built.stdout, built.stderr]).toEqual([
            "The addon is built.\n",
            expect.stringContaining("Compiling the addon")
        ]);
        await expectRuns(moved, layout);
    }, 900_000);

    it.runIf(heavy)(
        "says what brings a package, in the words of each package manager",
        async () => {
            const cases: readonly (readonly [name: string, bare: string, advice: RegExp])[] = [
                [
                    "pnpm, CPU",
                    "pnpm add --no-optional rast-llama",
                    /Run (pnpm add @node-llama-cpp\/linux-x64@[\d.]+)\./
                ],
                [
                    "Yarn 1, CPU",
                    "yarn add --ignore-optional rast-llama",
                    /Run (yarn add @node-llama-cpp\/linux-x64@[\d.]+)\./
                ],
                ["Bun, CPU", "bun add --omit optional rast-llama", /Run (bun add @node-llama-cpp\/linux-x64@[\d.]+)\./]
            ];
            for (const [name, bare, advice] of cases) {
                const folder = project(`none-${name.replaceAll(/\W+/g, "-")}`);
                expect((await line(folder, bare, name)).code).toBe(0);
                const { stderr } = await line(folder, "node main.mjs", name);
                expect(stderr).toMatch(advice);
                const option = name.startsWith("Yarn")
                    ? " --ignore-optional"
                    : name.startsWith("pnpm")
                      ? " --no-optional"
                      : " --omit optional";
                const added = await line(folder, `${advice.exec(stderr)![1]!}${option}`, name);
                expect(added.code, added.stderr).toBe(0);
                expect((await line(folder, "node main.mjs", name)).stdout).toBe(expected);
            }
        },
        900_000
    );
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
        const env = { ...process.env, PATH: pathWith(what.replaceAll(" ", "-"), ...basics, ...others), CXX: "" };
        const result = await run(process.execPath, [join(copy, "scripts", "build-native.mjs")], { cwd: copy, env });
        expect(result.code).toBe(1);
        expect(result.stderr).toContain(
            `rast-llama needs ${what} to build its addon, and found none: install it (${how}) and try again.\n`
        );
    });
});

// A PATH must be made of folders, or the tests above would test nothing.
it("has compilers to take away", () => {
    expect(where("c++")).not.toBe("");
    expect(where("cmake")).not.toBe("");
    expect(spawnSync("sh", ["-c", "command -v c++"], { env: { PATH: withoutCompilers() } }).status).not.toBe(0);
});
