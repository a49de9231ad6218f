import { beforeAll, expect, test } from "vitest";
import type { EvalReport } from "../../../../src/eval/metrics/report.js";
import { printCsv, printMarkdown } from "../../../../src/eval/print/report.js";
import { differenceInWords, withInterval } from "../../../../src/eval/print/words.js";
import { someReport } from "../../../support/eval-samples.js";

let report: EvalReport;
beforeAll(async () => void (report = await someReport()));

test("words of shares and differences", () => {
    expect(withInterval({ value: 0.5, low: 0.401, high: 0.6 })).toBe("50.0% [40.1, 60.0]");
    expect(differenceInWords({ value: -0.05, low: -0.1, high: 0 })).toBe("-5.0 [-10.0, +0.0]");
    expect(differenceInWords({ value: -0.0001, low: -0.0001, high: 0.1 })).toBe("+0.0 [+0.0, +10.0]");
});

test("tables in Markdown", () => {
    const text = printMarkdown(report);
    const lines = text.split("\n");
    expect(lines[0]).toBe(
        "some.jsonl: 6 of 10 problems, 4 samples each, asked in the style abel; drawn at temperature 1, top-p 0.95, at most 64 tokens, seed 1; rast-llama 0.1.0, llama.cpp v0.5.0."
    );
    expect(lines[2]).toMatch(
        /^\| +\| +accuracy = pass@1 \| pass@2 \| pass@4 \| majority@2 \| majority@4 \| no answer \| cut off \| tokens \| tokens\/s \|$/
    );
    expect(text).toMatch(/\| base +\| +37\.5% \[/);
    expect(text).toMatch(/\| rast λ 1 +\| +\d+\.\d% \[/);
    expect(text).toMatch(/\| +recovery rate \|/);
    expect(text).toContain("A note.");
    expect(text.endsWith("\n")).toBe(true);
});

test("CSV has a line for each contestant, with shares as numbers", () => {
    const lines = printCsv(report).trimEnd().split("\n");
    expect(lines).toHaveLength(1 + report.contestants.length);
    expect(lines[0]).toBe(
        "contestant,role,trio,lambda,models,data,problems,samples,accuracy,low,high,right,graded,pass@1,pass@2,pass@4,majority@1,majority@2,majority@4,recovery_rate,without_answer,cut_off,timed_out,not_asked,mean_tokens,median_tokens,tokens_per_second"
    );
    expect(lines[1]).toMatch(/^base,base,some,,base\.gguf,some\.jsonl,6,4,0\.375,/);
    for (const line of lines) expect(line.split(",")).toHaveLength(27);
});
