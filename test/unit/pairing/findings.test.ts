// What headers and figures come to, without models.
import { describe, expect, test } from "vitest";
import { deepFindings, deepThresholds } from "../../../src/pairing/deep-findings.js";
import type { DeepCheck } from "../../../src/pairing/deep-check.js";
import { fits, inOrder, type TrioFinding } from "../../../src/pairing/findings.js";
import { baseFindings, formatParameters, pairFindings, type ModelInRole } from "../../../src/pairing/model-findings.js";
import { tokenizerFindings } from "../../../src/pairing/tokenizer-findings.js";
import type { NativeModelFacts, NativeRole, NativeTensorComparison } from "../../../src/native/addon-types.js";
import { modelFacts } from "../../support/fake-addon.js";

const inRole = (role: NativeRole, facts: Partial<NativeModelFacts> = {}, path = `${role}.gguf`): ModelInRole => ({
    role,
    pair: 0,
    name: `the ${role}`,
    path: `/models/${path}`,
    adapters: [],
    facts: modelFacts({ fingerprint: role.padEnd(64, "0"), parameterCount: role === "base" ? 7e9 : 1.5e9, ...facts })
});
const equal: NativeTensorComparison = { common: 10, onlyFirst: 0, onlySecond: 0, shapes: 0, types: 0, examples: [] };
const kinds = (found: readonly TrioFinding[]): string[] => found.map(({ level, kind }) => `${level} ${kind}`);

describe("base against a pair", () => {
    const of = (base: ModelInRole, expert = inRole("expert"), antiexpert = inRole("antiexpert")): TrioFinding[] =>
        baseFindings(base, expert, antiexpert);

    test("nothing to say of a trio", () => {
        expect(of(inRole("base"))).toEqual([]);
    });

    test("a base that is the smaller one is a swap, and says why; one of the same size is no gain", () => {
        const [swapped] = of(inRole("base", { parameterCount: 0.5e9 }));
        expect(swapped).toMatchObject({ kind: "swapped", level: "warning" });
        expect(swapped!.what).toBe("The base has 500 M parameters and the expert 1.5 B: the base is the smaller one.");
        expect(swapped!.meaning).toContain("swapped");
        expect(kinds(of(inRole("base", { parameterCount: 1.5e9 })))).toEqual(["warning size"]);
        expect(kinds(of(inRole("base", { parameterCount: 1.7e9 })))).toEqual([]);
    });

    test("widths, contexts and templates are notes", () => {
        const base = inRole("base", { vocabularySize: 300, contextLength: 4096, chatTemplate: "x" });
        const small = { contextLength: 512, chatTemplate: "y" };
        const found = of(
            base,
            inRole("expert", small),
            inRole("antiexpert", { chatTemplate: "x", contextLength: 4096 })
        );
        expect(kinds(found)).toEqual(["note width", "note width", "note contextLength", "note chatTemplate"]);
        expect(found[2]!.what).toContain("4096 tokens of context, the expert for 512");
        expect(found[3]!.what).toBe("The chat template of the base is another than that of the expert.");
        const bare = of(
            inRole("base"),
            inRole("expert", { chatTemplate: "y" }),
            inRole("antiexpert", { chatTemplate: "y" })
        );
        expect(bare[0]!.what).toBe("The base has no chat template, and the expert and the antiexpert have one.");
    });

    test("a small model in the base's place", () => {
        const same = inRole("base", { fingerprint: "expert".padEnd(64, "0") });
        expect(kinds(of(same))).toEqual(["warning sameModel"]);
    });
});

describe("expert against antiexpert", () => {
    const of = (expert: ModelInRole, antiexpert: ModelInRole, tensors = equal): TrioFinding[] =>
        pairFindings(expert, antiexpert, tensors);

    test("shapes come before types, and the first that differs is named", () => {
        const examples = [
            {
                name: "blk.0.ffn_up.weight",
                shape: [64, 128, 1, 1],
                otherShape: [64, 256, 1, 1],
                type: "f16",
                otherType: "f16"
            },
            { name: "output.weight", shape: [0, 0, 0, 0], otherShape: [64, 256, 1, 1], type: "", otherType: "q8_0" }
        ];
        const [found, ...rest] = of(inRole("expert"), inRole("antiexpert"), {
            ...equal,
            shapes: 3,
            onlySecond: 1,
            types: 4,
            examples
        });
        expect(rest).toEqual([]);
        expect(found).toMatchObject({ kind: "tensors", level: "warning" });
        expect(found!.what).toBe(
            "Expert and antiexpert are not of one shape: 3 tensors have other shapes, 1 tensor is in one of them alone, " +
                "first blk.0.ffn_up.weight (64 x 128 and 64 x 256)."
        );
        const missing = of(inRole("expert"), inRole("antiexpert"), {
            ...equal,
            onlySecond: 1,
            examples: examples.slice(1)
        });
        expect(missing[0]!.what).toContain("output.weight (missing and 64 x 256)");
        const types = [{ ...examples[0]!, otherShape: [64, 128, 1, 1], otherType: "q8_0" }];
        const quantized = of(inRole("expert"), inRole("antiexpert"), { ...equal, types: 7, examples: types });
        expect(kinds(quantized)).toEqual(["note quantization"]);
        expect(quantized[0]!.what).toContain("7 of 10 tensors are quantized otherwise");
        expect(quantized[0]!.what).toContain("is F16 and Q8_0");
    });

    test("another architecture, and the same model twice", () => {
        expect(kinds(of(inRole("expert", { architecture: "qwen2" }), inRole("antiexpert")))).toEqual([
            "warning architecture"
        ]);
        const twice = { fingerprint: "a".repeat(64) };
        expect(kinds(of(inRole("expert", twice), inRole("antiexpert", twice)))).toEqual(["warning sameModel"]);
        const adapted = { ...inRole("expert", twice), adapters: [{ path: "/a", scale: 1 }] };
        expect(kinds(of(adapted, inRole("antiexpert", twice)))).toEqual([]);
        const unread = { fingerprint: "" };
        expect(kinds(of(inRole("expert", unread), inRole("antiexpert", unread)))).toEqual([]);
    });

    test.each([
        // expert, antiexpert, whether they seem to be swapped
        ["Qwen2.5-1.5B-SimpleRL-Zoo.Q8_0.gguf", "Qwen2.5-1.5B.Q8_0.gguf", false],
        ["Qwen2.5-1.5B.Q8_0.gguf", "Qwen2.5-1.5B-SimpleRL-Zoo.Q8_0.gguf", true],
        ["DeepScaleR-1.5B-Preview.gguf", "DeepSeek-R1-Distill-Qwen-1.5B.gguf", false],
        ["Qwen3-1.7B.gguf", "Qwen3-1.7B-Base.gguf", false],
        ["Qwen3-1.7B-Base.gguf", "Qwen3-1.7B.gguf", true],
        ["Llama-3.2-1B.gguf", "Llama-3.2-1B-Instruct.gguf", true],
        ["small-rl.gguf", "small.gguf", false],
        ["small.gguf", "small-rl.gguf", true],
        ["demo-weak-expert.gguf", "demo-weak-antiexpert.gguf", false],
        ["demo-weak-antiexpert.gguf", "demo-weak-expert.gguf", true],
        ["a.gguf", "b.gguf", false],
        ["earl-grey.gguf", "darling.gguf", false]
    ])("%s with %s: %s", (expert, antiexpert, swapped) => {
        const found = of(inRole("expert", {}, expert), inRole("antiexpert", {}, antiexpert));
        expect(kinds(found)).toEqual(swapped ? ["warning swapped"] : []);
        if (swapped) expect(found[0]!.what).toMatch(/^Expert and antiexpert may be swapped: /);
    });

    test("a file that names the other as what it was made from", () => {
        const expert = inRole("expert", { name: "Tiny 1B" }, "x.gguf");
        const antiexpert = inRole(
            "antiexpert",
            { name: "Tiny 1B Better", baseModels: ["Tiny 1B", "https://hub/tiny-1b"] },
            "y.gguf"
        );
        expect(of(expert, antiexpert)[0]!.what).toContain("it was made from Tiny 1B, which is the expert");
        expect(of({ ...antiexpert, role: "expert" }, { ...expert, role: "antiexpert" })).toEqual([]);
    });
});

test("differences of tokenizers keep apart or do not, and speak of roles", () => {
    const difference = (kind: "tokens" | "tokenTypes", keepsApart: boolean, count: number) =>
        ({ kind, keepsApart, what: 'token 3 is "a" in one and "b" in the other', count, examples: [] }) as const;
    const differences = [difference("tokenTypes", false, 1), difference("tokens", true, 1234)];
    const found = tokenizerFindings(
        { differences, specialTokens: [] },
        { role: "expert", pair: 0, name: "the expert" }
    );
    expect(kinds(inOrder(found))).toEqual(["error tokens", "warning tokenTypes"]);
    expect(fits(found)).toBe(false);
    expect(inOrder(found)[0]!.what).toBe('Token 3 is "a" in the base and "b" in the expert (1,234 tokens differ so).');
    const specialTokens = [
        { token: 5, text: "<end>", own: 7, ownText: "</s>", back: true },
        { token: 6, text: "<tool>", own: -1, ownText: "", back: true }
    ];
    const mapped = tokenizerFindings(
        { differences: [], specialTokens },
        { role: "expert", pair: 0, name: "the expert" }
    );
    expect(mapped).toHaveLength(1);
    expect(mapped[0]).toMatchObject({ level: "note", kind: "specialTokens" });
    expect(mapped[0]!.what).toContain('"<end>" is "</s>"; the expert lacks 1 of the base\'s special tokens: "<tool>"');
    expect(fits(mapped)).toBe(true);
});

describe("figures of a deep check", () => {
    const shares = { top1: 0.8, top5: 0.95, top20: 0.99 };
    const good: DeepCheck = {
        pair: 0,
        positions: 400,
        expertText: true,
        agreement: 0.9,
        divergence: 0.2,
        coverage: shares,
        antiexpertCoverage: shares,
        entropy: { base: 1, expert: 0.8, antiexpert: 0.9 },
        logprob: { base: -1, expert: -0.5, antiexpert: -0.7 }
    };
    const of = (changes: Partial<DeepCheck>): string[] => kinds(deepFindings({ ...good, ...changes }));

    test("each threshold, from both sides", () => {
        const { leastAgreement, mostDivergence, leastDivergence, leastCoverage, mostEntropyGained } = deepThresholds;
        expect(of({})).toEqual([]);
        expect(of({ agreement: leastAgreement })).toEqual([]);
        expect(of({ agreement: leastAgreement - 0.01 })).toEqual(["warning unrelated"]);
        expect(of({ divergence: mostDivergence })).toEqual([]);
        expect(of({ divergence: mostDivergence + 0.01 })).toEqual(["warning unrelated"]);
        expect(of({ divergence: leastDivergence / 2 })).toEqual(["warning sameModel"]);
        expect(of({ coverage: { ...shares, top20: leastCoverage } })).toEqual([]);
        expect(of({ coverage: { ...shares, top20: leastCoverage - 0.01 } })).toEqual(["warning uncovered"]);
        const entropy = { ...good.entropy, expert: good.entropy.antiexpert + mostEntropyGained + 0.01 };
        expect(of({ entropy })).toEqual(["warning swapped"]);
        // two models that have nothing in common are not told apart by it
        expect(of({ entropy, agreement: 0.1 })).toEqual(["warning unrelated"]);
        expect(of({ positions: 0, agreement: 0 })).toEqual([]);
    });
});

test("parameters for people", () => {
    expect([12, 900, 88e3, 1.54e6, 494e6, 1.54e9, 32.8e9].map(formatParameters)).toEqual([
        "1 k",
        "1 k",
        "88 k",
        "1.5 M",
        "494 M",
        "1.5 B",
        "33 B"
    ]);
});
