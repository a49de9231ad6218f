// The packages as a release publishes them: rast-llama without an addon, and the platform's addon in a package of its own. Each
// package manager lays them out in its way, and the addon is found.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { platformNamed } from "../../scripts/platforms/platforms.mjs";
import { layOut, released } from "../../scripts/release.mjs";
import { releasedPlatforms } from "../../src/native/addon-file.js";
import { root, run, type Finished } from "../support/native.js";
import { heavy } from "../support/size.js";
import { readInstallPage } from "./install-page.js";
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
const platform = "linux-x64";
const isTested = (await reachable(upstream)) && `${process.platform}-${process.arch}` === platform;
const work = mkdtempSync(join(tmpdir(), "rast-released-"));
const { program } = readInstallPage();
const expected = "S:6+34=40;40+63=103;103+39=142#142\n";

const read = (...path: string[]): Record<string, Record<string, string>> & Held["manifest"] =>
    JSON.parse(readFileSync(join(...path), "utf8")) as ReturnType<typeof read>;
const manifest = read(root, "package.json");
const { version } = manifest;
const optionalDependencies = manifest["optionalDependencies"]!;
const own = `@rast-llama/${platform}`;
const llama = `@node-llama-cpp/${platform}`;

let registry: Registry | undefined;
beforeAll(async () => {
    if (!isTested) return;
    const prebuilt = await run(process.execPath, [join(root, "scripts", "prebuild.mjs")]);
    expect(prebuilt.code, prebuilt.stderr).toBe(0);
    const held: Held[] = [];
    for (const folder of layOut(join(work, "packages"), [platformNamed(platform)])) {
        const args = [npmCli, "pack", "--ignore-scripts", "--silent", "--pack-destination", work];
        const { stdout } = await run(process.execPath, args, { cwd: folder });
        held.push({ manifest: read(folder, "package.json"), tarball: join(work, stdout.trim()) });
    }
    registry = new Registry(held, upstream);
    await registry.listen();
}, 300_000);
afterAll(async () => {
    await registry?.close();
    forgetLocalRegistries();
    rmSync(work, { recursive: true, force: true });
}, 300_000);

const environment = (): NodeJS.ProcessEnv => managerEnvironment(registry!.url, process.env["PATH"]!);

/** Runs a command in a project, of which only the package manager and the packages differ. */
async function inProject(
    name: string,
    manifest: object,
    manager: readonly string[],
    args: readonly string[]
): Promise<string> {
    const folder = join(work, name);
    mkdirSync(folder);
    writeFileSync(
        join(folder, "package.json"),
        JSON.stringify({ name: "app", private: true, type: "module", ...manifest })
    );
    writeFileSync(join(folder, "main.mjs"), program);
    const [command, ...before] = manager;
    const { code, stdout, stderr } = await run(command!, [...before, ...args], { cwd: folder, env: environment() });
    expect(code, `${stdout}${stderr}`).toBe(0);
    return folder;
}

const main = (folder: string, command: readonly string[] = [process.execPath]): Promise<Finished> =>
    run(command[0]!, [...command.slice(1), "main.mjs"], { cwd: folder, env: environment() });

const server = `import { serve } from "rast-llama/server";
const server = await serve({ models: ["demo-chat"], port: 0, lazy: true, logLevel: "error" });
console.log((await fetch(server.url + "/health")).status);
await server.close();
`;

/** What a server is made of is in the package. */
async function expectServes(folder: string): Promise<void> {
    writeFileSync(join(folder, "server.mjs"), server);
    const served = await run(process.execPath, ["server.mjs"], { cwd: folder, env: environment() });
    expect(served, served.stderr).toMatchObject({ code: 0, stdout: "200\n", stderr: "" });
}

const packages = ["rast-llama", `${own}@${version}`, `${llama}@${optionalDependencies[llama]}`];

test("the loader and the release know the same platforms", () => {
    expect(released.map(({ name }) => name)).toEqual(releasedPlatforms);
});

describe.skipIf(!isTested)("released packages", () => {
    test("ask for what they need and run nothing when they are installed", () => {
        const whole = read(work, "packages", "rast-llama", "package.json");
        expect(whole["optionalDependencies"]).toMatchObject({ [own]: version, [llama]: optionalDependencies[llama] });
        expect([whole["scripts"], whole["devDependencies"]]).toEqual([undefined, undefined]);
        expect(existsSync(join(work, "packages", "rast-llama", "prebuilds"))).toBe(false);
        const part = read(work, "packages", platform, "package.json");
        expect(part).toMatchObject({
            name: own,
            version,
            os: ["linux"],
            cpu: ["x64"],
            libc: ["glibc"],
            files: ["rast.node"]
        });
    });

    test("npm", async () => {
        const folder = await inProject(
            "npm",
            {},
            [process.execPath, npmCli],
            ["install", "--omit=optional", ...packages]
        );
        expect(await main(folder)).toMatchObject({ code: 0, stdout: expected });
        await expectServes(folder);
        // a folder that moved, with a name that is not ASCII
        const moved = join(work, "Umgezogen ü 模型");
        renameSync(folder, moved);
        expect(await main(moved)).toMatchObject({ code: 0, stdout: expected });
        // an archive of Electron's, with the addon and the libraries beside it: the app's own code runs from the copy
        const resources = join(work, "resources");
        cpSync(join(moved, "node_modules"), join(resources, "app.asar", "node_modules"), { recursive: true });
        writeFileSync(join(resources, "app.asar", "package.json"), '{ "type": "module" }');
        writeFileSync(join(resources, "app.asar", "main.mjs"), program);
        for (const name of [own, llama]) {
            const place = join("node_modules", name);
            mkdirSync(join(resources, "app.asar.unpacked", place, ".."), { recursive: true });
            cpSync(join(moved, place), join(resources, "app.asar.unpacked", place), { recursive: true });
            // what an archive holds the system cannot open
            for (const file of ["rast.node", "bins"])
                rmSync(join(resources, "app.asar", place, file), { recursive: true, force: true });
        }
        expect(await main(join(resources, "app.asar"))).toMatchObject({ code: 0, stdout: expected });
        // without it: what is missing, and what brings it
        rmSync(join(moved, "node_modules", own), { recursive: true });
        const { stderr } = await main(moved);
        expect(stderr).toMatch(
            /ERR_ADDON_MISSING\]: There is no addon for linux-x64: @rast-llama\/linux-x64 is not installed\./
        );
        expect(stderr).toContain(`Run npm install ${own}@${version}.`);
    });

    test.runIf(heavy)("pnpm", async () => {
        const folder = await inProject("pnpm", {}, await managerOf("pnpm"), ["add", "--no-optional", ...packages]);
        expect(await main(folder)).toMatchObject({ code: 0, stdout: expected });
    });

    test.runIf(heavy)("Yarn 4, Plug'n'Play", async () => {
        const without = Object.keys(optionalDependencies).filter((name) => name !== llama);
        const resolutions = Object.fromEntries(without.map((name) => [name, "link:./none"]));
        mkdirSync(join(work, "none"), { recursive: true });
        const yarn = await managerOf("@yarnpkg/cli-dist");
        const folder = await inProject("yarn", { resolutions }, yarn, ["add", "rast-llama"]);
        expect(await main(folder, [...yarn, "node"])).toMatchObject({ code: 0, stdout: expected });
    });
});
