// What is made of downloaded files: grafts of checkpoints, quantizations.
import { mkdir, rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { RastError } from "../errors.js";
import type { ModelPlan } from "./model-plan.js";

/** A step with a model's file at its end, whole or not there. */
export interface MakingStep {
    readonly plan: ModelPlan;
    /** What it is made of: a model's file, or the folder of a checkpoint. */
    readonly from: string;
    /** Of a graft. */
    readonly template?: string;
    readonly signal: AbortSignal | undefined;
    readonly onProgress: (state: "grafting" | "quantizing", bytes: number, totalBytes: number) => void;
}

/** Makes a model's file. @throws what `graftModel` and `quantizeModel` throw; the signal's reason */
export async function makeModel({ plan, from, template, signal }: MakingStep): Promise<void> {
    signal?.throwIfAborted();
    await mkdir(dirname(plan.path), { recursive: true });
    const what = template === undefined ? "quantized" : "grafted";
    throw new RastError("ERR_INTERNAL", `${basename(from)} cannot be ${what} by this version.`);
}

/** Removes a checkpoint's files that were fetched. Never throws. */
export async function removeFiles(paths: readonly string[]): Promise<void> {
    for (const path of paths) await rm(path, { force: true }).catch(() => {});
}
