// Saved states taken apart and put together again, with the checksum that fits: what a forger can do.
import { readFileSync } from "node:fs";

export interface StateFile {
    version: number;
    /** 32 bytes each. */
    prints: Buffer[];
    /** What the file says, which need not be how many there are. */
    tokenCount: number;
    tokens: number[];
    contexts: { held: number; size: bigint; bytes: Buffer }[];
}

export function readStateFile(path: string): StateFile {
    const data = readFileSync(path);
    let at = 8;
    const take = (bytes: number): Buffer => data.subarray(at, (at += bytes));
    const version = take(4).readUInt32LE();
    const prints = Array.from({ length: take(4).readUInt32LE() }, () => Buffer.from(take(32)));
    const tokenCount = take(4).readUInt32LE();
    const tokens = Array.from({ length: tokenCount }, () => take(4).readInt32LE());
    const contexts = prints.map(() => {
        const held = take(4).readUInt32LE();
        const size = take(8).readBigUInt64LE();
        return { held, size, bytes: Buffer.from(take(Number(size))) };
    });
    return { version, prints, tokenCount, tokens, contexts };
}

const mask = (1n << 64n) - 1n;

// As native/files/state_file.cpp does it: each piece apart.
function checksum(pieces: readonly Buffer[]): bigint {
    let value = 0x243f6a8885a308d3n;
    const mix = (word: bigint): void => {
        value = ((value ^ word) * 0x9e3779b97f4a7c15n) & mask;
        value ^= value >> 32n;
    };
    for (const piece of pieces) {
        let i = 0;
        for (; i + 8 <= piece.length; i += 8) mix(piece.readBigUInt64LE(i));
        let rest = BigInt(piece.length - i);
        for (; i < piece.length; ++i) rest = ((rest << 8n) | BigInt(piece[i]!)) & mask;
        mix(rest);
    }
    return value;
}

const u32 = (value: number): Buffer => {
    const out = Buffer.alloc(4);
    out.writeUInt32LE(value >>> 0);
    return out;
};

const u64 = (value: bigint): Buffer => {
    const out = Buffer.alloc(8);
    out.writeBigUInt64LE(BigInt.asUintN(64, value));
    return out;
};

export function writeStateFile(state: StateFile): Buffer {
    const pieces = [Buffer.from("RASTSTAT"), u32(state.version), u32(state.prints.length), ...state.prints];
    pieces.push(u32(state.tokenCount), Buffer.concat(state.tokens.map(u32)));
    for (const { held, size, bytes } of state.contexts) pieces.push(u32(held), u64(size), bytes);
    return Buffer.concat([...pieces, u64(checksum(pieces))]);
}
