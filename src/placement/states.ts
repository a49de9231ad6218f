// States of recurrent models: how many an engine holds, so that drafts can be taken back.
import type { NativeModelFacts } from "../native/addon-types.js";

/**
 * Architectures of which llama.cpp can keep earlier states (its `llm_arch_supports_rs_rollback`), as far as their kind of
 * layer is tested here: short convolutions, mamba 2, delta nets.
 */
const keepEarlierStates: ReadonlySet<string> = new Set([
    "lfm2",
    "lfm2moe",
    "nemotron_h",
    "nemotron_h_moe",
    "qwen35",
    "qwen35moe"
]);

const mostSnapshots = 7;
/** What earlier states may take of each model: those of some families are large. */
const mostSnapshotBytes = 512 * 1_048_576;

/** Of one model. */
export interface StatePlan {
    /** Earlier states of every sequence: as many drafts can be taken back. */
    readonly snapshots: number;
    /** All states of one sequence each that the engine holds. */
    readonly states: number;
}

/** Of all models. */
export interface StatePlans {
    readonly models: readonly StatePlan[];
    /** Most drafts that can be taken back everywhere; undefined where no model has states. */
    readonly mostDrafts: number | undefined;
}

/**
 * The first expert drafts token by token: it needs one state more, as it was before. All other models decode a round's
 * drafts at once and need the state before each; where one of them cannot have that, there are no drafts.
 * @param facts of the base, then of each expert and its antiexpert
 */
export function planStates(
    facts: readonly Pick<NativeModelFacts, "architecture" | "stateBytes">[],
    maxDraft: number,
    parallel: number
): StatePlans {
    const drafter = 1;
    if (facts.every((model) => model.stateBytes === 0)) {
        return { models: facts.map(() => ({ snapshots: 0, states: 0 })), mostDrafts: undefined };
    }
    const verifying = facts.filter((model, index) => index !== drafter && model.stateBytes > 0);
    const mostDrafts = Math.min(maxDraft, ...verifying.map((model) => mostOf(model, parallel)));
    const models = facts.map((model, index): StatePlan => {
        if (model.stateBytes === 0) return { snapshots: 0, states: 0 };
        if (index === drafter) return { snapshots: 0, states: parallel + (maxDraft > 0 ? 1 : 0) };
        return { snapshots: mostDrafts, states: parallel * (1 + mostDrafts) };
    });
    return { models, mostDrafts };
}

function mostOf(
    { architecture, stateBytes }: Pick<NativeModelFacts, "architecture" | "stateBytes">,
    parallel: number
): number {
    if (!keepEarlierStates.has(architecture)) return 0;
    return Math.min(mostSnapshots, Math.floor(mostSnapshotBytes / (stateBytes * parallel)));
}
