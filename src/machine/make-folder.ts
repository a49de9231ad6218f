import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder and those above it; one that is there is well. Not by Node's `recursive`, which never ends where a system
 * says "no such file" to whoever makes one in a folder that exists, as Linux does in /proc.
 * @throws what the system says
 */
export async function makeFolder(path: string): Promise<void> {
    try {
        await mkdir(path);
    } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code === "ENOENT" && dirname(path) !== path) {
            await makeFolder(dirname(path));
            await mkdirOrThere(path);
        } else if (!(await isFolder(path))) {
            throw error;
        }
    }
}

// Somebody else may make it meanwhile.
async function mkdirOrThere(path: string): Promise<void> {
    try {
        await mkdir(path);
    } catch (error) {
        if (!(await isFolder(path))) throw error;
    }
}

async function isFolder(path: string): Promise<boolean> {
    return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
