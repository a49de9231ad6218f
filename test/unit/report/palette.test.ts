import { describe, expect, test } from "vitest";
import { contrast, dark, inkOn, light, linearRgb, modeOrder } from "../../../src/report/palette.js";

type Vector = readonly number[];

// Machado, Oliveira and Fernandes 2009, at full severity, for linear light.
const visions: Readonly<Record<string, readonly Vector[]>> = {
    usual: [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1]
    ],
    protanopia: [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998]
    ],
    deuteranopia: [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881]
    ],
    tritanopia: [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039]
    ]
};

function multiply(matrix: readonly Vector[], vector: Vector): number[] {
    return matrix.map((row) => row.reduce((sum, factor, index) => sum + factor * vector[index]!, 0));
}

function lab(rgb: Vector): number[] {
    const toXyz = [
        [0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047],
        [0.2126729, 0.7151522, 0.072175],
        [0.0193339 / 1.08883, 0.119192 / 1.08883, 0.9503041 / 1.08883]
    ];
    const [x, y, z] = multiply(toXyz, rgb).map((t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116));
    return [116 * y! - 16, 500 * (x! - y!), 200 * (y! - z!)];
}

function seen(colour: string, vision: string): number[] {
    return lab(multiply(visions[vision]!, linearRgb(colour)).map((value) => Math.min(1, Math.max(0, value))));
}

describe.each([
    ["light", light],
    ["dark", dark]
])("the %s scheme", (_, scheme) => {
    const modes = modeOrder.map((mode) => scheme.modes[mode]);

    test.each(Object.keys(visions))("has marks that differ with %s", (vision) => {
        for (const colours of [modes, scheme.parts]) {
            const looks = colours.map((colour) => seen(colour, vision));
            const distances = looks.flatMap((a, index) =>
                looks.slice(index + 1).map((b) => Math.hypot(...a.map((value, axis) => value - b[axis]!)))
            );
            // CIE76: 2.3 is just noticeable
            expect(Math.min(...distances)).toBeGreaterThan(20);
        }
    });

    test("has enough contrast: 3 for marks, 4.5 for text", () => {
        for (const colour of [...modes, ...scheme.parts]) expect(contrast(colour, scheme.paper)).toBeGreaterThan(3);
        for (const colour of scheme.parts) expect(contrast(colour, inkOn(colour))).toBeGreaterThan(4.5);
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
