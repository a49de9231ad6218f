// Names of files in the making, and which of them nobody is at work on any more.
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { lstat, readdir, rename, rm } from "node:fs/promises";
import { hostname, uptime } from "node:os";
import { basename, dirname, join } from "node:path";

// "NAME.KEY.PROCESS-START-HOST-RANDOM.part"
const pattern = /^\.(\w+)\.(\d+)-(\d+)-([0-9a-f]{8})-[0-9a-f]{12}\.part$/;
const longestStem = 160; // names have 255 bytes at most
const foreignLifeMs = 24 * 3600 * 1000;

/** A name that no other writer has. @param key of the content; undefined for content that is not taken over */
export function unfinishedName(name: string, key?: string): string {
    const random = randomBytes(6).toString("hex");
    return `${stemOf(name)}.${keyOf(key)}.${process.pid}-${startOf(process.pid)}-${host()}-${random}.part`;
}

/** Gives an unfinished file a name that says that nobody is at work on it. Never throws. */
export async function release(path: string): Promise<void> {
    await rename(path, path.replace(/\.\d+-(?=[\da-f-]+\.part$)/, ".0-")).catch(() => {});
}

/** Whether an unfinished file has a key, so that the next writer can go on with it. */
export function canBeResumed(path: string): boolean {
    return !/\.new\.\d+-[^/\\]*$/.test(path);
}

/** Takes over what a writer that is no more left of a file. @returns whether `own` is that now */
export async function claimLeftover(target: string, key: string, own: string): Promise<boolean> {
    const found = (await leftovers(target)).filter((one) => one.key === keyOf(key));
    found.sort((one, other) => other.bytes - one.bytes);
    for (const { path } of found) {
        try {
            await rename(path, own); // of several at once one finds it
            return true;
        } catch {
            // somebody was quicker
        }
    }
    return false;
}

/** Removes what writers that are no more left of a file. Never throws. */
export async function removeLeftovers(target: string): Promise<void> {
    for (const { path } of await leftovers(target)) await rm(path, { force: true }).catch(() => {});
}

/**
 * Whether somebody else is at work on a file than who has the unfinished file `own`. Never throws.
 * @param foreignLife milliseconds since its last change after which one of another machine, or container, is abandoned
 */
export async function hasOtherWriter(target: string, own: string, foreignLife = foreignLifeMs): Promise<boolean> {
    return (await unfinished(target, foreignLife)).some(({ path, isAbandoned }) => path !== own && !isAbandoned);
}

/** Whether somebody is at work on a file. Never throws. */
export async function hasWriter(target: string): Promise<boolean> {
    return (await unfinished(target)).some(({ isAbandoned }) => !isAbandoned);
}

interface Unfinished {
    readonly path: string;
    readonly key: string;
    readonly bytes: number;
    readonly isAbandoned: boolean;
}

async function leftovers(target: string): Promise<Unfinished[]> {
    return (await unfinished(target)).filter(({ isAbandoned }) => isAbandoned);
}

async function unfinished(target: string, foreignLife = foreignLifeMs): Promise<Unfinished[]> {
    const folder = dirname(target);
    const stem = stemOf(basename(target));
    const out: Unfinished[] = [];
    for (const name of await readdir(folder).catch(() => [])) {
        const match = name.startsWith(stem) ? pattern.exec(name.slice(stem.length)) : null;
        if (match === null) continue;
        const path = join(folder, name);
        const facts = await lstat(path).catch(() => undefined);
        if (facts?.isFile() !== true) continue;
        const [, key, pid, start, where] = match;
        const writer = { pid: Number(pid), start: start!, host: where! };
        out.push({ path, key: key!, bytes: facts.size, isAbandoned: hasGone(writer, facts.mtimeMs, foreignLife) });
    }
    return out;
}

// Process ids are used again, by this machine after a start, and by other machines and containers that share the folder.
function hasGone(
    writer: { pid: number; start: string; host: string },
    changedMs: number,
    foreignLife: number
): boolean {
    if (writer.pid === 0) return true; // it said so itself
    if (writer.host !== host()) return Date.now() - changedMs > foreignLife;
    if (writer.pid === process.pid && writer.start === startOf(process.pid)) return false;
    if (!isRunning(writer.pid) || startOf(writer.pid) !== writer.start) return true;
    return writer.start === "0" && changedMs < Date.now() - uptime() * 1000;
}

function isRunning(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch (error) {
        return (error as NodeJS.ErrnoException).code !== "ESRCH";
    }
}

/** When a process began, in ticks since the machine's start (Linux); "0" where the system does not say, and of one that has ended. */
function startOf(pid: number): string {
    if (process.platform !== "linux") return "0";
    try {
        // behind the name, which may hold anything
        const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\)/s, "").trim().split(" ");
        // One that was killed is there until its parent asks for it, which in a container may be never.
        return /^[ZX]/.test(fields[0] ?? "") ? "0" : (fields[19] ?? "0");
    } catch {
        return "0";
    }
}

function host(): string {
    return createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
}

function keyOf(key: string | undefined): string {
    return key === undefined ? "new" : createHash("sha256").update(key).digest("hex").slice(0, 16);
}

function stemOf(name: string): string {
    if (Buffer.byteLength(name) <= longestStem) return name;
    return createHash("sha256").update(name).digest("hex");
}
