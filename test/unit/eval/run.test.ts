import { describe, expect, it } from "vitest";
import type { Rast } from "../../../src/engine/engine.js";
import type { GenerateOptions } from "../../../src/engine/generate-options.js";
import type { LoadOptions } from "../../../src/loading/load-options.js";
import type { Contestant } from "../../../src/eval/contestants.js";
import { evaluate } from "../../../src/eval/run.js";
import type { Task } from "../../../src/eval/task.js";

// Asks for letters to be said again, of engines that all do so, in a trio that ends its prompts with "=".
const echo: Task<string> = {
    problems: ["a", "b", "$&"],
    promptOf: (problem) => `say ${problem}`,
    grade: ({ text, stopReason }, problem) => ({
        correct: stopReason === "eos" && text.endsWith(problem),
        workedOut: text.startsWith("S:")
    })
};
const trio = { promptTemplate: "{prompt}=", sampling: { temperature: 0.5 } };
const one: Contestant = {
    part: "base",
    load: { base: "x.gguf" },
    options: { mode: "base" },
    opening: ""
};

interface Engines {
    readonly load: (options: LoadOptions) => Promise<Rast>;
    /** What happened to them: loads, disposes. */
    readonly log: string[];
    readonly asked: GenerateOptions[];
}

function someEngines(answer = (prompt: string): string => /say (.*)=/.exec(prompt)![1]!): Engines {
    const log: string[] = [];
    const asked: GenerateOptions[] = [];
    const load = async ({ base }: LoadOptions): Promise<Rast> => {
        const file = base as string;
        log.push(`load ${file}`);
        return {
            complete: async (options: GenerateOptions) => {
                asked.push(options);
                return { text: answer(options.prompt!), stopReason: "eos", usage: { completionTokens: 2 } };
            },
            dispose: async () => void log.push(`dispose ${file}`)
        } as unknown as Rast;
    };
    return { load, log, asked };
}

describe("an evaluation", () => {
    const input = { task: echo, trio, seed: 7, signal: new AbortController().signal, onAnswer: () => {} };

    it("asks in the trio's template, at its settings, a number for each problem", async () => {
        const { load, asked } = someEngines();
        const [score] = await evaluate([one], input, load);
        expect(score).toMatchObject({ part: "base", correct: 3, total: 3, workedOut: 0, tokens: 6 });
        expect(asked.map(({ prompt, ordinal }) => [prompt, ordinal])).toEqual([
            ["say a=", 0],
            ["say b=", 1],
            ["say $&=", 2]
        ]);
        for (const options of asked) {
            expect(options).toMatchObject({ temperature: 0.5, mode: "base", seed: 7, raw: true });
        }
    });

    it("puts the opening in the model's mouth, and grades it as part of the answer", async () => {
        const { load, asked } = someEngines();
        const [score] = await evaluate([{ ...one, opening: "S:" }], input, load);
        expect(score).toMatchObject({ correct: 3, workedOut: 1 });
        expect(asked[0]!.prompt).toBe("say a=S:");
    });

    it("asks as it is where a trio has no template", async () => {
        const { load, asked } = someEngines(() => "a");
        const [score] = await evaluate([one], { ...input, trio: { ...trio, promptTemplate: undefined } }, load);
        expect(asked[0]!.prompt).toBe("say a");
        expect(score).toMatchObject({ correct: 1, total: 3 });
    });

    it("holds one engine at a time, and the same one for neighbours that load alike", async () => {
        const { load, log } = someEngines();
        const other: Contestant = { ...one, part: "trained base", load: { base: "y.gguf" } };
        const answers: [string, number][] = [];
        const onAnswer = (part: string, done: number): void => void answers.push([part, done]);
        const scores = await evaluate([one, { ...one, part: "rast" }, other], { ...input, onAnswer }, load);
        expect(scores.map(({ part }) => part)).toEqual(["base", "rast", "trained base"]);
        expect(log).toEqual(["load x.gguf", "dispose x.gguf", "load y.gguf", "dispose y.gguf"]);
        expect(answers.filter(([part]) => part === "rast").map(([, done]) => done)).toEqual([1, 2, 3]);
    });

    it.each([1, 3])("asks as many at a time as the engine runs: %d", async (parallel) => {
        const { load } = someEngines();
        const most = { now: 0, ever: 0 };
        const counting = async (options: LoadOptions): Promise<Rast> => {
            const rast = await load(options);
            const complete = async (request: GenerateOptions): Promise<unknown> => {
                most.ever = Math.max(most.ever, ++most.now);
                await new Promise((resolve) => setImmediate(resolve));
                most.now -= 1;
                return rast.complete(request);
            };
            return { ...rast, complete } as unknown as Rast;
        };
        const load4 = { base: "x.gguf", ...(parallel === 1 ? {} : { parallel }) };
        const [score] = await evaluate([{ ...one, load: load4 }], input, counting);
        expect(score).toMatchObject({ correct: 3, total: 3 });
        expect(most.ever).toBe(parallel);
    });

    it("ends with the signal's reason, and disposes of what it loaded", async () => {
        const { load, log } = someEngines();
        const controller = new AbortController();
        const reason = new Error("enough");
        const onAnswer = (): void => controller.abort(reason);
        const run = evaluate(
            [one],
            {
                ...input,
                signal: controller.signal,
                onAnswer,
                task: {
                    ...echo,
                    problems: new Array<string>(20).fill("a")
                }
            },
            load
        );
        await expect(run).rejects.toBe(reason);
        expect(log).toEqual(["load x.gguf", "dispose x.gguf"]);
    });
});
