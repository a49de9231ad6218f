// The platforms that a release has addons for, and what each of these may be and need: types in platforms.d.mts.
import nodeApi from "node-api-headers";

const MiB = 1_048_576;

// Libraries of Windows 10 alone: the C runtime is the system's own (UCRT).
const windowsLibraries = [
    /^kernel32\.dll$/i,
    /^ntdll\.dll$/i,
    /^advapi32\.dll$/i,
    /^ws2_32\.dll$/i,
    /^api-ms-win-crt-[\w-]+\.dll$/i
];
/** The newest glibc that may be needed: that of Node.js 20's own binaries, older than what llama.cpp's libraries need. */
const oldestGlibc = "2.28";
/** The oldest macOS: that of Node.js 20's own binaries. */
const oldestMac = "11.0";
const glibcLibraries = [/^lib(c|m|dl|pthread|rt)\.so\.\d$/, /^ld-linux-[\w-]+\.so\.\d$/];

/** @type {readonly import("./platforms.mjs").Platform[]} */
export const platforms = [
    linux("x64", "x86_64", { machine: "X86_64", libc: "glibc" }),
    linux("arm64", "aarch64", { machine: "AARCH64", libc: "glibc" }),
    windows("x64", "x86_64", { machine: "AMD64" }),
    windows("arm64", "aarch64", { machine: "ARM64" }),
    darwin("arm64", "aarch64", { machine: "ARM64" }),
    darwin("x64", "x86_64", { machine: "X86_64" }),
    linux("x64", "x86_64", { machine: "X86_64", libc: "musl" })
];

function linux(cpu, processor, { machine, libc }) {
    const isMusl = libc === "musl";
    return {
        name: `linux-${cpu}${isMusl ? "-musl" : ""}`,
        os: "linux",
        cpu,
        libc,
        target: isMusl ? `${processor}-linux-musl` : `${processor}-linux-gnu.${oldestGlibc}`,
        system: "Linux",
        processor,
        linked: {
            format: "ELF",
            machine,
            libraries: isMusl ? [/^libc\.so$/] : glibcLibraries,
            versions: isMusl ? {} : { GLIBC: oldestGlibc }
        }
    };
}

function windows(cpu, processor, { machine }) {
    return {
        name: `win32-${cpu}`,
        os: "win32",
        cpu,
        target: `${processor}-windows-gnu`,
        system: "Windows",
        processor: machine,
        linked: { format: "PE", machine, libraries: windowsLibraries }
    };
}

function darwin(cpu, processor, { machine }) {
    return {
        name: `darwin-${cpu}`,
        os: "darwin",
        cpu,
        target: `${processor}-macos.${oldestMac}`,
        system: "Darwin",
        processor: cpu === "arm64" ? "arm64" : processor,
        linked: {
            format: "MACHO",
            machine,
            libraries: [/^\/usr\/lib\/libSystem\.B\.dylib$/],
            minimumSystem: oldestMac,
            // The kernel of a Mac with such a processor runs nothing that is not signed; ad hoc will do.
            signed: cpu === "arm64"
        }
    };
}

/** @returns {readonly import("./platforms.mjs").Artifact[]} */
export function artifactsOf() {
    return [
        {
            file: "rast.node",
            target: "rast-portable",
            built: "portable/rast.node",
            exports: ["napi_register_module_v1", "node_api_module_get_api_version_v1"],
            imports: nodeApiOf(8),
            maximumBytes: 6 * MiB
        }
    ];
}

/** Names of the functions of Node-API up to a level. */
export function nodeApiOf(level) {
    const { js_native_api_symbols: engine, node_api_symbols: node } = nodeApi.symbols[`v${level}`];
    return [...engine, ...node];
}

/** @throws when no platform has that name */
export function platformNamed(name) {
    const found = platforms.find((platform) => platform.name === name);
    if (found === undefined) {
        throw new Error(`There is no platform ${name}: one of ${platforms.map((one) => one.name).join(", ")}.`);
    }
    return found;
}
