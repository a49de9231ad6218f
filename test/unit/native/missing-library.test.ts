import { expect, test } from "vitest";
import { missingIn, missingLibrary } from "../../../src/native/missing-library.js";

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

test("the system is asked", () => {
    const fails = (): never => {
        throw new Error("libcuda.so.1: cannot open shared object file: x");
    };
    expect(missingLibrary("/x", fails).name).toBe("libcuda.so.1");
    expect(missingLibrary("/x", () => {}).name).toBeUndefined();
    if (process.platform === "linux") expect(missingLibrary("/none/libx.so").name).toBe("libx.so");
});
