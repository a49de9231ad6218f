import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import {
    loadRast,
    RastError,
    type GenerateOptions,
    type GenerateSettings,
    type Rast,
    type RastResult
} from "../../dist/index.js";
import { heavy } from "../support/size.js";
import { tinyTrio } from "../support/test-models.js";
import { vocabularyModel } from "../support/vocabularies.js";

const loadTiny = async (parallel: number): Promise<Rast> =>
    loadRast({ ...(await tinyTrio()), gpuLayers: 0, threads: 1, contextSize: 256, parallel });

const chain = (n: number, rule: (i: number) => string): string =>
    `root ::= r0\n${Array.from({ length: n }, (_, i) => `${rule(i)}\n`).join("")}r${n} ::= "1"\n`;

// Grammars that cost other engines time or memory without end.
const hostile: Record<string, string> = {
    "nullable left recursion": 'root ::= n root "1" | "2"\nn ::= "x"?',
    "inverted bounds": 'root ::= "1"{3,1}',
    "bounds of 64 bits": 'root ::= "1"{0,9223372036854775807}',
    "a rule without end": 'root ::= "1" root',
    doubling: `root ::= r0 r0\n${Array.from({ length: 60 }, (_, i) => `r${i} ::= r${i + 1} r${i + 1} | r${i + 1}\n`).join("")}r60 ::= "1"?\n`,
    ambiguous: 'root ::= s\ns ::= "1" s s | "1" | "1" s s s',
    "a chain of optional rules": chain(3000, (i) => `r${i} ::= "1"? r${i + 1}`),
    "counts beside counts": `root ::= ${'"1"{0,1999} '.repeat(190)}`,
    "a grid of options": `root ::= ${Array.from({ length: 150 }, (_, i) => `q${i}`).join(" ")}\n${Array.from({ length: 150 }, (_, i) => `q${i} ::= ${'"1"? '.repeat(100)}\n`).join("")}`,
    "very many alternatives": `root ::= ${Array.from({ length: 40_000 }, (_, i) => `"1${(i * 7919) % 100_003}" | `).join("")}"2"`,
    "nested counts": 'root ::= ((("1" | "11"){1,900}){1,900} "1"?){1,900}',
    "a long text": `root ::= "${"1".repeat(2 ** 20)}"`
};
const more: Record<string, string> = Object.fromEntries(
    Array.from({ length: 190 }, (_, i) => {
        const n = 1 + ((i * 37) % 61);
        const shapes = [
            `root ::= ("1" | "11"){${n},${n * 100}} ("1"? [0-9]){${n % 7},${n * 50}}`,
            `root ::= a a\na ::= b{0,${n}} "1"?\nb ::= "1" a | "1"`,
            `root ::= ${`("1" | "1" `.repeat(n)}"2"${")*".repeat(n)}`,
            chain(n * 40, (k) => `r${k} ::= r${k + 1} "2" | r${k + 1}`),
            `root ::= ${`[0-9]{0,${n * 30}} `.repeat(n)}`,
            `root ::= ("1"${Array.from({ length: n * 20 }, (_, k) => ` | "1" [\\u${(0x100 + k).toString(16).padStart(4, "0")}-\\u4e00]`).join("")})*`
        ];
        return [`shape ${i}`, shapes[i % shapes.length]!];
    })
);

const outcome = (work: Promise<RastResult>): Promise<string> =>
    work.then(
        (result) => result.stopReason,
        (error: unknown) => (error instanceof RastError ? error.code : String(error))
    );
const outcomes = ["eos", "maxTokens", "abort", "ERR_GRAMMAR", "ERR_CONSTRAINT_LIMIT"];

describe("constraints that cost very much", () => {
    it("are typed errors or texts, leave neighbours their tokens, and end with dispose", async () => {
        const rast = await loadTiny(2);
        const names = Object.entries(heavy ? { ...hostile, ...more } : hostile);
        for (const [name, grammar] of names) {
            const hard = outcome(rast.complete({ prompt: "ab", grammar, maxTokens: heavy ? 60 : 12, seed: 1 }));
            const neighbour = await rast.complete({ prompt: "cd", maxTokens: 4, ignoreEos: true, seed: 2 });
            expect([name, neighbour.usage.completionTokens]).toEqual([name, 4]);
            const ended = await hard;
            expect([name, outcomes.includes(ended), ended]).toEqual([name, true, ended]);
        }
        const refused = names.slice(0, 4).map(([, grammar]) => outcome(rast.complete({ prompt: "ab", grammar })));
        expect(await Promise.all(refused)).toEqual(Array.from({ length: 4 }, () => "ERR_GRAMMAR"));
        const pending = names.slice(4).map(([, grammar]) => outcome(rast.complete({ prompt: "ab", grammar })));
        await sleep(5);
        await rast.dispose();
        for (const ended of await Promise.all(pending)) expect(outcomes).toContain(ended);
    });

    it("end with their abort, while they are prepared and while they are matched", async () => {
        const rast = await loadTiny(2);
        for (const ms of [0, 1, 5, 30, 100]) {
            const names = ["a grid of options", "very many alternatives", "nested counts", "a long text"];
            const ended = names.map((name) =>
                outcome(rast.complete({ prompt: "ab", grammar: hostile[name]!, signal: AbortSignal.timeout(ms) }))
            );
            for (const one of await Promise.all(ended)) expect(outcomes).toContain(one);
        }
        await rast.dispose();
    });
});

describe("control tokens of a real tokenizer", () => {
    const options = { prompt: "abc", temperature: 0, ignoreEos: true } satisfies GenerateOptions;
    const start = 151644; // <|im_start|>
    const end = 151645; // <|im_end|>, which ends the text

    it("stand for nothing in a grammar unless they are shown or named", async () => {
        const rast = await loadRast({ base: await vocabularyModel("qwen2"), gpuLayers: 0, threads: 1 });
        const logitBias = new Map([
            [start, 60],
            [end, 50]
        ]);
        const complete = (more: GenerateSettings): Promise<RastResult> =>
            rast.complete({ ...options, logitBias, maxTokens: 40, ...more });
        const quoted = await complete({ grammar: 'root ::= "\\"" [^"\\\\\\n]{3,8} "\\""' });
        expect([...quoted.text].length).toBeGreaterThanOrEqual(5);
        expect(quoted.text).toMatch(/^"[^"\\\n]{3,8}"$/u);
        expect(quoted.stopReason).toBe("eos");
        const shown = await complete({ grammar: "root ::= [<|a-z_>]{12}", showSpecial: true });
        expect(shown.text).toBe("<|im_start|>");
        expect(shown.tokens).toEqual([start]);
        const named = await complete({ grammar: 'root ::= <|im_start|> [a-c]{2} ("," <|im_start|> [a-c]{2}){2}' });
        expect(named.text).toMatch(/^[a-c]{2}(,[a-c]{2}){2}$/);
        expect(named.tokens.filter((token) => token === start).length).toBe(3);
        const some = async (names: string[]): Promise<string> =>
            (await complete({ grammar: 'root ::= "a" <|im_start|> "b"', showSpecial: names })).text;
        expect(await some(["<|im_start|>"])).toBe("a<|im_start|>b");
        expect(await some(["<|im_end|>", "<no token>"])).toBe("ab");
        const ends = complete({ grammar: "root ::= <|im_end|>" });
        await expect(ends).rejects.toMatchObject({ code: "ERR_GRAMMAR" });
        await rast.dispose();
    });

    it("end the text where a stop string names them, shown or not", async () => {
        const rast = await loadRast({ base: await vocabularyModel("qwen2"), gpuLayers: 0, threads: 1 });
        const tokensOf = async (text: string): Promise<number[]> => rast.tokenize(text, { parseSpecial: true });
        const [x] = await tokensOf("x");
        for (const showSpecial of [false, true]) {
            const complete = (stop: string[]): Promise<RastResult> =>
                rast.complete({
                    ...options,
                    showSpecial,
                    stop,
                    grammar: 'root ::= (<|im_start|> "x"){5}',
                    logitBias: new Map([[x!, 80]]),
                    maxTokens: 9
                });
            const first = await complete(["<|im_start|>"]);
            expect([first.text, first.stopReason, first.stopString]).toEqual(["", "stop", "<|im_start|>"]);
            const across = await complete(["x<|im_start|>x"]);
            expect(across.stopReason).toBe("stop");
            expect(across.text).toBe(showSpecial ? "<|im_start|>" : "");
            const text = await complete(showSpecial ? ["t|>x<"] : ["xx"]);
            expect([text.stopReason, text.text]).toEqual(["stop", showSpecial ? "<|im_star" : ""]);
            const part = await complete(["im_start|>x<|im"]);
            expect(part.stopReason).toBe(showSpecial ? "stop" : "maxTokens");
        }
        await rast.dispose();
    });
});
