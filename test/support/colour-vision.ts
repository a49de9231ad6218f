// How colours look to people with and without deficiencies of colour vision.
import { linearRgb } from "../../src/report/palette.js";

type Vector = readonly number[];

// Machado, Oliveira and Fernandes 2009, at full severity, for linear light.
const matrices = {
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
} as const satisfies Readonly<Record<string, readonly Vector[]>>;

/** Kinds of colour vision. */
export type Vision = keyof typeof matrices;
export const visions = Object.keys(matrices) as Vision[];

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

function seen(colour: string, vision: Vision): number[] {
    return lab(multiply(matrices[vision], linearRgb(colour)).map((value) => Math.min(1, Math.max(0, value))));
}

/** The smallest distance between two of the colours in CIE76, where 2.3 is just noticeable. */
export function smallestDistance(colours: readonly string[], vision: Vision): number {
    const looks = colours.map((colour) => seen(colour, vision));
    const distances = looks.flatMap((a, index) =>
        looks.slice(index + 1).map((b) => Math.hypot(...a.map((value, axis) => value - b[axis]!)))
    );
    return Math.min(...distances);
}
