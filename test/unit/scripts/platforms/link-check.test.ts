// What a linked library is checked for before it is released. A small library of each format (`fixtures`) passes, and fails each
// check with a few bytes of it changed.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { factsOf, linkFaults } from "../../../../scripts/platforms/link-check.mjs";
import { artifactsOf, nodeApiOf, platformNamed, platforms } from "../../../../scripts/platforms/platforms.mjs";
import { liefFolder } from "../../../../scripts/platforms/tools.mjs";
import { root } from "../../../support/native.js";

const fixtures = join(root, "test", "unit", "scripts", "platforms", "fixtures");
const files: Readonly<Record<string, string>> = {
    "linux-x64": "linux-x64.so",
    "win32-x64": "win32-x64.dll",
    "darwin-arm64": "darwin-arm64.dylib"
};
const bytesOf = (platform: string): Buffer => readFileSync(join(fixtures, files[platform]!));
const addon = artifactsOf()[0]!;

/** Whether what reads the three formats is there, or can be fetched. */
function canRead(): boolean {
    try {
        liefFolder(false);
        return true;
    } catch (error) {
        if ((process.env["CI"] ?? "") !== "") throw error;
        process.stderr.write("LIEF cannot be fetched: tests of linked libraries are skipped\n");
        return false;
    }
}
const isReadable = canRead();

type Change = (bytes: Buffer) => Buffer | void;

/** Puts a text in the place of another of the same length, wherever it stands. */
const replaced =
    (from: string, to: string): Change =>
    (bytes) => {
        expect(to.length).toBe(from.length);
        expect(bytes.includes(from)).toBe(true);
        for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) bytes.write(to, at, "latin1");
    };
const with16 =
    (value: number, at: (bytes: Buffer) => number): Change =>
    (bytes) =>
        void bytes.writeUInt16LE(value, at(bytes));
const with32 =
    (value: number, at: (bytes: Buffer) => number): Change =>
    (bytes) =>
        void bytes.writeUInt32LE(value, at(bytes));

/** PE: where the header begins. */
const header = (bytes: Buffer): number => bytes.readUInt32LE(0x3c);

/** Mach-O: where a load command of a kind begins. */
function command(bytes: Buffer, kind: number): number {
    let at = 32;
    for (let i = 0; i < bytes.readUInt32LE(16); i++, at += bytes.readUInt32LE(at + 4)) {
        if (bytes.readUInt32LE(at) === kind) return at;
    }
    throw new Error(`no load command ${kind}`);
}
const codeSignature = 0x1d;
const buildVersion = 0x32;
const signature = (bytes: Buffer): number => bytes.readUInt32LE(command(bytes, codeSignature) + 8);
const codeDirectory = (bytes: Buffer): number => signature(bytes) + bytes.readUInt32BE(signature(bytes) + 16);

const executableStack: Change = (bytes) => {
    const [start, size, count] = [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
    for (let at = start; at < start + count * size; at += size) {
        if (bytes.readUInt32LE(at) === 0x6474e551) bytes.writeUInt32LE(bytes.readUInt32LE(at + 4) | 1, at + 4);
    }
};

// The linker puts a hash in the place of a time, and says so in the list of what is for debuggers.
const ordinaryTimestamp: Change = (bytes) => {
    const stamp = bytes.subarray(header(bytes) + 8, header(bytes) + 12);
    const entry = bytes.indexOf(stamp, header(bytes) + 12) - 4;
    expect(bytes.readUInt32LE(entry + 12)).toBe(16);
    bytes.writeUInt32LE(2, entry + 12);
};

const notExported = replaced("napi_register_module_v1", "napi_register_module_v2");
const otherFunction = replaced("napi_create_object", "uv_default_loop_xy");

const doctored: readonly (readonly [platform: string, fault: string, change: Change])[] = [
    ["linux-x64", "it is for AARCH64, not X86_64", with16(183, () => 18)],
    ["linux-x64", "it needs the library libX.so.6", replaced("libc.so.6", "libX.so.6")],
    ["linux-x64", "it needs GLIBC_2.345", replaced("GLIBC_2.2.5", "GLIBC_2.345")],
    ["linux-x64", "it needs GLIBC_PRIVA", replaced("GLIBC_2.2.5", "GLIBC_PRIVA")],
    ["linux-x64", "it needs uv_default_loop_xy of the program, which is not of Node-API 8", otherFunction],
    ["linux-x64", "it does not export napi_register_module_v1", notExported],
    ["linux-x64", "it exports 1 more: napi_register_module_v2", notExported],
    ["linux-x64", "its stack is executable", executableStack],
    ["win32-x64", "it is for ARM64, not AMD64", with16(0xaa64, (bytes) => header(bytes) + 4)],
    ["win32-x64", "it says when it was made", ordinaryTimestamp],
    ["win32-x64", "it needs the library NODELE32.dll", replaced("KERNEL32.dll", "NODELE32.dll")],
    ["win32-x64", "it does not export napi_register_module_v1", notExported],
    ["win32-x64", "it may not be moved in memory", with16(0, (bytes) => header(bytes) + 24 + 70)],
    ["darwin-arm64", "it is for X86_64, not ARM64", with32(0x0100_0007, () => 4)],
    [
        "darwin-arm64",
        "it needs the library /usr/lib/libSystem.C.dylib",
        replaced("libSystem.B.dylib", "libSystem.C.dylib")
    ],
    ["darwin-arm64", "it needs uv_default_loop_xy of the program", otherFunction],
    ["darwin-arm64", "it needs version 13.0", with32(13 << 16, (bytes) => command(bytes, buildVersion) + 12)],
    ["darwin-arm64", "it is not signed", with32(0x26, (bytes) => command(bytes, codeSignature))],
    ["darwin-arm64", "was changed after it was signed", (bytes) => void (bytes[200] = bytes[200]! ^ 1)],
    ["darwin-arm64", "it is signed by somebody, not ad hoc", with32(0, (bytes) => codeDirectory(bytes) + 12)],
    ["darwin-arm64", "its hashes are not SHA-256", (bytes) => void (bytes[codeDirectory(bytes) + 37] = 1)],
    ["darwin-arm64", "the signature is no embedded one", with32(0, signature)],
    ["linux-x64", "it is no library that is known, not ELF", () => Buffer.from("no library")]
];

const work = mkdtempSync(join(tmpdir(), "rast-link-check-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

let doctoredFiles: { readonly path: string; readonly facts: unknown }[] = [];
let facts: Readonly<Record<string, unknown>> = {};

beforeAll(() => {
    if (!isReadable) return;
    const paths = doctored.map(([platform, , change], index) => {
        const bytes = bytesOf(platform);
        const path = join(work, `${index}-${files[platform]}`);
        writeFileSync(path, change(bytes) ?? bytes);
        return path;
    });
    // One process reads all.
    const whole = Object.values(files).map((file) => join(fixtures, file));
    const all = factsOf(...whole, ...paths);
    facts = Object.fromEntries(Object.keys(files).map((platform, index) => [platform, all[index]]));
    doctoredFiles = paths.map((path, index) => ({ path, facts: all[whole.length + index] }));
});

describe.skipIf(!isReadable)("a linked library", () => {
    const faults = (platform: string, of: string, path = join(fixtures, files[of]!), limits = addon): string[] =>
        linkFaults(path, platformNamed(platform).linked, limits, [facts[of]]);

    test.each(Object.keys(files))("of %s is right for that platform and for no other", (name) => {
        expect(faults(name, name)).toEqual([]);
        for (const other of platforms.filter((one) => one.name !== name)) {
            expect([other.name, faults(other.name, name).length > 0]).toEqual([other.name, true]);
        }
    });

    test("of glibc is none for musl", () => {
        expect(faults("linux-x64-musl", "linux-x64")).toContain("it needs the library libc.so.6");
    });

    test("of musl, whose symbols have no versions, may need them and Node-API's", () => {
        const imports = ["malloc", "napi_create_object", "uv_now"];
        const needing = [{ ...(facts["linux-x64"] as object), libraries: ["libc.so"], versions: [], imports }];
        const path = join(fixtures, files["linux-x64"]!);
        const found = (platform: string): string[] =>
            linkFaults(path, platformNamed(platform).linked, addon, needing, () => new Set(["malloc", "free"]));
        expect(found("linux-x64-musl")).toEqual(["it needs uv_now of the program, which is not of Node-API 8"]);
        expect(found("linux-x64").filter((line) => line.includes("malloc"))).toHaveLength(1);
    });

    test.each([
        "/home/somebody/rast-llama/native/addon.cpp",
        "/Users/runner/work/x.cpp",
        String.raw`C:\Users\somebody\x.cpp`,
        `${root}/native`
    ])("names no folder of the machine that made it: %s", (place) => {
        for (const name of Object.keys(files)) {
            const path = join(work, "traces");
            writeFileSync(path, Buffer.concat([bytesOf(name), Buffer.from(`\0${place}\0`)]));
            expect(faults(name, name, path).join()).toContain("names a folder of the machine that made it: ");
        }
    });

    test("has a size", () => {
        const { length } = bytesOf("linux-x64");
        const limits = { ...addon, maximumBytes: length - 1 };
        expect(faults("linux-x64", "linux-x64", undefined, limits)).toEqual([
            `it has ${length} bytes, more than ${length - 1}`
        ]);
    });

    test.each(doctored.map(([platform, fault], index) => ({ platform, fault, index })))(
        "$platform: $fault",
        ({ platform, fault, index }) => {
            const { path, facts: said } = doctoredFiles[index]!;
            expect(linkFaults(path, platformNamed(platform).linked, addon, [said]).join("\n")).toContain(fault);
        }
    );
});

test("the functions that may be asked of the program are Node-API's alone", () => {
    expect(nodeApiOf(8)).toContain("napi_create_object");
    expect(nodeApiOf(8).filter((name) => !/^(?:napi|node_api)_/.test(name))).toEqual([]);
});
