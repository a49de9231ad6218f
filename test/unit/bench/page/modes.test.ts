import { describe, expect, test } from "vitest";
import { modeOrder, seriesOf } from "../../../../src/bench/page/modes.js";
import { contrast, dark, light } from "../../../../src/report/palette.js";
import { smallestDistance, visions } from "../../../support/colour-vision.js";

describe.each([
    ["light", light],
    ["dark", dark]
] as const)("the colours of modes in the %s scheme", (name, scheme) => {
    const colours = modeOrder.map((mode) => seriesOf(mode)[name]);

    test.each(visions)("differ with %s", (vision) => {
        expect(smallestDistance(colours, vision)).toBeGreaterThan(20);
    });

    test("stand out from the paper by 3", () => {
        for (const colour of colours) expect(contrast(colour, scheme.paper)).toBeGreaterThan(3);
    });
});

test("modes differ in marker and line too", () => {
    const series = modeOrder.map(seriesOf);
    expect(new Set(series.map(({ marker }) => marker.text)).size).toBe(series.length);
    expect(new Set(series.map(({ dashes }) => dashes)).size).toBe(series.length);
});
