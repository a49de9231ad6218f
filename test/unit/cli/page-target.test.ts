// Where the page of `rast explain` goes: never onto what it is made of, and looked at before anything is loaded.
import { existsSync, linkSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LoadOptions } from "../../../src/loading/load-options.js";
import type * as Load from "../../../src/loading/load.js";
import { refuseLostInputs } from "../../../src/cli/page-target.js";
import { rast, type Ran } from "../../support/command-io.js";
import { makeModelFiles, type ModelFiles } from "../../support/model-files.js";

let files: ModelFiles;
let loads = 0;

vi.mock("../../../src/loading/load.js", async (original) => ({
    ...(await original<typeof Load>()),
    loadRast: async (options: LoadOptions) => {
        loads++;
        throw new Error(`loading ${options.trio ?? "models"}`);
    }
}));

beforeEach(async () => {
    loads = 0;
    files = await makeModelFiles();
});
afterEach(() => files.remove());

const refused = { code: 2, stdout: "", stderr: expect.stringMatching(/the same file,.*ERR_INVALID_ARGUMENT\]\n$/) };
const explain = (...args: string[]): Promise<Ran> => rast(["explain", ...args]);

describe("a page in the place of", () => {
    const unharmed = async (path: string, ...args: string[]): Promise<void> => {
        const before = readFileSync(path, "utf8");
        expect(await explain(...args)).toMatchObject(refused);
        expect([loads, readFileSync(path, "utf8")]).toEqual([0, before]);
    };
    const three = (): string[] => ["--base", files.base, "--expert", files.expert, "--antiexpert", files.antiexpert];

    test("the prompt's file, also behind a link or under another name of it", async () => {
        const prompt = await files.write("my.csv", "a,b");
        await unharmed(prompt, ...three(), "--file", prompt, "--html", prompt);
        for (const [name, make] of [
            ["soft", symlinkSync],
            ["hard", linkSync]
        ] as const) {
            make(prompt, files.path(name));
            await unharmed(prompt, ...three(), "--file", prompt, "--html", files.path(name));
        }
    });

    test("the texts of --pcr", async () => {
        const texts = await files.write("p.jsonl", '{"text": "a"}');
        await unharmed(texts, ...three(), "--pcr", texts, "--html", texts);
    });

    test.each(["trio", "base", "expert", "antiexpert"] as const)(
        "the trio's %s, by trio and by flags",
        async (name) => {
            const texts = await files.write("p.jsonl", '{"text": "a"}');
            const path = files[name];
            for (const trio of [files.trio, files.folder]) {
                await unharmed(path, "--trio", trio, "--html", path, "Hi");
                await unharmed(path, "--trio", trio, "--html", path, "--pcr", texts);
            }
            if (name === "trio") return;
            await unharmed(path, ...three(), "--html", path, "Hi");
            const twice = ["--expert", files.expert, "--antiexpert", files.antiexpert];
            await unharmed(path, ...three(), ...twice, "--html", path, "Hi");
        }
    );

    test("a model or a trio that --against names", async () => {
        const texts = await files.write("p.jsonl", '{"text": "a"}');
        const other = await files.write("other.gguf", "GGUF");
        const models = { base: "base.gguf", expert: "expert.gguf", antiexpert: "antiexpert.gguf" };
        const trio = await files.write("other.json", { ...models, base: "third.gguf" });
        const third = await files.write("third.gguf", `GGUF${"t".repeat(2000)}`);
        const args = ["--trio", files.trio, "--pcr", texts];
        await unharmed(other, ...args, "--against", other, "--html", other);
        for (const path of [trio, third]) await unharmed(path, ...args, "--against", trio, "--html", path);
    });

    test("an adapter, a file in an adapter's folder, another part of a split model", async () => {
        const adapter = await files.write("lora.gguf", "GGUF");
        mkdirSync(files.path("peft"));
        const inside = await files.write("peft/adapter_model.safetensors", "x");
        for (const role of ["base", "expert", "antiexpert"]) {
            await unharmed(adapter, ...three(), `--${role}-lora`, `${adapter}=0.5`, "--html", adapter, "Hi");
            await unharmed(inside, ...three(), `--${role}-lora`, files.path("peft"), "--html", inside, "Hi");
        }
        await files.write("m-00001-of-00002.gguf", "GGUF");
        const second = await files.write("m-00002-of-00002.gguf", "GGUF");
        const split = ["--base", files.path("m-00001-of-00002.gguf"), ...three().slice(2)];
        await unharmed(second, ...split, "--html", second, "Hi");
        const pair = { expert: "expert.gguf", antiexpert: "antiexpert.gguf" };
        const trio = await files.write("t.json", { base: { model: "base.gguf", lora: "lora.gguf" }, ...pair });
        await unharmed(adapter, "--trio", trio, "--html", adapter, "Hi");
    });

    test("nothing that is read is nobody's loss", async () => {
        const page = await files.write("page.html", "old");
        const { stderr } = await explain("--trio", files.trio, "--html", page, "page.html");
        expect([loads, stderr]).toEqual([1, expect.stringContaining("loading")]);
        await refuseLostInputs(page, [{ trio: files.trio, base: { path: files.path("nowhere.gguf") } }], [undefined]);
        await refuseLostInputs(undefined, [], [page]);
        await expect(refuseLostInputs(page, [{ base: page }], [])).rejects.toMatchObject({ details: { path: page } });
    });
});

describe("before anything is loaded", () => {
    test.each([
        ["nosuch/x.html", "its folder does not exist", "ERR_FILE_UNWRITABLE"],
        [".", "is a folder", "ERR_IS_DIRECTORY"],
        ["new.html/", "is a folder", "ERR_IS_DIRECTORY"],
        ["base.gguf/x.html", "its folder is a file", "ERR_FILE_UNWRITABLE"]
    ])("%s", async (name, reason, code) => {
        const texts = await files.write("p.jsonl", '{"text": "a"}');
        for (const what of [["Hi"], ["--pcr", texts]]) {
            const html = `${files.folder}/${name}`;
            const ran = await explain("--trio", files.trio, "--html", html, ...what);
            expect([ran.code, ran.stdout, loads]).toEqual([2, "", 0]);
            expect(ran.stderr).toMatch(/^rast: Could not write the page.*\n$/);
            expect(ran.stderr).toContain(reason);
            expect(ran.stderr).toContain(`[${code}]`);
        }
    });

    test.skipIf(process.platform === "win32")("what is no regular file", async () => {
        const ran = await explain("--trio", files.trio, "--html", "/dev/null", "Hi");
        expect([ran.code, ran.stdout, loads]).toEqual([2, "", 0]);
        expect(ran.stderr).toContain("not a regular file");
    });

    test("a dash", async () => {
        const ran = await explain("--trio", files.trio, "--html", "-", "Hi");
        expect([ran.code, ran.stdout, loads, existsSync("-")]).toEqual([2, "", 0, false]);
        expect(ran.stderr).toBe(
            `rast: Expected a file for --html, received "-": a page is not written to stdout. [ERR_INVALID_OPTION]\n`
        );
    });

    test("looking leaves nothing behind", async () => {
        const before = readdirSync(files.folder);
        const html = files.path("new.html");
        await explain("--trio", files.trio, "--html", html, "Hi");
        expect([loads, existsSync(html), readdirSync(files.folder)]).toEqual([1, false, before]);
    });
});
