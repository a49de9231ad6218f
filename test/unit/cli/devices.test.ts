import { afterEach, expect, test, vi } from "vitest";
import { rast } from "../../support/command-io.js";

const attempt = (kind: string, source: string, outcome: string, reason: string, more: object = {}): object => ({
    ...{ kind, source, outcome, reason, ...more }
});
const missing = { missing: ["libcuda.so.1"], install: "Install NVIDIA's driver for the card." };
const attempts = [
    attempt("cuda", "a-cuda", "not loaded", "libggml-cuda.so did not load, as libcuda.so.1 is missing", missing),
    attempt("cuda", "a-cuda-ext", "not loaded", "libggml-cuda.so did not load, as libcuda.so.1 is missing", missing),
    attempt("vulkan", "a-vulkan", "no device", "libggml-vulkan.so loaded and found no device"),
    attempt("metal", "a-metal", "not installed", "a-metal is not installed")
];
vi.mock("../../../src/native/binding.js", () => ({
    loadNative: async () => ({
        addon: {
            devices: async () => [],
            buildInfo: () => ({ llamaTag: "v1", addonVersion: "0" })
        },
        libraries: { ggmlVersion: "1", ggmlCommit: "c", backends: [] },
        choice: { backend: "cpu", reason: "no GPU backend found a device", attempts }
    })
}));
afterEach(() => vi.clearAllMocks());

test("every reason once, with what is missing and what to do", async () => {
    const { code, stdout } = await rast(["devices"]);
    expect([code, stdout.split("\n").slice(0, 5)]).toEqual([
        0,
        [
            "backend  cpu: no GPU backend found a device",
            "  cuda   not loaded: libggml-cuda.so did not load, as libcuda.so.1 is missing. Install NVIDIA's driver for the card.",
            "  vulkan no device: libggml-vulkan.so loaded and found no device",
            "  metal  not installed: a-metal is not installed",
            "devices"
        ]
    ]);
});

test("as JSON, every package", async () => {
    const report = JSON.parse((await rast(["devices", "--json"])).stdout) as { attempts: object[] };
    expect(report.attempts).toHaveLength(4);
    expect(report.attempts[1]).toMatchObject({ source: "a-cuda-ext", missing: ["libcuda.so.1"] });
    expect(report.attempts[2]).not.toHaveProperty("missing");
});
