import { afterEach, expect, test, vi } from "vitest";
import type * as Missing from "../../../src/native/missing-library.js";
import { rast } from "../../support/command-io.js";

vi.mock("../../../src/native/missing-library.js", async (original) => {
    const { missingIn } = await original<typeof Missing>();
    return { missingLibrary: (path: string) => missingIn(`${path}: cannot open shared object file: x`) };
});

const attempt = (kind: string, source: string, outcome: string, reason: string): object => ({
    kind,
    source,
    outcome,
    reason
});
const attempts = [
    attempt("cuda", "a-cuda", "not loaded", "libggml-cuda.so did not load"),
    attempt("cuda", "a-cuda-ext", "not loaded", "libggml-cuda.so did not load"),
    attempt("vulkan", "a-vulkan", "no device", "libggml-vulkan.so loaded and found no device"),
    attempt("metal", "a-metal", "not installed", "a-metal is not installed")
];
vi.mock("../../../src/native/binding.js", () => ({
    loadNative: async () => ({
        addon: {
            devices: async () => [],
            buildInfo: () => ({ llamaTag: "v1", addonVersion: "0" })
        },
        libraries: {
            ggmlVersion: "1",
            ggmlCommit: "c",
            backends: ["libcuda.so.1", "libcuda.so.1", "x"].map((path) => ({ path, loaded: false, devices: 0 }))
        },
        choice: { backend: "cpu", reason: "no GPU backend found a device", attempts }
    })
}));
afterEach(() => vi.clearAllMocks());

test("every reason once, with the missing library and what brings it", async () => {
    const { code, stdout } = await rast(["devices"]);
    expect([code, stdout.split("\n").slice(0, 5)]).toEqual([
        0,
        [
            "backend  cpu: no GPU backend found a device",
            "  cuda   not loaded: libcuda.so.1 is missing. Install NVIDIA's driver for the card.",
            "  vulkan no device: libggml-vulkan.so loaded and found no device",
            "  metal  not installed: a-metal is not installed",
            "devices"
        ]
    ]);
});

test("as JSON, every package", async () => {
    const report = JSON.parse((await rast(["devices", "--json"])).stdout) as { attempts: object[] };
    expect(report.attempts).toHaveLength(4);
    expect(report.attempts[1]).toMatchObject({ source: "a-cuda-ext", missing: "libcuda.so.1" });
    expect(report.attempts[2]).not.toHaveProperty("missing");
});
