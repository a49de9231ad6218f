import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, it } from "vitest";
import { root, run } from "../support/native.js";

interface Pack {
    extractLlama(folder: string): void;
    stageProject(folder: string): Promise<void>;
}
interface Toolchain {
    llamaFlags(options: { ggmlCommit: string; cpuinfo: string; cuda: readonly string[] }): string[];
    expectedVersions(project: string): { ggml: string; ggmlCommit: string };
}

const work = mkdtempSync(join(tmpdir(), "rast-gpu-pack-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const part = async <T>(name: string): Promise<T> =>
    (await import(pathToFileURL(join(root, "scripts", "gpu-check", `${name}.mjs`)).href)) as T;

it("carries enough of llama.cpp to configure it, at the version that the addon expects", async () => {
    const { extractLlama } = await part<Pack>("pack");
    const { llamaFlags, expectedVersions } = await part<Toolchain>("toolchain");
    const { ggml, ggmlCommit } = expectedVersions(root);
    extractLlama(join(work, "llama"));
    const flags = llamaFlags({ ggmlCommit, cpuinfo: "flags : avx avx2 f16c fma bmi2 sse4_2", cuda: [] });
    const args = ["-S", join(work, "llama"), "-B", join(work, "build"), ...flags.map((flag) => `-D${flag}`)];
    const result = await run("cmake", args);
    expect(result.stderr).not.toContain("CMake Error");
    expect(result.code).toBe(0);
    expect(result.stdout).toContain(`ggml version: ${ggml}`);
    expect(result.stdout).toMatch(new RegExp(`ggml commit: +${ggmlCommit}$`, "m"));
});

it("carries what the command runs on, without node-llama-cpp's code", async () => {
    const { stageProject } = await part<Pack>("pack");
    const project = join(work, "project");
    await stageProject(project);
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    const result = await run(process.execPath, [join(project, "dist", "cli", "main.js"), "--version"], { cwd: work });
    expect(result).toMatchObject({ code: 0, stdout: `${version}\n` });
    const lines =
        `const { shapedTrio } = await import(${JSON.stringify(join(project, "test/support/random-models.js"))});` +
        `console.log(typeof shapedTrio)`;
    expect((await run(process.execPath, ["--input-type=module", "-e", lines])).stdout).toBe("function\n");
});
