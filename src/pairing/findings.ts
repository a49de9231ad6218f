// What was found when three models were held against each other, and how it is put in order.
import type { NativeRole } from "../native/addon-types.js";

/** What a finding is about. */
export type FindingKind =
    | "adapter"
    | "noTokenizer"
    | "tokenizerModel"
    | "preTokenizer"
    | "tokens"
    | "merges"
    | "specialTokens"
    | "tokenTypes"
    | "scores"
    | "architecture"
    | "tensors"
    | "quantization"
    | "sameModel"
    | "size"
    | "swapped"
    | "width"
    | "contextLength"
    | "chatTemplate"
    | "unrelated"
    | "far"
    | "uncovered";

/** One thing that differs, or is unusual. */
export interface TrioFinding {
    /** What it is about; stable. */
    readonly kind: FindingKind;
    /**
     * "error": they cannot be a trio, and `loadRast` refuses them. "warning": they can be loaded, and most likely are not what
     * is meant. "note": nothing to do.
     */
    readonly level: "error" | "warning" | "note";
    /** The models it is about. */
    readonly roles: readonly NativeRole[];
    /** Which pair, from 0; 0 for the base alone. */
    readonly pair: number;
    /** What differs: a sentence. */
    readonly what: string;
    /** What that means. */
    readonly meaning: string;
    /** What to do about it; "" for nothing. */
    readonly advice: string;
}

const levels = ["error", "warning", "note"] as const;

/** Errors first, then warnings; within a level as they were found, the cheapest to tell first. */
export function inOrder(findings: readonly TrioFinding[]): TrioFinding[] {
    return levels.flatMap((level) => findings.filter((finding) => finding.level === level));
}

/** Whether they can be loaded as a trio. */
export function fits(findings: readonly TrioFinding[]): boolean {
    return findings.every(({ level }) => level !== "error");
}

/** A sentence of words without its end: first letter large, full stop. */
export function sentence(words: string): string {
    return `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? "" : "."}`;
}
