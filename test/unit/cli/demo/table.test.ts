import { describe, expect, it, test } from "vitest";
import { rows, showHead, showMeaning, showRow, type PairScores } from "../../../../src/cli/demo/table.js";
import type { ShownPair } from "../../../../src/cli/demo/pairs.js";
import type { Part } from "../../../../src/eval/contestants.js";
import { accuracyOf } from "../../../../src/eval/metrics.js";
import type { Score } from "../../../../src/eval/run.js";
import { CommandProcess } from "../../../support/command-io.js";

const score = (part: Part, correct: number, workedOut = 1): Score => ({
    part,
    ...accuracyOf(correct, 100),
    workedOut,
    tokens: 10,
    seconds: 1
});
const pair = (label: string): ShownPair => ({ label, trio: undefined as unknown as ShownPair["trio"] });
const scores = (rast: number): PairScores => ({
    base: score("base", 10, 0.1),
    antiexpert: score("antiexpert", 5),
    expert: score("expert", 40),
    rast: score("rast", rast, 0.97),
    "begun base": score("begun base", 50),
    "trained base": score("trained base", 90)
});

function written(show: (io: CommandProcess) => void, settings = {}): string {
    const io = new CommandProcess(settings);
    show(io);
    return io.written.stdout;
}

describe("the table", () => {
    it("has the control under the ensemble, and says what it is in plain words", () => {
        expect(rows.map(({ part }) => part)).toEqual([
            "base",
            "antiexpert",
            "expert",
            "rast",
            "begun base",
            "trained base"
        ]);
        expect(rows[4]!.title).toBe('base, every answer begun with "S:"');
    });

    it("has a column for each pair", () => {
        const shown = written((io) => {
            showHead(io, [pair("weak pair"), pair("strong pair")], 100);
            showRow(io, rows[0]!, [score("base", 10)]);
            showRow(io, rows[3]!, [score("rast", 50), score("rast", 95)]);
        });
        expect(shown.split("\n")).toEqual([
            "",
            "100 problems that training never saw, one answer each, drawn at temperature 1: right answers [95% interval]",
            "                                      weak pair               strong pair",
            "  base alone                           10.0% [5.5%, 17.4%]",
            "  RAST: base + expert - antiexpert     50.0% [40.4%, 59.6%]    95.0% [88.8%, 97.8%]",
            ""
        ]);
    });

    it("is in colour on a terminal alone, and not where NO_COLOR is set", () => {
        const row = (settings: object): string => written((io) => showRow(io, rows[3]!, [score("rast", 50)]), settings);
        expect(row({ terminal: true })).toMatch(/^\u001b\[1m.*\u001b\[0m\n$/);
        expect(row({ terminal: true, env: { NO_COLOR: "1" } })).toBe(row({}));
        expect(row({})).not.toContain("\u001b");
    });
});

describe("what it means", () => {
    test.each([
        [95, "better (95.0%)"],
        [55, "neither better nor worse for sure (55.0%)"],
        [20, "worse (20.0%)"]
    ])("%d right against 50 with the control: %s", (right, words) => {
        const shown = written((io) =>
            showMeaning(io, [{ ...pair("weak pair"), scores: scores(right), recoveryRate: 0.5 }])
        );
        expect(shown).toContain(`Against that RAST is\n  with the weak pair ${words}.\n`);
        expect(shown).toContain("base alone 10.0%; RAST with the weak pair 97.0%.\n");
        expect(shown).toContain("So it has 50.0% right.");
    });

    it("names every pair, and a trio as it is called", () => {
        const shown = written((io) =>
            showMeaning(io, [
                { ...pair("weak pair"), scores: scores(50), recoveryRate: 0.5 },
                { ...pair("demo-seed2"), scores: scores(90), recoveryRate: 1 }
            ])
        );
        expect(shown).toContain("gives\n  with the weak pair 50.0%, with demo-seed2 100.0%.\n");
    });

    it("says nothing of recovery where training gave nothing", () => {
        const shown = written((io) =>
            showMeaning(io, [{ ...pair("weak pair"), scores: scores(50), recoveryRate: undefined }])
        );
        expect(shown).not.toContain("reinforcement");
    });
});
