// Makes gpu-pack/: llama.cpp's source, this package with the few npm packages that it runs on, and Node.js.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
    chmodSync,
    copyFileSync,
    cpSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    readdirSync,
    renameSync,
    rmSync,
    statSync,
    writeFileSync
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeLlamaCppFolder, prepareHeaders } from "../llama-headers.mjs";
import {
    checkSizes,
    isLlamaFile,
    isPackageFile,
    isProjectFile,
    leftOut,
    mebibytes,
    projectFolders
} from "./contents.mjs";
import { Misuse, run, say } from "./running.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
const recipe = 1; // raised when an archive is made otherwise

const readJson = (...path) => JSON.parse(readFileSync(join(...path), "utf8"));

function filesBelow(folder) {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const path = join(folder, entry.name);
        return entry.isDirectory() ? filesBelow(path) : [path];
    });
}

/** Writes what building llama.cpp needs into a folder, out of the bundle that node-llama-cpp ships, with its patches. */
export function extractLlama(folder) {
    const source = join(nodeLlamaCppFolder(), "llama");
    const git = (...args) =>
        execFileSync("git", ["-C", folder, ...args], {
            encoding: "utf8",
            stdio: ["ignore", "pipe", "pipe"],
            maxBuffer: 64 * 1024 * 1024
        });
    mkdirSync(folder, { recursive: true });
    git("init", "-q");
    git("fetch", "-q", join(source, "gitRelease.bundle"), "HEAD");
    const paths = git("ls-tree", "-r", "-z", "--name-only", "FETCH_HEAD").split("\0").filter(isLlamaFile);
    git("checkout", "-q", "FETCH_HEAD", "--", ...paths);
    // node-llama-cpp applies these to what it ships as binaries
    for (const name of readdirSync(join(source, "patches")).filter((file) => file.endsWith(".diff"))) {
        git("apply", "--ignore-whitespace", join(source, "patches", name));
    }
    rmSync(join(folder, ".git"), { recursive: true, force: true });
}

// Packages that dist imports and headers that the addon includes, with their own dependencies.
function npmPackages() {
    const found = new Map();
    const add = (name, from) => {
        if (found.has(name)) return;
        const folders = createRequire(join(from, "package.json")).resolve.paths(name);
        const folder = folders.map((one) => join(one, name)).find((one) => existsSync(join(one, "package.json")));
        if (folder === undefined) throw new Misuse(`the npm package ${name} is not installed: run npm run setup`);
        found.set(name, folder);
        for (const dependency of Object.keys(readJson(folder, "package.json").dependencies ?? {}))
            add(dependency, folder);
    };
    const wanted = Object.keys(readJson(root, "package.json").dependencies).filter((name) => !leftOut.includes(name));
    for (const name of wanted) add(name, root);
    return found;
}

/** Writes this package as the other machine needs it. */
export async function stageProject(folder) {
    const copy = (from, to) => {
        mkdirSync(dirname(to), { recursive: true });
        cpSync(from, to, { dereference: true, preserveTimestamps: true });
    };
    if (!existsSync(join(root, "dist", "index.js"))) throw new Misuse("dist/ is not built: run npm run setup");
    prepareHeaders();
    const top = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isFile());
    const files = [
        ...top.map((entry) => join(root, entry.name)),
        ...projectFolders.flatMap((name) => filesBelow(join(root, name)))
    ];
    for (const file of files) {
        const path = relative(root, file);
        if (isProjectFile(path)) copy(file, join(folder, path));
    }
    for (const [name, from] of npmPackages()) {
        for (const file of filesBelow(from)) {
            const path = relative(from, file);
            if (isPackageFile(path)) copy(file, join(folder, "node_modules", name, path));
        }
    }
    // records name its version; its code and its libraries stay behind
    copy(join(nodeLlamaCppFolder(), "package.json"), join(folder, "node_modules", "node-llama-cpp", "package.json"));
    const { default: typescript } = await import("typescript");
    const models = join("test", "support", "random-models");
    const { outputText } = typescript.transpileModule(readFileSync(join(root, `${models}.ts`), "utf8"), {
        compilerOptions: { module: typescript.ModuleKind.ESNext, target: typescript.ScriptTarget.ES2022 }
    });
    mkdirSync(join(folder, dirname(models)), { recursive: true });
    writeFileSync(join(folder, `${models}.js`), outputText.replaceAll("../../src/", "../../dist/"));
}

async function archive(from, file) {
    // the same files make the same archive: only another one is unpacked and built anew
    const all = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=2020-01-01"];
    const env = { ...process.env, XZ_OPT: "-6 -T2" };
    const result = await run("tar", ["-C", from, ...all, "-cJf", `${file}.part`, "."], { env });
    if (result.code !== 0) throw new Error(`tar failed (it needs xz): ${result.stderr.trim()}`);
    renameSync(`${file}.part`, file);
}

/**
 * Makes the pack, keeping archives that would come out the same.
 * @param {string} pack its folder
 */
export async function makePack(pack) {
    if (process.platform !== "linux") throw new Misuse("packs are made on Linux, for Linux");
    const work = mkdtempSync(join(tmpdir(), "rast-gpu-pack-"));
    mkdirSync(pack, { recursive: true });
    const manifestFile = join(pack, "manifest.json");
    const before = existsSync(manifestFile) ? readJson(manifestFile).archives : {};
    try {
        const { tag } = readJson(nodeLlamaCppFolder(), "llama", "llama.cpp.info.json");
        const nodeLlamaCpp = readJson(nodeLlamaCppFolder(), "package.json").version;
        const contents = createHash("sha256")
            .update(readFileSync(join(here, "contents.mjs")))
            .digest("hex")
            .slice(0, 12);
        const parts = {
            llama: { key: `${recipe} ${nodeLlamaCpp} ${tag} ${contents}`, make: extractLlama },
            node: {
                key: `${recipe} ${process.version} ${process.arch} ${statSync(process.execPath).size}`,
                make: (folder) => {
                    mkdirSync(folder, { recursive: true });
                    copyFileSync(process.execPath, join(folder, "node"));
                    try {
                        execFileSync("strip", [join(folder, "node")], { stdio: "ignore" });
                    } catch {
                        say("strip is missing: Node.js stays as large as it is");
                    }
                }
            },
            project: { key: null, make: stageProject }
        };
        const archives = {};
        for (const [name, { key, make }] of Object.entries(parts)) {
            const file = `${name}.tar.xz`;
            if (key === null || before[name]?.key !== key || !existsSync(join(pack, file))) {
                say(`packing ${name}`);
                await make(join(work, name));
                await archive(join(work, name), join(pack, file));
            }
            const bytes = readFileSync(join(pack, file));
            archives[name] = { key, sha256: createHash("sha256").update(bytes).digest("hex") };
        }
        const manifest = { schema: "rast-gpu-pack/1", arch: process.arch, node: process.version, archives };
        writeFileSync(manifestFile, `${JSON.stringify(manifest, null, 4)}\n`);
        copyFileSync(join(here, "start.sh"), join(pack, "gpu-check"));
        chmodSync(join(pack, "gpu-check"), 0o755);
    } finally {
        rmSync(work, { recursive: true, force: true });
    }
    const sizes = Object.fromEntries(readdirSync(pack).map((name) => [name, statSync(join(pack, name)).size]));
    for (const [name, bytes] of Object.entries(sizes)) say(`${mebibytes(bytes).padStart(9)}  ${name}`);
    say(`${mebibytes(checkSizes(sizes)).padStart(9)}  in ${pack}`);
}
