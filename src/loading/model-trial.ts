import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { shortenMiddle } from "../checks.js";
import { isErrorCode, RastError, type ErrorCode } from "../errors.js";
import { cacheFolder } from "../machine/cache-folder.js";
import type { NativeLibraries, NativeModelFacts } from "../native/addon-types.js";
import { spawnChild } from "../native/child-process.js";
import { packageVersion } from "../package-root.js";
import { watchSignal } from "../engine/abort-signals.js";
import type { AdapterFile, AdaptersByModel } from "./adapters.js";
import { knownModels } from "./known-models.js";
import { describeRole, type ModelChoice } from "./model-set.js";
import type { TrialJob, TrialLine } from "./trial-child.js";
import { TrialMemory, type TrialResult } from "./trial-memory.js";

/** Silence of a child after which it is taken to hang. */
const defaultSilenceMs = 60_000;
const lastWordsBytes = 16_384;

/** Codes by which a model is refused; others of a child say something about the machine. */
const modelCodes: readonly ErrorCode[] = [
    "ERR_MODEL_INVALID",
    "ERR_MODEL_LOAD",
    "ERR_MODEL_TRUNCATED",
    "ERR_NO_TOKENIZER",
    "ERR_TOKENIZER_MISMATCH",
    "ERR_CONTEXT_CREATE",
    "ERR_DECODE"
];

/** What tests of this module set. */
export interface TrialSettings {
    readonly script?: URL;
    readonly silenceMs?: number;
    readonly memory?: TrialMemory;
}

type ChildOutcome =
    | { readonly end: "fine" | "not tried"; readonly why: string }
    | {
          readonly end: "died";
          readonly model: number;
          readonly how: string;
          readonly words: string;
          readonly lasting: boolean;
      }
    | { readonly end: "refused"; readonly line: Extract<TrialLine, { step: "refused" }> };

/**
 * Tries models that this machine has not loaded before in a child process, where one that ends the process does no harm:
 * they are loaded, make a context, tokenize and decode on the CPU. What came of it is remembered by fingerprint.
 * @returns notes for a person, where a trial was not possible
 * @throws ERR_MODEL_INVALID for one that ends its process or hangs, other codes as an engine would give them;
 *     ERR_LOAD_ABORTED is left to the caller: an aborted trial says nothing
 */
export async function tryModels(
    libraries: NativeLibraries,
    models: readonly ModelChoice[],
    facts: ReadonlyMap<string, NativeModelFacts>,
    adapters: AdaptersByModel,
    signal: AbortSignal | undefined,
    settings: TrialSettings = {}
): Promise<string[]> {
    const memory = settings.memory ?? memoryFor(libraries);
    const unknown = new Map<string, ModelChoice>();
    for (const model of models) {
        const fingerprint = identityOf(facts.get(model.path)!, adapters.get(model));
        if (unknown.has(fingerprint) || knownModels.has(fingerprint)) continue;
        const result = await memory.recall(fingerprint);
        if (result === undefined) unknown.set(fingerprint, model);
        else if (result.outcome === "died") throw deathOf(model, result);
    }
    if (unknown.size === 0) return [];
    const jobs = [...unknown.values()].map((model): TrialJob => {
        const { files, fileBytes } = facts.get(model.path)!;
        const own = (adapters.get(model) ?? []).map(({ path, scale }) => ({ path, scale }));
        return { path: model.path, files, bytes: fileBytes, adapters: own };
    });
    const fine = async (count: number): Promise<void> => {
        for (const fingerprint of [...unknown.keys()].slice(0, count)) {
            await memory.remember(fingerprint, { outcome: "fine" });
        }
    };
    const outcome = await runChild(jobs, settings, signal);
    const choices = [...unknown];
    switch (outcome.end) {
        case "fine":
            await fine(jobs.length);
            return [];
        case "not tried":
            return [`The models were not tried in a process of their own: ${outcome.why}.`];
        case "died": {
            await fine(outcome.model);
            const [fingerprint, model] = choices[outcome.model]!;
            const result: TrialResult = { outcome: "died", how: outcome.how, words: outcome.words };
            if (outcome.lasting) await memory.remember(fingerprint, result);
            throw deathOf(model, result);
        }
        case "refused": {
            await fine(outcome.line.model);
            const [, model] = choices[outcome.line.model]!;
            const { code, message, details } = outcome.line;
            if (!isErrorCode(code) || !modelCodes.includes(code)) {
                return [`${describeRole(model)} could not be tried in a process of its own: ${message}`];
            }
            throw new RastError(code, `The file for ${describeRole(model)} cannot be used: ${message}`, {
                details: { ...details, role: model.role, pair: model.pair, path: model.path }
            });
        }
    }
}

// What is tried is a model with its adapters.
function identityOf({ fingerprint }: NativeModelFacts, adapters: readonly AdapterFile[] | undefined): string {
    return [fingerprint, ...(adapters ?? []).map(({ facts }) => facts.fingerprint)].join(" + ");
}

const memories = new Map<string, TrialMemory>();

// One per folder, which tests and programs may change in the environment.
function memoryFor({ ggmlVersion, ggmlCommit }: NativeLibraries): TrialMemory {
    const cache = cacheFolder();
    const folder = cache === undefined ? undefined : join(cache, "trials");
    const versions = [packageVersion(), ggmlVersion, ggmlCommit, process.platform, process.arch];
    const key = JSON.stringify([folder, ...versions]);
    const memory = memories.get(key) ?? new TrialMemory(folder, versions);
    memories.set(key, memory);
    return memory;
}

function deathOf(model: ModelChoice, { how, words }: Extract<TrialResult, { outcome: "died" }>): RastError {
    const last = words === "" ? "" : `, its last words: ${words}`;
    return new RastError(
        "ERR_MODEL_INVALID",
        `The file for ${describeRole(model)} cannot be used: a process that tried it ${how}${last} (${shortenMiddle(model.path)})`,
        { details: { role: model.role, pair: model.pair, path: model.path, how, words } }
    );
}

async function runChild(
    jobs: readonly TrialJob[],
    { script = new URL("./trial-child.js", import.meta.url), silenceMs = defaultSilenceMs }: TrialSettings,
    signal: AbortSignal | undefined
): Promise<ChildOutcome> {
    const env = { RAST_BACKEND: "cpu", RAST_LOG: undefined, GGML_NO_BACKTRACE: "1" };
    let child: ChildProcess;
    try {
        child = spawnChild(script, [JSON.stringify(jobs)], { env });
    } catch (error) {
        return { end: "not tried", why: error instanceof Error ? error.message : String(error) };
    }
    const unwatch = watchSignal(signal, () => void child.kill("SIGKILL"));
    try {
        return await watchChild(child, jobs.length, silenceMs);
    } finally {
        unwatch();
        child.kill("SIGKILL");
    }
}

function watchChild(child: ChildProcess, count: number, silenceMs: number): Promise<ChildOutcome> {
    return new Promise((resolve) => {
        let model = -1;
        let done = 0;
        let refusal: ChildOutcome | undefined;
        let hangs = false;
        let words = "";
        let rest = "";
        const timer = setTimeout(() => {
            hangs = true;
            child.kill("SIGKILL");
        }, silenceMs);
        child.stdin?.on("error", () => {}); // it may be gone
        child.stderr?.setEncoding("utf8").on("data", (text: string) => {
            words = (words + text).slice(-lastWordsBytes);
        });
        child.stdout?.setEncoding("utf8").on("data", (text: string) => {
            timer.refresh();
            const lines = (rest + text).split("\n");
            rest = lines.pop()!.slice(-lastWordsBytes);
            for (const line of lines.map(parseLine)) {
                if (line?.step === "trying") model = line.model;
                if (line?.step === "fine") done += 1;
                if (line?.step === "refused") refusal ??= { end: "refused", line };
            }
            if (refusal !== undefined || done === count) child.kill("SIGKILL"); // nothing more to come
        });
        child.once("error", (error) => {
            clearTimeout(timer);
            resolve({ end: "not tried", why: error.message });
        });
        child.once("close", (code, signal) => {
            clearTimeout(timer);
            if (refusal !== undefined) resolve(refusal);
            else if (done === count) resolve({ end: "fine", why: "" });
            else if (model < 0) {
                const why = hangs ? "it said nothing" : `it ended at once (${signal ?? code}) ${lastWords(words)}`;
                resolve({ end: "not tried", why: why.trim() });
            } else {
                const how = hangs
                    ? `did not go on for ${silenceMs / 1000} s`
                    : `ended (${signal ?? `exit code ${code}`})`;
                // another process may have killed it, or the system for want of memory
                resolve({ end: "died", model, how, words: lastWords(words), lasting: !hangs && signal !== "SIGKILL" });
            }
        });
    });
}

function parseLine(text: string): TrialLine | undefined {
    try {
        return JSON.parse(text) as TrialLine;
    } catch {
        return undefined;
    }
}

// The line that says why, of all that a dying process prints.
function lastWords(stderr: string): string {
    const lines = stderr
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "");
    const reason = /GGML_ASSERT|GGML_ABORT|fatal error|what\(\):|terminate called|libc\+\+abi|\.cpp:\d+:/;
    return (lines.findLast((line) => reason.test(line)) ?? lines.at(-1) ?? "").slice(0, 500);
}
