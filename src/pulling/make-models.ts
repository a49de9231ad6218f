// What is made of downloaded files: grafts of checkpoints, quantizations.
import { dirname } from "node:path";
import { makeFolder } from "../machine/make-folder.js";
import { graftModel, type GraftProgress } from "../checkpoint/graft.js";
import { quantizeModel } from "../gguf/quantize.js";
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

/**
 * Makes a model's file.
 * @returns what is worth knowing of it
 * @throws what `graftModel` and `quantizeModel` throw; the signal's reason
 */
export async function makeModel({ plan, from, template, signal, onProgress }: MakingStep): Promise<readonly string[]> {
    signal?.throwIfAborted();
    await makeFolder(dirname(plan.path));
    const shared = { output: plan.path, type: plan.quantization, ...(signal === undefined ? {} : { signal }) };
    const tell = (state: "grafting" | "quantizing", fraction: number): void => {
        const total = plan.bytes ?? 0;
        onProgress(state, Math.round(fraction * total), total);
    };
    if (template === undefined) {
        const told = ({ fraction }: { fraction: number }): void => tell("quantizing", fraction);
        return (await quantizeModel({ ...shared, input: from, onProgress: told })).notes;
    }
    const told = ({ step, fraction }: GraftProgress): void =>
        tell(step === "graft" ? "grafting" : "quantizing", fraction);
    return (await graftModel({ ...shared, template, weights: from, onProgress: told })).notes;
}
