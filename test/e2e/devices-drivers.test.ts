// What `rast devices` says where a driver is missing, old or broken: llama.cpp's own backends, loaded with libraries that
// stand in for NVIDIA's and Vulkan's and answer as each case says.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BackendAttempt } from "../../src/native/libraries.js";
import { libraries, root, run } from "../support/native.js";
import { heavy } from "../support/size.js";
import { makeCuda, makeVulkan } from "../support/stand-in-drivers.js";

const pathOf = (package_: string): string | undefined =>
    libraries.candidates.find(({ source }) => source === `@node-llama-cpp/linux-x64-${package_}`)?.path;
const cuda = pathOf("cuda");
const cudaExt = pathOf("cuda-ext");
const vulkan = pathOf("vulkan");

let folder = "";
const at = (...names: string[]): string => names.map((name) => join(folder, name)).join(":");

beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "rast-drivers-"));
    if (cuda === undefined || cudaExt === undefined || vulkan === undefined) return;
    makeCuda(at("whole"), cuda);
    makeCuda(at("ext"), cudaExt, ["libcuda.so.1"]);
    makeCuda(at("no driver"), cuda, ["libcuda.so.1"]);
    makeCuda(at("no cublas"), cuda, ["libcublas.so.13"]);
    makeVulkan(at("vulkan"), vulkan);
    mkdirSync(at("damaged"));
    writeFileSync(at("damaged/libcuda.so.1"), "no library");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Report {
    readonly backend: string;
    readonly attempts: readonly BackendAttempt[];
    readonly devices: readonly { readonly name: string }[];
}

const main = join(root, "dist", "cli", "main.js");

async function devices(path: string, variables: Readonly<Record<string, string>> = {}): Promise<Report> {
    const env = { ...process.env, LD_LIBRARY_PATH: path, ...variables };
    const { code, signal, stdout, stderr } = await run(process.execPath, [main, "devices", "--json"], { env });
    // ggml's Vulkan backend has words of its own
    expect([code, signal, stderr.replace(/^ggml_vulkan: .*\n/gm, "")]).toEqual([0, null, ""]);
    return JSON.parse(stdout) as Report;
}

/** What became of one package. */
async function cudaAttempt(path: string, variables: Readonly<Record<string, string>> = {}): Promise<BackendAttempt> {
    return (await devices(path, variables)).attempts.find(({ source }) => source.endsWith("-cuda"))!;
}

const everyday = true;
/** Every day those with ways of their own through the code; the others are further rows of its tables. */
const cases: readonly [
    what: string,
    isEveryday: boolean,
    variables: Readonly<Record<string, string>>,
    attempt: object
][] = [
    [
        "no card: cuInit says so",
        everyday,
        { SHAM_INIT: "100", CUDA_VISIBLE_DEVICES: "" },
        {
            outcome: "no device",
            reason: 'NVIDIA\'s driver shows no card (CUDA_VISIBLE_DEVICES is ""): cuInit answers 100 (CUDA_ERROR_SHAM, sham)',
            install: expect.stringContaining("nvidia-smi -L")
        }
    ],
    [
        "no card: there are none",
        !everyday,
        { SHAM_CARDS: "0" },
        { outcome: "no device", reason: "NVIDIA's driver shows no card: cuDeviceGetCount answers 100" }
    ],
    [
        "a driver that does not start",
        everyday,
        { SHAM_INIT: "999" },
        {
            outcome: "not loaded",
            reason: "the driver is there and does not start: cuInit answers 999 (CUDA_ERROR_SHAM, sham)",
            install: expect.stringContaining("modprobe nvidia")
        }
    ],
    [
        "a fabric manager that is off",
        !everyday,
        { SHAM_INIT: "802" },
        { install: expect.stringContaining("fabric manager") }
    ],
    [
        "a driver half updated",
        !everyday,
        { SHAM_INIT: "803" },
        { install: expect.stringContaining("Restart the machine") }
    ],
    [
        "forward compatibility on the wrong card",
        !everyday,
        { SHAM_INIT: "804" },
        { install: expect.stringContaining("cuda-compat") }
    ],
    ["a stub", !everyday, { SHAM_INIT: "34" }, { reason: expect.stringContaining("stub, for linking alone") }],
    [
        "a driver that does not start, code 3",
        !everyday,
        { SHAM_INIT: "3" },
        { install: expect.stringContaining("kernel module") }
    ],
    ["a code that nobody knows", !everyday, { SHAM_INIT: "4711" }, { reason: expect.stringContaining("answers 4711") }],
    [
        "a card that fails when it is counted",
        !everyday,
        { SHAM_COUNT: "999" },
        { reason: expect.stringContaining("cuDeviceGetCount answers 999") }
    ],
    [
        "a card that fails when it is opened",
        !everyday,
        { SHAM_GET: "101" },
        { reason: expect.stringContaining("cuDeviceGet answers 101") }
    ],
    [
        "a card that fails when it is described",
        !everyday,
        { SHAM_ATTRIBUTE: "999" },
        { reason: expect.stringContaining("cuDeviceGetAttribute answers 999") }
    ],
    // ggml ends the process at these four
    [
        "a card that fails at its memory",
        everyday,
        { SHAM_GRANULARITY: "999" },
        { reason: expect.stringContaining("cuMemGetAllocationGranularity answers 999") }
    ],
    [
        "a runtime that fails",
        !everyday,
        { SHAM_RUNTIME: "999" },
        { reason: expect.stringContaining("cudaGetDeviceCount answers 999") }
    ],
    [
        "a runtime that fails at a card",
        everyday,
        { SHAM_PROPERTIES: "46" },
        { reason: expect.stringContaining("answers 46 (cudaErrorSham, sham)") }
    ],
    [
        "a runtime that fails at an attribute",
        !everyday,
        { SHAM_LAUNCH: "999" },
        { reason: expect.stringContaining("cudaDeviceGetAttribute answers 999") }
    ],
    [
        "a card of an earlier generation",
        everyday,
        { SHAM_CARDS: "61" },
        {
            outcome: "not loaded",
            reason: expect.stringMatching(
                /holds code for compute capability 7\.5, .*none for Sham 0 \(compute capability 6\.1\)$/
            ),
            install: expect.stringContaining("RAST_BACKEND=vulkan")
        }
    ],
    [
        "one of two cards of an earlier generation",
        !everyday,
        { SHAM_CARDS: "61,86" },
        {
            reason: expect.stringMatching(/none for Sham 0 /),
            install: expect.stringContaining("CUDA_VISIBLE_DEVICES=1")
        }
    ],
    [
        "a driver that never answers",
        everyday,
        { SHAM_HANGS: "1", RAST_DRIVER_SECONDS: "1" },
        {
            outcome: "not loaded",
            reason: "the driver does not answer (waited 1 s)",
            install: expect.stringContaining("Restart")
        }
    ]
];

describe.runIf(cuda !== undefined && cudaExt !== undefined)("CUDA", () => {
    it("is used where all is well", async () => {
        const { backend, attempts, devices: found } = await devices(at("whole"));
        expect(backend).toBe("cuda");
        expect(attempts[0]).toMatchObject({ outcome: "used", reason: "libggml-cuda.so loaded and found 1 device" });
        expect(found.map(({ name }) => name)).toContain("CUDA0");
    });

    it("in its second build where the driver is too old for the first", async () => {
        const { backend, attempts } = await devices(at("whole", "ext"), { SHAM_DRIVER: "12040" });
        expect(backend).toBe("cuda");
        expect(attempts.slice(0, 2)).toMatchObject([
            {
                outcome: "not loaded",
                reason: expect.stringContaining("driver is for CUDA 12.4, and this backend needs 13.0"),
                install: expect.stringContaining("Update NVIDIA's driver to version 580 or newer.")
            },
            { outcome: "used" }
        ]);
    });

    it.runIf(heavy)(
        "in its second build for a card that the first has no code for, and once where both would do",
        async () => {
            const old = await devices(at("whole", "ext"), { SHAM_CARDS: "61" });
            expect(old.attempts.slice(0, 2).map(({ outcome }) => outcome)).toEqual(["not loaded", "used"]);
            const both = await devices(at("whole", "ext"));
            expect(both.attempts.slice(0, 2).map(({ outcome }) => outcome)).toEqual(["used", "not asked for"]);
            expect(both.devices.filter(({ name }) => name.startsWith("CUDA"))).toHaveLength(1);
        }
    );

    it.each(cases.filter(([, isEveryday]) => isEveryday || heavy))(
        "%s",
        async (_what, _isEveryday, variables, attempt) => {
            expect(await cudaAttempt(at("whole"), variables)).toMatchObject(attempt);
        }
    );

    it.each([
        ["no driver", ["libcuda.so.1"], "Install NVIDIA's driver for the card."],
        ["no cublas", ["libcublas.so.13"], "Install the CUDA toolkit"]
    ])("%s", async (name, missing, install) => {
        const attempt = await cudaAttempt(at(name));
        expect(attempt).toMatchObject({ outcome: "not loaded", missing, install: expect.stringContaining(install) });
        expect(attempt.reason).toContain(`as ${missing[0]} is missing`);
    });

    it("names all that is missing at once", async () => {
        const { missing, install } = await cudaAttempt(at("nothing"));
        expect(missing).toEqual(["libcudart.so.13", "libcublas.so.13", "libcuda.so.1"]);
        expect(install).toMatch(/Install the CUDA toolkit.*Install NVIDIA's driver/);
    });

    it.runIf(heavy)("a damaged driver", async () => {
        const { outcome, reason } = await cudaAttempt(at("damaged", "no driver"));
        expect([outcome, reason]).toEqual(["not loaded", expect.stringContaining("libcuda.so.1: file too short")]);
    });

    it("as text, and as a typed error where it was asked for", async () => {
        const env = { ...process.env, LD_LIBRARY_PATH: at("whole"), SHAM_INIT: "999" };
        const { stdout } = await run(process.execPath, [main, "devices"], { env });
        expect(stdout).toMatch(
            /^ {2}cuda {3}not loaded: the driver is there and does not start: .*\. Restart the machine;/m
        );
        const asked = await run(process.execPath, [main, "devices"], { env: { ...env, RAST_BACKEND: "cuda" } });
        expect([asked.code, asked.signal]).toEqual([2, null]);
        expect(asked.stderr).toMatch(
            /does not start: cuInit answers 999 .*\(restart the machine; .*ERR_BACKEND_UNAVAILABLE/
        );
    });
});

describe.runIf(vulkan !== undefined)("Vulkan", () => {
    it("no loader", async () => {
        // the same library, asking for one that no system has
        const place = at("no loader");
        cpSync(libraries.core.cpuFolder, place, { recursive: true });
        const bytes = readFileSync(vulkan!);
        for (let from = 0; (from = bytes.indexOf("libvulkan.so.1\0", from)) >= 0; from++) bytes.write("9", from + 13);
        writeFileSync(join(place, "libggml-vulkan.so"), bytes);
        const { attempts } = await devices("", { RAST_LIBRARIES: place });
        expect(attempts.find(({ kind }) => kind === "vulkan")).toMatchObject({
            outcome: "not loaded",
            reason: "libggml-vulkan.so did not load, as libvulkan.so.9 is missing",
            missing: ["libvulkan.so.9"],
            install: expect.stringContaining("Install the Vulkan loader")
        });
    });

    it.each([
        [
            "no driver",
            { SHAM_INSTANCE: "-9" },
            "not loaded",
            "Vulkan's loader found no driver: vkCreateInstance answers -9"
        ],
        [
            "a loader of 1.0",
            { SHAM_VULKAN: "0" },
            "not loaded",
            "Vulkan's loader is of version 1.0, and llama.cpp needs 1.2"
        ],
        ["no device", {}, "no device", "Vulkan shows no device"],
        [
            "devices that fail",
            { SHAM_DEVICES: "-3" },
            "not loaded",
            "Vulkan did not start: vkEnumeratePhysicalDevices answers -3"
        ]
    ] as const)("%s", async (_what, variables, outcome, reason) => {
        const { attempts } = await devices(at("vulkan"), variables);
        const attempt = attempts.find(({ kind }) => kind === "vulkan");
        expect(attempt).toMatchObject({ outcome, reason, install: expect.stringContaining("Vulkan") });
    });
});
