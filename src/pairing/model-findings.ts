// What models' headers say beside the tokenizer: whether they are in the roles that they were meant for.
import { basename } from "node:path";
import type {
    NativeModelFacts,
    NativeRole,
    NativeTensorComparison,
    NativeTensorDifference
} from "../native/addon-types.js";
import { counted } from "../checks.js";
import type { Adapter } from "../trio/adapters.js";
import type { TrioFinding } from "./findings.js";

/** A model in its role. */
export interface ModelInRole {
    readonly role: NativeRole;
    /** From 0; 0 for the base. */
    readonly pair: number;
    /** In words: "the expert of pair 1". */
    readonly name: string;
    readonly path: string;
    /** On it: files may be the same, and models not. */
    readonly adapters: readonly Adapter[];
    readonly facts: NativeModelFacts;
}

/** Parameters for people, e.g. "1.5 B". */
export function formatParameters(count: number): string {
    if (count >= 1e9) return `${(count / 1e9).toFixed(count >= 1e10 ? 0 : 1)} B`;
    return count >= 1e6
        ? `${(count / 1e6).toFixed(count >= 1e7 ? 0 : 1)} M`
        : `${Math.max(1, Math.round(count / 1e3))} k`;
}

/** Base against a pair. */
export function baseFindings(base: ModelInRole, expert: ModelInRole, antiexpert: ModelInRole): TrioFinding[] {
    return [
        ...sizes(base, expert, antiexpert),
        ...sameAsBase(base, [expert, antiexpert]),
        ...widths(base, [expert, antiexpert]),
        ...contexts(base, [expert, antiexpert]),
        ...templates(base, [expert, antiexpert])
    ];
}

/** Expert against antiexpert. @param tensors the expert's first */
export function pairFindings(
    expert: ModelInRole,
    antiexpert: ModelInRole,
    tensors: NativeTensorComparison
): TrioFinding[] {
    return [
        ...sameModels(expert, antiexpert),
        ...shapes(expert, antiexpert, tensors),
        ...swappedNames(expert, antiexpert)
    ];
}

function sizes(base: ModelInRole, expert: ModelInRole, antiexpert: ModelInRole): TrioFinding[] {
    const small = Math.min(expert.facts.parameterCount, antiexpert.facts.parameterCount);
    const { parameterCount } = base.facts;
    if (parameterCount > small * 1.05) return [];
    const [inWords, ofSmall] = [formatParameters(parameterCount), formatParameters(small)];
    const same = parameterCount >= small * 0.95;
    return [
        {
            kind: same ? "size" : "swapped",
            level: "warning",
            roles: ["base", "expert", "antiexpert"],
            pair: expert.pair,
            what: `The base has ${inWords} parameters and ${expert.name} ${ofSmall}${same ? "" : ": the base is the smaller one"}.`,
            meaning: same
                ? "The delta of a small pair is worth its cost beside a base several times as large; here the expert alone costs as much."
                : "The base is to be the large model, to which the small pair's delta is added: roles seem to be swapped.",
            advice: same ? "Take a larger base of the same family." : "Give the large model as BASE."
        }
    ];
}

function sameAsBase(base: ModelInRole, small: readonly ModelInRole[]): TrioFinding[] {
    return small
        .filter((model) => isSame(model, base))
        .map(({ role, pair, name }) => ({
            kind: "sameModel",
            level: "warning",
            roles: ["base", role],
            pair,
            what: `The base and ${name} are the same model.`,
            meaning: "One of the three roles is filled twice.",
            advice: "Give the large model as BASE, and the small one after and before training as EXPERT and ANTIEXPERT."
        }));
}

function widths(base: ModelInRole, small: readonly ModelInRole[]): TrioFinding[] {
    return small
        .filter(({ facts }) => facts.vocabularySize !== base.facts.vocabularySize)
        .map(({ role, pair, name, facts }) => ({
            kind: "width",
            level: "note",
            roles: ["base", role],
            pair,
            what: `The base's vocabulary has ${base.facts.vocabularySize} ids, that of ${name} ${facts.vocabularySize}.`,
            meaning: "Ids that one of the models lacks are padding as a rule, and are never drawn.",
            advice: ""
        }));
}

function contexts(base: ModelInRole, small: readonly ModelInRole[]): TrioFinding[] {
    return small
        .filter(({ facts }) => facts.contextLength > 0 && facts.contextLength < base.facts.contextLength)
        .map(({ role, pair, name, facts }) => ({
            kind: "contextLength",
            level: "note",
            roles: ["base", role],
            pair,
            what: `The base was made for ${base.facts.contextLength} tokens of context, ${name} for ${facts.contextLength}.`,
            meaning: `An engine of these holds ${facts.contextLength} tokens at most.`,
            advice: ""
        }));
}

function templates(base: ModelInRole, small: readonly ModelInRole[]): TrioFinding[] {
    const differing = small.filter(({ facts }) => (facts.chatTemplate ?? "") !== (base.facts.chatTemplate ?? ""));
    if (differing.length === 0) return [];
    const names = differing.map(({ name }) => name).join(" and ");
    const without = base.facts.chatTemplate === null;
    return [
        {
            kind: "chatTemplate",
            level: "note",
            roles: ["base", ...differing.map(({ role }) => role)],
            pair: differing[0]!.pair,
            what: without
                ? `The base has no chat template, and ${names} ${differing.length > 1 ? "have" : "has"} one.`
                : `The chat template of the base is another than that of ${names}.`,
            meaning: without
                ? "Conversations cannot be written out for this trio; prompts of text can."
                : "Conversations are written as the base's template says, for all models: the pair was perhaps trained with other words around a question.",
            advice: without
                ? "Prompt with text, in the format that the expert was trained with; a trio file's promptTemplate keeps it."
                : "Where answers look unlike the expert's own, prompt with text in the expert's format (a trio file's promptTemplate)."
        }
    ];
}

function isSame(one: ModelInRole, other: ModelInRole): boolean {
    const { fingerprint } = one.facts;
    const weights = one.path === other.path || (fingerprint !== "" && fingerprint === other.facts.fingerprint);
    return weights && JSON.stringify(one.adapters) === JSON.stringify(other.adapters);
}

function sameModels(expert: ModelInRole, antiexpert: ModelInRole): TrioFinding[] {
    if (!isSame(expert, antiexpert)) return [];
    return [
        {
            kind: "sameModel",
            level: "warning",
            roles: ["expert", "antiexpert"],
            pair: expert.pair,
            what: "Expert and antiexpert are the same model.",
            meaning: "Their delta is zero, and texts are the base's own.",
            advice: "Give the model before its training as ANTIEXPERT."
        }
    ];
}

function shapes(expert: ModelInRole, antiexpert: ModelInRole, tensors: NativeTensorComparison): TrioFinding[] {
    const roles: NativeRole[] = ["expert", "antiexpert"];
    const { pair } = expert;
    if (expert.facts.architecture !== antiexpert.facts.architecture) {
        const what = `The expert is ${expert.facts.architecture}, the antiexpert ${antiexpert.facts.architecture}.`;
        return [{ kind: "architecture", level: "warning", roles, pair, what, ...notOneModel }];
    }
    const { shapes: count, onlyFirst, onlySecond, types, examples } = tensors;
    const missing = onlyFirst + onlySecond;
    if (count + missing > 0) {
        const first = examples.find(({ shape, otherShape }) => String(shape) !== String(otherShape))!;
        const parts = [
            ...(count === 0 ? [] : [`${counted(count, "tensor has another shape", "tensors have other shapes")}`]),
            ...(missing === 0
                ? []
                : [`${counted(missing, "tensor is in one of them alone", "tensors are in one of them alone")}`])
        ];
        const what = `Expert and antiexpert are not of one shape: ${parts.join(", ")}, first ${inWords(first)}.`;
        return [{ kind: "tensors", level: "warning", roles, pair, what, ...notOneModel }];
    }
    if (types === 0) return [];
    const first = examples[0]!;
    return [
        {
            kind: "quantization",
            level: "note",
            roles,
            pair,
            what: `${types} of ${counted(tensors.common, "tensor")} ${types === 1 ? "is" : "are"} quantized otherwise in expert and antiexpert: ${first.name} is ${first.type.toUpperCase()} and ${first.otherType.toUpperCase()}.`,
            meaning: "What quantization takes from one and not from the other is part of the delta.",
            advice: "Use one quantization for both; Q8_0 costs little at their size."
        }
    ];
}

const notOneModel = {
    meaning:
        "The delta is to be what training made of one model; between two models it is everything that tells them apart.",
    advice: "Give the same small model after and before its training."
} as const;

function inWords({ name, shape, otherShape }: NativeTensorDifference): string {
    const words = (dimensions: readonly number[]): string => {
        const shown = dimensions.slice(0, Math.max(1, dimensions.findLastIndex((n) => n > 1) + 1));
        return shown[0] === 0 ? "missing" : shown.join(" x ");
    };
    return `${name} (${words(shape)} and ${words(otherShape)})`;
}

const trained =
    /(?:^|[^a-z])(?:rl|rlhf|rlvr|zoo|simplerl|grpo|ppo|dapo|dpo|zero|deepscaler|deepcoder|r1|distill|instruct|chat|it|sft|thinking|reasoning|expert|tuned|aligned)(?:[^a-z]|$)/;
const untrained = /(?:^|[^a-z])(?:base|pt|pretrained|antiexpert|init|start)(?:[^a-z]|$)/;

// The words of what a model is called: file, name, what was done to it. "antiexpert" holds "expert" and is no word of it.
function called({ path, facts }: ModelInRole): string {
    const words = [basename(path).replace(/\.gguf$/i, ""), facts.name ?? "", facts.finetune ?? ""].join(" ");
    return `${words} ${words.replace(/([a-z])([A-Z])/g, "$1 $2")}`.toLowerCase();
}

const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, "");

function swappedNames(expert: ModelInRole, antiexpert: ModelInRole): TrioFinding[] {
    const because = swapReason(expert, antiexpert);
    if (because === undefined) return [];
    return [
        {
            kind: "swapped",
            level: "warning",
            roles: ["expert", "antiexpert"],
            pair: expert.pair,
            what: `Expert and antiexpert may be swapped: ${because}.`,
            meaning:
                "The delta would point away from what training has brought: texts would be worse than the base's own.",
            advice: "Give the model after its training as EXPERT. `--deep` looks at what the models do."
        }
    ];
}

function swapReason(expert: ModelInRole, antiexpert: ModelInRole): string | undefined {
    const parent = antiexpert.facts.baseModels.find((from) => {
        const name = plain(expert.facts.name ?? "");
        return name !== "" && plain(from).endsWith(name) && plain(antiexpert.facts.name ?? "") !== name;
    });
    if (parent !== undefined) return `the antiexpert's file says that it was made from ${parent}, which is the expert`;
    const [a, b] = [called(expert), called(antiexpert)];
    const [startsAsA, startsAsB] = [untrained.exec(a)?.[0], untrained.exec(b)?.[0]];
    const [endsAsA, endsAsB] = [trained.exec(a)?.[0], trained.exec(b)?.[0]];
    const word = (text: string): string => `"${text.replace(/[^a-z0-9]/g, "")}"`;
    if (endsAsB !== undefined && endsAsA === undefined && startsAsB === undefined) {
        return `the antiexpert is called ${word(endsAsB)}, as trained models are, and the expert is not`;
    }
    if (startsAsA !== undefined && startsAsB === undefined && endsAsA === undefined) {
        return `the expert is called ${word(startsAsA)}, as models before their training are, and the antiexpert is not`;
    }
    return undefined;
}
