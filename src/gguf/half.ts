// Half precision, which JavaScript does not have everywhere.

const floats = new Float32Array(1);
const words = new Uint32Array(floats.buffer);

/** The nearest number in half precision, of two equally near ones the even one; too large ones become infinite. */
export function toHalf(value: number): number {
    floats[0] = value;
    const word = words[0]!;
    const sign = (word >>> 16) & 0x8000;
    const rest = word & 0x7fffffff;
    if (rest >= 0x7f800000) return sign | (rest > 0x7f800000 ? 0x7e00 : 0x7c00);
    if (rest >= 0x477ff000) return sign | 0x7c00; // 65520 and more
    if (rest >= 0x38800000) {
        const odd = (rest >>> 13) & 1;
        return sign | ((rest - 0x38000000 + 0xfff + odd) >>> 13);
    }
    if (rest < 0x33000000) return sign; // less than half of the smallest
    const shift = 126 - (rest >>> 23);
    const mantissa = (rest & 0x7fffff) | 0x800000;
    const kept = mantissa >>> shift;
    const lost = mantissa & ((1 << shift) - 1);
    const half = 1 << (shift - 1);
    return sign | (kept + (lost > half || (lost === half && (kept & 1) === 1) ? 1 : 0));
}

/** The number that 16 bits are in half precision. */
export function fromHalf(bits: number): number {
    const sign = (bits & 0x8000) === 0 ? 1 : -1;
    const exponent = (bits >>> 10) & 0x1f;
    const mantissa = bits & 0x3ff;
    if (exponent === 0) return sign * mantissa * 2 ** -24;
    if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
    return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}
