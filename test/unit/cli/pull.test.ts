import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { PulledTrio } from "../../../src/pulling/pull.js";
import type { TrioInfo, TrioSummary } from "../../../src/pulling/trio-info.js";
import { rast } from "../../support/command-io.js";
import { makeModelFiles } from "../../support/model-files.js";
import { makePullingPlace, type PullingPlace } from "../../support/pulling.js";
import { sha256Of } from "../../support/stand-in-hub.js";

let place: PullingPlace;
beforeEach(async () => {
    place = await makePullingPlace();
    for (const [name, value] of Object.entries(place.env)) vi.stubEnv(name, value);
});
afterEach(async () => {
    vi.unstubAllEnvs();
    await place.remove();
});

test("rast models: all trios, and all of one", async () => {
    const list = await rast(["models"]);
    expect([list.code, list.stderr]).toEqual([0, ""]);
    expect(list.stdout).toMatch(/^tiny +\S+ \S+ +Tiny\.$/m);
    expect((await rast(["models", "list"])).stdout).toBe(list.stdout);
    const listed = JSON.parse((await rast(["models", "--json"])).stdout) as TrioSummary[];
    expect(listed.map(({ name }) => name)).toEqual(["tiny", "grafted", "adapted"]);
    const told = (await rast(["models", "info", "tiny"])).stdout;
    expect(told).toContain("not on this disk: rast pull tiny");
    expect(told).toMatch(/base: maker\/base \(llama, license: MIT\)/);
    expect(told).toMatch(/\* Q8_0 .* hf:maker\/base-GGUF\/base\.Q8_0\.gguf \(name by its repository's usage\)/);
    expect(told).toContain('promptTemplate "Q: {prompt}?\\n"');
    expect((await rast(["models", "info", "grafted"])).stdout).toContain("graft of hf:maker/checkpoint + antiexpert");
    const info = JSON.parse((await rast(["models", "info", "tiny", "--json"])).stdout) as TrioInfo;
    expect(info.settings).toMatchObject({ lambda: 0.5 });
    expect((await rast(["models", "info"])).stderr).toContain("Expected one name behind info: rast models info NAME.");
    expect((await rast(["models", "tiny"])).stderr).toContain("All of one trio: rast models info tiny.");
    for (const args of [["info"], ["show"], ["info", "a", "b"], ["list", "x"]]) {
        expect(await rast(["models", ...args])).toMatchObject({ code: 2 });
    }
    const wrong = await rast(["models", "info", "tinny"]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("Did you mean tiny?")]);
});

test("the package's own catalog", async () => {
    vi.stubEnv("RAST_CATALOG", "");
    const { stdout } = await rast(["models"]);
    expect(stdout).toMatch(/^qwen2\.5-32b-simplerl-14b +47\.7 GiB/m);
    const info = (await rast(["models", "info", "qwen2.5-32b-simplerl-14b"])).stdout;
    expect(info).toContain("arXiv 2506.15710: MATH500 68.6 -> 80.7");
    expect(info).toContain("not checked by anybody");
    for (const { name } of JSON.parse((await rast(["models", "--json"])).stdout) as TrioSummary[]) {
        const told = await rast(["models", "info", name]);
        expect([told.code, told.stderr], name).toEqual([0, ""]);
    }
});

test("rast pull: files, their hashes, and what to do next", async () => {
    const { code, stdout, stderr } = await rast(["pull", "tiny"]);
    expect(code).toBe(0);
    expect(stderr.match(/^rast: .*\.gguf, 293 KiB$/gm)).toHaveLength(3);
    expect(stdout).toMatch(/^base +Q8_0 +293 KiB {2}.*base\.Q8_0\.gguf \(downloaded, hash compared\)$/m);
    expect(stdout).toContain("rast generate --trio tiny");
    const again = JSON.parse((await rast(["pull", "tiny", "--json", "-q"])).stdout) as PulledTrio;
    expect(sha256Of(await readFile(again.expert.path))).toBe(sha256Of(place.content("expert")));
    expect(again.expert.by).toBe("there");
    expect((await rast(["models"])).stdout).toMatch(/^tiny .*\(on this disk\)$/m);
});

test("on a terminal there is a line that is written over", async () => {
    place.hub.fault = ({ server }) => (server === "storage" ? { slow: { bytes: 100_000, ms: 5 } } : undefined);
    const { stderr } = await rast(["pull", "tiny"], { terminal: true });
    expect(stderr).toMatch(/\r.*\d+% .* of 879 KiB/);
});

test("nobody there: one line, and an exit code of its own", async () => {
    await place.hub.stop();
    const { code, stderr, stdout } = await rast(["pull", "tiny"]);
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toMatch(/^rast: The hub \S+ cannot be reached: ECONNREFUSED\. \[ERR_HUB_UNREACHABLE\]\n$/);
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    const offline = await rast(["pull", "tiny", "--json"]);
    expect(offline.code).toBe(3);
    expect(JSON.parse(offline.stderr)).toMatchObject({ error: { code: "ERR_HUB_UNREACHABLE" } });
    place = await makePullingPlace();
});

test("a hub that is out of order is told of before it is given up", { timeout: 60_000 }, async () => {
    let answers = 0;
    place.hub.fault = () => (answers++ < 9 ? { status: 500, headers: { "retry-after": "1" } } : undefined);
    const { code, stderr } = await rast(["pull", "tiny"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(
        /^rast: \w+\.Q8_0\.gguf: it answers with an error of its own \(500\), and asks to wait for 1 s; trying again$/m
    );
    place.hub.fault = () => undefined;
});

test("--trio of what is not there: told, asked on a terminal, pulled with --pull", async () => {
    const told = await rast(["generate", "--trio", "tiny", "x"]);
    expect(told.code).toBe(2);
    expect(told.stderr).toMatch(
        /The trio tiny is not on this disk: rast pull tiny brings it \(.*\), as does --pull here\./
    );
    const refused = await rast(["generate", "--trio", "tiny", "x"], { terminal: true, input: "n\n" });
    expect(refused.stderr).toContain("Pull it now? [y/N] ");
    expect(refused.code).toBe(2);
    expect(place.hub.seen).toEqual([]);
    // What comes is no model: it is the pull that is looked at.
    const agreed = await rast(["generate", "--trio", "tiny", "x"], { terminal: true, input: "y\n" });
    expect(agreed.stderr).not.toContain("ERR_UNKNOWN_TRIO");
    expect(place.hub.seen.length).toBeGreaterThan(0);
    place.hub.seen.length = 0;
    await rm(join(place.folder, "maker"), { recursive: true });
    await rast(["generate", "--trio", "tiny", "--pull", "x"]);
    expect(place.hub.seen.length).toBeGreaterThan(0);
    await rast(["bench", "--trio", "tiny", "--pull"]);
    const unknown = await rast(["generate", "--trio", "nothing", "x"]);
    expect(unknown.stderr).toContain('There is no trio named "nothing"');
});

test("rast trio init: a file for three models, relative to it", async () => {
    const files = await makeModelFiles();
    await rm(files.trio, { force: true });
    const out = files.path("trio.json");
    const models = [files.base, files.expert, files.antiexpert];
    const made = await rast(["trio", "init", ...models, "--out", out, "--lambda", "0.5", "--name", "mine"]);
    expect([made.code, made.stdout]).toEqual([0, `${out}\n`]);
    expect(JSON.parse(await readFile(out, "utf8"))).toEqual({
        name: "mine",
        base: "base.gguf",
        expert: "expert.gguf",
        antiexpert: "antiexpert.gguf",
        lambda: 0.5
    });
    expect(made.stderr).toBe(`rast: whether they are a trio says rast check --trio ${out}\n`);
    const inFolder = await rast(["trio", "init", ...models, "--out", files.path(".")]);
    expect([inFolder.code, inFolder.stderr]).toEqual([2, expect.stringContaining("name the file")]);
    expect((await rast(["trio", "init"])).stderr).toContain("received init with 0 files");
    const again = await rast(["trio", "init", ...models, "--out", out]);
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("There is a file already")]);
    expect((await rast(["trio", "init", ...models, "--out", out, "--replace"])).code).toBe(0);
    for (const args of [
        ["init", files.base],
        ["make", ...models],
        ["init", ...models, files.base]
    ]) {
        expect((await rast(["trio", ...args])).stderr).toContain("Expected init BASE EXPERT ANTIEXPERT");
    }
    const missing = await rast(["trio", "init", files.path("no.gguf"), files.expert, files.antiexpert]);
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("the base does not exist")]);
    const wrong = await rast(["trio", "init", ...models, "--out", out, "--replace", "--lambda", "99"]);
    expect(wrong.stderr).toContain("Expected a number in [-10, 10] for --lambda");
    await files.remove();
});
