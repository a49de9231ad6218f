// Which libraries a library of Windows needs: its import table (PE format, "Import Directory Table").
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

const maxSections = 96;
const maxImports = 4096;

/**
 * Names of the libraries that must be there for this one to load, as it spells them; what it asks for later (delayed
 * imports) is not among them.
 * @param file a library for 32 or 64 bits
 * @throws RangeError for a file that is none, or is cut short
 */
export function importsOf(file: Buffer): string[] {
    const header = file.readUInt32LE(0x3c);
    if (file.toString("latin1", 0, 2) !== "MZ" || file.readUInt32LE(header) !== 0x4550) {
        throw new RangeError("not a library of Windows");
    }
    const sectionCount = Math.min(file.readUInt16LE(header + 6), maxSections);
    const optional = header + 24;
    const is64 = file.readUInt16LE(optional) === 0x20b;
    const sections = optional + file.readUInt16LE(header + 20);
    // A place in memory, as a place in the file.
    const offsetOf = (address: number): number => {
        for (let index = 0; index < sectionCount; index++) {
            const section = sections + 40 * index;
            const within = address - file.readUInt32LE(section + 12);
            if (within >= 0 && within < file.readUInt32LE(section + 16)) return file.readUInt32LE(section + 20) + within;
        }
        throw new RangeError("an address outside the file");
    };
    const table = file.readUInt32LE(optional + (is64 ? 112 : 96) + 8);
    if (table === 0) return [];
    const names: string[] = [];
    for (let entry = offsetOf(table); names.length < maxImports; entry += 20) {
        const address = file.readUInt32LE(entry + 12);
        if (address === 0) break;
        const start = offsetOf(address);
        const end = file.indexOf(0, start);
        if (end < 0) throw new RangeError("a name without an end");
        names.push(file.toString("latin1", start, end));
    }
    return names;
}

/** Folders in which Windows looks for the libraries of a library: its own, the program's, the system's, those of PATH. */
function searchFolders(path: string, env: Readonly<NodeJS.ProcessEnv>): string[] {
    const windows = env["SystemRoot"] ?? "C:\\Windows";
    const search = (env["PATH"] ?? env["Path"] ?? "").split(";").filter((folder) => folder !== "");
    return [dirname(path), dirname(process.execPath), join(windows, "System32"), windows, ...search];
}

/**
 * Those of a library's imports that Windows would not find.
 * @param file its content
 * @throws RangeError as `importsOf`
 */
export function absentImports(
    path: string,
    file: Buffer,
    env: Readonly<NodeJS.ProcessEnv> = process.env,
    exists: (path: string) => boolean = existsSync
): string[] {
    const folders = searchFolders(path, env);
    // Sets of the system's interfaces are names that stand for no file.
    const isVirtual = (name: string): boolean => /^(?:api|ext)-ms-/i.test(name);
    return importsOf(file).filter((name) => !isVirtual(name) && !folders.some((folder) => exists(join(folder, name))));
}
