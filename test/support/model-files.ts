import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder with three files that start like GGUF files, and a trio file. */
export interface ModelFiles {
    readonly folder: string;
    readonly base: string;
    readonly expert: string;
    readonly antiexpert: string;
    readonly trio: string;
    path(name: string): string;
    write(name: string, content: string | object): Promise<string>;
    remove(): Promise<void>;
}

export async function makeModelFiles(trio: object = {}): Promise<ModelFiles> {
    const folder = await mkdtemp(join(tmpdir(), "rast-test-"));
    const path = (name: string): string => join(folder, name);
    const write = async (name: string, content: string | object): Promise<string> => {
        await writeFile(path(name), typeof content === "string" ? content : JSON.stringify(content));
        return path(name);
    };
    const models = { base: "base.gguf", expert: "expert.gguf", antiexpert: "antiexpert.gguf" };
    return {
        folder,
        path,
        write,
        base: await write(models.base, `GGUF${"b".repeat(6000)}`),
        expert: await write(models.expert, `GGUF${"e".repeat(1996)}`),
        antiexpert: await write(models.antiexpert, `GGUF${"a".repeat(1996)}`),
        trio: await write("trio.json", { ...models, ...trio }),
        remove: () => rm(folder, { recursive: true, force: true })
    };
}
