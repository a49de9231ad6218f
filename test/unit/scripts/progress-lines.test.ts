import { afterEach, beforeEach, expect, test, vi } from "vitest";
// @ts-expect-error a script without declarations
import { progressLines } from "../../../scripts/progress-lines.mjs";

interface Progress {
    show(done: number, all: number): void;
    clear(): void;
}
const start = progressLines as (write: (line: string) => void, what: string) => Progress;

let lines: string[];
beforeEach(() => {
    vi.useFakeTimers();
    lines = [];
});
afterEach(() => vi.useRealTimers());

test("a line for every tenth, each once", () => {
    const progress = start((line) => lines.push(line), "Compiling");
    for (let done = 0; done <= 60; done++) progress.show(done, 60);
    progress.clear();
    expect(lines.map((line) => /\d+(?=%)/.exec(line)![0])).toEqual([
        "10",
        "20",
        "30",
        "40",
        "50",
        "60",
        "70",
        "80",
        "90",
        "100"
    ]);
    expect(lines[0]).toBe("Compiling: 10% after 0 s");
});

test("one after ten seconds without any, also where nothing is known yet, and none when it is done", () => {
    const progress = start((line) => lines.push(line), "Compiling");
    vi.advanceTimersByTime(9_999);
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(15_001);
    expect(lines).toEqual(["Compiling: 0% after 10 s", "Compiling: 0% after 20 s"]);
    progress.show(3, 20);
    vi.advanceTimersByTime(9_000);
    progress.show(4, 20);
    expect(lines.slice(2)).toEqual(["Compiling: 15% after 25 s", "Compiling: 20% after 34 s"]);
    vi.advanceTimersByTime(9_999);
    progress.clear();
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(4);
});

test("a build that begins anew is counted anew", () => {
    const progress = start((line) => lines.push(line), "Compiling");
    progress.show(1, 2);
    progress.show(0, 10);
    progress.show(1, 10);
    progress.clear();
    expect(lines.map((line) => line.split(" ")[1])).toEqual(["50%", "10%"]);
});
