// PEFT folders as GGUF files, converted once.
import { createHash } from "node:crypto";
import { createReadStream, rmSync } from "node:fs";
import { mkdtemp, readdir, rm, stat, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { makeFolder } from "../machine/make-folder.js";
import { RastError } from "../errors.js";
import { cacheFolder } from "../machine/cache-folder.js";
import { systemError } from "../models/files.js";
import { convertPeft, peftWeightsName, type PeftModel } from "./peft-adapter.js";
import { peftConfigName, readPeftConfig } from "./peft-config.js";

/** Raise it when conversions come out otherwise. */
const converterVersion = 1;
const mostFiles = 32;
/** What was used so lately stays however many there are: a load may be about to read it. */
const keptMs = 3_600_000;

/**
 * The GGUF file of a PEFT folder, from the user's cache folder (`adapters`), by the folder's content and the model's heads. Without
 * a cache folder it is written for this process alone.
 * @returns its path
 * @throws what `convertPeft` throws
 */
export async function convertedAdapter(folder: string, model: PeftModel): Promise<string> {
    await readPeftConfig(folder); // with errors of its own
    const cache = cacheFolder();
    const name = `${await keyOf(folder, model)}.gguf`;
    const place = cache === undefined ? await folderOfProcess() : join(cache, "adapters");
    const path = join(place, name);
    if (await exists(path)) {
        const now = new Date();
        await utimes(path, now, now).catch(() => {}); // those that are used stay
        return path;
    }
    await convertTo(path, folder, model);
    return path;
}

/**
 * Puts a converted adapter back that was removed since: the cache is anybody's to clear.
 * @param path what `convertedAdapter` gave
 * @returns false where the folder holds something else by now
 * @throws as `convertedAdapter`
 */
export async function restoreConverted(folder: string, model: PeftModel, path: string): Promise<boolean> {
    if (await exists(path)) return true;
    await readPeftConfig(folder);
    if (`${await keyOf(folder, model)}.gguf` !== basename(path)) return false;
    await convertTo(path, folder, model);
    return true;
}

async function convertTo(path: string, folder: string, model: PeftModel): Promise<void> {
    const place = dirname(path);
    await makeFolder(place).catch((error: unknown) => {
        const message = `Could not make the folder ${place}: ${(error as NodeJS.ErrnoException).code}.`;
        throw new RastError("ERR_FILE_UNWRITABLE", message, { details: { path: place }, cause: error });
    });
    await convertPeft(folder, model, path);
    await evict(place, basename(path));
}

async function keyOf(folder: string, { architecture, headCount, kvHeadCount }: PeftModel): Promise<string> {
    const hash = createHash("sha256");
    hash.update(JSON.stringify([converterVersion, architecture, headCount, kvHeadCount]));
    for (const name of [peftConfigName, peftWeightsName]) {
        const path = join(folder, name);
        if (
            !(await stat(path).then(
                (facts) => facts.isFile(),
                () => false
            ))
        )
            continue; // conversion says what is missing
        try {
            for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
        } catch (error) {
            throw systemError(error, path, { what: "the PEFT adapter" });
        }
        hash.update("\0");
    }
    return hash.digest("hex");
}

async function exists(path: string): Promise<boolean> {
    return stat(path).then(
        (facts) => facts.isFile(),
        () => false
    );
}

let ownFolder: Promise<string> | undefined;

function folderOfProcess(): Promise<string> {
    ownFolder ??= mkdtemp(join(tmpdir(), "rast-adapters-")).then((folder) => {
        process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
        return folder;
    });
    return ownFolder;
}

// The oldest go, but none that was used lately; one that is read at the moment stays readable, but on Windows, where it stays.
async function evict(folder: string, latest: string): Promise<void> {
    const names = (await readdir(folder).catch(() => [])).filter((name) => /^[0-9a-f]{64}\.gguf$/.test(name));
    if (names.length <= mostFiles) return;
    const ages = await Promise.all(
        names.map(async (name) => ({
            name,
            time: (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0
        }))
    );
    ages.sort((one, other) => one.time - other.time);
    const before = Date.now() - keptMs;
    for (const { name, time } of ages.slice(0, names.length - mostFiles)) {
        if (name !== latest && time < before) await rm(join(folder, name), { force: true }).catch(() => {});
    }
}
