// Apple's code signature inside a Mach-O file: the hashes of its pages, as the kernel compares them.
import { createHash } from "node:crypto";

const embeddedSignature = 0xfade0cc0;
const codeDirectory = 0xfade0c02;
const adHoc = 0x2;

/**
 * @param {Buffer} file
 * @param {{ offset: number, bytes: number }} place of the signature, as the file's load command says
 * @returns {string[]} what is wrong with it; none: it is an ad-hoc signature of exactly these bytes
 */
export function signatureFaults(file, { offset, bytes }) {
    const blob = file.subarray(offset, offset + bytes);
    if (blob.length < 12 || blob.readUInt32BE(0) !== embeddedSignature) return ["the signature is no embedded one"];
    const directory = directoryIn(blob);
    if (directory === undefined) return ["the signature has no code directory"];

    const faults = [];
    const flags = directory.readUInt32BE(12);
    const hashOffset = directory.readUInt32BE(16);
    const pages = directory.readUInt32BE(28);
    const limit = directory.readUInt32BE(32);
    const [hashBytes, hashType] = [directory[36], directory[37]];
    const pageBytes = 2 ** directory[39];
    if ((flags & adHoc) === 0) faults.push("it is signed by somebody, not ad hoc");
    if (hashType !== 2 || hashBytes !== 32) faults.push(`its hashes are not SHA-256 (${hashType})`);
    if (limit !== offset) faults.push(`it covers ${limit} bytes, and begins at ${offset}`);
    if (pages !== Math.ceil(limit / pageBytes)) faults.push(`it has hashes of ${pages} pages`);
    if (faults.length > 0) return faults;
    for (let page = 0; page < pages; page++) {
        const content = file.subarray(page * pageBytes, Math.min(limit, (page + 1) * pageBytes));
        const at = hashOffset + page * hashBytes;
        const said = directory.subarray(at, at + hashBytes);
        if (!createHash("sha256").update(content).digest().equals(said))
            faults.push(`page ${page} was changed after it was signed`);
    }
    return faults;
}

function directoryIn(blob) {
    const count = blob.readUInt32BE(8);
    for (let index = 0; index < count && 12 + 8 * index + 8 <= blob.length; index++) {
        const start = blob.readUInt32BE(12 + 8 * index + 4);
        if (start + 44 > blob.length || blob.readUInt32BE(start) !== codeDirectory) continue;
        return blob.subarray(start, start + blob.readUInt32BE(start + 4));
    }
    return undefined;
}
