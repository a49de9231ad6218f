import { join } from "node:path";
import { expect, it } from "vitest";
import { root, run, type Finished } from "../support/native.js";

const demo = (...args: string[]): Promise<Finished> =>
    run(process.execPath, [join(root, "dist", "cli", "main.js"), "demo", ...args]);

interface Report {
    readonly scores: readonly { name: string; value: number; low: number; high: number; total: number }[];
    readonly recoveryRate: number;
}

it("shows base and RAST side by side, then accuracies", async () => {
    const result = await demo("--problems", "24");
    expect(result.code, result.stderr).toBe(0);
    expect(result.stderr).toBe("");
    expect(result.stdout.match(/base alone/g)).toHaveLength(3);
    expect(result.stdout.match(/with RAST/g)).toHaveLength(3);
    for (const name of ["antiexpert", "base", "expert", "RAST", "made to go step by step", "after reinforcement"]) {
        expect(result.stdout).toMatch(new RegExp(`${name}.*\\[\\d+\\.\\d%, \\d+\\.\\d%\\]`));
    }
});

it.each(["demo", "demo-seed2", "demo-strong"])("%s: RAST does better than the base", async (trio) => {
    const result = await demo("--trio", trio, "--problems", "120", "--json");
    expect(result.stderr).toBe("");
    const { scores, recoveryRate } = JSON.parse(result.stdout) as Report;
    const of = (name: string): Report["scores"][number] => scores.find((score) => score.name === name)!;
    expect(scores).toHaveLength(6);
    expect(of("RAST").low).toBeGreaterThan(of("base").high);
    if (trio !== "demo-strong") expect(of("RAST").low).toBeGreaterThan(of("expert").high);
    expect(recoveryRate).toBeGreaterThan(0.2);
});

it.each([
    [["--problems", "0"], "--problems"],
    [["--problems", "1001"], "at most 1000"],
    [["--seed", "x"], "--seed"],
    [["--trio", "nope"], "There is no trio named"]
])("refuses %j", async (args, message) => {
    const result = await demo(...args);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain(message);
});
