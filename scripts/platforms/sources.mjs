// Which sources an addon in prebuilds was made of: one of other sources is neither tried nor released.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, sep } from "node:path";
import { prepareHeaders } from "../llama-headers.mjs";
import { root } from "./tools.mjs";

const require = createRequire(import.meta.url);
const notBuilt = new Set(["test", "fuzz"]);

/** A hash of all that the released addons are made of. */
export function sourcesHash() {
    prepareHeaders();
    const native = readdirSync(join(root, "native"), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
        .filter((file) => !notBuilt.has(file.split(sep)[1]));
    const others = [
        "CMakeLists.txt",
        ...["cross-build", "platforms", "tools"].map((name) => join("scripts", "platforms", `${name}.mjs`))
    ];
    const hash = createHash("sha256");
    for (const name of ["node-addon-api", "node-api-headers"])
        hash.update(`${name} ${require(`${name}/package.json`).version}\n`);
    for (const file of [...native.sort(), ...others]) hash.update(`${file}\n`).update(readFileSync(join(root, file)));
    return hash.digest("hex");
}

const stampOf = (platform) => join(root, "prebuilds", platform, "sources.sha256");

/** Notes that what is in a platform's folder of prebuilds was made of these sources as a release is. */
export function noteSources(platform, hash) {
    writeFileSync(stampOf(platform), `${hash}\n`);
}

/** Takes the note away: what is there now was made in another way. */
export function forgetSources(platform) {
    rmSync(stampOf(platform), { force: true });
}

/** Whether what is there was made of the sources as they are now, as a release is. */
export function isOfTheseSources(platform, hash = sourcesHash()) {
    return existsSync(stampOf(platform)) && readFileSync(stampOf(platform), "utf8").trim() === hash;
}
