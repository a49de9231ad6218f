// Lays out the packages of a release in build/release and publishes them: one for each platform, then rast-llama, which asks for
// them as optional dependencies of its own version.
//
//   node scripts/release.mjs --dry-run      all of it, and npm publish --dry-run for each
//   node scripts/release.mjs --publish      for good: in CI alone, see docs/releasing.md
//     --platform NAME    only that one's package beside rast-llama; not with --publish
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { artifactsOf, platformNamed, platforms } from "./platforms/platforms.mjs";
import { isOfTheseSources, sourcesHash } from "./platforms/sources.mjs";
import { runTool } from "./platforms/tools.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Those that llama.cpp's libraries come for: with musl there are none to load. */
export const released = platforms.filter(({ libc }) => libc !== "musl");

const read = (file) => JSON.parse(readFileSync(file, "utf8"));
const write = (file, value) => writeFileSync(file, `${JSON.stringify(value, null, 4)}\n`);

/** @returns {object} package.json of a platform's package */
function platformManifest({ name, os, cpu, libc }, manifest, files) {
    return {
        name: `@rast-llama/${name}`,
        version: manifest.version,
        description: `The addon of rast-llama for ${name}`,
        license: manifest.license,
        author: manifest.author,
        ...(manifest.repository === undefined ? {} : { repository: manifest.repository }),
        os: [os],
        cpu: [cpu],
        ...(libc === undefined ? {} : { libc: [libc] }),
        engines: manifest.engines,
        // Nothing can be loaded out of an archive.
        preferUnplugged: true,
        files,
        publishConfig: { access: "public" }
    };
}

/**
 * @param {string} folder where each package gets a folder of its own
 * @param {readonly import("./platforms/platforms.mjs").Platform[]} chosen
 * @returns {readonly string[]} the packages' folders, in the order in which they are to be published
 */
export function layOut(folder, chosen = released) {
    const manifest = read(join(root, "package.json"));
    rmSync(folder, { recursive: true, force: true });
    const folders = chosen.map((platform) => {
        const files = artifactsOf(platform).map(({ file }) => file);
        const place = join(folder, platform.name);
        mkdirSync(place, { recursive: true });
        for (const file of files) {
            const built = join(root, "prebuilds", platform.name, file);
            if (!existsSync(built))
                throw new Error(`${relative(root, built)} is missing: npm run prebuild -- --platform ${platform.name}`);
            cpSync(built, join(place, file));
        }
        write(join(place, "package.json"), platformManifest(platform, manifest, files));
        cpSync(join(root, "LICENSE"), join(place, "LICENSE"));
        writeFileSync(
            join(place, "README.md"),
            `# @rast-llama/${platform.name}\n\nThe compiled part of \`rast-llama\` for ${platform.name}. Install \`rast-llama\`, which asks for it.\n`
        );
        return place;
    });
    return [...folders, mainPackage(join(folder, "rast-llama"), manifest, chosen)];
}

function mainPackage(place, manifest, chosen) {
    const work = mkdtempSync(join(tmpdir(), "rast-release-"));
    try {
        runTool("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", work], { cwd: root });
        const [archive] = readdirSync(work);
        runTool("tar", ["-xzf", join(work, archive), "-C", work]);
        cpSync(join(work, "package"), place, { recursive: true });
    } finally {
        rmSync(work, { recursive: true, force: true });
    }
    rmSync(join(place, "prebuilds"), { recursive: true, force: true });
    const undeclared = undeclaredImports(join(place, "dist"), manifest);
    if (undeclared.length > 0)
        throw new Error(`dist imports ${undeclared.join(", ")}, which no user has: make it anew with npm run build.`);
    // Not in the checkout's: its lock would name packages that no registry has before the release.
    const own = Object.fromEntries(chosen.map(({ name }) => [`@rast-llama/${name}`, manifest.version]));
    const kept = Object.fromEntries(
        Object.entries(manifest).filter(([name]) => name !== "scripts" && name !== "devDependencies")
    );
    write(join(place, "package.json"), {
        ...kept,
        files: manifest.files.filter((name) => name !== "prebuilds"),
        optionalDependencies: { ...own, ...manifest.optionalDependencies },
        publishConfig: { access: "public" }
    });
    return place;
}

/** Packages that compiled files import and package.json does not bring: what a compiler run by hand leaves where a bundle was. */
export function undeclaredImports(folder, { dependencies, optionalDependencies }) {
    const declared = new Set([...Object.keys(dependencies), ...Object.keys(optionalDependencies)]);
    const found = readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".js"))
        .flatMap((name) => {
            const text = readFileSync(join(folder, name), "utf8");
            const imports = text.matchAll(
                /^(?:import|export|\}).*?\bfrom "([^".][^"]*)";$|\bimport\("([^".][^"]*)"\)/gm
            );
            return [...imports].map(([, first, second]) => /^(?:@[^/]+\/)?[^/]+/.exec(first ?? second)[0]);
        });
    return [...new Set(found)].filter((name) => !isBuiltin(name) && !declared.has(name)).sort();
}

async function assertLinked(chosen) {
    const { linkFaults } = await import("./platforms/link-check.mjs");
    const hash = sourcesHash();
    const old = chosen.filter(({ name }) => !isOfTheseSources(name, hash));
    if (old.length > 0) {
        const flags = old.map(({ name }) => `--platform ${name}`).join(" ");
        throw new Error(`Not built of these sources as a release is: npm run prebuild -- ${flags}`);
    }
    const faults = chosen.flatMap((platform) =>
        artifactsOf(platform).flatMap((artifact) => {
            const file = join(root, "prebuilds", platform.name, artifact.file);
            if (!existsSync(file))
                return [
                    `${platform.name}/${artifact.file} is missing: npm run prebuild -- --platform ${platform.name}`
                ];
            return linkFaults(file, platform.linked, artifact).map(
                (fault) => `${platform.name}/${artifact.file}: ${fault}`
            );
        })
    );
    if (faults.length > 0) throw new Error(faults.join("\n"));
}

async function release({ publish, platform }) {
    const chosen = platform.length === 0 ? released : platform.map(platformNamed);
    if (publish && platform.length > 0) throw new Error("A release has all platforms.");
    if (publish && process.env["GITHUB_ACTIONS"] !== "true")
        throw new Error("Releases are published by CI alone: docs/releasing.md.");
    await assertLinked(chosen);
    for (const folder of layOut(join(root, "build", "release"), chosen)) {
        const { name, version } = read(join(folder, "package.json"));
        const isThere =
            publish &&
            spawnSync("npm", ["view", `${name}@${version}`, "version"], { encoding: "utf8" }).stdout.trim() === version;
        if (isThere) {
            // an interrupted release goes on
            process.stdout.write(`${name}@${version} is published\n`);
            continue;
        }
        const how = publish ? ["--provenance"] : ["--dry-run"];
        const [{ size, unpackedSize, entryCount }] = packed(folder);
        runTool("npm", ["publish", ...how, "--access", "public", "--ignore-scripts"], { cwd: folder });
        const figures = `${(size / 1e6).toFixed(1)} MB packed, ${(unpackedSize / 1e6).toFixed(1)} MB in ${entryCount} files`;
        process.stdout.write(`${name}@${version}: ${figures}${publish ? ", published" : ""}\n`);
    }
}

const packed = (folder) =>
    JSON.parse(runTool("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: folder }));

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
    const { values } = parseArgs({
        options: {
            "dry-run": { type: "boolean", default: false },
            publish: { type: "boolean", default: false },
            platform: { type: "string", multiple: true, default: [] }
        }
    });
    if (values["dry-run"] === values.publish) {
        process.stderr.write("Say --dry-run or --publish.\n");
        process.exit(2);
    }
    await release(values).catch((error) => {
        process.stderr.write(`${error.message}\n`);
        process.exit(1);
    });
}
