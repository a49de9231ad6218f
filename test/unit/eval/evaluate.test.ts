import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GenerateOptions } from "../../../src/engine/generate-options.js";
import { evaluateWith } from "../../../src/eval/evaluate.js";
import { identify } from "../../../src/eval/identify.js";
import type { EvalReport } from "../../../src/eval/metrics/report.js";
import type { EvaluateOptions } from "../../../src/eval/options.js";
import { evaluationReport } from "../../../src/eval/report-on-records.js";
import { RastError } from "../../../src/errors.js";
import { resolveTrio } from "../../../src/trio/trio.js";
import { evalEngines, type EvalEngines } from "../../support/eval-engines.js";
import { StandInServer } from "../../support/stand-in-server.js";

let folder: string;
let data: string;
beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rast-eval-"));
    data = join(folder, "some.jsonl");
    const lines = Array.from({ length: 6 }, (_, at) =>
        JSON.stringify({ id: `p${at}`, question: `What is ${at}?`, answer: 8 })
    );
    await writeFile(data, lines.join("\n"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const models = { base: "b.gguf", expert: "e.gguf", antiexpert: "a.gguf" };

const run = (options: EvaluateOptions, engines: EvalEngines): Promise<EvalReport> =>
    evaluateWith({ models, data, ...options }, engines);

/** Right by chance, which the seed and the ordinal decide. */
const byChance = ({ mode, seed, ordinal, lambda }: GenerateOptions): string => {
    const luck =
        (Number(seed) * 7 +
            Number(ordinal) * 13 +
            (mode === "base" ? 0 : 3) +
            Number((lambda as number[] | undefined)?.[0] ?? 0) * 2) %
        10;
    return luck < 5 ? "\\boxed{8}" : `\\boxed{${100 + luck}}`;
};

const figures = ({ contestants, ...rest }: EvalReport): object => ({
    ...rest,
    contestants: contestants.map((one) => ({ ...one, tokensPerSecond: null }))
});

let files = 0;
const newRecord = (): string => join(folder, `run${files++}.jsonl`);

describe("who is asked what", () => {
    test("base, expert and RAST share an engine, every sample has its seed and ordinal", async () => {
        const engines = evalEngines();
        const report = await run({ samples: 2, limit: 2, lambda: [0.5, 1] }, engines);
        expect(report.contestants.map(({ label }) => label)).toEqual(["base", "expert", "rast λ 0.5", "rast λ 1"]);
        expect(new Set(engines.log)).toEqual(new Set(["load b.gguf", "dispose b.gguf"]));
        const base = engines.asked.filter(({ mode }) => mode === "base");
        expect(base.map(({ ordinal }) => ordinal).sort()).toEqual([0, 0, 1, 1]);
        expect(new Set(base.map(({ seed }) => seed)).size).toBe(2);
        // paired: the same seeds for all
        const seeds = (mode: string): unknown[] =>
            engines.asked
                .filter((one) => one.mode === mode)
                .map(({ seed }) => seed)
                .sort();
        expect(seeds("expert")).toEqual(seeds("base"));
        expect(base[0]).toMatchObject({
            prompt: expect.stringMatching(/^Question:\nWhat is \d\?\nAnswer:\nLet's think step by step\.\n$/),
            raw: true,
            temperature: 1,
            topP: 0.95,
            maxTokens: 16_384,
            stop: expect.arrayContaining(["<|im_end|>", "_start"])
        });
        expect(engines.asked.filter(({ mode }) => mode === "rast").map(({ lambda }) => lambda)).toEqual([
            ...Array.from({ length: 4 }, () => [0.5]),
            ...Array.from({ length: 4 }, () => [1])
        ]);
    });

    test("small models one text at a time, several side by side; large ones together", async () => {
        const small = evalEngines();
        const report = await run({ limit: 4 }, small);
        expect(small.most).toBe(1);
        for (const load of small.loads) {
            expect(load).toMatchObject({ parallel: 1, threads: 1, speculation: "off", reusePrefixes: false });
        }
        expect(report.notes).toEqual([]);
        const large = evalEngines(undefined, 2 ** 30);
        const other = await run({ samples: 4, parallel: 3 }, large);
        expect(large.loads).toMatchObject([{ parallel: 3, contextSize: 18_432, cacheSize: 36_864 }]);
        expect(large.most).toBe(6);
        expect(other.notes).toEqual([expect.stringMatching(/^Texts were drawn 3 at a time/)]);
    });

    test("a reference and the antiexpert run alone, in the same places", async () => {
        const engines = evalEngines();
        const report = await run(
            {
                models: { ...models, gpuLayers: 0 },
                modes: ["base", "antiexpert", "rast"],
                reference: "rl.gguf",
                limit: 1
            },
            engines
        );
        expect(report.contestants.map(({ label, models }) => [label, models.map(({ role }) => role)])).toEqual([
            ["base", ["base"]],
            ["rast λ 1", ["base", "expert", "antiexpert"]],
            ["antiexpert", ["base"]],
            ["reference", ["base"]]
        ]);
        const alone = engines.loads.filter(({ base }) => base !== "b.gguf");
        expect([...new Set(alone.map(({ base }) => (base as string).replace(/.*\//, "")))]).toEqual([
            "a.gguf",
            "rl.gguf"
        ]);
        for (const load of alone) {
            expect(load).toMatchObject({ gpuLayers: 0 });
            expect(load.expert).toBeUndefined();
        }
    });

    test("a model alone has a base alone", async () => {
        const report = await run({ models: { base: "x.gguf" }, limit: 1 }, evalEngines());
        expect(report.contestants.map(({ label }) => label)).toEqual(["base"]);
    });

    test("the demo has its own problems, reference and sweep", async () => {
        const engines = evalEngines(() => "#1");
        const report = await evaluateWith({ limit: 2 }, engines);
        expect(report.data).toMatchObject({ name: "sums", asked: 2, problems: 1000, grading: "sums" });
        expect(report.samples).toBe(4);
        expect(report.contestants.map(({ label }) => label)).toEqual([
            ...["base", "expert", "rast λ 0", "rast λ 0.25", "rast λ 0.5", "rast λ 0.75", "rast λ 1", "rast λ 1.25"],
            ...["rast λ 1.5", "reference"]
        ]);
        expect(engines.asked[0]).toMatchObject({ prompt: "Q: 64+65-55+37?\n", topP: 1, maxTokens: 72, stop: [] });
        const chat = evalEngines(() => "It is 12.");
        const { data, prompt } = await evaluateWith({ models: { trio: "demo-chat" }, limit: 1, samples: 1 }, chat);
        expect([data.name, prompt.style]).toEqual(["chat-sums", "chat-plain"]);
        expect(chat.asked[0]).toMatchObject({ messages: [{ role: "user", content: "15+4-7" }], topP: 0.95 });
    });

    test("several trios, each under its name", async () => {
        const engines = evalEngines(() => "#1");
        const options = { models: [{ trio: "demo" }, { trio: "demo-strong" }], limit: 1, samples: 1, lambda: 1 };
        const { contestants } = await evaluateWith(options, engines);
        expect(contestants.map(({ label }) => label)).toEqual([
            ...["demo: base", "demo: expert", "demo: rast λ 1", "demo: reference"],
            ...["demo-strong: base", "demo-strong: expert", "demo-strong: rast λ 1"]
        ]);
        await expect(
            evaluateWith({ ...options, models: [{ trio: "demo" }, { trio: "demo" }] }, engines)
        ).rejects.toMatchObject({
            code: "ERR_INVALID_OPTION",
            message: expect.stringMatching(/"demo: base" comes twice/)
        });
    });
});

test("trios of one name go by those of their files, else by their paths", async () => {
    const folder = await mkdtemp(join(tmpdir(), "rast-names-"));
    const { base, pairs } = await resolveTrio("demo");
    const { expert, antiexpert } = pairs[0]!;
    const trio = JSON.stringify({ name: "same", base, expert, antiexpert, lambda: 1 });
    const files = ["f16.json", "q4.json", "other/q4.json"].map((name) => join(folder, name));
    await mkdir(join(folder, "other"));
    for (const file of files) await writeFile(file, trio);
    const labelsOf = async (paths: readonly string[]): Promise<string[]> => {
        const models = paths.map((one) => ({ trio: one }));
        const report = await evaluateWith(
            { models, modes: ["base"], data: "sums", limit: 1 },
            evalEngines(() => "#1")
        );
        return report.contestants.map(({ label }) => label);
    };
    expect(await labelsOf(files.slice(0, 2))).toEqual(["f16: base", "q4: base"]);
    expect(await labelsOf(files.slice(1))).toEqual(files.slice(1).map((file) => `${file}: base`));
    await expect(labelsOf([files[0]!, files[0]!])).rejects.toThrow(/"same: base" comes twice/);
    await rm(folder, { recursive: true });
});

test("a reference that is not there is called that", async () => {
    const engines = { ...evalEngines(), identify };
    const { base } = await resolveTrio("demo");
    await expect(
        evaluateWith({ models: { base }, data: "sums", limit: 1, reference: "nosuch.gguf" }, engines)
    ).rejects.toThrow(/^The file for the reference does not exist/);
});

describe("figures", () => {
    test("of graded answers", async () => {
        const engines = evalEngines(byChance);
        const report = await run({ samples: 4 }, engines);
        const right = engines.asked.filter((one) => one.mode === "base" && byChance(one) === "\\boxed{8}").length;
        expect(report.contestants[0]).toMatchObject({ label: "base", accuracy: { correct: right, total: 24 } });
    });

    test("a problem that cannot be asked counts as wrong, and the others go on", async () => {
        const engines = evalEngines(({ prompt }) => {
            if (prompt!.includes("What is 2?")) throw new RastError("ERR_PROMPT_TOO_LONG", "too long");
            return "\\boxed{8}";
        });
        const { contestants } = await run({ modes: ["base"] }, engines);
        expect(contestants[0]).toMatchObject({ failed: 1, accuracy: { correct: 5, total: 6 } });
    });

    test("any other failure ends it, and frees the engines", async () => {
        const engines = evalEngines(({ ordinal }) => {
            if (ordinal === 1) throw new RastError("ERR_DECODE", "no");
            return "\\boxed{8}";
        });
        await expect(run({ samples: 2 }, engines)).rejects.toMatchObject({ code: "ERR_DECODE" });
        expect(engines.log.filter((one) => one.startsWith("dispose")).length).toBe(engines.loads.length);
    });
});

describe("a record", () => {
    test("goes on after any end with the same figures, and no sample twice", async () => {
        const options = { samples: 3, lambda: [0.5, 1] };
        const whole = newRecord();
        const expected = await run({ ...options, record: whole }, evalEngines(byChance));
        const lines = (await readFile(whole, "utf8")).trimEnd().split("\n");
        expect(lines).toHaveLength(1 + 4 + 6 * 3 * 4);
        for (const end of [0, 1, 3, 5, 6, 20, 60, lines.length - 1, lines.length]) {
            const record = newRecord();
            const torn = end < lines.length ? lines[end]!.slice(0, 30) : "";
            await writeFile(
                record,
                lines
                    .slice(0, end)
                    .map((line) => `${line}\n`)
                    .join("") + torn
            );
            const engines = evalEngines(byChance);
            const report = await run({ ...options, record }, engines);
            expect(figures(report)).toEqual(figures(expected));
            expect(engines.asked).toHaveLength(72 - Math.max(0, Math.min(72, end - 5)));
            expect((await readFile(record, "utf8")).trimEnd().split("\n")).toHaveLength(lines.length);
        }
    });

    test("has further problems, samples and strengths added, and figures of what was asked for alone", async () => {
        const record = newRecord();
        const first = await run({ samples: 1, limit: 3, lambda: 1, record }, evalEngines(byChance));
        const engines = evalEngines(byChance);
        await run({ samples: 2, limit: 4, lambda: [1, 0.5], record }, engines);
        expect(engines.asked).toHaveLength(4 * 4 * 2 - 3 * 3);
        const again = evalEngines(byChance);
        const same = await run({ samples: 1, limit: 3, lambda: 1, record }, again);
        expect(again.asked).toEqual([]);
        expect(again.log).toEqual([]);
        expect(figures(same)).toEqual(figures(first));
    });

    test("of other models, or other settings, is refused in one line before anything is loaded", async () => {
        const record = newRecord();
        await run({ limit: 1, record }, evalEngines());
        const engines = evalEngines();
        await expect(
            run({ limit: 1, record, models: { ...models, base: "other.gguf" } }, engines)
        ).rejects.toMatchObject({
            code: "ERR_EVAL_RECORD",
            message: expect.stringMatching(
                /has another base \(models\.base\.file: b\.gguf-base\.gguf there, other\.gguf-base\.gguf here\)/
            )
        });
        await expect(run({ limit: 1, record, seed: 2 }, engines)).rejects.toMatchObject({
            message: expect.stringMatching(/of another evaluation \(seed: 1 there, 2 here\)/)
        });
        expect(engines.log).toEqual([]);
    });

    test("is read without models, alone or beside another", async () => {
        const [one, two] = [newRecord(), newRecord()];
        const report = await run({ samples: 2, record: one }, evalEngines(byChance));
        await run(
            { samples: 2, record: two, sampling: { topP: 1 } },
            evalEngines(() => "\\boxed{8}")
        );
        expect(await evaluationReport(one)).toEqual(report);
        const both = await evaluationReport([one, two]);
        expect(both.contestants).toHaveLength(6);
        expect(both.notes).toEqual([
            expect.stringMatching(/differ in more than their contestants: sampling\.topP: 0\.95 there, 1 here\.$/)
        ]);
        expect(both.differences.map(({ a, b }) => `${a} less ${b}`.replace(/run(\d+)/g, "run"))).toHaveLength(
            2 + 2 + 3
        );
    });

    test("of other problems cannot stand beside it", async () => {
        const [one, two] = [newRecord(), newRecord()];
        await run({ limit: 1, record: one }, evalEngines());
        await evaluateWith(
            { limit: 1, samples: 1, lambda: 1, record: two },
            evalEngines(() => "#1")
        );
        await expect(evaluationReport([one, two])).rejects.toMatchObject({
            code: "ERR_EVAL_RECORD",
            message: expect.stringMatching(/are of other problems \(some\.jsonl, sums\)/)
        });
    });
});

describe("an abort", () => {
    test("keeps what is finished, and says how much", async () => {
        const record = newRecord();
        const controller = new AbortController();
        const engines = evalEngines(byChance);
        const onProgress = ({ done }: { done: number }): void => {
            if (done === 7) controller.abort(new Error("enough"));
        };
        const aborted = run({ samples: 3, record, signal: controller.signal, onProgress }, engines);
        await expect(aborted).rejects.toMatchObject({
            code: "ERR_ABORTED",
            message: expect.stringMatching(/aborted after \d+ of 54 samples; they are in .*\.jsonl\.$/)
        });
        expect(engines.log.filter((one) => one.startsWith("dispose")).length).toBe(engines.loads.length);
        const expected = await run({ samples: 3 }, evalEngines(byChance));
        expect(figures(await run({ samples: 3, record }, evalEngines(byChance)))).toEqual(figures(expected));
    });

    test("before it begins, and by what onProgress throws", async () => {
        const signal = AbortSignal.abort(new Error("no"));
        await expect(run({ signal }, evalEngines())).rejects.toMatchObject({ code: "ERR_ABORTED" });
        const onProgress = (): void => {
            throw new Error("mine");
        };
        await expect(run({ onProgress }, evalEngines())).rejects.toMatchObject({
            code: "ERR_ABORTED",
            cause: expect.objectContaining({ message: "mine" })
        });
    });
});

describe("a server", () => {
    test("answers beside models, or alone; its failures lose nothing", async () => {
        const server = await StandInServer.start();
        try {
            server.say = ({ body }) => (String(body["prompt"]).includes("What is 3?") ? "\\boxed{9}" : "\\boxed{8}");
            server.fault = (_, count) =>
                count % 3 === 0 ? { status: 500 } : count % 5 === 0 ? { cutAfter: 9 } : undefined;
            const options = {
                server: { url: server.url, model: "m", key: "k", concurrency: 2, retries: 20 },
                samples: 2,
                record: newRecord()
            };
            const report = await run({ ...options, modes: ["base"] as const }, evalEngines());
            expect(report.contestants.map(({ label, accuracy }) => [label, accuracy.correct])).toEqual([
                ["base", 12],
                ["server: m", 10]
            ]);
            expect(server.mostAtOnce).toBeLessThanOrEqual(2);
            expect(await readFile(options.record, "utf8")).not.toContain('"k"');
            server.fault = () => ({ status: 500 });
            const alone = { data, server: { ...options.server, retries: 1 } };
            await expect(evaluateWith(alone, evalEngines())).rejects.toMatchObject({ code: "ERR_SERVER" });
            server.fault = () => undefined;
            const engines = evalEngines();
            expect((await evaluateWith(alone, engines)).contestants.map(({ label }) => label)).toEqual(["server: m"]);
            expect(engines.log).toEqual([]);
            const chat = { ...alone, style: "chat", thinking: false, sampling: { topK: 5 } };
            await evaluateWith(chat, engines);
            expect(server.asked.at(-1)!.body).toMatchObject({
                top_k: 5,
                chat_template_kwargs: { enable_thinking: false },
                messages: [
                    { role: "user", content: expect.stringMatching(/^What is \d\?\nPlease reason step by step/) }
                ]
            });
        } finally {
            await server.stop();
        }
    });
});

test.each<[EvaluateOptions, string, RegExp]>([
    [{ data: "nothing.jsonl" }, "ERR_FILE_NOT_FOUND", /does not exist/],
    [{ data: undefined }, "ERR_DATA_SET", /Nothing to ask/],
    [{ style: "none" }, "ERR_INVALID_OPTION", /There is no style "none"/],
    [{ style: "trio" }, "ERR_INVALID_OPTION", /no prompt template/],
    [{ samples: 0 }, "ERR_INVALID_OPTION", /for samples/],
    [{ lambda: 11 }, "ERR_INVALID_OPTION", /for lambda/],
    [{ modes: ["bas" as "base"] }, "ERR_INVALID_OPTION", /for modes/],
    [{ models: { base: "x.gguf" }, modes: ["expert"] }, "ERR_INVALID_OPTION", /for modes/],
    [{ shots: 2 }, "ERR_INVALID_OPTION", /for shotsFile/],
    [{ server: { url: "x", model: "m" } }, "ERR_INVALID_OPTION", /for server/],
    [{ sampling: { topP: 2 } }, "ERR_INVALID_OPTION", /for topP/],
    [{ limits: 1 } as EvaluateOptions, "ERR_UNKNOWN_OPTION", /Did you mean limit\?/]
])("%j is %s", async (options, code, message) => {
    await expect(run(options, evalEngines())).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});
