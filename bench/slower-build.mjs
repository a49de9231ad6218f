// A copy of this checkout in build/slow whose engine takes longer for every round, built as the product is.
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { buildApart } from "../scripts/native-tests.mjs";
import { root } from "./support.mjs";

const file = join("native", "engine", "engine.cpp");
const round = "    round_.run(group, events);\n";

/** Builds it. @param percent by how much rounds take longer: they are followed by busy waiting. @returns its folder */
export function buildSlower(percent) {
    const tree = join(root, "build", "slow");
    mkdirSync(tree, { recursive: true });
    for (const path of ["native", "dist", "bench", "models"]) {
        rmSync(join(tree, path), { recursive: true, force: true });
        cpSync(join(root, path), join(tree, path), { recursive: true, preserveTimestamps: true });
    }
    for (const path of ["CMakeLists.txt", "package.json"]) copyFileSync(join(root, path), join(tree, path));
    if (!existsSync(join(tree, "node_modules")))
        symlinkSync(join(root, "node_modules"), join(tree, "node_modules"), "junction");
    const text = readFileSync(join(root, file), "utf8");
    if (text.split(round).length !== 2) throw new Error(`${file} has not one line: ${round}`);
    writeFileSync(join(tree, file), text.replace(round, slowed(percent)));
    const require = createRequire(import.meta.url);
    const built = buildApart("slow", {
        source: tree,
        defines: [
            "-DCMAKE_BUILD_TYPE=Release",
            "-DRAST_UNITY=ON",
            "-DRAST_BUILD_TESTS=OFF",
            `-DNODE_ADDON_API_DIR=${require("node-addon-api").include_dir}`,
            `-DNODE_API_HEADERS_DIR=${require("node-api-headers").include_dir}`
        ],
        flags: "",
        compiler: process.env["RAST_CXX"] ?? "c++",
        targets: ["rast"]
    });
    mkdirSync(join(tree, "build", "Release"), { recursive: true });
    copyFileSync(join(built, "rast.node"), join(tree, "build", "Release", "rast.node"));
    return tree;
}

function slowed(percent) {
    return [
        "    const auto begun = engine_clock::now();\n",
        round,
        `    for (const double ms = ms_since(begun); ms_since(begun) < ${(1 + percent / 100).toFixed(3)} * ms;) {\n    }\n`
    ].join("");
}
