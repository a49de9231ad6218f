// Blocks of 32 weights in ggml's formats.

/** Formats that are written here, without llama.cpp's quantizer. */
export type BlockType = "q4_0" | "q8_0";

/** Bytes of a block. */
export const blockBytes: Readonly<Record<BlockType, number>> = { q4_0: 18, q8_0: 34 };

// Standard deviations of the random integers of a block.
const deviations = { q4_0: Math.sqrt((15 * 15 - 1) / 12), q8_0: Math.sqrt((255 * 255 - 1) / 12) };

/** Numbers in Q8_0: blocks of one half-precision scale and 32 signed bytes. @param data a multiple of 32 */
export function quantizeQ8(data: Float32Array): Buffer {
    const blocks = data.length / 32;
    const out = Buffer.alloc(blocks * 34);
    for (let b = 0; b < blocks; ++b) {
        let largest = 0;
        for (let i = b * 32; i < b * 32 + 32; ++i) largest = Math.max(largest, Math.abs(data[i]!));
        const scale = largest / 127;
        out.writeUInt16LE(half(scale), b * 34);
        for (let i = 0; i < 32; ++i)
            out.writeInt8(scale > 0 ? Math.round(data[b * 32 + i]! / scale) : 0, b * 34 + 2 + i);
    }
    return out;
}

/** Fills a buffer with blocks of random weights, `scale` their standard deviation. Integers are symmetric about zero. */
export function fillBlocks(out: Buffer, type: BlockType, scale: number, next: () => number): void {
    const bytes = blockBytes[type];
    const step = half(scale / deviations[type]);
    for (let at = 0; at < out.length; at += bytes) {
        out.writeUInt16LE(step, at);
        for (let i = 2; i < bytes; i += 2) {
            const random = next();
            if (type === "q4_0") {
                // nibbles 1 to 15 stand for -7 to 7
                out[at + i] = (1 + ((random & 0xff) % 15)) | ((1 + (((random >>> 8) & 0xff) % 15)) << 4);
                out[at + i + 1] = (1 + (((random >>> 16) & 0xff) % 15)) | ((1 + ((random >>> 24) % 15)) << 4);
            } else {
                out.writeInt8(((random & 0xffff) % 255) - 127, at + i);
                out.writeInt8(((random >>> 16) % 255) - 127, at + i + 1);
            }
        }
    }
}

const bits = new DataView(new ArrayBuffer(4));

// Positive normal numbers are all that scales need.
function half(value: number): number {
    bits.setFloat32(0, value);
    const word = bits.getUint32(0);
    const exponent = ((word >>> 23) & 0xff) - 127 + 15;
    if (exponent <= 0) return 0;
    return Math.min(0x7bff, (exponent << 10) + (((word & 0x7fffff) + 0x1000) >>> 13));
}
