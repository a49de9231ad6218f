// Makes prebuilds/<platform>/rast.node, the addon for machines without a compiler.
//
//   node scripts/prebuild.mjs                    for this machine, with its own compiler, C++ runtime linked in
//   node scripts/prebuild.mjs --all              for all platforms as they are released: with Zig's clang, and checked
//   node scripts/prebuild.mjs --platform NAME    for one, or several
//     --twice     built again in another folder, which must give the same bytes
//     --check     nothing is built: what is there is checked
import { createHash } from "node:crypto";
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildNative } from "./build-native.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const options = {
    all: { type: "boolean", default: false },
    platform: { type: "string", multiple: true, default: [] },
    twice: { type: "boolean", default: false },
    check: { type: "boolean", default: false }
};

function fail(text) {
    process.stderr.write(`${text}\n`);
    process.exit(1);
}

async function forThisMachine() {
    const result = await buildNative({ portable: true });
    if (!result.ok) fail(`${result.log}${result.line}`);
    const folder = join(root, "prebuilds", `${process.platform}-${process.arch}`);
    const file = join(folder, "rast.node");
    mkdirSync(folder, { recursive: true });
    // Visual Studio adds a folder for the configuration
    const builtFile = ["portable", join("portable", "Release")]
        .map((place) => join(root, "build", place, "rast.node"))
        .find((path) => existsSync(path));
    copyFileSync(builtFile, file);
    const { forgetSources } = await import("./platforms/sources.mjs");
    forgetSources(`${process.platform}-${process.arch}`);
    if (process.platform === "linux") spawnSync("strip", ["--strip-unneeded", file]);
    process.stdout.write(`${file.slice(root.length + 1)} (${Math.round(statSync(file).size / 1024)} KiB)\n`);
}

const hashOf = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");

async function forRelease(names, { twice, check }) {
    const { artifactsOf, platformNamed } = await import("./platforms/platforms.mjs");
    const { crossBuild } = await import("./platforms/cross-build.mjs");
    const { linkFaults } = await import("./platforms/link-check.mjs");
    const { noteSources, sourcesHash } = await import("./platforms/sources.mjs");
    const hash = check ? undefined : sourcesHash();
    let allFaults = 0;
    for (const platform of names.map(platformNamed)) {
        const start = performance.now();
        let faults = 0;
        const artifacts = artifactsOf(platform);
        const built = check ? undefined : crossBuild(platform, artifacts);
        const again = twice ? builtElsewhere(platform, artifacts, crossBuild) : undefined;
        for (const artifact of artifacts) {
            const file = join(root, "prebuilds", platform.name, artifact.file);
            const fresh = built === undefined ? file : join(built, artifact.built);
            if (!existsSync(fresh))
                fail(`There is no ${relative(root, fresh)}: build it with --platform ${platform.name}.`);
            const found = linkFaults(fresh, platform.linked, artifact);
            if (again !== undefined && hashOf(join(again, artifact.built)) !== hashOf(fresh)) {
                found.push(`built again in ${again} it has other bytes`);
            }
            faults += found.length;
            for (const fault of found) process.stderr.write(`${platform.name}/${artifact.file}: ${fault}\n`);
            // What is not right takes nothing's place.
            if (found.length === 0 && fresh !== file) {
                mkdirSync(dirname(file), { recursive: true });
                copyFileSync(fresh, `${file}.part`);
                renameSync(`${file}.part`, file);
            }
            const seconds = Math.round((performance.now() - start) / 1000);
            const words = [
                `${Math.round(statSync(fresh).size / 1024)} KiB`,
                `sha256 ${hashOf(fresh)}`,
                ...(found.length > 0 ? [`${found.length} faults`] : twice ? ["checked, twice the same"] : ["checked"]),
                `${seconds} s`
            ];
            process.stdout.write(`${relative(root, file)}: ${words.join(", ")}\n`);
        }
        if (hash !== undefined && faults === 0) noteSources(platform.name, hash);
        if (again !== undefined && faults === 0) rmSync(dirname(again), { recursive: true, force: true });
        allFaults += faults;
    }
    if (allFaults > 0) process.exit(1);
}

// From a copy of the sources elsewhere, with nothing kept from before.
function builtElsewhere(platform, artifacts, crossBuild) {
    const place = join(tmpdir(), `rast ${platform.name} built again`);
    rmSync(place, { recursive: true, force: true });
    const source = join(place, "the sources, in a folder with a longer name");
    for (const name of ["native", "CMakeLists.txt"]) cpSync(join(root, name), join(source, name), { recursive: true });
    return crossBuild(platform, artifacts, { source, folder: join(place, "made"), env: { CCACHE_DISABLE: "1" } });
}

const { values } = parseArgs({ options });
if (values.all || values.platform.length > 0) {
    const { platforms } = await import("./platforms/platforms.mjs");
    await forRelease(values.all ? platforms.map(({ name }) => name) : values.platform, values).catch((error) =>
        fail(error.message)
    );
} else {
    await forThisMachine();
}
