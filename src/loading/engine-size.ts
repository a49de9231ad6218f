// How large an engine is: what options and models make of context, batch, rows and states. Pure; loads and plans share it.
import { planStates, type StatePlan } from "../placement/states.js";
import type { NativeKvType, NativeModelFacts, NativeRole } from "../native/addon-types.js";
import { planDrafts, type ResolvedSpeculation } from "../engine/speculation-options.js";
import { contextNote } from "./context-note.js";

/** What of the options decides. */
export interface SizeOptions {
    readonly contextSize: number;
    readonly parallel: number;
    readonly batchSize: number;
    readonly cacheSize: number | undefined;
    readonly kvTypeK: NativeKvType;
    readonly kvTypeV: NativeKvType;
    readonly flashAttention: "auto" | "on" | "off";
    readonly speculation: ResolvedSpeculation;
}

/** A model, as far as it decides. */
export interface SizingModel {
    readonly role: NativeRole;
    readonly pair: number;
    /** In words: "the base". */
    readonly name: string;
    readonly facts: Pick<NativeModelFacts, "architecture" | "contextLength" | "stateBytes">;
}

/** What comes of it. */
export interface EngineSize {
    /** Tokens of context of one sequence. */
    readonly contextSize: number;
    /** Tokens of context of all sequences together. */
    readonly cacheSize: number;
    readonly batchSize: number;
    /** Outputs of one decode. */
    readonly rows: number;
    readonly maxDraft: number;
    readonly kvTypeK: NativeKvType;
    readonly kvTypeV: NativeKvType;
    readonly flashAttention: "auto" | "on" | "off";
    /** In the order of the models. */
    readonly states: readonly StatePlan[];
    readonly notes: readonly string[];
}

/**
 * @param models the base first, then each expert with its antiexpert
 * @throws ERR_INVALID_OPTION for drafts that do not fit
 */
export function sizeEngine(options: SizeOptions, models: readonly SizingModel[]): EngineSize {
    const { parallel, kvTypeK, kvTypeV, flashAttention } = options;
    const { contextSize, notes } = fitContext(options.contextSize, models);
    // A step has a token of every sequence, and llama.cpp warms up with two.
    const batchSize = Math.max(2, parallel, Math.min(options.batchSize, contextSize * parallel));
    const room = { contextSize, batchSize, parallel };
    const cacheSize = Math.max(contextSize, Math.min(options.cacheSize ?? Infinity, contextSize * parallel));
    const pairs = (models.length - 1) / 2;
    const wanted = planDrafts(options.speculation, room, pairs);
    const states = planStates(
        models.map(({ facts }) => facts),
        pairs === 0 ? 0 : wanted.maxDraft,
        parallel
    );
    const { maxDraft, rows } = planDrafts(
        options.speculation,
        room,
        pairs,
        pairs === 0 ? undefined : states.mostDrafts
    );
    const sizes = { contextSize, cacheSize, batchSize, rows, maxDraft };
    return { ...sizes, kvTypeK, kvTypeV, flashAttention, states: states.models, notes };
}

function fitContext(wanted: number, models: readonly SizingModel[]): { contextSize: number; notes: string[] } {
    let contextSize = wanted;
    const notes: string[] = [];
    for (const { name, facts } of models) {
        const { contextLength } = facts;
        if (contextLength === 0 || contextLength >= contextSize) continue;
        contextSize = contextLength;
        notes[0] = contextNote(wanted, contextSize, name);
    }
    return { contextSize, notes };
}
