import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { mkdir } from "node:fs/promises";
import { bundledTrioFolder, trioNames } from "../../../src/trio/trio.js";
import { rast } from "../../support/command-io.js";
import { makeModelFiles, type ModelFiles } from "../../support/model-files.js";

let files: ModelFiles;
beforeEach(async () => {
    files = await makeModelFiles();
    await mkdir(files.path("rast/trios"), { recursive: true });
    for (const name of ["XDG_CONFIG_HOME", "APPDATA"]) vi.stubEnv(name, files.folder);
});
afterEach(async () => {
    vi.unstubAllEnvs();
    await files.remove();
});

test("bundled trios and those of one's own, each on a line, with what they are", async () => {
    const models = Object.fromEntries((["base", "expert", "antiexpert"] as const).map((role) => [role, files[role]]));
    await files.write("rast/trios/mine.json", { ...models, description: "Of my own." });
    await files.write("rast/trios/broken.json", "{");
    const { code, stdout, stderr } = await rast(["trios"]);
    expect([code, stderr]).toEqual([0, ""]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split(" ")[0])).toEqual([
        "broken",
        ...(await trioNames([bundledTrioFolder()])),
        "mine",
        "Trios"
    ]);
    expect(stdout).toMatch(/^broken +cannot be used: Trio file .*it is not JSON/m);
    expect(stdout).toMatch(/^mine +Of my own\.$/m);
    expect(stdout).toMatch(/^demo +Small sums/m);
    const listed = JSON.parse((await rast(["trios", "--json"])).stdout) as { name: string; base?: string }[];
    expect(listed.find(({ name }) => name === "mine")).toMatchObject({ base: files.base, pairs: [{ lambda: 1 }] });
    expect(listed.find(({ name }) => name === "broken")).toMatchObject({ error: { code: "ERR_TRIO_FILE" } });
});

test("who names no models is told the bundled ones, and how to see all", async () => {
    for (const command of [["generate", "x"], ["bench"]]) {
        const { code, stderr } = await rast(command);
        expect([code, stderr]).toEqual([2, expect.stringContaining("No models: give --trio NAME (")]);
        for (const name of await trioNames([bundledTrioFolder()])) expect(stderr).toContain(name);
        expect(stderr).toContain("rast trios lists all");
    }
});
