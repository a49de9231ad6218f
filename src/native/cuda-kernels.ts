// For which cards a CUDA backend holds code, read off its file: ELF and PE sections, and the headers of NVIDIA's fat binaries.
import { closeSync, openSync, readSync } from "node:fs";
import type { NativeCudaKernel } from "./addon-types.js";

const fatBinaryMagic = 0xba55ed50;
const exactFlag = 0x100000n; // "a" in sm_120a
const kindOfPtx = 1;
const mostSections = 4096;
const mostEntries = 64;

type Read = (offset: number, length: number) => Buffer;

interface Section {
    readonly name: string;
    readonly offset: number;
    readonly size: number;
}

function sectionsOfElf(read: Read): Section[] {
    const header = read(0, 64);
    const table = Number(header.readBigUInt64LE(0x28));
    const entrySize = header.readUInt16LE(0x3a);
    const count = Math.min(header.readUInt16LE(0x3c), mostSections);
    const sections = Array.from({ length: count }, (_, index) => {
        const entry = read(table + index * entrySize, 64);
        return {
            nameAt: entry.readUInt32LE(0),
            offset: Number(entry.readBigUInt64LE(0x18)),
            size: Number(entry.readBigUInt64LE(0x20))
        };
    });
    const names = sections[header.readUInt16LE(0x3e)];
    if (names === undefined) return [];
    const texts = read(names.offset, Math.min(names.size, 1 << 20));
    return sections.map(({ nameAt, offset, size }) => {
        const end = texts.indexOf(0, nameAt);
        return { name: texts.toString("latin1", nameAt, end < 0 ? nameAt : end), offset, size };
    });
}

function sectionsOfPe(read: Read): Section[] {
    const at = read(0, 64).readUInt32LE(0x3c);
    const header = read(at, 24);
    if (header.readUInt32LE(0) !== 0x4550) return [];
    const count = Math.min(header.readUInt16LE(6), mostSections);
    const table = at + 24 + header.readUInt16LE(20);
    return Array.from({ length: count }, (_, index) => {
        const entry = read(table + 40 * index, 40);
        const name = entry.toString("latin1", 0, 8).replace(/\0.*$/, "");
        return { name, offset: entry.readUInt32LE(20), size: entry.readUInt32LE(16) };
    });
}

// The first fat binary: every file of a backend is compiled for the same cards.
function kernelsIn(read: Read, { offset, size }: Section): NativeCudaKernel[] {
    const header = read(offset, 16);
    if (header.readUInt32LE(0) !== fatBinaryMagic) return [];
    const start = offset + header.readUInt16LE(6);
    const end = Math.min(start + Number(header.readBigUInt64LE(8)), offset + size);
    const kernels: NativeCudaKernel[] = [];
    for (let at = start; at < end && kernels.length < mostEntries;) {
        const entry = read(at, 48);
        const headerSize = entry.readUInt32LE(4);
        if (headerSize === 0) break;
        kernels.push({
            capability: entry.readUInt32LE(28),
            isPortable: entry.readUInt16LE(0) === kindOfPtx,
            isExact: (entry.readBigUInt64LE(40) & exactFlag) !== 0n
        });
        at += headerSize + Number(entry.readBigUInt64LE(8));
    }
    return kernels;
}

/**
 * For which cards a CUDA backend holds code, each once.
 * @param path of its library
 * @returns none where that cannot be told: another kind of file, or one without code of NVIDIA's compiler. Never throws.
 */
export function cudaKernels(path: string): NativeCudaKernel[] {
    let file: number | undefined;
    try {
        file = openSync(path, "r");
        const opened = file;
        const read: Read = (offset, length) => {
            const bytes = Buffer.alloc(length);
            readSync(opened, bytes, 0, length, offset);
            return bytes;
        };
        const start = read(0, 4).toString("latin1");
        const sections = start === "\x7fELF" ? sectionsOfElf(read) : start.startsWith("MZ") ? sectionsOfPe(read) : [];
        // names have eight letters on Windows
        const section = sections.find(({ name }) => name === ".nv_fatbin" || name === ".nv_fatb");
        const kernels = section === undefined ? [] : kernelsIn(read, section);
        return kernels.filter(
            (one, index) =>
                kernels.findIndex(
                    (other) => other.capability === one.capability && other.isPortable === one.isPortable
                ) === index
        );
    } catch {
        return [];
    } finally {
        if (file !== undefined) closeSync(file);
    }
}

/** "8.6" for 86. */
export function capabilityText(capability: number): string {
    return `${Math.floor(capability / 10)}.${capability % 10}`;
}
