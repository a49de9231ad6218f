import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { pullTrioWith, type PulledTrio } from "../../../src/pulling/pull.js";
import type { PullOptions } from "../../../src/pulling/pull-options.js";
import type { PullProgress } from "../../../src/pulling/progress.js";
import { listTrios, trioInfo } from "../../../src/pulling/trio-info.js";
import { readCatalog } from "../../../src/catalog/catalog.js";
import { planModel } from "../../../src/pulling/model-plan.js";
import { CheckpointUse } from "../../../src/pulling/checkpoint-use.js";
import { hasQuantization } from "../../../src/pulling/fetch-files.js";
import { resolveTrio } from "../../../src/trio/trio.js";
import { makePullingPlace, readTrioFile, type PullingPlace } from "../../support/pulling.js";
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

const pull = (options: PullOptions = {}, name = "tiny"): Promise<PulledTrio> =>
    pullTrioWith(name, options, { waitMs: 2, mostWaitMs: 5, stallMs: 2000 });

test("a trio comes, and is found by its name", async () => {
    const steps: PullProgress[] = [];
    const pulled = await pull({ onProgress: (progress) => steps.push(progress) });
    for (const role of ["base", "expert", "antiexpert"] as const) {
        const { path, by, proof, bytes } = pulled[role];
        expect([by, proof, bytes]).toEqual(["downloaded", "sha256", place.content(role).length]);
        expect(path).toBe(join(place.folder, "maker", `${role}-GGUF`, `${role}.Q8_0.gguf`));
        expect(sha256Of(await readFile(path))).toBe(sha256Of(place.content(role)));
    }
    expect(await readTrioFile(place, "tiny")).toEqual({
        name: "tiny",
        description: "Tiny.",
        base: "maker/base-GGUF/base.Q8_0.gguf",
        expert: "maker/expert-GGUF/expert.Q8_0.gguf",
        antiexpert: "maker/antiexpert-GGUF/antiexpert.Q8_0.gguf",
        lambda: 0.5,
        promptTemplate: "Q: {prompt}?\n",
        sampling: { maxTokens: 72 }
    });
    const trio = await resolveTrio("tiny");
    expect([trio.file, trio.pairs[0]!.lambda]).toEqual([pulled.file, 0.5]);
    const last = steps.filter(({ state }) => state === "downloading").at(-1)!;
    expect(last.overallBytes).toBe(last.overallTotalBytes);
    expect(last.overallTotalBytes).toBe(3 * place.content("base").length);
    expect(await listTrios()).toMatchObject([
        { name: "tiny", file: pulled.file },
        { name: "grafted", file: null },
        { name: "adapted", file: null }
    ]);
    const { base } = await trioInfo("tiny");
    expect(base.quantizations.map(({ quantization, path }) => [quantization, path === null])).toEqual([
        ["Q4_K_M", true],
        ["Q8_0", false]
    ]);
});

test("a second time nobody is asked, and a trio file that somebody changed stays", async () => {
    const { file } = await pull();
    const mine = { ...(await readTrioFile(place, "tiny")), lambda: 0.7 };
    await writeFile(file, JSON.stringify(mine));
    place.hub.seen.length = 0;
    const again = await pull({ offline: true });
    expect(place.hub.seen).toEqual([]);
    expect([again.base.by, again.base.proof]).toEqual(["there", null]);
    expect(await readTrioFile(place, "tiny")).toEqual(mine);
    await rm(again.expert.path);
    expect((await pull()).expert.by).toBe("downloaded");
    expect(place.hub.seen.every(({ path }) => path.includes("expert"))).toBe(true);
});

test("a folder of one's own", async () => {
    const folder = join(place.folder, "elsewhere");
    const { file } = await pull({ folder });
    expect(file).toBe(join(folder, "tiny.json"));
    expect((await resolveTrio(file)).base.startsWith(folder)).toBe(true);
});

test("a file that the hub calls otherwise is found by its quantization", async () => {
    place.hub.files.delete("maker/base-GGUF/base.Q8_0.gguf");
    place.hub.add("maker/base-GGUF/Base-v2-Q8_0.gguf", place.content("base"));
    place.hub.add("maker/base-GGUF/Base-v2-Q4_K_M.gguf", Buffer.from("GGUF"));
    const { base, notes } = await pull();
    expect(sha256Of(await readFile(base.path))).toBe(sha256Of(place.content("base")));
    expect(notes).toEqual([expect.stringContaining("Base-v2-Q8_0.gguf: that is taken")]);
    place.hub.add("maker/base-GGUF/other.Q8_0.gguf", place.content("base"));
    await rm(base.path);
    await expect(pull()).rejects.toMatchObject({
        code: "ERR_HUB_NOT_FOUND",
        message: expect.stringContaining("It has Base-v2-Q8_0.gguf, Base-v2-Q4_K_M.gguf, other.Q8_0.gguf.") as string
    });
});

test.each([
    ["a/Model-Q4_K_M.gguf", "Q4_K_M", true],
    ["Model.q4_k_m.gguf", "Q4_K_M", true],
    ["Model-IQ4_K_M.gguf", "Q4_K_M", false],
    ["Model-Q4_K.gguf", "Q4_K_M", false],
    ["Q8_0.gguf", "Q8_0", true]
])("%s is of %s: %s", (path, quantization, expected) => {
    expect(hasQuantization(path, quantization)).toBe(expected);
});

test("what Hugging Face's own programs have is used where it lies", async () => {
    const commit = "0".repeat(40);
    const cache = join(place.env["HF_HOME"]!, "hub", "models--maker--base-GGUF");
    await mkdir(join(cache, "refs"), { recursive: true });
    await mkdir(join(cache, "blobs"));
    await mkdir(join(cache, "snapshots", commit), { recursive: true });
    await writeFile(join(cache, "refs", "main"), commit);
    await writeFile(join(cache, "blobs", "x"), place.content("base"));
    const link = join(cache, "snapshots", commit, "base.Q8_0.gguf");
    await symlink("../../blobs/x", link);
    const { base } = await pull();
    expect([base.by, base.path]).toEqual(["hub cache", link]);
    expect((await readTrioFile(place, "tiny"))["base"]).toBe(link);
    expect(place.hub.seen.some(({ path }) => path.includes("base-GGUF"))).toBe(false);
});

test("an abort, or a callback that throws, ends it, and it goes on where it was", async () => {
    place.hub.fault = ({ server }) => (server === "storage" ? { slow: { bytes: 10_000, ms: 1 } } : undefined);
    const controller = new AbortController();
    const aborted = pull({ signal: controller.signal, onProgress: () => controller.abort(new Error("no more")) });
    await expect(aborted).rejects.toMatchObject({ code: "ERR_ABORTED", cause: { message: "no more" } });
    const thrown = pull({
        onProgress: () => {
            throw new Error("of the caller");
        }
    });
    await expect(thrown).rejects.toMatchObject({ code: "ERR_ABORTED", cause: { message: "of the caller" } });
    await expect(pull({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ERR_ABORTED" });
    const names = await readdir(place.folder, { recursive: true });
    expect(names.filter((name) => name.endsWith(".gguf") || name.endsWith(".json"))).toEqual([]);
    await pull();
    expect((await readdir(place.folder, { recursive: true })).filter((name) => name.endsWith(".part"))).toEqual([]);
});

test("one file that fails ends the others, and no trio file is written", async () => {
    place.hub.add("maker/expert-GGUF/expert.Q8_0.gguf", {
        content: place.content("expert"),
        saidSha256: "0".repeat(64)
    });
    await expect(pull()).rejects.toMatchObject({ code: "ERR_DOWNLOAD_DAMAGED" });
    expect((await readdir(place.folder)).filter((name) => name.endsWith(".json"))).toEqual([]);
});

test("wrong options, names and quantizations", async () => {
    await expect(pull({ connections: 0 })).rejects.toThrow("Expected an integer in [1, 32] for connections");
    await expect(pull({ endpoint: "ftp://x" })).rejects.toThrow("an address that begins with https://");
    await expect(pull({ nonsense: 1 } as PullOptions)).rejects.toMatchObject({ code: "ERR_UNKNOWN_OPTION" });
    await expect(pull({}, "tinny")).rejects.toThrow("Did you mean tiny?");
    await expect(pull({ quantization: "Q9" })).rejects.toThrow(
        'Expected one of Q8_0, Q4_K_M for quantization, received "Q9": as such maker/base is to be had.'
    );
    vi.stubEnv("HF_TOKEN", "a\nb");
    await expect(pull()).rejects.toMatchObject({ code: "ERR_INVALID_OPTION" });
});

test("a trio that comes with the package needs nothing", async () => {
    const { file, base, notes } = await pullTrioWith("demo", { catalog: "models/catalog.json", offline: true }, {});
    expect([base.by, notes.length]).toEqual(["bundled", 1]);
    expect(file.endsWith("demo.json")).toBe(true);
});

test("an adapter comes with the model that it stands over", async () => {
    place.hub.add("maker/adapter/peft/adapter_config.json", { content: Buffer.from("{}"), small: true });
    place.hub.add("maker/adapter/peft/adapter_model.safetensors", Buffer.from("none"));
    const { expert, antiexpert } = await pull({}, "adapted");
    expect(expert.path).toBe(antiexpert.path);
    expect((await readTrioFile(place, "adapted"))["expert"]).toEqual({
        model: "maker/antiexpert-GGUF/antiexpert.Q8_0.gguf",
        lora: "maker/adapter/peft",
        scale: 0.5
    });
    expect(await readdir(join(place.folder, "maker/adapter/peft"))).toEqual([
        "adapter_config.json",
        "adapter_model.safetensors"
    ]);
    expect((await trioInfo("adapted")).expert.quantizations[0]!.source).toMatch(/ \+ hf:maker\/adapter\/peft$/);
});

test("a checkpoint is fetched shard by shard, with what is compared with its template", async () => {
    const shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    const index = { weight_map: { a: shards[0], b: shards[1] } };
    for (const name of [...shards, "extra.bin", "README.md"])
        place.hub.add(`maker/checkpoint/${name}`, Buffer.from(name));
    for (const [name, content] of [
        ["model.safetensors.index.json", JSON.stringify(index)],
        ["config.json", "{}"]
    ]) {
        place.hub.add(`maker/checkpoint/${name}`, { content: Buffer.from(content!), small: true });
    }
    // What is no model cannot be grafted; what came for it stays for the next pull.
    await expect(pull({}, "grafted")).rejects.toThrow();
    const all = await readdir(join(place.folder, "maker/checkpoint"));
    const names = all.filter((name) => !name.endsWith(".passing")).sort();
    expect(names).toEqual(["config.json", ...shards, "model.safetensors.index.json"]);
    place.hub.files.delete(`maker/checkpoint/${shards[1]}`);
    await rm(join(place.folder, "maker/checkpoint"), { recursive: true });
    await expect(pull({}, "grafted")).rejects.toThrow(`${shards[1]} is missing`);
    place.hub.files.delete("maker/checkpoint/model.safetensors.index.json");
    await expect(pull({}, "grafted")).rejects.toThrow("it has neither");
});

test("two at once end with the same files", async () => {
    place.hub.fault = ({ server }) => (server === "storage" ? { slow: { bytes: 20_000, ms: 1 } } : undefined);
    const both = await Promise.all([pull(), pull()]);
    for (const { base } of both) expect(sha256Of(await readFile(base.path))).toBe(sha256Of(place.content("base")));
    expect((await readdir(place.folder, { recursive: true })).filter((name) => name.endsWith(".part"))).toEqual([]);
});

test("a checkpoint's file goes with the last pull that uses it, if a pull fetched it for itself", async () => {
    const folder = join(place.folder, "maker/checkpoint");
    const [own, passing] = [join(folder, "config.json"), join(folder, "model.safetensors")];
    const first = await CheckpointUse.begin(folder, undefined);
    await writeFile(own, "{}");
    await writeFile(passing, "");
    await first.passing(passing);
    const second = await CheckpointUse.begin(folder, undefined);
    await first.end([own, passing]);
    expect(await readdir(folder)).toEqual(expect.arrayContaining(["config.json", "model.safetensors"]));
    await second.end([own, passing]);
    expect(await readdir(folder)).toEqual(["config.json"]);
    const third = await CheckpointUse.begin(folder, undefined);
    await third.passing(own);
    await third.keep([own]);
    await third.end([own]);
    expect(await readdir(folder)).toEqual(["config.json"]);
});

test("what a catalog or a caller calls a quantization stays in its folder", async () => {
    await expect(pull({ pairQuantization: "../../evil" }, "grafted")).rejects.toMatchObject({
        code: "ERR_INVALID_OPTION"
    });
    const content = await readFile(place.catalog, "utf8");
    for (const [text, wrong] of [
        ['"Q4_K_M"', '"../../../../evil"'],
        ["hf:maker/base-GGUF", "hf:../.."],
        ["hf:maker/checkpoint", "hf:maker/checkpoint#../x"],
        ["base.{quantization}.gguf", "../{quantization}.gguf"],
        ["base.{quantization}.gguf", "..\\\\{quantization}.gguf"]
    ] as const) {
        await writeFile(place.catalog, content.replace(text, wrong));
        await expect(pull()).rejects.toMatchObject({ code: "ERR_CATALOG" });
    }
});

test("another revision has a place of its own", async () => {
    const content = await readFile(place.catalog, "utf8");
    await writeFile(place.catalog, content.replace("hf:maker/base-GGUF", "hf:maker/base-GGUF#refs/pr/1"));
    const { path } = planModel(await readCatalog(place.catalog), "base", "Q8_0", place.folder, "quantization");
    expect(path).toBe(join(place.folder, "maker", "base-GGUF@refs%2Fpr%2F1", "base.Q8_0.gguf"));
});

test("a question to the hub that fails ends the others", async () => {
    place.hub.fault = ({ method, path }) =>
        method !== "HEAD" ? undefined : { status: path.includes("base") ? 403 : 503 };
    const patience = { waitMs: 20, mostWaitMs: 20, tries: 1000 };
    await expect(pullTrioWith("tiny", {}, patience)).rejects.toMatchObject({ code: "ERR_HUB_ACCESS" });
    const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    await wait(200); // what was on its way arrives
    const asked = place.hub.seen.length;
    await wait(200);
    expect(place.hub.seen).toHaveLength(asked);
});

test("where the hub gives no hash, a model without a header is no model", async () => {
    place.hub.add("maker/base-GGUF/base.Q8_0.gguf", { content: Buffer.from("GGUF123456"), saidSha256: null });
    await expect(pull()).rejects.toMatchObject({ code: "ERR_DOWNLOAD_DAMAGED" });
});
