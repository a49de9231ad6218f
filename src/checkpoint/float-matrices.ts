// Small matrices of adapters: row-major.

/** One after the other. */
export function stacked(parts: readonly Float32Array[]): Float32Array {
    if (parts.length === 1) return parts[0]!;
    const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
        out.set(part, at);
        at += part.length;
    }
    return out;
}

export function transposed(data: Float32Array, rows: number): Float32Array {
    const columns = data.length / rows;
    const out = new Float32Array(data.length);
    for (let row = 0; row < rows; ++row) {
        for (let column = 0; column < columns; ++column) out[column * rows + row] = data[row * columns + column]!;
    }
    return out;
}
