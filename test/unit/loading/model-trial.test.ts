import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { tryModels, type TrialSettings } from "../../../src/loading/model-trial.js";
import type { AdaptersByModel } from "../../../src/loading/adapters.js";
import type { ModelChoice } from "../../../src/loading/model-set.js";
import { TrialMemory } from "../../../src/loading/trial-memory.js";
import { RastError } from "../../../src/errors.js";
import { adapterFacts } from "../../support/fake-addon.js";
import type { NativeLibraries, NativeModelFacts } from "../../../src/native/addon-types.js";

const folder = mkdtempSync(join(tmpdir(), "rast-trial-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const libraries: NativeLibraries = { ggmlVersion: "2", ggmlCommit: "3", systemInfo: "", cpu: "", backends: [] };
const choice = (role: ModelChoice["role"], path: string): ModelChoice => {
    return { role, pair: 0, path, adapters: [], devices: undefined, gpuLayers: undefined, threads: undefined };
};
const models = [choice("base", "/a"), choice("expert", "/b"), choice("antiexpert", "/b")];
const facts = new Map(
    ["/a", "/b"].map((path) => [
        path,
        { fingerprint: `of ${path}`, files: [path], fileBytes: 1 } as unknown as NativeModelFacts
    ])
);

let adapters: AdaptersByModel = new Map();
let trials: string;
let memory: TrialMemory;
let count = 0;
beforeEach(() => {
    trials = join(folder, String(++count));
    memory = new TrialMemory(trials, ["1"]);
});

const say = (line: object): string => `process.stdout.write(${JSON.stringify(`${JSON.stringify(line)}\n`)});`;
const bothFine = [0, 1].map((model) => say({ step: "trying", model }) + say({ step: "fine", model })).join("");

async function attempt(
    script: string,
    settings: TrialSettings = {},
    signal?: AbortSignal
): Promise<string[] | RastError> {
    const path = join(folder, `${++count}.mjs`);
    writeFileSync(path, script);
    try {
        return await tryModels(libraries, models, facts, adapters, signal, {
            memory,
            script: pathToFileURL(path),
            ...settings
        });
    } catch (error) {
        if (error instanceof RastError) return error;
        throw error;
    }
}

describe("a trial", () => {
    it("is made once more for a model with an adapter, which is told of it", async () => {
        expect(await attempt(bothFine)).toEqual([]);
        const adapter = { source: "/x", path: "/x", scale: 0.5, notes: [], facts: adapterFacts() };
        adapters = new Map([[models[1]!, [adapter]]]);
        // the two files are known without: one job is left
        const script = `const [job] = JSON.parse(process.argv[2]);
            process.stdout.write(JSON.stringify({ step: "refused", model: 0, code: "ERR_MODEL_LOAD", message: JSON.stringify(job), details: {} }) + "\\n");`;
        const died = await attempt(script);
        adapters = new Map();
        expect(died).toMatchObject({ code: "ERR_MODEL_LOAD", details: { role: "expert" } });
        expect((died as RastError).message).toContain('"adapters":[{"path":"/x","scale":0.5}]');
    });

    it("is made once for each model", async () => {
        expect(await attempt(bothFine)).toEqual([]);
        expect(readdirSync(trials)).toHaveLength(2);
        expect(await attempt("process.abort()")).toEqual([]);
        memory = new TrialMemory(trials, ["1"]); // as another process would
        expect(await attempt("process.abort()")).toEqual([]);
        memory = new TrialMemory(trials, ["2"]); // other versions
        expect(await attempt(bothFine)).toEqual([]);
        expect(readdirSync(trials)).toHaveLength(4);
    });

    it("that ends the child is the model's fault, with its last words, and remembered", async () => {
        const words = "/x/llama-model.cpp:7: GGML_ASSERT(n > 0) failed";
        const script =
            say({ step: "trying", model: 0 }) +
            say({ step: "fine", model: 0 }) +
            say({ step: "trying", model: 1 }) +
            `process.stderr.write(${JSON.stringify(`loading\n${words}\nAborted\n`)}, () => process.abort());`;
        for (const source of [script, bothFine]) {
            const error = await attempt(source);
            expect(error).toMatchObject({ code: "ERR_MODEL_INVALID", details: { role: "expert", path: "/b", words } });
            expect((error as RastError).message).toContain("the expert");
            expect((error as RastError).message).toMatch(/SIGABRT|exit code/);
            memory = new TrialMemory(trials, ["1"]);
        }
    });

    // A child on a busy machine takes a second or two to say its first word.
    const silenceMs = 6000;

    it("that hangs is the model's fault, and not remembered", async () => {
        const script = say({ step: "trying", model: 0 }) + "for (;;);";
        const error = await attempt(script, { silenceMs });
        expect(error).toMatchObject({ code: "ERR_MODEL_INVALID", details: { role: "base" } });
        expect(await attempt(bothFine)).toEqual([]);
    });

    it("goes on as long as the child says something", async () => {
        const script = `let n = 0; setInterval(() => { ${say({ step: "alive" })} if (++n === 20) { ${bothFine} } }, 350);`;
        expect(await attempt(script, { silenceMs })).toEqual([]);
    });

    it("that gives an error of the model gives the same", async () => {
        const line = {
            step: "refused",
            model: 1,
            code: "ERR_MODEL_LOAD",
            message: "no such tensor",
            details: { a: 1 }
        };
        const error = await attempt(bothFine.slice(0, bothFine.length >> 1) + say(line));
        expect(error).toMatchObject({ code: "ERR_MODEL_LOAD", details: { role: "expert", a: 1 } });
        expect((error as RastError).message).toContain("no such tensor");
    });

    it("that cannot be made is a note", async () => {
        const line = { step: "refused", model: 0, code: "ERR_LIBRARIES", message: "none", details: {} };
        expect(await attempt(say({ step: "trying", model: 0 }) + say(line))).toEqual([expect.stringContaining("none")]);
        expect(await attempt("")).toEqual([expect.stringContaining("not tried")]);
        expect(await attempt("process.exit(3)")).toEqual([expect.stringContaining("(3)")]);
        expect(await attempt("for (;;);", { silenceMs: 1000 })).toEqual([expect.stringContaining("said nothing")]);
        expect(existsSync(trials)).toBe(false);
    });

    it("ends with the signal", async () => {
        const signal = AbortSignal.timeout(700);
        await attempt(say({ step: "trying", model: 0 }) + "for (;;);", {}, signal);
        expect(await attempt(bothFine)).toEqual([]);
    });

    it("survives what a child should not print", async () => {
        expect(await attempt(`process.stdout.write("junk\\n{]\\n[]\\n1\\n\\"x\\"\\n");${bothFine}`)).toEqual([]);
    });
});

describe("what is remembered", () => {
    const died = { outcome: "died", how: "ended (SIGABRT)", words: "w" } as const;

    it("is not trusted when damaged", async () => {
        await memory.remember("x", died);
        const [name] = readdirSync(trials);
        for (const content of [
            "",
            "{",
            "null",
            "[]",
            '{"version":1}',
            '{"version":1,"fingerprint":"y","outcome":"fine"}'
        ]) {
            writeFileSync(join(trials, name!), content);
            expect(await new TrialMemory(trials, ["1"]).recall("x")).toBeUndefined();
        }
        writeFileSync(join(trials, name!), Buffer.alloc(1e6, 32));
        expect(await new TrialMemory(trials, ["1"]).recall("x")).toBeUndefined();
        rmSync(join(trials, name!));
        mkdirSync(join(trials, name!));
        expect(await new TrialMemory(trials, ["1"]).recall("x")).toBeUndefined();
        await new TrialMemory(trials, ["1"]).remember("x", died);
    });

    it("may be written by many at once", async () => {
        const many = Array.from({ length: 30 }, () => new TrialMemory(trials, ["1"]));
        await Promise.all(many.map((one, i) => one.remember("x", i % 2 === 0 ? died : { outcome: "fine" })));
        expect(readdirSync(trials)).toHaveLength(1);
        expect(await new TrialMemory(trials, ["1"]).recall("x")).toBeDefined();
    });

    it("lasts as long as the process where nothing can be written", async () => {
        const file = join(folder, "a-file");
        writeFileSync(file, "");
        const here = new TrialMemory(join(file, "below"), ["1"]);
        await here.remember("x", died);
        expect(await here.recall("x")).toEqual(died);
        expect(await here.recall("y")).toBeUndefined();
    });
});
