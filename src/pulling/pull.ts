import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { readCatalog, roles, trioOf, type Catalog, type CatalogTrio } from "../catalog/catalog.js";
import { checkString, describeError, isObject, watchPromise } from "../checks.js";
import { RastError } from "../errors.js";
import type { DownloadProof } from "../hub/download.js";
import { inHubCache, snapshotInHubCache } from "../hub/hub-cache.js";
import { Hub } from "../hub/hub.js";
import { hubPathText } from "../hub/hub-path.js";
import type { Patience } from "../hub/patience.js";
import { writeWholeFile } from "../machine/output-file.js";
import type { NativeRole } from "../native/addon-types.js";
import { bundledTrioFolder } from "../trio/trio.js";
import { pathIn, trioText } from "../trio/write-trio.js";
import { checkpointFiles, checkpointIn } from "./checkpoint-files.js";
import { CheckpointUse } from "./checkpoint-use.js";
import { fetchFiles, type FetchedFile, type WantedFile } from "./fetch-files.js";
import { makeModel } from "./make-models.js";
import { planModel, type ModelPlan } from "./model-plan.js";
import { PullMeter, type PullProgress } from "./progress.js";
import { resolvePullOptions, type PullOptions, type ResolvedPullOptions } from "./pull-options.js";

/** Where a model's file comes from. */
export type PulledBy = "bundled" | "there" | "hub cache" | "downloaded" | "grafted" | "quantized";

/** A model of a trio that was pulled. */
export interface PulledModel {
    /** Absolute path of its file. */
    readonly path: string;
    /** In bytes, of the file; of a split model the first part's. */
    readonly bytes: number;
    /** "Q4_K_M". */
    readonly quantization: string;
    /** "hf:owner/repository/file.gguf", or "bundled". */
    readonly source: string;
    /** "there": it lay in its place already; "hub cache": Hugging Face's own programs have it, and it is used where it lies. */
    readonly by: PulledBy;
    /** By what a download is known to be the hub's file; null for others. */
    readonly proof: DownloadProof | null;
}

/** What {@link pullTrio} brought. */
export interface PulledTrio {
    /** As the catalog has it. */
    readonly name: string;
    /** Absolute path of the trio file, for `loadRast({ trio })`. */
    readonly file: string;
    /** The large model. */
    readonly base: PulledModel;
    /** The small model after training. */
    readonly expert: PulledModel;
    /** The same small model before it. */
    readonly antiexpert: PulledModel;
    /** What is worth knowing. */
    readonly notes: readonly string[];
}

/**
 * Brings a trio of the catalog to this disk: fetches what is missing, makes what is to be made, and writes a trio file with the
 * catalog's settings. What is there is taken as it is and nobody asked. A pull that ended early, however it ended, goes on where
 * it was; several at once do not disturb each other.
 * @param name of the catalog: `listTrios()` has them
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_UNKNOWN_TRIO, ERR_CATALOG; of the hub ERR_HUB_UNREACHABLE, ERR_HUB_ACCESS,
 *     ERR_HUB_NOT_FOUND, ERR_HUB_ANSWER, ERR_DOWNLOAD_DAMAGED; of the disk ERR_FILE_UNWRITABLE, ERR_IS_DIRECTORY; ERR_ABORTED
 *     when the signal aborts or `onProgress` throws
 * @example
 * ```ts
 * import { pullTrio, loadRast } from "rast-llama";
 *
 * const { file } = await pullTrio("demo", {
 *     onProgress: ({ role, state, overallBytes, overallTotalBytes }) =>
 *         console.log(role, state, overallBytes / overallTotalBytes)
 * });
 * const rast = await loadRast({ trio: file });
 * await rast.dispose();
 * ```
 */
export function pullTrio(name: string, options: PullOptions = {}): Promise<PulledTrio> {
    return pullTrioWith(name, options, {});
}

/** `pullTrio` with a patience of one's own; tests have little. */
export async function pullTrioWith(
    name: string,
    options: PullOptions,
    patience: Partial<Patience>
): Promise<PulledTrio> {
    checkString("name", name);
    const resolved = resolvePullOptions(options);
    const controller = new AbortController();
    const follow = (): void => controller.abort(resolved.signal!.reason);
    if (resolved.signal?.aborted === true) follow();
    resolved.signal?.addEventListener("abort", follow, { once: true });
    const tell = (progress: PullProgress): void => {
        try {
            watchPromise(resolved.onProgress(progress), (error) => controller.abort(error));
        } catch (error) {
            controller.abort(error);
        }
    };
    try {
        const catalog = await readCatalog(resolved.catalog);
        const pull = new Pull(catalog, resolved, controller.signal, new PullMeter(tell), patience);
        return await pull.run(trioOf(catalog, name));
    } catch (error) {
        if (!controller.signal.aborted) throw error;
        const { reason } = controller.signal as { reason: unknown };
        throw new RastError("ERR_ABORTED", `The pull was aborted: ${describeError(reason)}.`, { cause: reason });
    } finally {
        resolved.signal?.removeEventListener("abort", follow);
        controller.abort(); // whatever failed, nothing of it is left at work
    }
}

/** A model with its way to this disk. */
interface Wanted {
    readonly role: NativeRole;
    readonly plan: ModelPlan;
}

class Pull {
    readonly #notes: string[] = [];
    readonly #fetched = new Map<string, FetchedFile>();
    /** Where files lie that are not in their place: in Hugging Face's own cache. */
    readonly #elsewhere = new Map<string, string>();
    readonly #made = new Map<string, PulledBy>();
    readonly #checkpoints: { readonly use: CheckpointUse; readonly paths: string[] }[] = [];

    constructor(
        private readonly catalog: Catalog,
        private readonly options: ResolvedPullOptions,
        private readonly signal: AbortSignal,
        private readonly meter: PullMeter,
        private readonly patience: Partial<Patience>
    ) {}

    async run(trio: CatalogTrio): Promise<PulledTrio> {
        try {
            return await this.#run(trio);
        } finally {
            for (const { use } of this.#checkpoints) await use.end();
        }
    }

    async #run(trio: CatalogTrio): Promise<PulledTrio> {
        const wanted = roles.map((role): Wanted => ({ role, plan: this.#planOf(trio, role) }));
        if (wanted.every(({ plan }) => plan.make.by === "bundled")) return this.#bundled(trio, wanted);
        this.signal.throwIfAborted();
        const files = new Map<string, WantedFile>();
        const checkpoints = new Map<string, Wanted>();
        let furtherBytes = 0;
        for (const one of wanted) furtherBytes += await this.#collect(one, files, checkpoints);
        const hub = new Hub(this.options.hub, this.patience);
        await this.#wantCheckpoints(hub, checkpoints, files);
        if (files.size > 0) {
            const settings = {
                hub,
                connections: this.options.connections,
                signal: this.signal,
                meter: this.meter,
                note: (text: string) => void this.#notes.push(text),
                folder: this.options.folder,
                furtherBytes
            };
            for (const one of await fetchFiles([...files.values()], settings)) this.#fetched.set(one.wanted.path, one);
        }
        for (const { role, plan } of wanted) await this.#make(role, plan);
        for (const { use, paths } of this.#checkpoints) {
            if (this.options.keepCheckpoints) await use.keep(paths);
            else await use.end(paths);
        }
        const models = await Promise.all(wanted.map(({ plan }) => this.#pulled(plan)));
        const file = await this.#writeTrio(trio, wanted, models);
        const [base, expert, antiexpert] = models as [PulledModel, PulledModel, PulledModel];
        return { name: trio.name, file, base, expert, antiexpert, notes: this.#notes };
    }

    #planOf(trio: CatalogTrio, role: NativeRole): ModelPlan {
        const { quantization, pairQuantization, folder } = this.options;
        const isBase = role === "base";
        const chosen = isBase ? (quantization ?? trio.defaults.base) : (pairQuantization ?? trio.defaults.pair);
        return planModel(this.catalog, trio[role], chosen, folder, isBase ? "quantization" : "pairQuantization");
    }

    async #bundled({ name }: CatalogTrio, wanted: readonly Wanted[]): Promise<PulledTrio> {
        const [base, expert, antiexpert] = await Promise.all(wanted.map(({ plan }) => this.#pulled(plan)));
        const notes = [`${name} comes with the package: there is nothing to pull.`];
        const file = join(bundledTrioFolder(), `${name}.json`);
        return { name, file, base: base!, expert: expert!, antiexpert: antiexpert!, notes };
    }

    // What is missing for a plan. @returns bytes of what will be made of it
    async #collect(
        { role, plan }: Wanted,
        files: Map<string, WantedFile>,
        checkpoints: Map<string, Wanted>
    ): Promise<number> {
        const { make, path, bytes = 0, quantization, adapter } = plan;
        for (const one of adapter?.files ?? []) {
            if (!(await isFile(one.path))) files.set(one.path, { ...one, role, quantization: undefined });
        }
        if (make.by === "bundled") return 0;
        if (make.by === "files") {
            const isSplit = make.files.length > 1;
            for (const one of make.files) {
                if ((await isFile(one.path)) || files.has(one.path)) continue;
                const cached = isSplit ? undefined : await inHubCache(one.file);
                if (cached !== undefined) this.#elsewhere.set(one.path, cached);
                else files.set(one.path, { ...one, role, quantization: isSplit ? undefined : quantization });
            }
            return 0;
        }
        if (await isFile(path)) return 0;
        if (make.by === "quantizing")
            return bytes + (await this.#collect({ role, plan: make.from }, files, checkpoints));
        await this.#collect({ role, plan: make.template }, files, checkpoints);
        if (checkpoints.has(make.weightsFolder)) return 0;
        checkpoints.set(make.weightsFolder, { role, plan });
        return bytes;
    }

    async #wantCheckpoints(
        hub: Hub,
        checkpoints: ReadonlyMap<string, Wanted>,
        files: Map<string, WantedFile>
    ): Promise<void> {
        for (const [folder, { role, plan }] of checkpoints) {
            if (plan.make.by !== "grafting") continue;
            const cached = await snapshotInHubCache(plan.make.weights);
            if (cached !== undefined && (await checkpointIn(cached))) {
                this.#elsewhere.set(folder, cached);
                continue;
            }
            const use = await CheckpointUse.begin(folder, this.signal);
            const paths: string[] = [];
            this.#checkpoints.push({ use, paths });
            const waits = this.meter.waits(role, plan.make.weights.repository);
            for (const path of await checkpointFiles(hub, plan.make.weights, this.signal, waits)) {
                const place = join(folder, ...path.split("/"));
                paths.push(place);
                if (await isFile(place)) continue;
                if (!this.options.keepCheckpoints) await use.passing(place);
                files.set(place, {
                    file: { ...plan.make.weights, path },
                    path: place,
                    role,
                    quantization: undefined
                });
            }
            if (this.options.keepCheckpoints) await use.keep(paths);
        }
    }

    async #make(role: NativeRole, plan: ModelPlan): Promise<void> {
        const { make, path } = plan;
        if (make.by === "bundled" || make.by === "files" || (await isFile(path))) return;
        const isGraft = make.by === "grafting";
        await this.#make(role, isGraft ? make.template : make.from);
        const from = isGraft ? make.weightsFolder : this.#placeOf(make.from);
        const template = isGraft ? { template: this.#placeOf(make.template) } : {};
        const step = {
            plan,
            from: this.#elsewhere.get(from) ?? from,
            ...template,
            signal: this.signal,
            onProgress: (state: "grafting" | "quantizing", bytes: number, totalBytes: number) =>
                this.meter.tell(path, { role, file: basename(path), state, bytes, totalBytes })
        };
        try {
            this.#notes.push(...(await makeModel(step)).map((note) => `${basename(path)}: ${note}`));
        } catch (error) {
            this.signal.throwIfAborted();
            // Another process that made it has removed what it was made of.
            if (!(await isFile(path))) throw error;
        }
        this.signal.throwIfAborted();
        this.#made.set(path, isGraft ? "grafted" : "quantized");
    }

    #placeOf({ path }: ModelPlan): string {
        return this.#elsewhere.get(path) ?? path;
    }

    async #pulled(plan: ModelPlan): Promise<PulledModel> {
        const { make, quantization, model } = plan;
        const path = this.#placeOf(plan);
        const { size: bytes } = await stat(path);
        const fetched = this.#fetched.get(plan.path);
        const by: PulledBy =
            make.by === "bundled"
                ? "bundled"
                : fetched !== undefined
                  ? "downloaded"
                  : path !== plan.path
                    ? "hub cache"
                    : (this.#made.get(path) ?? "there");
        if (fetched?.proof === "size") {
            this.#notes.push(`${basename(path)}: the hub gives no hash, so that its size alone was compared.`);
        }
        return {
            path,
            bytes,
            quantization,
            source: sourceOf(plan, model.repository),
            by,
            proof: fetched?.proof ?? null
        };
    }

    async #writeTrio(trio: CatalogTrio, wanted: readonly Wanted[], models: readonly PulledModel[]): Promise<string> {
        const file = join(this.options.folder, `${trio.name}.json`);
        const inFolder = (path: string): string => pathIn(this.options.folder, path);
        const paths: Record<string, unknown> = Object.fromEntries(
            roles.map((role, index): [string, unknown] => {
                const model = inFolder(models[index]!.path);
                const { adapter } = wanted[index]!.plan;
                if (adapter === undefined) return [role, model];
                return [role, { model, lora: inFolder(adapter.path), scale: adapter.scale }];
            })
        );
        // Whoever changed it had reasons.
        if (await namesSame(file, paths)) return file;
        const content = { name: trio.name, description: trio.description, ...paths, ...trio.settings };
        await writeWholeFile(file, trioText(content), "the trio file");
        return file;
    }
}

function sourceOf({ make, path }: ModelPlan, repository: string): string {
    switch (make.by) {
        case "bundled":
            return "bundled";
        case "files":
            return hubPathText(make.files[0]!.file);
        case "quantizing":
            return sourceOf(make.from, repository);
        case "grafting":
            return hubPathText({ ...make.weights, path: "" });
        default:
            return path;
    }
}

async function namesSame(file: string, paths: Readonly<Record<string, unknown>>): Promise<boolean> {
    try {
        const content: unknown = JSON.parse(await readFile(file, "utf8"));
        if (!isObject(content)) return false;
        return Object.entries(paths).every(([role, path]) => {
            const there = content[role];
            if (typeof there !== "string" || typeof path !== "string")
                return JSON.stringify(there) === JSON.stringify(path);
            return resolve(dirname(file), there) === resolve(dirname(file), path);
        });
    } catch {
        return false;
    }
}

async function isFile(path: string): Promise<boolean> {
    return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
