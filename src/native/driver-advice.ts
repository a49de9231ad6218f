// What a driver's answer means, and what to do about it.
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { NativeBackendOutcome, NativeDriverAnswer } from "./addon-types.js";
import { capabilityText, cudaKernels } from "./cuda-kernels.js";
import type { BackendAttempt, BackendKind } from "./libraries.js";
import { missingIn, missingLibrary, remedyFor } from "./missing-library.js";

/** Why a backend is of no use here. */
export type Explanation = Pick<BackendAttempt, "outcome" | "reason" | "missing" | "install">;

type Environment = Readonly<Record<string, string | undefined>>;

const defaultPatienceSeconds = 30;

/** How long a driver is waited for, in milliseconds: the environment variable RAST_DRIVER_SECONDS, or half a minute. */
export function driverPatienceMs(value: string | undefined = process.env["RAST_DRIVER_SECONDS"]): number {
    const seconds = Number(value);
    return value !== undefined && seconds >= 0.001 && seconds <= 3600
        ? Math.ceil(seconds * 1000)
        : defaultPatienceSeconds * 1000;
}

// The first driver of NVIDIA that runs a major version of CUDA.
const firstDriver: Readonly<Record<number, string>> = { 11: "450", 12: "525", 13: "580" };

const anotherWay = "RAST_BACKEND=vulkan needs no CUDA.";

/** CUDA's codes, which driver and runtime share: what each means here, and what to do. */
const cudaCodes: Readonly<Record<number, readonly [means: string, install: string]>> = {
    2: ["the card has no memory left", "End other programs on the card (nvidia-smi lists them)."],
    3: [
        "the driver did not start",
        "Restart the machine; on Linux see whether the kernel module is there (lsmod | grep nvidia)."
    ],
    34: [
        "the libcuda that was found is a toolkit's stub, for linking alone",
        "Install NVIDIA's driver, and take the folder of stubs off the loader's path (LD_LIBRARY_PATH)."
    ],
    46: ["the card is in use by another program alone", "End that program, or set the card's compute mode to default (nvidia-smi -c 0)."],
    101: ["there is no such card", "CUDA_VISIBLE_DEVICES must name cards that nvidia-smi -L lists."],
    304: [
        "the system refused access to the card",
        "Let this user open /dev/nvidia* (in a container: start it with --gpus all)."
    ],
    802: [
        "the system of cards is not ready",
        "Start NVIDIA's fabric manager (systemctl start nvidia-fabricmanager), of the driver's version."
    ],
    803: [
        "the driver's library and its kernel module are of different versions",
        "Restart the machine, as after every update of the driver; in a container: update the driver outside."
    ],
    804: [
        "the libcuda that was found is one for forward compatibility, which this card does not allow",
        "Take the cuda-compat package off the loader's path, and update NVIDIA's driver instead."
    ],
    999: [
        "the driver is there and does not start",
        "Restart the machine; on Linux load its modules (modprobe nvidia nvidia_uvm); in a container: start it with --gpus all."
    ]
};

const tooOld = new Set([35, 36, 222]);

function versionText(version: number): string {
    return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
}

/** The major version of CUDA that a backend needs, e.g. 13: as its runtime says, or the name of the library that is missing. */
function cudaNeeded({ runtimeVersion, said }: NativeDriverAnswer): number | undefined {
    if (runtimeVersion > 0) return Math.floor(runtimeVersion / 1000);
    const named = /(?:cudart|cublas)(?:64_|\.so\.)(\d+)/.exec(said)?.[1];
    return named === undefined ? undefined : Number(named);
}

function updateDriver(needed: number | undefined): string {
    const version = needed === undefined ? undefined : firstDriver[needed];
    return `Update NVIDIA's driver${version === undefined ? "" : ` to version ${version} or newer`}. ${anotherWay}`;
}

function visible(environment: Environment, name: string): string {
    const value = environment[name];
    return value === undefined ? "" : ` (${name} is "${value}")`;
}

function codeOf({ call, code, said }: NativeDriverAnswer): string {
    return `${call} answers ${code}${said === "" ? "" : ` (${said})`}`;
}

function ofCudaCode(answer: NativeDriverAnswer, environment: Environment): Explanation {
    const { code, driverVersion, runtimeVersion } = answer;
    if (code === 100) {
        return {
            outcome: "no device",
            reason: `NVIDIA's driver shows no card${visible(environment, "CUDA_VISIBLE_DEVICES")}: ${codeOf(answer)}`,
            install: "See what nvidia-smi -L lists; CUDA_VISIBLE_DEVICES hides cards; a container must be started with --gpus all."
        };
    }
    if (tooOld.has(code)) {
        const has = driverVersion > 0 ? ` is for CUDA ${versionText(driverVersion)}` : " is too old";
        const needs = runtimeVersion > 0 ? `, and this backend needs ${versionText(runtimeVersion)}` : "";
        return {
            outcome: "not loaded",
            reason: `NVIDIA's driver${has}${needs}: ${codeOf(answer)}`,
            install: updateDriver(cudaNeeded(answer))
        };
    }
    const [means, install] = cudaCodes[code] ?? [
        "NVIDIA's driver failed",
        `See what nvidia-smi says, and update the driver. ${anotherWay}`
    ];
    return { outcome: "not loaded", reason: `${means}: ${codeOf(answer)}`, install };
}

function cardsText(devices: NativeDriverAnswer["devices"]): string {
    return devices.map(({ name, capability }) => `${name} (compute capability ${capabilityText(capability)})`).join(", ");
}

function ofKernels(path: string, { devices }: NativeDriverAnswer): Explanation {
    const kernels = cudaKernels(path);
    const without = devices.filter(({ hasKernels }) => !hasKernels);
    const others = devices.flatMap(({ hasKernels }, index) => (hasKernels ? [index] : []));
    const held = [...new Set(kernels.map(({ capability }) => capability))].sort((a, b) => a - b).map(capabilityText);
    return {
        outcome: "not loaded",
        reason: `${basename(path)} holds code for compute capability ${held.join(", ")}, and none for ${cardsText(without)}`,
        install:
            others.length > 0
                ? `Leave it out with CUDA_VISIBLE_DEVICES=${others.join(",")}, as llama.cpp would use it, too.`
                : `RAST_BACKEND=vulkan serves it, or a llama.cpp compiled for it (docs/gpu-check.md).`
    };
}

const cudaFolders = ["/usr/local", "/opt", "/usr/lib"];

/** A folder of CUDA toolkits, off the loader's path, that holds a library. */
function folderWith(name: string, parents: readonly string[] = cudaFolders): string | undefined {
    const list = (folder: string): string[] => {
        try {
            return readdirSync(folder);
        } catch {
            return [];
        }
    };
    const toolkits = parents.flatMap((parent) =>
        list(parent)
            .filter((entry) => /^cuda/i.test(entry))
            .map((entry) => join(parent, entry))
    );
    const folders = toolkits.flatMap((toolkit) =>
        ["lib64", "lib", join("targets", "x86_64-linux", "lib")].map((one) => join(toolkit, one))
    );
    return folders.find((folder) => existsSync(join(folder, name)));
}

// The system names the first alone; the others of CUDA's are asked for by their names.
function othersMissing(name: string, ask: typeof missingLibrary): string[] {
    const [, toolkit] = /^lib(?:cudart|cublas)\.so\.(\d+)$/.exec(name) ?? [];
    if (toolkit === undefined) return [];
    const others = [`libcudart.so.${toolkit}`, `libcublas.so.${toolkit}`, "libcuda.so.1"];
    return others.filter((other) => other !== name && ask(other).name === other);
}

function ofLibrary(kind: BackendKind, path: string, answer: NativeDriverAnswer, ask: typeof missingLibrary): Explanation {
    const { said } = answer;
    const file = basename(path);
    const named = missingIn(said).name;
    // Windows does not name it
    const first = named === undefined && process.platform === "win32" ? ask(path).name : named;
    if (first !== undefined) {
        const missing = [first, ...othersMissing(first, ask)];
        const install = missing.map((name) => {
            const elsewhere = folderWith(name);
            return elsewhere === undefined
                ? remedyFor(name)
                : `${elsewhere} holds ${name}: add that folder to LD_LIBRARY_PATH.`;
        });
        const sentences = [...new Set(install.filter((one) => one !== undefined))].join(" ");
        return {
            outcome: "not loaded",
            reason: `${file} did not load, as ${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing`,
            missing,
            install: sentences === "" ? undefined : sentences
        };
    }
    const outcome = "not loaded";
    const reason = `${file} did not load: ${said === "" ? "its driver or libraries are missing here" : said}`;
    if (kind !== "cuda") return { outcome, reason };
    if (/undefined symbol: cu[A-Z]/.test(said)) {
        return { outcome, reason, install: updateDriver(cudaNeeded(answer)) };
    }
    if (/undefined symbol: (?:cuda|cublas)|version [`']lib(?:cudart|cublas)/.test(said)) {
        return { outcome, reason, install: "Install the CUDA toolkit of the version that its libraries are named after." };
    }
    return { outcome, reason };
}

function ofVulkan(path: string, answer: NativeDriverAnswer, environment: Environment): Explanation {
    const { stage, call, code, driverVersion, devices } = answer;
    const drivers = "Install the card's Vulkan driver (Debian, Ubuntu: mesa-vulkan-drivers for AMD and Intel; NVIDIA's driver for its cards).";
    if (driverVersion > 0 && driverVersion < 1002) {
        return {
            outcome: "not loaded",
            reason: `Vulkan's loader is of version 1.${driverVersion % 1000}, and llama.cpp needs 1.2`,
            install: "Update the Vulkan loader (Debian, Ubuntu: libvulkan1; Fedora: vulkan-loader; Windows: the card's driver)."
        };
    }
    if (stage === "driver") {
        const means = code === -9 ? "Vulkan's loader found no driver" : "Vulkan did not start";
        return {
            outcome: "not loaded",
            reason: `${means}${visible(environment, "VK_DRIVER_FILES")}: ${call} answers ${code}`,
            install: drivers
        };
    }
    const hidden = visible(environment, "GGML_VK_VISIBLE_DEVICES");
    if (devices.length === 0) {
        return { outcome: "no device", reason: `Vulkan shows no device${hidden}`, install: drivers };
    }
    const names = devices.map(({ name }) => name).join(", ");
    return devices.every(({ isProcessor }) => isProcessor)
        ? {
              outcome: "no device",
              reason: `Vulkan shows ${names}, which computes on the processor: llama.cpp leaves it out${hidden}`,
              install: drivers
          }
        : {
              outcome: "no device",
              reason: `${basename(path)} takes none of Vulkan's devices${hidden}: ${names}`,
              install: "Update the card's driver: llama.cpp needs 16-bit storage."
          };
}

/**
 * Why a backend's library is of no use here.
 * @param outcome of loading it: no device of it can be used
 */
export function explain(
    kind: BackendKind,
    { path, loaded, answer }: NativeBackendOutcome,
    environment: Environment = process.env,
    ask: typeof missingLibrary = missingLibrary
): Explanation {
    const file = basename(path);
    switch (answer.stage) {
        case "library":
            return ofLibrary(kind, path, answer, ask);
        case "time":
            return {
                outcome: "not loaded",
                reason: `the driver does not answer (waited ${driverPatienceMs(environment["RAST_DRIVER_SECONDS"]) / 1000} s)`,
                install:
                    "Restart the machine, or see what nvidia-smi says. RAST_BACKEND=cpu goes without; RAST_DRIVER_SECONDS is how long is waited."
            };
        case "other":
            return { outcome: "not asked for", reason: `another library for ${kind} is in use` };
        case "kernels":
            return ofKernels(path, answer);
        case "driver":
        case "runtime":
        case "devices":
            if (kind === "vulkan") return ofVulkan(path, answer, environment);
            return ofCudaCode(answer.stage === "devices" ? { ...answer, call: "cuDeviceGetCount", code: 100 } : answer, environment);
        case "":
        case "ggml": {
            const said = answer.said === "" ? "" : `: ${answer.said}`;
            return loaded
                ? { outcome: "no device", reason: `${file} loaded and found no device${said}` }
                : { outcome: "not loaded", reason: `${file} did not load${said === "" ? ": its driver or libraries are missing here" : said}` };
        }
    }
}
