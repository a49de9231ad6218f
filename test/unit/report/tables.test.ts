import { describe, expect, test } from "vitest";
import { csvLines, fillTable, markdownTable } from "../../../src/report/tables.js";

describe("csvLines", () => {
    test.each([
        ["plain", "plain"],
        ["", ""],
        ["a,b", '"a,b"'],
        ['say "hi"', '"say ""hi"""'],
        ["two\nlines", '"two\nlines"'],
        ["carriage\rreturn", '"carriage\rreturn"'],
        [null, ""],
        [0.5, "0.5"],
        [-1e21, "-1e+21"],
        ["-0.5", "-0.5"],
        ["-0.5 +1e-3", "-0.5 +1e-3"],
        ["-", "-"],
        ["=1+1", "'=1+1"],
        ['=A(1,"x")', '"\'=A(1,""x"")"'],
        ["@sum", "'@sum"],
        ["+cmd|x", "'+cmd|x"],
        ["-x", "'-x"],
        ["\t=1", "'\t=1"]
    ])("writes %j", (value, text) => {
        expect(csvLines([[value, "x"]])).toBe(`${text},x\n`);
    });
});

test("fillTable leaves out optional columns without values", () => {
    const column = (name: string, optional: boolean) => ({
        name,
        align: "left" as const,
        optional,
        cell: (row: Record<string, string>) => row[name] ?? null
    });
    const table = fillTable([column("a", true), column("b", true), column("c", false)], [{ a: "1" }, {}]);
    expect(table.columns.map(({ name }) => name)).toEqual(["a", "c"]);
    expect(table.rows).toEqual([
        ["1", "-"],
        ["-", "-"]
    ]);
});

test("markdownTable pads, aligns and escapes", () => {
    const columns = [
        { name: "word", align: "left" },
        { name: "n", align: "right" }
    ] as const;
    expect(
        markdownTable({
            columns,
            rows: [
                ["a|b", "1"],
                ["héé", "1000"]
            ]
        })
    ).toBe(["| word |    n |", "| ---- | ---: |", "| a\\|b |    1 |", "| héé  | 1000 |", ""].join("\n"));
});

test("what moves a cursor does not reach a terminal by a table", () => {
    const columns = [{ name: "a\u001b[2J", align: "left" as const }];
    expect(markdownTable({ columns, rows: [["x\u202Ey\nz"]] })).toBe(
        "| a\uFFFD[2J |\n| ----- |\n| x\uFFFDy\uFFFDz |\n"
    );
});
