import { describe, expect, it } from "vitest";
import { noAnswer, type NativeBackendOutcome, type NativeDriverAnswer } from "../../../src/native/addon-types.js";
import { driverPatienceMs, explain } from "../../../src/native/driver-advice.js";

const outcome = (answer: Partial<NativeDriverAnswer>, loaded = false): NativeBackendOutcome => ({
    path: "/x/libggml-cuda.so",
    loaded,
    devices: 0,
    answer: { ...noAnswer, ...answer }
});
const cuda = (answer: Partial<NativeDriverAnswer>, environment: Record<string, string> = {}): object =>
    explain("cuda", outcome(answer), environment, () => ({ name: undefined, install: undefined }));
const vulkan = (answer: Partial<NativeDriverAnswer>, environment: Record<string, string> = {}): object =>
    explain("vulkan", { ...outcome(answer), path: "/x/libggml-vulkan.so" }, environment);

describe("what a driver's answer means", () => {
    const failed = { stage: "driver", call: "cuInit", said: "WHY" } as const;

    it.each([
        [2, "the card has no memory left", "nvidia-smi lists"],
        [3, "the driver did not start", "kernel module"],
        [34, "stub", "LD_LIBRARY_PATH"],
        [46, "in use by another program", "compute mode"],
        [101, "no such card", "CUDA_VISIBLE_DEVICES"],
        [304, "refused access", "/dev/nvidia"],
        [802, "not ready", "fabric manager"],
        [803, "different versions", "Restart"],
        [804, "forward compatibility", "cuda-compat"],
        [999, "does not start", "modprobe"],
        [12345, "NVIDIA's driver failed", "nvidia-smi"]
    ])("code %i", (code, reason, install) => {
        for (const stage of ["driver", "runtime"] as const) {
            expect(cuda({ ...failed, stage, code })).toEqual({
                outcome: "not loaded",
                reason: expect.stringMatching(new RegExp(`${reason}.*: cuInit answers ${code} \\(WHY\\)$`)),
                install: expect.stringContaining(install)
            });
        }
    });

    it.each([
        [12040, 13000, "is for CUDA 12.4, and this backend needs 13.0", "version 580 or newer"],
        [11080, 12080, "is for CUDA 11.8, and this backend needs 12.8", "version 525 or newer"],
        [0, 0, "is too old", "Update NVIDIA's driver. "]
    ])("a driver for %i under a runtime of %i", (driverVersion, runtimeVersion, reason, install) => {
        expect(cuda({ ...failed, stage: "runtime", code: 35, driverVersion, runtimeVersion })).toMatchObject({
            outcome: "not loaded",
            reason: expect.stringContaining(reason),
            install: expect.stringContaining(install)
        });
    });

    it("no card, and what hides it", () => {
        expect(cuda({ ...failed, code: 100 }, { CUDA_VISIBLE_DEVICES: "7" })).toMatchObject({
            outcome: "no device",
            reason: expect.stringContaining('(CUDA_VISIBLE_DEVICES is "7")')
        });
        expect(cuda({ stage: "devices" })).toMatchObject({ outcome: "no device" });
    });

    it.each([
        ["/x/y.so: undefined symbol: cuMemCreate", "Update NVIDIA's driver"],
        ["/x/y.so: undefined symbol: cudaGetKernel, version libcudart.so.13", "Install the CUDA toolkit"],
        ["/lib/libcublas.so.13: version `libcublas.so.13' not found (required by /x/y.so)", "Install the CUDA toolkit"]
    ])("%s", (said, install) => {
        expect(cuda({ stage: "library", said })).toEqual({
            outcome: "not loaded",
            reason: `libggml-cuda.so did not load: ${said}`,
            install: expect.stringContaining(install)
        });
    });

    it("all of CUDA's libraries that are missing, of which the system names one", () => {
        const said = "libcublas.so.12: cannot open shared object file: No such file or directory";
        const ask = (name: string): { name: string | undefined; install: undefined } => ({
            name: name.startsWith("libcudart") ? undefined : name,
            install: undefined
        });
        expect(explain("cuda", outcome({ stage: "library", said }), {}, ask)).toEqual({
            outcome: "not loaded",
            reason: "libggml-cuda.so did not load, as libcublas.so.12, libcuda.so.1 are missing",
            missing: ["libcublas.so.12", "libcuda.so.1"],
            install: expect.stringMatching(/Install the CUDA toolkit.*Install NVIDIA's driver/)
        });
    });

    it("what else can come of it", () => {
        expect(cuda({ stage: "other" })).toMatchObject({ outcome: "not asked for" });
        expect(cuda({ stage: "time" }, { RAST_DRIVER_SECONDS: "5" })).toMatchObject({
            reason: "the driver does not answer (waited 5 s)"
        });
        expect(cuda({ stage: "ggml", said: "WHY" })).toMatchObject({ reason: "libggml-cuda.so did not load: WHY" });
        expect(explain("metal", outcome({ stage: "ggml" }, true))).toMatchObject({ outcome: "no device" });
    });
});

describe("what Vulkan's answer means", () => {
    const device = (name: string, isProcessor: boolean): NativeDriverAnswer["devices"][number] => ({
        ...{ name, capability: 0, isProcessor, hasKernels: true }
    });

    it("a processor that imitates a GPU is passed over", () => {
        expect(vulkan({ stage: "devices", driverVersion: 1003, devices: [device("llvmpipe", true)] })).toMatchObject({
            outcome: "no device",
            reason: "Vulkan shows llvmpipe, which computes on the processor: llama.cpp leaves it out"
        });
    });

    it("a card that does too little", () => {
        expect(
            vulkan({ stage: "devices", devices: [device("Old", false)] }, { GGML_VK_VISIBLE_DEVICES: "3" })
        ).toMatchObject({
            reason: 'libggml-vulkan.so takes none of Vulkan\'s devices (GGML_VK_VISIBLE_DEVICES is "3"): Old'
        });
    });

    it("drivers that were named and are not there", () => {
        const answer = { stage: "driver", call: "vkCreateInstance", code: -9, driverVersion: 1003 } as const;
        expect(vulkan(answer, { VK_DRIVER_FILES: "/none" })).toMatchObject({
            reason: 'Vulkan\'s loader found no driver (VK_DRIVER_FILES is "/none"): vkCreateInstance answers -9'
        });
    });
});

it.each([
    [undefined, 30_000],
    ["2.5", 2500],
    ["soon", 30_000],
    ["-1", 30_000],
    ["1e9", 30_000]
])("waits for a driver: RAST_DRIVER_SECONDS=%s is %i ms", (value, milliseconds) => {
    expect(driverPatienceMs(value)).toBe(milliseconds);
});
