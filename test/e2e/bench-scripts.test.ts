// The programs of bench/ are run by developers alone, and seldom: they must not have fallen behind what they measure.
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { root, run, type Finished } from "../support/native.js";

const bench = join(root, "bench");
const folder = mkdtempSync(join(tmpdir(), "rast-bench-scripts-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(readdirSync(bench).filter((name) => name.endsWith(".mjs")))("bench/%s", (name) => {
    it("imports what is there", async () => {
        const text = readFileSync(join(bench, name), "utf8");
        const imports = [...text.matchAll(/^(?:import|export) \{([^}]+)\} from "(\.[^"]+)";/gm)];
        for (const [, names, from] of imports) {
            // programs would run
            if (!from!.startsWith("../dist/") && !from!.includes("support") && !from!.includes("summary")) continue;
            const module = (await import(pathToFileURL(join(bench, from!)).href)) as object;
            for (const one of names!.split(",").map((word) => word.trim().split(" ")[0]!)) {
                if (one !== "") expect(Object.keys(module), `${from} in ${name}`).toContain(one);
            }
        }
    });
});

interface Load {
    readonly load: number;
    readonly which: string;
    readonly date: string;
    readonly alone: Readonly<Record<string, readonly number[]>>;
    readonly company: Readonly<Record<string, readonly number[]>>;
}

describe("bench/speculation.mjs", () => {
    const record = join(folder, "speculation.json");
    const small = ["--trio", "demo-strong", "--samplings", "greedy", "--sequences", "1,1after2", "--lengths", "3"];
    const speculation = (...args: string[]): Promise<Finished> =>
        run(process.execPath, [
            join(bench, "speculation.mjs"),
            ...small,
            "--threads",
            "1",
            "--repetitions",
            "1",
            "--record",
            record,
            ...args
        ]);
    const loads = (): Load[] =>
        (JSON.parse(readFileSync(record, "utf8")) as { rows: { loads: Load[] }[] }).rows.flatMap((row) => row.loads);

    it("measures rows, keeps every load, goes on where it was, and shows what there is", async () => {
        const first = await speculation("--loads", "1");
        expect(first).toMatchObject({ code: 0 });
        expect(first.stdout).toMatch(/\| demo-strong +\| +\| greedy +\| +1after2 \|/);
        const before = loads();
        expect(before.map(({ load, which }) => [load, which])).toEqual([
            [1, "first"],
            [1, "second"],
            [1, "first"],
            [1, "second"]
        ]);
        for (const { alone, company } of before) {
            expect(Object.keys(alone)).toEqual(["base", "auto"]);
            expect(Object.keys(company).sort()).toEqual(["3", "auto", "base", "off"]);
            for (const rate of [...Object.values(alone), ...Object.values(company)].flat()) {
                expect(rate).toBeGreaterThan(0);
            }
        }
        expect((await speculation("--loads", "2", "--plan")).stdout).toContain("4 of 8 loads");
        const again = await speculation("--loads", "1");
        expect(again.stdout).toBe(first.stdout);
        expect(loads()).toEqual(before); // nothing was measured
        expect((await speculation("--show")).stdout).toBe(first.stdout);
    });

    it("does not go on with a record of another machine", async () => {
        const other = JSON.stringify({ ...(JSON.parse(readFileSync(record, "utf8")) as object), cpu: "another" });
        writeFileSync(record, other);
        const refused = await speculation("--loads", "2");
        expect(refused).toMatchObject({ code: 2, stdout: "" });
        expect(refused.stderr).toContain("of another cpu");
        expect(readFileSync(record, "utf8")).toBe(other);
    });
});

interface Ratio {
    readonly median: number;
    readonly least: number;
    readonly loads: readonly number[];
}

interface Summary {
    readonly best: string;
    readonly firstRequest: { readonly best: Ratio };
    readonly first: { readonly best: Ratio };
    readonly second: { readonly best: Ratio | null; readonly off: Ratio; readonly base: Ratio };
}

const { summarize } = (await import(pathToFileURL(join(bench, "speculation-summary.mjs")).href)) as {
    readonly summarize: (row: { readonly loads: readonly object[] }, fixed: readonly string[]) => Summary | null;
};

const load = (which: string, auto: number[], fixed: Record<string, number>, base = 10): object => ({
    which,
    alone: { base: auto.map(() => base), auto: auto.map((ratio) => ratio * base) },
    company: Object.fromEntries(
        Object.entries({ base: 1, auto: 2, ...fixed }).map(([kind, ratio]) => [kind, [base * ratio, base * ratio]])
    )
});

describe("a row of the benchmark of draft lengths", () => {
    const loads = [
        load("first", [1, 2, 2], { off: 0.8, "3": 2, "7": 1.8 }),
        load("second", [2, 2, 2], { off: 0.8, "3": 2, "7": 1.8 }),
        load("first", [1.5, 1.8, 1.8], { off: 0.8, "3": 1.9, "7": 2.1 }, 20),
        load("second", [1.9, 1.9, 1.9], { off: 0.8, "3": 2, "7": 1.8 }, 20)
    ];
    const fixed = ["off", "3", "7"];

    it("is set against the length that is best over all loads", () => {
        const { best, firstRequest, first, second } = summarize({ loads }, fixed)!;
        expect(best).toBe("3");
        expect(firstRequest.best.loads[0]).toBeCloseTo(0.5);
        expect(firstRequest.best.loads[1]).toBeCloseTo(1.5 / 1.9);
        expect(first.best).toMatchObject({ median: (1 + 1.8 / 1.9) / 2, least: 1.8 / 1.9 });
        expect(second.best!.median).toBeCloseTo(0.975);
        expect(second.off.least).toBeCloseTo(1.9 / 0.8);
        expect(second.base.median).toBeCloseTo(1.95);
    });

    it("without second loads, and without any", () => {
        expect(summarize({ loads: loads.slice(0, 1) }, fixed)!.second.best).toBeNull();
        expect(summarize({ loads: [] }, fixed)).toBeNull();
    });

    it("no length but off", () => {
        expect(summarize({ loads: loads.slice(0, 2) }, ["off"])!.best).toBe("off");
    });
});

interface Judged {
    readonly name: string;
    readonly ratio: number | null;
    readonly rounds: number;
    readonly isSlower: boolean;
}

interface MeasuredRow {
    readonly test: string;
    readonly kind: string;
    readonly mode: string;
    readonly sequences: number;
    readonly temperature: number;
    readonly samples: readonly number[];
    readonly idealSamples: readonly number[];
}

const { judge, together } = (await import(pathToFileURL(join(bench, "check-rows.mjs")).href)) as {
    readonly together: string;
    readonly judge: (
        known: { readonly loads: number; readonly results: readonly MeasuredRow[] },
        rounds: readonly { readonly loads: number; readonly results: readonly MeasuredRow[] }[],
        tolerance: number
    ) => Judged[];
};

describe("bench/check.mjs", () => {
    const modes = ["base", "device", "draft"];
    // two loads of two samples; the second load is laid out worse, and the ideal with it
    const record = (ratios: readonly number[]): { loads: number; results: MeasuredRow[] } => ({
        loads: 2,
        results: ratios.map((ratio, index) => ({
            test: "tg16",
            kind: "tg",
            mode: modes[index]!,
            sequences: 1,
            temperature: 1,
            samples: [10 * ratio, 10 * ratio, 8 * ratio, 8 * ratio],
            idealSamples: [10, 10, 8, 8]
        }))
    });
    const known = record([0.9, 0.95, 1.5]);
    const slower = (rounds: readonly (readonly number[])[]): string[] =>
        judge(known, rounds.map(record), 0.08).flatMap(({ name, isSlower }) => (isSlower ? [name.split(",")[0]!] : []));

    it("finds nothing where nothing has changed, or became faster", () => {
        expect(slower([[0.9, 0.95, 1.5]])).toEqual([]);
        expect(slower([[0.92, 0.93, 1.7]])).toEqual([]);
        expect(judge(known, [record([0.9, 0.95, 1.5])], 0.08).map(({ ratio }) => ratio)).toEqual([1, 1, 1, 1]);
    });

    it("finds one row that is slower, all that are, and all that are a little", () => {
        expect(slower([[0.9, 0.85, 1.5]])).toEqual(["tg16 x 1 device"]);
        const by15 = [0.9, 0.95, 1.5].map((ratio) => ratio / 1.15);
        expect(slower([by15, by15, by15])).toHaveLength(4);
        expect(slower([[0.9, 0.95, 1.5].map((ratio) => ratio * 0.94)])).toEqual([together.split(",")[0]]);
    });

    it("needs every round to say so", () => {
        const disturbed = [0.5, 0.6, 1];
        expect(slower([disturbed, disturbed, [0.88, 0.93, 1.45]])).toEqual([]);
        const rows = judge(known, [record(disturbed), record([0.9])], 0.08);
        expect(rows.map(({ name, rounds }) => [name.split(" ").at(3)?.replace(",", ""), rounds]).slice(0, 3)).toEqual([
            ["base", 2],
            ["device", 1],
            ["draft", 1]
        ]);
    });

    it("knows rows that the record lacks", () => {
        const judged = judge({ ...known, results: known.results.slice(1) }, [record([0.9, 0.95, 1.5])], 0.08);
        expect(judged[0]).toMatchObject({ ratio: null, isSlower: false });
    });
});
