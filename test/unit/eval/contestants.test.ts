import { basename } from "node:path";
import { expect, it } from "vitest";
import { contestantsOf, recoveryRate } from "../../../src/eval/contestants.js";

it("are the parts of the trio, RAST and two controls; neighbours share an engine", async () => {
    const { trio, contestants } = await contestantsOf("demo");
    expect(trio.name).toBe("demo");
    expect(contestants.map(({ name, control, opening }) => [name, control, opening])).toEqual([
        ["antiexpert", false, ""],
        ["base", false, ""],
        ["expert", false, ""],
        ["RAST", false, ""],
        ["base, made to go step by step", true, "S:"],
        ["base after reinforcement learning", true, ""]
    ]);
    expect(contestants.map(({ load }) => basename((load.trio ?? load.base) as string))).toEqual([
        basename(trio.pairs[0]!.antiexpert),
        ...new Array<string>(4).fill(basename(trio.file)),
        "demo-base-rl.gguf"
    ]);
});

it("give the recovery rate", () => {
    const all = [
        { name: "base", value: 0.1 },
        { name: "RAST", value: 0.7 },
        { name: "base after reinforcement learning", value: 0.9 }
    ];
    expect(recoveryRate(all)).toBeCloseTo(0.75);
    expect(recoveryRate(all.slice(0, 2))).toBeUndefined();
    expect(recoveryRate([...all.slice(0, 2), { ...all[2]!, value: 0.1 }])).toBeUndefined();
});
