import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RastResult } from "../../dist/index.js";
import { demo } from "../support/demo.js";
import { root, run, vulkanEnvironment, vulkanLibrary, type Finished } from "../support/native.js";

const main = join(root, "dist", "cli", "main.js");
const rast = (args: readonly string[], options: Parameters<typeof run>[2] = {}): Promise<Finished> =>
    run(process.execPath, [main, ...args], options);
const problem = "6+34+63+39";

describe("rast generate", () => {
    it("streams RAST's text to stdout and figures to stderr", async () => {
        const result = await rast(["generate", "--trio", "demo-strong", "--seed", "3", problem]);
        expect(result).toMatchObject({ code: 0, stdout: "S:6+34=40;40+63=103;103+39=142#142\n" });
        expect(result.stderr).toMatch(
            /^\[34 tokens, first( \d+)? after \d+ ms, then [\d.]+ tokens\/s; prompt 16 tokens; eos; seed 3(; \d+ of \d+ drafts accepted)?; drawn on CPU\]\n$/
        );
    });

    it("prints one JSON object with everything in it", async () => {
        const result = await rast([
            "generate",
            "--trio",
            "demo-strong",
            "--seed",
            "3",
            "--json",
            "--logprobs",
            "2",
            problem
        ]);
        expect(result.stderr).toBe("");
        const parsed = JSON.parse(result.stdout) as RastResult;
        expect(parsed).toMatchObject({
            text: "S:6+34=40;40+63=103;103+39=142#142",
            stopReason: "eos",
            stopToken: 2,
            seed: 3,
            mode: "rast",
            usage: { promptTokens: 16, completionTokens: 34 },
            path: "device",
            hostBytesPerToken: expect.any(Number),
            hostRows: 0,
            devices: { base: { device: "CPU" } }
        });
        expect(parsed.tokens).toHaveLength(34);
        expect(parsed.logprobs).toHaveLength(34);
        expect(parsed.logprobs![0]!.top).toHaveLength(2);
        for (const key of ["loadMs", "prefillMs", "decodeMs", "firstTokenMs", "tokensPerSecond"] as const) {
            expect(parsed.timings[key]).toBeGreaterThan(0);
        }
    });

    it("reads standard input, and the same seed gives the same text", async () => {
        const args = ["generate", "--trio", "demo", "--seed", "11", "--quiet"];
        const [argument, input, dash] = await Promise.all([
            rast([...args, problem]),
            rast(args, { input: `${problem}\n` }),
            rast([...args, "-"], { input: problem })
        ]);
        expect(argument.stderr).toBe("");
        expect(input.stdout).toBe(argument.stdout);
        expect(dash.stdout).toBe(argument.stdout);
    });

    it("takes models by path, several pairs, and modes", async () => {
        const pair = ["--expert", demo.expert, "--antiexpert", demo.antiexpert];
        const strong = ["--expert", demo.strongExpert, "--antiexpert", demo.strongAntiexpert];
        const settings = ["--temperature", "0", "--json", "--raw", "--max-tokens", "60", "Q: 6+34+63+39?\n"];
        const json = async (...args: string[]): Promise<RastResult> =>
            JSON.parse((await rast(["generate", "--base", demo.base, ...args, ...settings])).stdout) as RastResult;
        const base = await json("--mode", "base");
        expect((await json(...pair, "--lambda", "0")).tokens).toEqual(base.tokens);
        expect((await json(...pair, "--mode", "base")).tokens).toEqual(base.tokens);
        const both = await json(...pair, ...strong, "--lambda", "0.5", "--lambda", "0.5");
        expect(both.lambdas).toEqual([0.5, 0.5]);
        expect(both.text).toContain("#142");
    });

    it("ends at stop strings and never shows them", async () => {
        const result = await rast([
            "generate",
            "--trio",
            "demo-strong",
            "--seed",
            "3",
            "--json",
            "--stop",
            "3;1",
            problem
        ]);
        const parsed = JSON.parse(result.stdout) as RastResult;
        expect(parsed).toMatchObject({ text: "S:6+34=40;40+63=10", stopReason: "stop", stopString: "3;1" });
    });

    it("keeps what it has on Ctrl-C and exits with 130", async () => {
        const args = [main, "generate", "--trio", "demo", "--ignore-eos", "--max-tokens", "100000", "--json", problem];
        const child = spawn(process.execPath, args);
        let stdout = "";
        child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
        setTimeout(() => child.kill("SIGINT"), 330);
        const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
            child.on("close", (...ended) => resolve(ended))
        );
        if (stdout === "")
            expect([code, signal]).toSatisfy(() => code === 130 || signal === "SIGINT"); // loading, or not even that
        else
            expect([code, (JSON.parse(stdout) as RastResult).stopReason]).toSatisfy(
                ([exit, reason]: [number, string]) =>
                    (exit === 130 && reason === "abort") || (exit === 0 && reason === "contextFull")
            );
    });

    it("ends quietly when its reader does", async () => {
        const command = `"${process.execPath}" "${main}" generate --trio demo --ignore-eos ${problem} | head -c 3`;
        const result = await run("bash", ["-o", "pipefail", "-c", command]);
        expect(result.stdout).toHaveLength(3);
        expect(result.stderr).not.toContain("EPIPE");
    });

    it.runIf(vulkanLibrary !== undefined)("runs the whole trio on the software Vulkan device", async () => {
        const result = await rast(["generate", "--trio", "demo-strong", "--seed", "3", "--json", problem], {
            env: vulkanEnvironment()
        });
        const parsed = JSON.parse(result.stdout) as RastResult;
        expect(parsed.text).toBe("S:6+34=40;40+63=103;103+39=142#142");
        expect(parsed).toMatchObject({ path: "device", devices: { base: { device: "Vulkan0", gpuLayers: 5 } } });
    });
});

describe("misuse of the command", () => {
    it.each([
        [["generate", "--trio", "nope", "x"], "ERR_UNKNOWN_TRIO"],
        [["generate", "x"], "No models"],
        [
            ["generate", "--trio", "demo", "--temperature", "hot", "1"],
            'Expected a number for --temperature, received "hot"'
        ],
        [["generate", "--trio", "demo", "--temperature", "-1", "1"], "Expected a number in [0, 100] for --temperature"],
        [["generate", "--trio", "demo", "--temprature", "1", "1"], "Did you mean --temperature?"],
        [["generate", "--trio", "demo", "--max-tokens", "0", "1"], "--max-tokens"],
        [["generate", "--trio", "demo", "--mode", "wild", "1"], "--mode"],
        [["generate", "--trio", "demo", "--device", "CUDA7", "1"], "ERR_DEVICE_NOT_FOUND"],
        [["generate", "--trio", "demo", "--gpu-layers", "3", "1"], "ERR_DEVICE_NOT_FOUND"],
        [["generate", "--trio", "demo", "--kv-type", "q9", "1"], "--kv-type"],
        [["generate", "--trio", "demo", "--logit-bias", "5", "1"], "ID=VALUE"],
        [["generate", "--trio", "demo", "--chat", "1"], "ERR_CHAT_TEMPLATE"],
        [["generate", "--trio", "demo", "--seed", "-1", "1"], "--seed"],
        [["generate", "--trio", "demo", "1+".repeat(300)], "ERR_PROMPT_TOO_LONG"],
        [["generate", "--base", "/nowhere.gguf", "x"], "ERR_FILE_NOT_FOUND"],
        [["generate", "--trio", "demo", ""], "ERR_EMPTY_PROMPT"],
        [["wild"], "unknown command"]
    ])("%j: one line, exit code 2", async (args, expected) => {
        const result = await rast(args, { env: { ...process.env, RAST_BACKEND: "cpu" } });
        expect(result.stderr).toContain(expected);
        expect(result.stderr.trim().split("\n")).toHaveLength(1);
        expect(result.stdout).toBe("");
        expect(result.code).toBe(2);
    });

    it("names a backend that cannot be had", async () => {
        const env = { ...process.env, RAST_BACKEND: "metal" };
        const result = await rast(["devices"], { env });
        expect([result.code, result.stderr]).toEqual([2, expect.stringContaining("ERR_BACKEND_UNAVAILABLE")]);
    });
});

describe("rast devices", () => {
    it("lists devices and says why", async () => {
        const report = JSON.parse((await rast(["devices", "--json"])).stdout) as Record<string, unknown>;
        expect(report).toMatchObject({
            backend: expect.any(String),
            reason: expect.any(String),
            devices: expect.arrayContaining([expect.objectContaining({ name: "CPU", type: "cpu" })]),
            libraries: { ggmlVersion: expect.any(String) }
        });
        const text = (await rast(["devices"])).stdout;
        expect(text).toMatch(/^backend {2}\w+: /);
        expect(text).toContain("CPU");
    });
});
