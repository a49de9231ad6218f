import { describe, expect, test } from "vitest";
import { contrast, dark, inkOn, light } from "../../../src/report/palette.js";
import { smallestDistance, visions } from "../../support/colour-vision.js";

describe.each([
    ["light", light],
    ["dark", dark]
])("the %s scheme", (_, scheme) => {
    test.each(visions)("has parts that differ with %s", (vision) => {
        expect(smallestDistance(scheme.parts, vision)).toBeGreaterThan(20);
    });

    test("has enough contrast: 3 for marks, 4.5 for text", () => {
        for (const colour of scheme.parts) {
            expect(contrast(colour, scheme.paper)).toBeGreaterThan(3);
            expect(contrast(colour, inkOn(colour))).toBeGreaterThan(4.5);
        }
        for (const ground of [scheme.paper, scheme.panel]) {
            for (const text of [scheme.ink, scheme.soft, scheme.link]) {
                expect(contrast(text, ground)).toBeGreaterThan(4.5);
            }
        }
    });
});

test("contrast is WCAG's", () => {
    expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 5);
    expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
});
