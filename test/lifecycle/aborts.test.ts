import { describe, expect, it } from "vitest";
import { loadRast, type GenerateOptions, type Rast } from "../../dist/index.js";
import { size } from "../support/size.js";
import { vocabularyModel } from "../support/vocabularies.js";

const chatTemplate = "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant]";

async function loadTrio(): Promise<Rast> {
    const metadata = { "tokenizer.chat_template": { kind: "string", value: chatTemplate } as const };
    const model = (seed: number): Promise<string> => vocabularyModel("llama-spm", { seed, metadata });
    return loadRast({
        base: await model(1),
        expert: await model(2),
        antiexpert: await model(3),
        gpuLayers: 0,
        threads: 1,
        contextSize: 2048,
        parallel: 4,
        speculation: { maxDraft: 3 }
    });
}

const words = "some words of a text and ";

/** Where a request spends most of its time. */
const phases: Readonly<Record<string, () => GenerateOptions>> = {
    preparing: () => ({ messages: [{ role: "user", content: words.repeat(50) }], maxTokens: 40 }),
    tokenizing: () => ({ prompt: words.repeat(40_000), maxTokens: 4 }), // too long for the context
    prefilling: () => ({ prompt: words.repeat(300), maxTokens: 4 }),
    generating: () => ({ prompt: "Hello", maxTokens: 400, ignoreEos: true, speculation: { draft: 0 } }),
    drafting: () => ({ prompt: "Hello", maxTokens: 400, ignoreEos: true, speculation: { draft: 3 } }),
    constrained: () => ({ prompt: "Hello", maxTokens: 60, jsonSchema: { type: "array", items: { type: "integer" } } })
};

/** A generator of numbers in [0, 1), the same in every run. */
function numbers(seed: number): () => number {
    let state = seed;
    return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

interface Outcome {
    readonly phase: string;
    readonly stopReason: string;
    /** From the abort to the result; 0 where the result came first. */
    readonly ms: number;
}

async function abortOne(rast: Rast, index: number, random: () => number): Promise<Outcome> {
    const names = Object.keys(phases);
    const phase = names[index % names.length]!;
    const controller = new AbortController();
    const way = Math.floor(random() * 3);
    const delay = random() * 40;
    const options = { ...phases[phase]!(), seed: index, ...(way === 0 ? { signal: controller.signal } : {}) };
    const generation = rast.generate(options);
    let aborted: number | undefined;
    const abort = (): void => {
        aborted = Date.now();
        if (way === 0) controller.abort();
        else generation.cancel();
    };
    const timer = setTimeout(abort, delay);
    if (way === 2) {
        // leaving a loop is the third way
        const leave = Date.now() + delay;
        try {
            for await (const part of generation) if (part.tokens.length > 0 && Date.now() > leave) break;
        } catch {
            // the result says it too
        }
    }
    const result = await generation.result.catch((error: unknown) => ({
        stopReason: (error as { code: string }).code
    }));
    clearTimeout(timer);
    return { phase, stopReason: result.stopReason, ms: aborted === undefined ? 0 : Date.now() - aborted };
}

describe("aborts at random moments", () => {
    it("end every request at once and leave nothing behind", async () => {
        const rast = await loadTrio();
        const random = numbers(11);
        const greedy = { prompt: "Once", maxTokens: 12, temperature: 0, ignoreEos: true };
        const before = await rast.complete(greedy);
        const count = size(90, 1000);
        const outcomes: Outcome[] = [];
        let next = 0;
        const worker = async (): Promise<void> => {
            while (next < count) outcomes.push(await abortOne(rast, next++, random));
        };
        await Promise.all(Array.from({ length: 6 }, worker));
        expect(outcomes.length).toBe(count);
        const endings = new Set(outcomes.map(({ stopReason }) => stopReason));
        // a text that is too long may be refused before its abort
        const expected = ["abort", "maxTokens", "eos", "ERR_PROMPT_TOO_LONG"];
        expect([...endings].filter((ending) => !expected.includes(ending))).toEqual([]);
        expect(outcomes.filter(({ stopReason }) => stopReason === "abort").length).toBeGreaterThan(count / 2);
        const worst = Math.max(...outcomes.map(({ ms }) => ms));
        console.log(`${count} aborts, the slowest after ${worst} ms`);
        // promised are 500 ms; the rest is slack for a busy machine
        expect(worst).toBeLessThan(3000);
        const after = await rast.complete(greedy);
        expect(after.tokens).toEqual(before.tokens);
        await rast.dispose();
    });

    it("more threads than processors, beside a busy process: an abort and a dispose are answered", async () => {
        const { spawn } = await import("node:child_process");
        const busy = spawn(process.execPath, ["-e", "for (;;);"]);
        try {
            const rast = await loadRast({
                base: await vocabularyModel("qwen2"),
                gpuLayers: 0,
                threads: 512,
                contextSize: 2048
            });
            expect(rast.info.notes.join(" ")).toContain("512 threads were asked for");
            expect(rast.info.base.threads).toBeLessThan(512);
            const running = rast.generate({ prompt: "Hello", ignoreEos: true });
            for await (const part of running) if (part.tokens.length > 0) break;
            let start = Date.now();
            expect((await running.result).stopReason).toBe("abort");
            expect(Date.now() - start).toBeLessThan(2000);
            const other = rast.complete({ prompt: words.repeat(60), ignoreEos: true });
            await new Promise((resolve) => setTimeout(resolve, 100));
            start = Date.now();
            const disposed = rast.dispose();
            expect((await other).stopReason).toBe("abort");
            expect(Date.now() - start).toBeLessThan(2000);
            await disposed;
            expect(Date.now() - start).toBeLessThan(10_000);
        } finally {
            busy.kill("SIGKILL");
        }
    });
});
