// Whether three models are a trio: real tokenizers against each other, the bundled trios, and wrong pairings of the same files.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
    checkTrio,
    loadRast,
    RastError,
    type CheckOptions,
    type TokenScore,
    type TrioCheck
} from "../../dist/index.js";
import { rast } from "../support/command-io.js";
import { demo } from "../support/demo.js";
import { randomLora, writeLora } from "../support/lora.js";
import { root } from "../support/native.js";
import { heavy } from "../support/size.js";
import { tinyTrio, tinyTrioOf } from "../support/test-models.js";
import { bundledVocabulary, vocabularies, vocabularyModel } from "../support/vocabularies.js";

const folder = mkdtempSync(join(tmpdir(), "rast-check-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const kinds = ({ findings }: TrioCheck): string[] => findings.map(({ level, kind }) => `${level} ${kind}`);
const worst = (check: TrioCheck): string[] => kinds(check).filter((kind) => !kind.startsWith("note"));
const chat = (role: string): string => join(root, "models", "demo", `demo-chat-${role}.gguf`);

describe("headers", () => {
    it.each(["demo", "demo-strong", "demo-seed2", "demo-chat"])("the bundled trio %s is one", async (trio) => {
        const check = await checkTrio({ trio });
        expect(check.fits).toBe(true);
        expect(worst(check)).toEqual([]);
        expect(check.models.map(({ role }) => role)).toEqual(["base", "expert", "antiexpert"]);
        expect(check.deep).toEqual([]);
    });

    it("real tokenizers, each pair of them: what check says of a pair is what a load does", async () => {
        const all = heavy ? vocabularies : (["qwen2", "llama-bpe", "llama-spm"] as const);
        const generating = all.filter((name) => name !== "bert-bge" && name !== "nomic-bert-moe");
        const models = await Promise.all(generating.map((name) => vocabularyModel(name)));
        const said = new Map<string, readonly string[]>();
        for (const [i, base] of models.entries()) {
            for (const [j, small] of models.entries()) {
                if (j < i) continue;
                const check = await checkTrio({ base, expert: small, antiexpert: small });
                const errors = check.findings.filter(({ level }) => level === "error").map(({ kind }) => kind);
                const names = `${generating[i]} ${generating[j]}`;
                said.set(names, errors);
                expect([names, check.fits]).toEqual([names, errors.length === 0]);
                if (i === j) expect([names, errors]).toEqual([names, []]);
            }
        }
        // everything at once, the cheapest to tell first
        expect(said.get("qwen2 llama-bpe")!.slice(0, 2)).toEqual(["preTokenizer", "tokens"]);
        expect(said.get("qwen2 llama-spm")).toEqual(
            expect.arrayContaining(["tokenizerModel", "preTokenizer", "tokens"])
        );
        const other = models.indexOf(await vocabularyModel("llama-bpe"));
        const refused = loadRast({
            base: models[0]!,
            expert: models[other]!,
            antiexpert: models[other]!,
            gpuLayers: 0
        });
        await expect(refused).rejects.toMatchObject({ code: "ERR_TOKENIZER_MISMATCH" });
    });

    it("a vocabulary without weights, and a model without a tokenizer", async () => {
        const bare = bundledVocabulary("qwen2");
        const full = await vocabularyModel("qwen2");
        const check = await checkTrio({ base: full, expert: full, antiexpert: bare }).catch((error: unknown) => error);
        // llama.cpp's bare vocabularies name layers, or they are no models
        if (check instanceof RastError) expect(check.code).toBe("ERR_MODEL_INVALID");
        else expect(worst(check as TrioCheck)).toContain("warning architecture");
    });

    it("swapped roles are told by size and by name", async () => {
        const turned = await checkTrio({ base: demo.expert, expert: demo.base, antiexpert: demo.base });
        expect(turned.fits).toBe(true);
        expect(worst(turned)).toEqual(expect.arrayContaining(["warning swapped", "warning sameModel"]));
        expect(turned.findings.find(({ kind }) => kind === "swapped")!.what).toContain("the base is the smaller one");
        const pair = await checkTrio({ base: demo.base, expert: demo.antiexpert, antiexpert: demo.expert });
        expect(worst(pair)).toEqual(["warning swapped"]);
        expect(pair.findings[0]!.roles).toEqual(["expert", "antiexpert"]);
    });

    it("adapters, and whether they fit", async () => {
        const { base, antiexpert } = await tinyTrio();
        const trio = join(folder, "adapted.json");
        const write = (lora: string): void => {
            writeFileSync(trio, JSON.stringify({ base, expert: { model: antiexpert, lora, scale: 0.5 }, antiexpert }));
        };
        const lora = writeLora(join(folder, "fits.gguf"), randomLora(antiexpert, { rank: 4, alpha: 8 }));
        write(lora);
        const check = await checkTrio({ trio });
        expect(check.fits).toBe(true);
        expect(check.models.map(({ adapters }) => adapters.length)).toEqual([0, 1, 0]);
        expect(check.models[1]!.adapters[0]).toMatchObject({ path: lora, scale: 0.5, rank: 4 });
        expect((await rast(["check", "--trio", trio])).stdout).toMatch(
            /^ +with the adapter .*fits\.gguf \(rank 4, \d+ matrices, scale 0\.5\)$/m
        );
        const { antiexpert: wide } = await tinyTrioOf("llama", "llama");
        const other = writeLora(join(folder, "other.gguf"), randomLora(wide, { rank: 4, alpha: 8 }));
        write(other);
        const unfit = await checkTrio({ trio });
        expect([unfit.fits, worst(unfit)[0]]).toEqual([false, "error adapter"]);
        expect(unfit.findings[0]!.what).toContain("other.gguf");
        write(join(folder, "nowhere.gguf"));
        await expect(checkTrio({ trio })).rejects.toMatchObject({ code: "ERR_FILE_NOT_FOUND" });
    });

    it("a pair of two shapes", async () => {
        const { base, expert } = await tinyTrio();
        const check = await checkTrio({ base, expert, antiexpert: base });
        expect(check.fits).toBe(true);
        expect(worst(check).some((kind) => kind === "warning tensors" || kind === "warning sameModel")).toBe(true);
    });

    it("what is wrong with options and files is an error of its kind, with the role", async () => {
        const wrong: [CheckOptions, string][] = [
            [{}, "ERR_INVALID_OPTION"],
            [{ base: demo.base, expert: demo.expert }, "ERR_INVALID_OPTION"],
            [{ trio: "demo", base: demo.base }, "ERR_INVALID_OPTION"],
            [{ trio: "no such trio" }, "ERR_UNKNOWN_TRIO"],
            [{ base: demo.base, expert: join(folder, "none.gguf"), antiexpert: demo.antiexpert }, "ERR_FILE_NOT_FOUND"],
            [{ trio: "demo", deep: { maxTokens: 0 } }, "ERR_INVALID_OPTION"],
            [{ trio: "demo", deap: true } as CheckOptions, "ERR_UNKNOWN_OPTION"]
        ];
        for (const [options, code] of wrong) await expect(checkTrio(options)).rejects.toMatchObject({ code });
        const damaged = join(folder, "damaged.gguf");
        writeFileSync(damaged, "GGUF and nothing else");
        await expect(checkTrio({ base: demo.base, expert: demo.expert, antiexpert: damaged })).rejects.toMatchObject({
            code: "ERR_MODEL_INVALID",
            details: { role: "antiexpert" }
        });
        const aborted = AbortSignal.abort();
        await expect(checkTrio({ trio: "demo", signal: aborted })).rejects.toMatchObject({ code: "ERR_ABORTED" });
    });
});

describe("--deep", () => {
    const deep = { maxTokens: 48, load: { gpuLayers: 0, threads: 1, tryModels: false } } as const;
    const run = (models: CheckOptions): Promise<TrioCheck> => checkTrio({ ...models, deep });

    it.each(["demo", "demo-strong"])("%s: close, surer than before, and known to the base", async (trio) => {
        const check = await run({ trio });
        expect(worst(check)).toEqual([]);
        const [figures] = check.deep;
        expect(figures!.positions).toBeGreaterThan(60);
        expect(figures!.agreement).toBeGreaterThan(0.4);
        expect(figures!.coverage.top1).toBeLessThanOrEqual(figures!.coverage.top5);
        expect(figures!.coverage.top5).toBeLessThanOrEqual(figures!.coverage.top20);
        expect(figures!.logprob.expert).toBeGreaterThan(figures!.logprob.antiexpert);
    });

    it("a model beside itself has no delta", async () => {
        const check = await run({ base: demo.base, expert: demo.expert, antiexpert: demo.expert });
        expect(check.deep[0]).toMatchObject({ agreement: 1, divergence: 0 });
        expect(check.deep[0]!.entropy.expert).toBe(check.deep[0]!.entropy.antiexpert);
        expect(worst(check)).toContain("warning sameModel");
    });

    it("models that were never one are told from a pair", async () => {
        const { base, expert, antiexpert } = await tinyTrio();
        const check = await run({ base, expert, antiexpert });
        expect(worst(check)).toEqual(expect.arrayContaining(["warning unrelated"]));
    });

    it("a text of one's own, in windows; and none", async () => {
        const text = "Q: 6+34+63+39?\n".repeat(80);
        const models = { base: demo.base, expert: demo.expert, antiexpert: demo.antiexpert };
        const check = await checkTrio({ ...models, deep: { ...deep, text } });
        expect(check.deep[0]).toMatchObject({ expertText: false });
        expect(check.deep[0]!.positions).toBeGreaterThan(1024);
        await expect(checkTrio({ ...models, deep: { ...deep, text: "" } })).rejects.toMatchObject({
            code: "ERR_INVALID_OPTION"
        });
    });

    it("figures do not depend on how many rows go at once", async () => {
        const trio = { base: demo.base, expert: demo.expert, antiexpert: demo.antiexpert };
        const scoresOf = async (speculation: "off" | { maxDraft: number }): Promise<readonly TokenScore[]> => {
            const rast = await loadRast({
                ...trio,
                gpuLayers: 0,
                threads: 1,
                contextSize: 128,
                speculation,
                tryModels: false
            });
            const { scores } = await rast.score({ prompt: "Q: 6+34+63+39?\n", completion: "S:6+34=40;" });
            // the engine is as it was
            expect(
                (await rast.complete({ prompt: "Q: 6+34?\n", seed: 1, maxTokens: 4 })).tokens.length
            ).toBeGreaterThan(0);
            await rast.dispose();
            return scores;
        };
        const [one, many] = [await scoresOf("off"), await scoresOf({ maxDraft: 15 })];
        expect(one.length).toBeGreaterThan(5);
        for (const [at, { pair, logprob }] of one.entries()) {
            expect(Math.abs(pair!.divergence - many[at]!.pair!.divergence)).toBeLessThan(0.05);
            expect(Math.abs(logprob.expert! - many[at]!.logprob.expert!)).toBeLessThan(0.05);
        }
    });
});

describe("the command", () => {
    it("says what it looked at, and exits with 0, 4, 2", async () => {
        const good = await rast(["check", demo.base, demo.expert, demo.antiexpert]);
        expect([good.code, good.stderr]).toEqual([0, ""]);
        expect(good.stdout).toMatch(/^base +\w+, .* parameters, /);
        expect(good.stdout).toContain("These models are a trio.");
        const qwen = await vocabularyModel("qwen2");
        const bad = await rast(["check", qwen, demo.expert, demo.antiexpert]);
        expect(bad.code).toBe(4);
        expect(bad.stdout).toMatch(/^error: Token|^error: Tokenizer/m);
        expect(bad.stdout).toContain("These models cannot be a trio.");
        const swapped = ["check", demo.base, demo.antiexpert, demo.expert];
        expect((await rast(swapped)).code).toBe(0);
        expect((await rast([...swapped, "--strict"])).code).toBe(4);
        const json = await rast([...swapped, "--json"]);
        expect((JSON.parse(json.stdout) as TrioCheck).findings[0]).toMatchObject({ kind: "swapped", level: "warning" });
        const both = await rast(["check", demo.base, demo.expert, demo.antiexpert, "--trio", "demo"]);
        expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("received both: 3 files beside --trio")]);
        const model = await rast(["check", "--trio", demo.base]);
        expect([model.code, model.stderr]).toEqual([2, expect.stringContaining("it is a model (GGUF)")]);
        for (const args of [["check"], ["check", "a.gguf"], ["check", "--trio", "demo", "--max-tokens", "3"]]) {
            const { code, stderr } = await rast(args);
            expect([args, code]).toEqual([args, 2]);
            expect(stderr).toMatch(/^rast: Expected/);
        }
    });

    it("--deep prints figures", async () => {
        const { code, stdout } = await rast([
            "check",
            "--trio",
            chatTrio(),
            "--deep",
            "--max-tokens",
            "16",
            "--gpu-layers",
            "0",
            "--threads",
            "1"
        ]);
        expect(code).toBe(0);
        expect(stdout).toMatch(/over \d+ positions of the expert's answers/);
        expect(stdout).toMatch(/same likeliest token [\d.]+%, KL [\d.]+ nats/);
    });
});

function chatTrio(): string {
    const file = join(folder, "chat.json");
    const models = { base: chat("base"), expert: chat("expert"), antiexpert: chat("antiexpert") };
    writeFileSync(file, JSON.stringify({ name: "chat", ...models }));
    return file;
}
