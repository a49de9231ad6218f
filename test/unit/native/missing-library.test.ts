import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { missingIn, missingLibrary } from "../../../src/native/missing-library.js";
import { absentImports, importsOf } from "../../../src/native/pe-imports.js";

/** A library of Windows with nothing but imports: its one section begins at 0x200 and is mapped to 0x1000. */
function library(imports: readonly string[], bits: 32 | 64 = 64): Buffer {
    const file = Buffer.alloc(0x600);
    const optionalSize = bits === 64 ? 240 : 224;
    file.write("MZ", 0, "latin1");
    file.writeUInt32LE(0x80, 0x3c);
    file.write("PE\0\0", 0x80, "latin1");
    file.writeUInt16LE(1, 0x86); // sections
    file.writeUInt16LE(optionalSize, 0x94);
    const optional = 0x98;
    file.writeUInt16LE(bits === 64 ? 0x20b : 0x10b, optional);
    file.writeUInt32LE(imports.length === 0 ? 0 : 0x1000, optional + (bits === 64 ? 112 : 96) + 8);
    const section = optional + optionalSize;
    file.writeUInt32LE(0x1000, section + 12);
    file.writeUInt32LE(0x400, section + 16);
    file.writeUInt32LE(0x200, section + 20);
    imports.forEach((name, index) => {
        const at = 20 * (imports.length + 1) + 40 * index;
        file.writeUInt32LE(0x1000 + at, 0x200 + 20 * index + 12);
        file.write(`${name}\0`, 0x200 + at, "latin1");
    });
    return file;
}

test.each([32, 64] as const)("imports of a library of Windows, %i bits", (bits) => {
    expect(importsOf(library(["KERNEL32.dll", "nvcuda.dll"], bits))).toEqual(["KERNEL32.dll", "nvcuda.dll"]);
    expect(importsOf(library([], bits))).toEqual([]);
    const there = (path: string): boolean => /System32.KERNEL32|tools.cublas64_13/.test(path);
    const env = { SystemRoot: "C:\\Windows", Path: "C:\\tools;" };
    const file = library(["KERNEL32.dll", "cublas64_13.dll", "nvcuda.dll", "API-MS-Win-x.dll"], bits);
    expect(absentImports("C:\\x\\y.dll", file, env, there)).toEqual(["nvcuda.dll"]);
});

test.each([
    ["libcuda.so.1: cannot open shared object file: No such file or directory", "libcuda.so.1", "NVIDIA's driver"],
    ["libcudart.so.12: cannot open shared object file: x", "libcudart.so.12", "CUDA toolkit"],
    ["libcublas.so.13: cannot open shared object file: x", "libcublas.so.13", "CUDA toolkit"],
    ["libvulkan.so.1: cannot open shared object file: x", "libvulkan.so.1", "libvulkan1"],
    ["Error loading shared library libgomp.so.1: No such file (needed by /x/y.so)", "libgomp.so.1", "libgomp1"],
    ["dlopen(/x/y.dylib): Library not loaded: @rpath/libvulkan.1.dylib\n  Referenced from: z", "libvulkan.1.dylib", "Vulkan"]
])("%s", (words, name, install) => {
    expect(missingIn(words)).toEqual({ name, install: expect.stringContaining(install) });
});

test("what is not known, or not said", () => {
    expect(missingIn("libodd.so.3: cannot open shared object file: x")).toEqual({ name: "libodd.so.3", install: undefined });
    for (const words of ["", "The specified module could not be found.", "/x/y.so: undefined symbol: z"]) {
        expect(missingIn(words)).toEqual({ name: undefined, install: undefined });
    }
});

test("what Windows does not name is looked for", () => {
    const folder = mkdtempSync(join(tmpdir(), "rast-pe-"));
    const path = join(folder, "ggml-cuda.dll");
    const fails = (): never => {
        throw new Error("The specified module could not be found.");
    };
    writeFileSync(path, library(["ggml-base.dll", "api-ms-win-crt-heap-l1-1-0.dll", "nvcuda.dll", "other.dll"]));
    expect(missingLibrary(path, fails, "win32")).toEqual({
        name: "nvcuda.dll",
        install: "Install NVIDIA's driver for the card."
    });
    expect(missingLibrary(path, () => {}, "win32").name).toBeUndefined();
    writeFileSync(join(folder, "nvcuda.dll"), "");
    expect(missingLibrary(path, fails, "win32")).toEqual({ name: "other.dll", install: undefined });
    for (const damaged of ["", "MZ", library(["nvcuda.dll"]).subarray(0, 0x1f0)]) {
        writeFileSync(path, damaged);
        expect(missingLibrary(path, fails, "win32").name).toBeUndefined();
    }
    expect(missingLibrary(join(folder, "none.dll"), fails, "win32").name).toBeUndefined();
    rmSync(folder, { recursive: true });
});

test("the system is asked", () => {
    const fails = (): never => {
        throw new Error("libcuda.so.1: cannot open shared object file: x");
    };
    expect(missingLibrary("/x", fails).name).toBe("libcuda.so.1");
    expect(missingLibrary("/x", () => {}).name).toBeUndefined();
    if (process.platform === "linux") expect(missingLibrary("/none/libx.so").name).toBe("libx.so");
});
