import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadRast, RastError, type LoadOptions } from "../../dist/index.js";
import { badFiles } from "../support/bad-files.js";
import { demo, prompt } from "../support/demo.js";
import { root, run } from "../support/native.js";
import { tinyTrio } from "../support/test-models.js";

const folder = mkdtempSync(join(tmpdir(), "rast-bad-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function failure(options: LoadOptions): Promise<RastError> {
    try {
        await (await loadRast(options)).dispose();
    } catch (error) {
        if (error instanceof RastError) return error;
        throw error;
    }
    throw new Error("it loaded");
}

const cli = (...args: string[]): ReturnType<typeof run> =>
    run(process.execPath, [join(root, "dist", "cli", "main.js"), ...args]);

describe("files that are no models", () => {
    const files = badFiles(folder, demo.antiexpert);

    it.each(files)("$name: $code, whatever role it has", async ({ path, code }) => {
        const good = { base: demo.base, expert: demo.expert, antiexpert: demo.antiexpert };
        for (const role of ["base", "expert", "antiexpert"] as const) {
            const error = await failure({ ...good, [role]: path });
            expect(error.code).toBe(code);
            expect(error.message).toContain(path);
            expect(error.message).toContain(role);
        }
    });

    it("end the command with one line and exit code 2", async () => {
        for (const { path, code } of files.filter((_, index) => index % 4 === 0)) {
            const result = await cli("generate", "--base", path, "--mode", "base", "hello");
            expect(result.stderr).toMatch(new RegExp(`^rast: [^\\n]+ \\[${code}\\]\\n$`));
            expect(result.code).toBe(2);
            expect(result.stdout).toBe("");
        }
    });
});

describe("models that do not belong together", () => {
    it("names the first token that differs", async () => {
        const trio = await tinyTrio({ changedToken: { role: "antiexpert", id: 270 } });
        const error = await failure(trio);
        expect(error.code).toBe("ERR_TOKENIZER_MISMATCH");
        expect(error.message).toContain('token 270 is "k" in one and "changed" in the other');
        expect(error.details).toMatchObject({ token: 270 });
        const result = await cli(
            "generate",
            ...Object.entries(trio).flatMap(([role, path]) => [`--${role}`, path]),
            "x"
        );
        expect(result.code).toBe(2);
        expect(result.stderr).toContain("token 270");
    });

    it("refuses another kind of tokenizer", async () => {
        const trio = await tinyTrio();
        expect((await failure({ ...trio, expert: demo.expert })).code).toBe("ERR_TOKENIZER_MISMATCH");
    });

    it("refuses a model without a tokenizer, in each role", async () => {
        for (const role of ["base", "expert", "antiexpert"] as const) {
            const error = await failure(await tinyTrio({ noTokenizer: role }));
            expect(error.code).toBe("ERR_NO_TOKENIZER");
            expect(error.message).toContain(role);
        }
    });

    it("takes models whose widths differ by padding", async () => {
        const rast = await loadRast({ ...(await tinyTrio({ padding: { base: 20, expert: 5 } })), threads: 1 });
        const result = await rast.complete({ prompt: "abc", maxTokens: 200, temperature: 3, topP: 1, ignoreEos: true });
        expect(rast.info.vocabularySize).toBe(rast.info.drawableTokens + 20);
        expect(Math.max(...result.tokens)).toBeLessThan(rast.info.drawableTokens);
        await rast.dispose();
    });
});

describe("prompts and options", () => {
    it("are refused with a code, and the engine goes on", async () => {
        const rast = await loadRast({ base: demo.base, expert: demo.expert, antiexpert: demo.antiexpert, threads: 1 });
        const code = async (options: Record<string, unknown>): Promise<string> => {
            try {
                await rast.complete({ prompt, ...options });
            } catch (error) {
                if (error instanceof RastError) return error.code;
                throw error;
            }
            return "none";
        };
        expect(await code({ prompt: "" })).toBe("ERR_EMPTY_PROMPT");
        expect(await code({ prompt: "1+".repeat(300) })).toBe("ERR_PROMPT_TOO_LONG");
        expect(await code({ prompt: undefined, tokens: [] })).toBe("ERR_EMPTY_PROMPT");
        for (const tokens of [[64], [-1], [1.5], ["1"], [Number.NaN]]) {
            expect(await code({ prompt: undefined, tokens })).toBe("ERR_INVALID_OPTION");
        }
        for (const [key, values] of Object.entries({
            temperature: [Number.NaN, -1, "1", null, 1e9, Infinity],
            topK: [-1, 1.5, "3", Number.NaN],
            topP: [0, 1.1, -0.1, Number.NaN, "1"],
            minP: [-0.1, 1.1, Number.NaN],
            repetitionPenalty: [0, -1, Number.NaN, 11],
            presencePenalty: [101, Number.NaN, "x"],
            frequencyPenalty: [-101, Number.NaN, {}],
            penaltyWindow: [-2, 0.5, Number.NaN],
            seed: [-1, 1.5, "1", Number.NaN, 1n << 64n],
            ordinal: [-1, 0.5],
            maxTokens: [0, -1, 1.5, Number.NaN, "9"],
            lambda: [Number.NaN, 11, -11, "1", [1, 2]],
            logprobs: [-1, 21, 1.5],
            mode: ["RAST", 1],
            stop: [[""], 5, [5]],
            logitBias: [{ 99: 1 }, { x: 1 }, { 1: Number.NaN }, 5]
        })) {
            for (const value of values)
                expect([key, value, await code({ [key]: value })]).toEqual([key, value, "ERR_INVALID_OPTION"]);
        }
        expect(await code({ temprature: 1 })).toBe("ERR_UNKNOWN_OPTION");
        expect(await code({ maxTokens: Number.MAX_SAFE_INTEGER, topP: 1e-12, repetitionPenalty: 1e-9, seed: 1 })).toBe(
            "none"
        );
        await rast.dispose();
    });
});
