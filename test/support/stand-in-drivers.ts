// Drivers and runtimes that are not there: tiny libraries with the names of NVIDIA's and Vulkan's, which answer as environment
// variables say, for llama.cpp's own backends to be loaded with.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const common = `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int number(const char * name, int otherwise) {
    const char * text = getenv(name);
    return text != NULL ? atoi(text) : otherwise;
}
/* The compute capability of a card: SHAM_CARDS is e.g. "61,86". */
static int capability(int card) {
    const char * text = getenv("SHAM_CARDS");
    for (text = text != NULL ? text : "90"; card > 0 && text != NULL; --card) {
        text = strchr(text, ',');
        text = text != NULL ? text + 1 : NULL;
    }
    return text != NULL ? atoi(text) : 0;
}
static int cards(void) {
    int count = 0;
    while (capability(count) > 0) ++count;
    return count;
}
`;

const driver = `
int cuDriverGetVersion(int * version) { *version = number("SHAM_DRIVER", 13000); return 0; }
int cuInit(unsigned flags) {
    (void) flags;
    while (getenv("SHAM_HANGS") != NULL) pause();
    return number("SHAM_INIT", 0);
}
int cuDeviceGetCount(int * count) { *count = cards(); return number("SHAM_COUNT", 0); }
int cuDeviceGet(int * device, int index) { *device = index; return number("SHAM_GET", 0); }
int cuDeviceGetName(char * name, int length, int device) {
    snprintf(name, length, "Sham %d", device);
    return 0;
}
int cuDeviceGetAttribute(int * value, int attribute, int device) {
    *value = attribute == 75 ? capability(device) / 10 : attribute == 76 ? capability(device) % 10 : attribute == 102;
    return number("SHAM_ATTRIBUTE", 0);
}
int cuMemGetAllocationGranularity(size_t * bytes, const void * properties, int option) {
    (void) properties, (void) option;
    *bytes = 2 << 20;
    return number("SHAM_GRANULARITY", 0);
}
int cuGetErrorName(int code, const char ** text) { (void) code; *text = "CUDA_ERROR_SHAM"; return 0; }
int cuGetErrorString(int code, const char ** text) { (void) code; *text = "sham"; return 0; }
`;

// As CUDA's own: a driver older than its major version will not do.
const runtime = (major: number): string => `
int cudaRuntimeGetVersion(int * version) { *version = ${major}000; return 0; }
int cudaGetDeviceCount(int * count) {
    *count = cards();
    return number("SHAM_DRIVER", 13000) < ${major}000 ? 35 : number("SHAM_RUNTIME", 0);
}
static int properties(void * out, int device) {
    snprintf(out, 256, "Sham %d", device);
    return number("SHAM_PROPERTIES", 0);
}
int cudaGetDeviceProperties(void * out, int device) { return properties(out, device); }
int cudaGetDeviceProperties_v2(void * out, int device) { return properties(out, device); }
int cudaDeviceGetAttribute(int * value, int attribute, int device) {
    (void) attribute, (void) device;
    *value = 1;
    return number("SHAM_LAUNCH", 0);
}
int cudaGetDevice(int * device) { *device = 0; return 0; }
int cudaMemGetInfo(size_t * free, size_t * total) { *free = *total = (size_t) 8 << 30; return 0; }
int cudaDeviceGetPCIBusId(char * id, int length, int device) {
    snprintf(id, length, "0000:%02x:00.0", device);
    return 0;
}
const char * cudaGetErrorName(int code) { (void) code; return "cudaErrorSham"; }
const char * cudaGetErrorString(int code) { (void) code; return "sham"; }
static int registered;
void ** __cudaRegisterFatBinary(void * code) { (void) code; return (void **) &registered; }
`;

// vkGetInstanceProcAddr is all that ggml asks before there is a device.
const vulkan = `
#include <stdint.h>
static int version(uint32_t * out) { *out = (1u << 22) | ((uint32_t) number("SHAM_VULKAN", 3) << 12); return 0; }
static int create(const void * info, const void * allocator, void ** out) {
    (void) info, (void) allocator;
    *out = (void *) &version;
    return number("SHAM_INSTANCE", 0);
}
static int devices(void * instance, uint32_t * count, void ** out) {
    (void) instance, (void) out;
    *count = 0;
    return number("SHAM_DEVICES", 0);
}
static int extensions(const char * layer, uint32_t * count, void * out) { (void) layer, (void) out; *count = 0; return 0; }
static void nothing(void) {}
void * vkGetInstanceProcAddr(void * instance, const char * name) {
    (void) instance;
    if (strcmp(name, "vkEnumerateInstanceVersion") == 0) return (void *) version;
    if (strcmp(name, "vkCreateInstance") == 0) return (void *) create;
    if (strcmp(name, "vkEnumeratePhysicalDevices") == 0) return (void *) devices;
    if (strcmp(name, "vkEnumerateInstanceExtensionProperties") == 0) return (void *) extensions;
    return (void *) nothing;
}
`;

interface Needed {
    readonly name: string;
    /** The library that a symbol's version names; "" where it has none. */
    readonly version: string;
}

function neededBy(library: string): Needed[] {
    const lines = execFileSync("nm", ["-D", "--undefined-only", library], { encoding: "utf8", maxBuffer: 1 << 24 });
    return [...lines.matchAll(/ [Uw] ([^\s@]+)(?:@+(\S+))?$/gm)].map(([, name, version]) => ({
        name: name!,
        version: version ?? ""
    }));
}

function compile(folder: string, file: string, code: string, needed: readonly string[], version: string): void {
    const others = needed.filter((name) => !new RegExp(`\\b${name}\\(`).test(code));
    const source = join(folder, `${file}.c`);
    const script = join(folder, `${file}.map`);
    writeFileSync(source, common + code + others.map((name) => `int ${name}(void) { return 0; }\n`).join(""));
    writeFileSync(script, `${version === "" ? "" : `${version} `}{ global: *; };\n`);
    const names = [`-Wl,-soname,${file}`, `-Wl,--version-script=${script}`];
    execFileSync("cc", ["-shared", "-fPIC", "-w", ...names, "-o", join(folder, file), source]);
}

/**
 * Makes NVIDIA's libraries for a CUDA backend: the driver's, the runtime and cuBLAS.
 * @param backend the library of llama.cpp that will be loaded with them
 * @param without those that are not made
 * @returns their folder, for LD_LIBRARY_PATH
 */
export function makeCuda(folder: string, backend: string, without: readonly string[] = []): string {
    mkdirSync(folder, { recursive: true });
    const needed = neededBy(backend);
    const of = (pattern: RegExp): string => needed.find(({ version }) => pattern.test(version))!.version;
    const [cudart, cublas] = [of(/^libcudart/), of(/^libcublas/)];
    const from = (version: string): string[] => needed.filter((one) => one.version === version).map(({ name }) => name);
    const drivers = needed.filter(({ name, version }) => version === "" && /^cu[A-Z]/.test(name));
    const make = (file: string, code: string, names: readonly string[], version: string): void => {
        if (!without.includes(file)) compile(folder, file, code, names, version);
    };
    make(
        "libcuda.so.1",
        driver,
        drivers.map(({ name }) => name),
        ""
    );
    make(cudart, runtime(Number(/\d+$/.exec(cudart))), from(cudart), cudart);
    make(cublas, "", from(cublas), cublas);
    return folder;
}

/** Makes Vulkan's loader for a Vulkan backend. @returns its folder, for LD_LIBRARY_PATH */
export function makeVulkan(folder: string, backend: string): string {
    mkdirSync(folder, { recursive: true });
    const names = neededBy(backend).filter(({ name }) => /^vk[A-Z]/.test(name));
    compile(
        folder,
        "libvulkan.so.1",
        vulkan,
        names.map(({ name }) => name),
        ""
    );
    return folder;
}
