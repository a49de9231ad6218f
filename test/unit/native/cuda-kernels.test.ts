import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { capabilityText, cudaKernels } from "../../../src/native/cuda-kernels.js";
import { libraries } from "../../support/native.js";

let folder = "";
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "rast-kernels-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Entry {
    readonly kind: 1 | 2;
    readonly capability: number;
    readonly flags?: bigint;
}

/** A fat binary: a header, and for each entry one with so many bytes of code. */
function fatBinary(entries: readonly Entry[], codeBytes = 100): Buffer {
    const parts = entries.map(({ kind, capability, flags = 0x11n }) => {
        const part = Buffer.alloc(64 + codeBytes);
        part.writeUInt16LE(kind, 0);
        part.writeUInt32LE(64, 4);
        part.writeBigUInt64LE(BigInt(codeBytes), 8);
        part.writeUInt32LE(capability, 28);
        part.writeBigUInt64LE(flags, 40);
        return part;
    });
    const body = Buffer.concat(parts);
    const header = Buffer.alloc(16);
    header.writeUInt32LE(0xba55ed50, 0);
    header.writeUInt16LE(1, 4);
    header.writeUInt16LE(16, 6);
    header.writeBigUInt64LE(BigInt(body.length), 8);
    return Buffer.concat([header, body]);
}

/** A library of Windows with nothing but this section. */
function pe(name: string, content: Buffer): Buffer {
    const file = Buffer.alloc(0x200);
    file.write("MZ", 0, "latin1");
    file.writeUInt32LE(0x80, 0x3c);
    file.writeUInt32LE(0x4550, 0x80);
    file.writeUInt16LE(1, 0x86);
    file.writeUInt16LE(0, 0x94);
    file.write(name, 0x98, "latin1");
    file.writeUInt32LE(content.length, 0x98 + 16);
    file.writeUInt32LE(0x200, 0x98 + 20);
    return Buffer.concat([file, content]);
}

const write = (name: string, content: Buffer): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
};

describe("the cards that a CUDA backend holds code for", () => {
    it.each([
        ["-cuda", ["7.5 PTX", "8.0 PTX", "8.6", "8.9", "9.0 PTX", "12.0 alone", "12.1 alone"]],
        ["-cuda-ext", ["5.0 PTX", "6.1 PTX", "7.0 PTX", "7.5 PTX", "8.0 PTX", "8.6"]]
    ])("node-llama-cpp's %s", (suffix, cards) => {
        const path = libraries.candidates.find(({ source }) => source.endsWith(`x64${suffix}`))?.path;
        if (path === undefined) return; // another platform, or left out
        const found = cudaKernels(path).map(
            ({ capability, isPortable, isExact }) =>
                `${capabilityText(capability)}${isPortable ? " PTX" : ""}${isExact ? " alone" : ""}`
        );
        expect(found).toEqual(cards);
    });

    it("of Windows, each once", () => {
        const binary = fatBinary([
            { kind: 1, capability: 75 },
            { kind: 2, capability: 86 },
            { kind: 2, capability: 86 },
            { kind: 2, capability: 120, flags: 0x1108011n }
        ]);
        expect(cudaKernels(write("a.dll", pe(".nv_fatb", binary)))).toEqual([
            { capability: 75, isPortable: true, isExact: false },
            { capability: 86, isPortable: false, isExact: false },
            { capability: 120, isPortable: false, isExact: true }
        ]);
    });

    it("none is known of other files, whatever is in them", () => {
        const whole = pe(".nv_fatb", fatBinary([{ kind: 2, capability: 86 }]));
        const without = [
            Buffer.from("MZ"),
            Buffer.from("\x7fELF"),
            Buffer.concat([Buffer.from("\x7fELF"), Buffer.alloc(60, 0xff)]),
            pe(".text", fatBinary([{ kind: 2, capability: 86 }])),
            pe(".nv_fatb", Buffer.alloc(64)),
            whole.subarray(0, 0x150)
        ];
        for (const content of without) expect(cudaKernels(write("x", content))).toEqual([]);
        expect(cudaKernels(join(folder, "none"))).toEqual([]);
        // entries that lead nowhere, or back
        const endless = Buffer.from(whole);
        endless.writeUInt32LE(0, 0x200 + 16 + 4);
        expect(cudaKernels(write("y", endless))).toEqual([]);
        for (let at = 0; at < whole.length; at += 7) {
            const damaged = Buffer.from(whole);
            damaged.fill(0xff, at, Math.min(at + 7, whole.length));
            expect(cudaKernels(write("z", damaged)).length).toBeLessThanOrEqual(64);
        }
    });
});
