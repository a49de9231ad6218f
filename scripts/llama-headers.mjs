// Takes llama.cpp's headers out of the source bundle that node-llama-cpp ships, into native/llama/include/, and into rpc/ there
// the source of its RPC backend with the internal headers that it needs. The packed package has them.
import { execFileSync } from "node:child_process";
import {
    cpSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    readdirSync,
    renameSync,
    rmSync,
    writeFileSync
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, "native", "llama", "include");

// ggml_commit() of the published libraries of each release: the bundle is squashed and does not hold it. A wrong entry makes
// every load fail with ERR_VERSION_MISMATCH, which names both. What is built from the bundle says the bundle's own commit.
const ggmlCommits = { "v0.5.0": "0ad4a86" };

// Its transport is ours (native/rpc), behind the same header.
const rpcSources = [
    "ggml/src/ggml-rpc/ggml-rpc.cpp",
    "ggml/src/ggml-rpc/transport.h",
    "ggml/src/ggml-impl.h",
    "ggml/src/ggml-backend-impl.h"
];

/** The folder of node-llama-cpp, from where this package would import it. */
export function nodeLlamaCppFolder() {
    let folder = dirname(createRequire(import.meta.url).resolve("node-llama-cpp"));
    while (!existsSync(join(folder, "llama", "gitRelease.bundle"))) {
        if (folder === dirname(folder))
            throw new Error("node-llama-cpp holds no source bundle (llama/gitRelease.bundle)");
        folder = dirname(folder);
    }
    return folder;
}

/** Whether nothing is left to be made of them: always in an installed package. */
export function headersArePacked() {
    return existsSync(join(target, "stamp")) && !existsSync(join(root, "tsconfig.json"));
}

/** Makes native/llama/include/ unless it is there for this version. */
export function prepareHeaders() {
    if (headersArePacked()) return;
    const source = nodeLlamaCppFolder();
    const read = (...path) => JSON.parse(readFileSync(join(...path), "utf8"));
    const { tag } = read(source, "llama", "llama.cpp.info.json");
    const version = read(root, "package.json").version;
    const stamp = `6 ${tag} ${version} ${read(source, "package.json").version}`;
    const stampFile = join(target, "stamp");
    if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return;

    const commit = ggmlCommits[tag];
    if (commit === undefined)
        throw new Error(`no ggml commit is known for llama.cpp ${tag}: see scripts/llama-headers.mjs`);
    const work = mkdtempSync(join(tmpdir(), "rast-headers-"));
    try {
        const clone = join(work, "llama.cpp");
        const git = (...args) => execFileSync("git", args, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
        git("init", "-q", clone);
        git("-C", clone, "fetch", "-q", "--depth=1", join(source, "llama", "gitRelease.bundle"), "HEAD");
        git(
            ...["-C", clone, "checkout", "-q", "FETCH_HEAD", "--"],
            ...["include", "ggml/include", "ggml/CMakeLists.txt", "LICENSE", ...rpcSources]
        );
        const bundleCommit = git("-C", clone, "rev-parse", "FETCH_HEAD").slice(0, 7);
        const made = join(work, "include");
        mkdirSync(made);
        for (const folder of ["include", join("ggml", "include")]) {
            for (const name of readdirSync(join(clone, folder))) {
                if (name.endsWith(".h")) cpSync(join(clone, folder, name), join(made, name));
            }
        }
        mkdirSync(join(made, "rpc"));
        for (const file of rpcSources) cpSync(join(clone, file), join(made, "rpc", basename(file)));
        cpSync(join(clone, "LICENSE"), join(made, "LICENSE"));
        const cmake = readFileSync(join(clone, "ggml", "CMakeLists.txt"), "utf8");
        const part = (name) => new RegExp(`set\\(GGML_VERSION_${name} (\\d+)\\)`).exec(cmake)[1];
        const defines = {
            RAST_LLAMA_TAG: tag,
            RAST_GGML_VERSION: ["MAJOR", "MINOR", "PATCH"].map(part).join("."),
            RAST_GGML_COMMIT: commit,
            RAST_GGML_BUNDLE_COMMIT: bundleCommit,
            RAST_ADDON_VERSION: version
        };
        const lines = Object.entries(defines).map(([name, value]) => `#define ${name} "${value}"\n`);
        writeFileSync(join(made, "rast-llama-version.h"), `#pragma once\n\n${lines.join("")}`);
        writeFileSync(join(made, "stamp"), stamp);
        rmSync(target, { recursive: true, force: true });
        mkdirSync(dirname(target), { recursive: true });
        try {
            renameSync(made, target);
        } catch {
            cpSync(made, target, { recursive: true }); // the temporary folder may lie on another file system
        }
    } finally {
        rmSync(work, { recursive: true, force: true });
    }
}
