import { describe, expect, it } from "vitest";
import { blockBytes, fillBlocks, quantizeQ8 } from "../../../src/gguf/blocks.js";
import { generator } from "../../../src/random.js";

// IEEE 754 half precision of normal numbers and zero.
function fromHalf(bits: number): number {
    const exponent = (bits >> 10) & 0x1f;
    return exponent === 0 ? 0 : (1 + (bits & 0x3ff) / 1024) * 2 ** (exponent - 15);
}

describe("Q8_0", () => {
    it("keeps numbers to half a step of the largest in their block", () => {
        const next = generator(5);
        const data = Float32Array.from({ length: 96 }, (_, i) => (next() / 2 ** 31 - 1) * 10 ** Math.floor(i / 32));
        const bytes = quantizeQ8(data);
        expect(bytes).toHaveLength(3 * blockBytes.q8_0);
        for (const [i, value] of data.entries()) {
            const at = Math.floor(i / 32) * blockBytes.q8_0;
            const step = fromHalf(bytes.readUInt16LE(at));
            expect(Math.abs(step * bytes.readInt8(at + 2 + (i % 32)) - value)).toBeLessThan(0.6 * step);
        }
    });

    it("writes nothing but zeros for zeros", () => {
        expect(quantizeQ8(new Float32Array(32)).every((byte) => byte === 0)).toBe(true);
    });
});

describe("random blocks", () => {
    it.each(["q4_0", "q8_0"] as const)("of %s have mean zero and the deviation that was asked for", (type) => {
        const blocks = 2000;
        const out = Buffer.alloc(blocks * blockBytes[type]);
        fillBlocks(out, type, 0.25, generator(1));
        const values: number[] = [];
        for (let at = 0; at < out.length; at += blockBytes[type]) {
            const step = fromHalf(out.readUInt16LE(at));
            for (let i = 2; i < blockBytes[type]; ++i) {
                const byte = out[at + i]!;
                const integers = type === "q4_0" ? [(byte & 15) - 8, (byte >> 4) - 8] : [out.readInt8(at + i)];
                values.push(...integers.map((integer) => step * integer));
            }
        }
        expect(values).toHaveLength(32 * blocks);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const deviation = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
        expect(Math.abs(mean)).toBeLessThan(0.005);
        expect(deviation).toBeCloseTo(0.25, 2);
    });
});
