// Looks at the product's C++ sources with the checks of .clang-tidy: node scripts/clang-tidy.mjs [FILE or FOLDER ...]
//
// CMake says how each file is compiled, apart from the others and without headers compiled before: a file that does not
// include what it uses is a finding. Tests and fuzzers are left out: they are compiled with
// the same warnings, and looking at them too would take half as long again. CLANG_TIDY names another program. Exit code 1 with findings.
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { prepareHeaders } from "./llama-headers.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const folder = join(root, "build", "clang-tidy");

function fail(line) {
    process.stderr.write(`${line}\n`);
    process.exit(1);
}

function findProgram() {
    const versions = Array.from({ length: 12 }, (_, index) => `clang-tidy-${25 - index}`);
    const names = process.env.CLANG_TIDY === undefined ? ["clang-tidy", ...versions] : [process.env.CLANG_TIDY];
    const found = names.find((name) => spawnSync(name, ["--version"]).status === 0);
    return found ?? fail(`${names[0]} is missing: install it (apt-get install clang-tidy).`);
}

function sources(within) {
    prepareHeaders();
    const flags = {
        NODE_ADDON_API_DIR: require("node-addon-api").include_dir,
        NODE_API_HEADERS_DIR: require("node-api-headers").include_dir,
        RAST_UNITY: "OFF",
        CMAKE_DISABLE_PRECOMPILE_HEADERS: "ON"
    };
    const args = ["-S", root, "-B", folder, ...Object.entries(flags).map(([name, value]) => `-D${name}=${value}`)];
    const configured = spawnSync("cmake", args, { encoding: "utf8" });
    if (configured.status !== 0) fail(`cmake ${args.join(" ")}\n${configured.stdout ?? ""}${configured.stderr ?? ""}`);
    const database = JSON.parse(readFileSync(join(folder, "compile_commands.json"), "utf8"));
    const files = database.map((entry) => resolve(entry.directory, entry.file));
    const left = [join(root, "native", "test"), join(root, "native", "fuzz")];
    const below = (file, folder) => file === folder || file.startsWith(folder + sep);
    return [...new Set(files)].filter(
        (file) =>
            file.endsWith(".cpp") &&
            below(file, join(root, "native")) &&
            !left.some((folder) => below(file, folder)) &&
            (within.length === 0 || within.some((path) => below(file, path)))
    );
}

// Resolves with what there is to say about a file: "" for nothing.
function look(program, file) {
    // Flags of the compiler that the database is for may be strange to clang.
    const args = ["-p", folder, "--quiet", "--extra-arg=-Qunused-arguments", "--extra-arg=-w", file];
    return new Promise((done) => {
        const child = spawn(program, args, { cwd: root });
        let output = "";
        child.stdout.on("data", (text) => (output += text));
        child.stderr.on("data", (text) => (output += text));
        child.on("error", (error) => done(`${relative(root, file)}: ${error.message}\n`));
        child.on("close", (code) => done(code === 0 ? "" : output));
    });
}

const program = findProgram();
const queue = sources(process.argv.slice(2).map((path) => resolve(path)));
if (queue.length === 0) fail("There are no such sources.");
const count = queue.length;
const start = Date.now();
// A finding in a header comes with every file that includes it.
const said = new Set();
const worker = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
        const output = await look(program, file);
        for (const finding of output.split(/^(?=\S+:\d+:\d+: (?:error|warning):)/m)) {
            if (finding === "" || said.has(finding)) continue;
            said.add(finding);
            process.stdout.write(finding);
        }
    }
};
await Promise.all(Array.from({ length: Math.min(availableParallelism(), count) }, worker));
process.stderr.write(`clang-tidy: ${count} files, ${((Date.now() - start) / 1000).toFixed(0)} s\n`);
process.exitCode = said.size > 0 ? 1 : 0;
