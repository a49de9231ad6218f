// Flags that nobody typed: what the environment and the file of settings make of them, and what is said of wrong ones.
import { mkdir } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { commands } from "../../../src/cli/commands/index.js";
import { readDefaults } from "../../../src/cli/defaults.js";
import { keyOf, longName, oppositeOf } from "../../../src/cli/flag.js";
import type { LoadOptions } from "../../../src/loading/load-options.js";
import type * as Load from "../../../src/loading/load.js";
import { rast, type Ran } from "../../support/command-io.js";
import { FakeAddon, fakeNative } from "../../support/fake-addon.js";
import { makeModelFiles, type ModelFiles } from "../../support/model-files.js";

let files: ModelFiles;
let loaded: LoadOptions | undefined;

vi.mock("../../../src/loading/load.js", async (original) => {
    const load = await original<typeof Load>();
    return {
        ...load,
        loadRast: (options: LoadOptions) => {
            loaded = options;
            return load.loadRastWith(options, fakeNative(new FakeAddon()));
        }
    };
});

beforeEach(async () => {
    files = await makeModelFiles();
    loaded = undefined;
});
afterEach(() => files.remove());

interface Settings {
    readonly config?: object | string;
    readonly env?: NodeJS.ProcessEnv;
}

async function environment({ config, env }: Settings): Promise<NodeJS.ProcessEnv> {
    const named = config === undefined ? {} : { RAST_CONFIG: await files.write("settings.json", config) };
    return { ...named, ...env };
}

async function generate(settings: Settings, args: readonly string[] = []): Promise<Ran> {
    return rast(["generate", ...args, "--", "Hi"], { env: await environment(settings) });
}

// What a command has by its defaults alone.
async function defaults(name: string, settings: Settings, typed: readonly string[] = []): Promise<object> {
    const command = commands.find((one) => one.name === name)!;
    const found = await readDefaults(command, await environment(settings), (flag) => typed.includes(longName(flag)));
    return Object.fromEntries(found.map(({ flag, value }) => [keyOf(flag), value]));
}

describe("precedence", () => {
    test("flag, environment, file", async () => {
        const config = { trio: "from-file", temperature: 0.5 };
        const env = { RAST_TRIO: files.trio };
        expect((await generate({ config, env })).code).toBe(0);
        expect(loaded).toMatchObject({ trio: files.trio });
        const { code, stdout } = await generate({ config, env: { RAST_TRIO: "from-env" } }, [
            "--trio",
            files.trio,
            "--json"
        ]);
        expect([code, loaded!.trio, JSON.parse(stdout)]).toMatchObject([0, files.trio, { stopReason: "eos" }]);
        expect((await generate({ config: { ...config, trio: files.trio }, env: { RAST_TRIO: "" } })).code).toBe(0);
    });

    test("of models: who names a trio or a base has none of the defaults'", async () => {
        const config = { base: "b", expert: "e", antiexpert: "a", lambda: 2 };
        const path = (name: string): string => files.path(name);
        const all = { base: path("b"), expert: [path("e")], antiexpert: [path("a")], lambda: ["2"] };
        expect(await defaults("generate", { config })).toEqual(all);
        expect(await defaults("generate", { config, env: { RAST_TRIO: "t" } })).toEqual({ trio: "t", lambda: ["2"] });
        for (const flag of ["--trio", "--base"]) {
            expect(await defaults("generate", { config, env: { RAST_TRIO: "t" } }, [flag])).toEqual({ lambda: ["2"] });
        }
        expect(await defaults("generate", { env: { RAST_TRIO: "t" } }, ["--expert"])).toEqual({ trio: "t" });
    });

    test("workers as one text, or as an array; typed ones stand in their place", async () => {
        const both = ["10.0.0.2:50052", "gpu-box"];
        for (const rpc of [both, both.join()]) {
            expect((await generate({ config: { trio: files.trio, rpc } })).code).toBe(0);
            expect(loaded).toMatchObject({ rpc: both });
        }
        const config = { trio: files.trio, rpc: both };
        expect((await generate({ config }, ["--rpc", "a:1", "--rpc", "b:2"])).code).toBe(0);
        expect(loaded).toMatchObject({ rpc: ["a:1", "b:2"] });
        expect(await defaults("bench", { config: { commands: { bench: { rpc: both, "kv-type": "f16" } } } })).toEqual({
            rpc: both,
            "kv-type": ["f16"]
        });
    });

    test("of commands: models are for all that load any, the rest for generate, `commands` for one", async () => {
        const config = {
            trio: "t",
            "top-p": 0.5,
            commands: { bench: { prompt: [1, 2], "top-p": 0.7 }, demo: { trio: "demo" } }
        };
        expect(await defaults("generate", { config })).toEqual({ trio: "t", "top-p": "0.5" });
        expect(await defaults("bench", { config })).toEqual({ trio: "t", prompt: ["1", "2"], "top-p": "0.7" });
        expect(await defaults("demo", { config })).toEqual({ trio: "demo" });
        // its --trio is one of its own, which can be given several times
        expect(await defaults("serve", { config })).toEqual({ trio: ["t"] });
        expect(await defaults("serve", { config, env: { RAST_TRIO: "e" } })).toEqual({ trio: ["e"] });
        expect(await defaults("serve", { config }, ["--trio"])).toEqual({});
        expect(await defaults("serve", { config }, ["--base"])).toEqual({});
        expect(await defaults("demo", { env: { RAST_TRIO: "t" } })).toEqual({});
    });
});

describe("values of the file", () => {
    test("a switch that it turns on is turned off by its opposite", async () => {
        const config = { trio: files.trio, json: true, mmap: false, isolate: true, quiet: true };
        expect((await generate({ config })).stdout).toMatch(/^\{"text":/);
        expect(loaded).toMatchObject({ mmap: false, isolate: true });
        const { code, stdout, stderr } = await generate({ config }, [
            "--no-json",
            "--mmap",
            "--no-isolate",
            "--no-quiet"
        ]);
        expect([code, stdout]).toEqual([0, "Hello, world\n"]);
        expect(stderr).not.toBe("");
        expect(loaded).not.toHaveProperty("mmap");
        expect(loaded).not.toHaveProperty("isolate");
    });

    test("every switch has an opposite of a name of its own, and the last of the two holds", async () => {
        for (const { name, flags } of commands) {
            const names = Object.values(flags).map(longName);
            const opposites = Object.values(flags).flatMap((flag) => oppositeOf(flag) ?? []);
            expect([name, opposites.filter((one) => names.includes(one))]).toEqual([name, []]);
        }
        await generate({}, ["--trio", files.trio, "--no-mlock", "--mlock"]);
        expect(loaded).toMatchObject({ mlock: true });
        await generate({}, ["--trio", files.trio, "--mlock", "--no-mlock"]);
        expect(loaded).not.toHaveProperty("mlock");
        expect((await generate({}, ["--no-temperature"])).stderr).toContain("unknown option");
    });

    test("switches, numbers, lists, schemas, and files beside it", async () => {
        const config = {
            mmap: false,
            mlock: true,
            chat: false,
            "try-models": true,
            stop: ["a", "b"],
            device: "cpu",
            seed: 7,
            grammar: "g.gbnf",
            "json-schema": { type: "null" },
            trio: "name",
            "load-state": "~/state"
        };
        expect(await defaults("generate", { config })).toEqual({
            mmap: false,
            mlock: true,
            stop: ["a", "b"],
            device: ["cpu"],
            seed: "7",
            grammar: files.path("g.gbnf"),
            "json-schema": '{"type":"null"}',
            trio: "name",
            "load-state": "~/state"
        });
        expect(await defaults("generate", { config: { trio: "sub/t.json" } })).toEqual({
            trio: files.path("sub/t.json")
        });
    });

    test("come from the user's folder, where no other file is named", async () => {
        await mkdir(files.path("rast"));
        await files.write("rast/config.json", { trio: files.trio, quiet: true, mmap: false });
        const env = { RAST_CONFIG: undefined, XDG_CONFIG_HOME: files.folder, APPDATA: files.folder };
        expect(await generate({ env })).toMatchObject({ code: 0, stderr: "" });
        expect(loaded).toMatchObject({ mmap: false });
        expect((await generate({ env: { ...env, RAST_CONFIG: "" } })).stderr).toContain("No models: give --trio");
        const nowhere = { ...env, XDG_CONFIG_HOME: files.path("none"), APPDATA: files.path("none") };
        expect(await defaults("generate", { env: nowhere })).toEqual({});
    });
});

describe("what is wrong with it", () => {
    test.each([
        [{ temprature: 1 }, "key temprature: this key is not known. Did you mean temperature?"],
        [{ topP: 1 }, "key topP: this key is not known. Did you mean top-p?"],
        [{ commands: { generat: {} } }, "key commands.generat: there is no such command. Did you mean generate?"],
        [{ commands: { bench: { samples: 1 } } }, "key commands.bench.samples: this key is not known."],
        [{ commands: [] }, "key commands: expected an object"],
        [{ commands: { demo: 1 } }, "key commands.demo: expected an object"],
        [{ chat: "yes" }, 'key chat: expected true or false, received "yes" (string)'],
        [{ "top-p": true }, "key top-p: expected text or a number, received true"],
        [{ "top-p": [1] }, "key top-p: expected text or a number, received an array"],
        ["{", "it is not JSON"],
        ["[]", "expected an object"]
    ])("%j: named with file and key, whatever the command", async (config, said) => {
        const env = await environment({ config });
        for (const args of [
            ["generate", "--trio", files.trio, "Hi"],
            ["bench", "--trio", files.trio]
        ]) {
            const { code, stderr } = await rast(args, { env });
            expect([code, stderr]).toEqual([
                2,
                expect.stringMatching(/^rast: Settings .*settings\.json.*\[ERR_CONFIG_FILE\]\n$/)
            ]);
            expect(stderr).toContain(said);
        }
    });

    test.each(["{", { temprature: 1 }, { commands: { devices: { json: 5 } } }])(
        "%j: what needs no settings says so and goes on without them",
        async (config) => {
            const env = await environment({ config });
            const said = /^rast: the file of settings is left out\. Settings .*settings\.json.*\[ERR_CONFIG_FILE\]\n$/;
            const listed = await rast(["trios", "--json"], { env });
            expect([listed.code, listed.stderr]).toEqual([0, expect.stringMatching(said)]);
            expect(JSON.parse(listed.stdout)).not.toEqual([]);
            for (const name of ["devices", "demo"]) {
                expect(commands.find((one) => one.name === name)!.needsSettings).toBeUndefined();
            }
            for (const args of [["man"], ["completion", "bash"], ["--version"], ["help"], ["devices", "--help"]]) {
                expect(await rast(args, { env })).toMatchObject({ code: 0, stderr: "" });
            }
        }
    );

    test.each([
        [{ "no-mmap": true }, 'key no-mmap: this key is not known. Write "mmap": false.'],
        [{ "--no-mmap": true }, 'Write "mmap": false.'],
        [{ "no-json": true }, 'Write "json": false.'],
        [{ "--top-p": 1 }, 'Write "top-p", without dashes in front.'],
        [{ commands: { bench: { "no-ideal": true } } }, 'Write "ideal": false.'],
        [{ model: "x.gguf" }, "A trio is trio, or base, expert and antiexpert."]
    ])("%j: what to write instead", async (config, said) => {
        const { stderr } = await generate({ config });
        expect(stderr).toContain(said);
        expect(stderr).not.toContain("Did you mean");
    });

    test("a wrong value is named with the flag and where it comes from", async () => {
        const { code, stderr } = await generate({ config: { trio: files.trio, temperature: -1 } });
        expect([code, stderr]).toEqual([
            2,
            expect.stringMatching(/for --temperature, received -1\. .*--temperature is from .*settings\.json/)
        ]);
        const typed = await generate({ config: { trio: files.trio, temperature: 1 } }, ["--temperature", "x"]);
        expect(typed.stderr).not.toContain("is from");
    });

    test("--json of the file makes errors JSON, too", async () => {
        const { stderr } = await generate({ config: { json: true, trio: files.trio, "top-k": -1 } });
        expect(JSON.parse(stderr)).toMatchObject({ error: { code: "ERR_INVALID_OPTION" } });
    });

    test("one that is named must be there; help needs none", async () => {
        const env = { RAST_CONFIG: files.path("none.json") };
        expect((await generate({ env })).stderr).toContain("The file for the command's settings does not exist");
        const broken = await environment({ config: "{" });
        expect((await rast(["generate", "--help"], { env: broken })).code).toBe(0);
    });
});
