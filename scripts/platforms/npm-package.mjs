// A package of npm's registry that is for another platform: fetched once, and laid into build/platforms/packages.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { runTool, workFolder } from "./tools.mjs";

/** @returns {string} its folder */
export function npmPackage(name, version) {
    const folder = join(workFolder, "packages", `${name.replace("/", "+")}@${version}`);
    if (existsSync(folder)) return folder;
    process.stderr.write(`fetching ${name}@${version}\n`);
    const part = `${folder}.part`;
    rmSync(part, { recursive: true, force: true });
    mkdirSync(part, { recursive: true });
    runTool("npm", ["pack", "--silent", "--pack-destination", part, `${name}@${version}`], { cwd: dirname(folder) });
    const [archive] = readdirSync(part);
    runTool("tar", ["-xzf", join(part, archive), "-C", part]);
    // the folder in the archive may have any name
    const [inside] = readdirSync(part).filter((one) => one !== archive);
    renameSync(join(part, inside), folder);
    rmSync(part, { recursive: true, force: true });
    return folder;
}
