import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root, run, type Finished } from "../support/native.js";

const main = join(root, "dist", "cli", "main.js");
const demo = (...args: string[]): Promise<Finished> => run(process.execPath, [main, "demo", ...args]);

interface Score {
    readonly part: string;
    readonly value: number;
    readonly low: number;
    readonly high: number;
    readonly seconds: number;
}
interface Report {
    readonly problems: number;
    readonly seed: number;
    readonly trios: readonly { trio: string; lambda: number; recoveryRate: number; scores: readonly Score[] }[];
}

const parts = ["base", "antiexpert", "expert", "rast", "begun base", "trained base"];

describe("without a terminal", () => {
    it("shows examples of both pairs, then a table, as they come", async () => {
        const chunks: string[] = [];
        const child = spawn(process.execPath, [main, "demo", "--problems", "24"], {
            stdio: ["ignore", "pipe", "inherit"]
        });
        child.stdout.setEncoding("utf8").on("data", (text: string) => chunks.push(text));
        expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0);
        const shown = chunks.join("");
        // the first words before anything is loaded, and each row when it is known
        expect(chunks[0]).toBe("RAST on the bundled demo models\n");
        expect(chunks.length).toBeGreaterThan(6);
        expect(shown).not.toContain("\u001b");
        const examples = shown.split("\n\n").slice(1, 4);
        for (const example of examples) {
            const [problem, chosen, ...answers] = example.split("\n");
            expect(problem).toMatch(/\?  \(\d+\)$/);
            expect(chosen).toMatch(/^Chosen: .*; the first (of \d+ that were|that was) looked at\.$/);
            expect(answers.map((line) => line.slice(0, 34).trim())).toEqual([
                "base alone                 wrong",
                expect.stringMatching(/^weak pair: expert alone    (right|wrong)$/),
                expect.stringMatching(/^RAST            (right|wrong)$/),
                expect.stringMatching(/^strong pair: expert alone  (right|wrong)$/),
                "RAST          right"
            ]);
        }
        // where RAST does better than the base; better than base and expert; and where the weak pair does not do
        expect(examples[0]).toMatch(/weak pair.*\n +RAST +right/);
        expect(examples[1]).toMatch(/weak pair: expert alone +wrong.*\n +RAST +right/);
        expect(examples[2]).toMatch(/weak pair: expert alone +wrong.*\n +RAST +wrong.*\n.*expert alone +right/);
        for (const title of ["base alone", "every answer begun", "base after learning"]) {
            expect(shown).toMatch(new RegExp(`${title}.*\\[\\d+\\.\\d%, \\d+\\.\\d%\\]`));
        }
        for (const title of ["antiexpert:", "expert:", "RAST:"]) {
            expect(shown).toMatch(new RegExp(`  ${title}(.*\\[\\d+\\.\\d%, \\d+\\.\\d%\\]){2}\n`));
        }
    });
});

describe("the figures", () => {
    it("are the same again for the same seed; RAST does better than the base, with the weak pair better than the expert", async () => {
        const runs = await Promise.all([demo("--problems", "60", "--json"), demo("--problems", "60", "--json")]);
        const [report, again] = runs.map(({ stdout, stderr }) => {
            expect(stderr).toBe("");
            return JSON.parse(stdout) as Report;
        });
        const figures = ({ trios, ...rest }: Report): unknown => ({
            ...rest,
            trios: trios.map((trio) => ({ ...trio, scores: trio.scores.map((score) => ({ ...score, seconds: 0 })) }))
        });
        expect(figures(report!)).toEqual(figures(again!));
        expect(report).toMatchObject({ problems: 60, seed: 1 });
        expect(report!.trios.map(({ trio, lambda }) => [trio, lambda])).toEqual([
            ["demo", 1],
            ["demo-strong", 1]
        ]);
        for (const { trio, scores, recoveryRate } of report!.trios) {
            const of = (part: string): Score => scores.find((score) => score.part === part)!;
            expect(scores.map(({ part }) => part)).toEqual(parts);
            expect(of("rast").low).toBeGreaterThan(of("base").high);
            if (trio === "demo") expect(of("rast").value).toBeGreaterThan(of("expert").value);
            // no more than the control with the weak pair, and more with the strong one
            if (trio === "demo") expect(of("rast").low).toBeLessThan(of("begun base").high);
            else expect(of("rast").low).toBeGreaterThan(of("begun base").high);
            expect(recoveryRate).toBeGreaterThan(0.2);
        }
    });

    it("are those of one trio where it is named", async () => {
        const { stdout } = await demo("--trio", "demo-seed2", "--problems", "60", "--json", "--seed", "7");
        const { seed, trios } = JSON.parse(stdout) as Report;
        expect([seed, trios.map(({ trio }) => trio)]).toEqual([7, ["demo-seed2"]]);
        const of = (part: string): Score => trios[0]!.scores.find((score) => score.part === part)!;
        expect(of("rast").low).toBeGreaterThan(of("base").high);
        expect(of("rast").low).toBeGreaterThan(of("expert").high);
    });
});

it.each([
    [["--problems", "0"], "--problems"],
    [["--problems", "1001"], "at most 1000"],
    [["--seed", "x"], "--seed"],
    [["--trio", "nope"], "There is no trio named"],
    [["--trio", "./models/demo/demo.json"], "are for the trios demo, demo-seed2, demo-strong"]
])("refuses %j", async (args, message) => {
    const result = await demo("--json", ...args);
    expect(result.code).toBe(2);
    expect(result.stdout).toBe("");
    expect(result.stderr).toContain(message);
});
