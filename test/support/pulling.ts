// A catalog of tiny models at a stand-in of the hub, and a folder for what is pulled.
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StandInHub } from "./stand-in-hub.js";

const shape = { layers: 1, width: 8, heads: 1, kvHeads: 1, headSize: 8, hidden: 8, vocabulary: 8, context: 8 };

/** Where tiny models are to be had, and what is to be pulled. */
export interface PullingPlace {
    readonly hub: StandInHub;
    readonly folder: string;
    /** Path of the catalog. It has a trio "tiny" with files of its own, "grafted" whose expert is a checkpoint, and "adapted" whose expert is an adapter. */
    readonly catalog: string;
    /** The environment of a command. */
    readonly env: NodeJS.ProcessEnv;
    content(role: string): Buffer;
    remove(): Promise<void>;
}

function model(name: string, source: object): object {
    return { repository: `maker/${name}`, license: "MIT", architecture: "llama", shape, ...source };
}

function files(name: string, quantizations: readonly string[] = ["Q8_0"]): object {
    return { gguf: [{ repository: `hf:maker/${name}-GGUF`, file: `${name}.{quantization}.gguf`, quantizations }] };
}

/** @param contents files of the roles; random ones that begin like GGUF where they are not given */
export async function makePullingPlace(
    contents: Readonly<Partial<Record<"base" | "expert" | "antiexpert", Buffer>>> = {},
    settings: object = { lambda: 0.5, promptTemplate: "Q: {prompt}?\n", sampling: { maxTokens: 72 } }
): Promise<PullingPlace> {
    const hub = await StandInHub.start();
    const folder = await mkdtemp(join(tmpdir(), "rast-pull-"));
    const all = new Map<string, Buffer>();
    for (const role of ["base", "expert", "antiexpert"] as const) {
        const content = contents[role] ?? Buffer.concat([Buffer.from("GGUF"), randomBytes(300_000)]);
        all.set(role, content);
        hub.add(`maker/${role}-GGUF/${role}.Q8_0.gguf`, content);
    }
    const trio = {
        description: "Tiny.",
        base: "base",
        antiexpert: "antiexpert",
        defaults: { base: "Q8_0", pair: "Q8_0" },
        settings,
        verified: ["nothing"],
        notSaid: []
    };
    const content = {
        format: "rast-catalog/1",
        models: {
            base: model("base", files("base", ["Q8_0", "Q4_K_M"])),
            expert: model("expert", files("expert")),
            antiexpert: model("antiexpert", files("antiexpert")),
            "expert-adapter": model("adapter", {
                lora: { model: "antiexpert", adapter: "hf:maker/adapter/peft", scale: 0.5 }
            }),
            "expert-checkpoint": model("expert", { graft: { template: "antiexpert", weights: "hf:maker/checkpoint" } })
        },
        trios: {
            tiny: { ...trio, expert: "expert" },
            grafted: { ...trio, expert: "expert-checkpoint" },
            adapted: { ...trio, expert: "expert-adapter" }
        }
    };
    const catalog = join(folder, "catalog.json");
    await writeFile(catalog, JSON.stringify(content));
    const models = join(folder, "models");
    return {
        hub,
        folder: models,
        catalog,
        env: {
            RAST_CATALOG: catalog,
            RAST_MODELS: models,
            RAST_CONFIG: "",
            XDG_CONFIG_HOME: folder,
            HF_ENDPOINT: hub.endpoint,
            HF_HOME: join(folder, "hf")
        },
        content: (role) => all.get(role)!,
        remove: async () => {
            await hub.stop();
            await rm(folder, { recursive: true, force: true });
        }
    };
}

/** A pulled trio file. */
export async function readTrioFile(place: PullingPlace, name: string): Promise<Record<string, unknown>> {
    return JSON.parse(await readFile(join(place.folder, `${name}.json`), "utf8")) as Record<string, unknown>;
}
