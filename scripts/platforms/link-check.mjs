// Looks at a library that was linked for a platform: what it is, what it needs, what it tells of the machine that made it.
import { readFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { signatureFaults } from "./code-signature.mjs";
import { liefFolder, root, runTool, workFolder, zigProgram } from "./tools.mjs";

const program = join(root, "scripts", "platforms", "facts.py");

/** What files say of themselves, by LIEF. */
export function factsOf(...files) {
    const env = { ...process.env, PYTHONPATH: liefFolder(), PYTHONDONTWRITEBYTECODE: "1" };
    return JSON.parse(runTool("python3", [program, ...files], { env }));
}

/**
 * @param {string} file
 * @param {import("./platforms.mjs").Platform["linked"]} linked what it must be
 * @param {Pick<import("./platforms.mjs").Artifact, "exports" | "imports" | "maximumBytes">} artifact
 * @param {readonly object[]} facts what it says of itself
 * @param {() => ReadonlySet<string>} ofMusl what musl exports: its symbols have no versions that would tell them from the program's
 * @returns {string[]} what is wrong with it, a line each
 */
export function linkFaults(file, linked, artifact, [facts] = factsOf(file), ofMusl = muslSymbols) {
    if (facts.format !== linked.format)
        return [`it is ${facts.format ?? "no library that is known"}, not ${linked.format}`];
    const content = readFileSync(file);
    return [
        ...machineFaults(facts, linked),
        ...needFaults(facts, linked, artifact, ofMusl),
        ...exportFaults(facts, artifact),
        ...systemFaults(facts, linked, content),
        ...traceFaults(content),
        ...(content.length > artifact.maximumBytes
            ? [`it has ${content.length} bytes, more than ${artifact.maximumBytes}`]
            : [])
    ];
}

function machineFaults({ machine }, linked) {
    return machine === linked.machine ? [] : [`it is for ${machine}, not ${linked.machine}`];
}

/** As the compiler has it: read of what it makes stand-ins of. */
function muslSymbols() {
    const stubs = readFileSync(join(dirname(zigProgram()), "lib", "libc", "musl", "libc.S"), "utf8");
    return new Set([...stubs.matchAll(/^(?:\.globl|\.weak|WEAK(?:TIME)?64) (\w+)$/gm)].map(([, name]) => name));
}

function needFaults({ libraries, versions, imports }, linked, artifact, ofMusl) {
    const strangers = libraries.filter((name) => !linked.libraries.some((known) => known.test(name)));
    const tooNew = versions.filter((version) => !isOldEnough(version, linked.versions ?? {}));
    const others = imports.filter((name) => !artifact.imports.includes(name));
    const isMusl = linked.format === "ELF" && Object.keys(linked.versions).length === 0;
    const known = isMusl && others.length > 0 ? ofMusl() : new Set();
    const unknown = others.filter((name) => !known.has(name));
    return [
        ...strangers.map((name) => `it needs the library ${name}`),
        ...tooNew.map((version) => `it needs ${version}`),
        ...unknown.map((name) => `it needs ${name} of the program, which is not of Node-API 8`)
    ];
}

// "GLIBC_2.28", of which families have a newest; others (GLIBC_PRIVATE, GLIBCXX_3.4.30) are never right.
function isOldEnough(version, newest) {
    const [, family, number] = /^(\w+?)_(\d[\d.]*)$/.exec(version) ?? [];
    const limit = family === undefined ? undefined : newest[family];
    return limit !== undefined && compareVersions(number, limit) <= 0;
}

/** Below 0 when a comes before b. */
export function compareVersions(a, b) {
    const [x, y] = [a, b].map((text) => text.split(".").map(Number));
    for (let i = 0; i < Math.max(x.length, y.length); i++) {
        const difference = (x[i] ?? 0) - (y[i] ?? 0);
        if (difference !== 0) return difference;
    }
    return 0;
}

// Mach-O, which Zig's linker exports whatever it is told: where the image begins, and C++'s new and delete, which are malloc and
// free as the system's.
const ofEveryImage = /^(?:_mh_dylib_header|__dso_handle|_Z(?:n[wa]|d[la]P)\w*)$/;

function exportFaults({ format, exports }, artifact) {
    const isOfEveryImage = (name) => format === "MACHO" && ofEveryImage.test(name);
    const missing = artifact.exports.filter((name) => !exports.includes(name));
    const more = exports.filter((name) => !artifact.exports.includes(name) && !isOfEveryImage(name));
    return [
        ...missing.map((name) => `it does not export ${name}`),
        // What else is exported may take the place of the program's own, or be taken for it.
        ...(more.length > 0 ? [`it exports ${more.length} more: ${more.slice(0, 5).join(", ")}`] : [])
    ];
}

function systemFaults(facts, linked, content) {
    const faults = (facts.searchPaths ?? []).map((path) => `it looks for libraries in ${path}`);
    if (facts.executableStack === true) faults.push("its stack is executable");
    if (facts.textRelocations === true) faults.push("its code is written to when it is loaded");
    if (facts.stripped === false) faults.push("its symbols were not stripped");
    if (facts.reproducible === false && facts.timestamps.some((time) => time !== 0))
        faults.push("it says when it was made");
    for (const name of facts.debugFiles ?? []) faults.push(`it names the file ${name}`);
    if (facts.hardened === false) faults.push("it may not be moved in memory, or its data may be executed");
    if ((facts.weakBindings ?? []).length > 0) faults.push(`it shares ${facts.weakBindings[0]} with the program`);
    if (linked.minimumSystem !== undefined) {
        const minimum = facts.minimumSystem;
        if (minimum === null || compareVersions(minimum, linked.minimumSystem) > 0)
            faults.push(`it needs version ${minimum} of the system`);
    }
    if (linked.signed === true && facts.signature === null) faults.push("it is not signed");
    if (facts.signature) faults.push(...signatureFaults(content, facts.signature));
    return faults;
}

// Folders of whoever built it, wherever that was.
const traces = [root, workFolder, homedir(), tmpdir()].filter((path) => path.length > 3);
const anybody = /(?:\/(?:home|root|Users|tmp|work|builds|github|runner|opt)\/|[A-Z]:\\(?:Users|a)\\)[\w.@+-]{2,}/;

function traceFaults(content) {
    const text = content.toString("latin1");
    const own = traces.filter((path) => text.includes(path));
    const [other] = anybody.exec(text) ?? [];
    return [...own, ...(own.length === 0 && other !== undefined ? [other] : [])].map(
        (path) => `it names a folder of the machine that made it: ${path}`
    );
}
