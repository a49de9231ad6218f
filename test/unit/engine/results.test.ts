// Each number of a result has a value of its own, so that no other can stand in for it.
import { describe, expect, test } from "vitest";
import {
    abortedResult,
    buildResult,
    readLogprobs,
    type RastResult,
    type ResultFrame,
    type WorkerPlace
} from "../../../src/engine/results.js";
import { rolePlaces, workerPlaces } from "../../../src/engine/info.js";
import type {
    NativeDevice,
    NativeEngineInfo,
    NativeRequestResult,
    NativeRoleTimes
} from "../../../src/native/addon-types.js";

const times = (first: number): NativeRoleTimes => ({
    prefillMs: first,
    decodeMs: first + 1,
    samplingMs: first + 2,
    prefillTokens: first + 3,
    decodeSteps: first + 4
});

const native: NativeRequestResult = {
    stopReason: "stop",
    stopString: "END",
    stopToken: null,
    promptTokens: 11,
    completionTokens: 10,
    reasoningTokens: 4,
    cachedTokens: 3,
    restarts: 2,
    refused: 5,
    queueMs: 0.5,
    prefillMs: 40,
    decodeMs: 250,
    firstTokenMs: 41,
    firstRoundTokens: 2,
    roles: { base: times(100), expert: times(200), antiexpert: times(300) },
    drafts: { rounds: 4, drafted: 8, accepted: 6, ngramDrafted: 3, ngramAccepted: 2, compared: 20, agreed: 15 },
    hostBytes: 70,
    hostRows: 9,
    hostRowBytes: 1000,
    threads: 3,
    promptNetwork: { sentBytes: 500, receivedBytes: 50, waits: 2, waitMs: 3, workerMs: 4 },
    network: { sentBytes: 900, receivedBytes: 90, waits: 6, waitMs: 12, workerMs: 9 }
};

const place = { device: "CUDA0", workers: [], gpuLayers: 3, layers: 2 };
const frame: ResultFrame = {
    text: "text",
    reasoning: "te",
    answer: "xt",
    tokens: [5, 6],
    logprobs: undefined,
    scores: undefined,
    seed: 77n,
    mode: "rast",
    lambdas: [1, 0.5],
    speculation: { draft: -1, maxDraft: 15 },
    draftReason: "",
    loadMs: 1234,
    path: "device",
    pathReason: "It can.",
    threads: 6,
    overNetwork: false,
    devices: { base: place, pairs: [] }
};

const build = (more: Partial<ResultFrame> = {}, result: Partial<NativeRequestResult> = {}): RastResult =>
    buildResult({ ...frame, ...more }, { ...native, ...result });

describe("a result", () => {
    test("has every number in its place", () => {
        expect(build()).toEqual({
            text: "text",
            reasoning: "te",
            answer: "xt",
            tokens: [5, 6],
            stopReason: "stop",
            stopString: "END",
            stopToken: null,
            seed: 77,
            mode: "rast",
            lambdas: [1, 0.5],
            speculation: {
                mode: "auto",
                reason: null,
                maxDraft: 15,
                rounds: 4,
                drafted: 8,
                accepted: 6,
                acceptanceRate: 0.75,
                ngram: { drafted: 3, accepted: 2 },
                agreement: 0.75,
                tokensPerRound: 2.5
            },
            usage: { promptTokens: 11, completionTokens: 10, reasoningTokens: 4, cachedPromptTokens: 3 },
            refusedDraws: 5,
            restarts: 2,
            timings: {
                loadMs: 1234,
                queueMs: 0.5,
                prefillMs: 40,
                decodeMs: 250,
                firstTokenMs: 41,
                firstRoundTokens: 2,
                tokensPerSecond: 32,
                overallTokensPerSecond: 10_000 / 290.5,
                roles: native.roles
            },
            path: "device",
            pathReason: "It can.",
            hostBytes: 70,
            hostBytesPerToken: 107,
            hostRows: 9,
            hostRowBytes: 1000,
            threads: 3,
            network: null,
            devices: { base: place, pairs: [] }
        });
    });

    test("counts a stop token among what was drawn, and not among the text's", () => {
        const stopped = build({}, { stopReason: "eos", stopToken: 0, completionTokens: 9 });
        expect(stopped).toMatchObject({ stopToken: 0, hostBytesPerToken: 107, speculation: { tokensPerRound: 2.5 } });
        expect(stopped.usage.completionTokens).toBe(9);
        expect(stopped.timings.tokensPerSecond).toBe(28);
    });

    test("bytes of rows that were finished on the host count beside those of the others", () => {
        expect(build({}, { hostRowBytes: 0 }).hostBytesPerToken).toBe(7);
        expect(build({}, { hostBytes: 0 }).hostBytesPerToken).toBe(100);
    });

    test("divides by nothing that is 0", () => {
        const drafts = {
            rounds: 0,
            drafted: 0,
            accepted: 0,
            ngramDrafted: 0,
            ngramAccepted: 0,
            compared: 0,
            agreed: 0
        };
        const none = build({}, { completionTokens: 0, firstRoundTokens: 0, decodeMs: 0, drafts });
        expect(none.hostBytesPerToken).toBe(0);
        expect(none.timings).toMatchObject({ tokensPerSecond: null, overallTokensPerSecond: null });
        expect(none.speculation).toMatchObject({ acceptanceRate: null, agreement: null, tokensPerRound: null });
        const least = { rounds: 1, drafted: 1, accepted: 0, ngramDrafted: 0, ngramAccepted: 0, compared: 1, agreed: 0 };
        expect(build({}, { completionTokens: 1, drafts: least })).toMatchObject({
            hostBytesPerToken: 1070,
            speculation: { acceptanceRate: 0, agreement: 0, tokensPerRound: 1 }
        });
    });

    test("tokens of the first round are no tokens of the time after it", () => {
        const rates = (native: Partial<NativeRequestResult>): unknown => {
            const { tokensPerSecond, overallTokensPerSecond } = build({}, native).timings;
            return [tokensPerSecond, overallTokensPerSecond];
        };
        const times = { queueMs: 0, prefillMs: 100, decodeMs: 0.001 };
        expect(rates({ completionTokens: 16, firstRoundTokens: 16, ...times })).toEqual([null, 16_000 / 100.001]);
        expect(rates({ completionTokens: 1, firstRoundTokens: 1, ...times, decodeMs: 0 })).toEqual([null, 10]);
        expect(rates({ completionTokens: 17, firstRoundTokens: 16, ...times, decodeMs: 50 })).toEqual([
            20,
            17_000 / 150
        ]);
        // the clock may stand still
        expect(rates({ completionTokens: 17, firstRoundTokens: 1, queueMs: 0, prefillMs: 0, decodeMs: 0 })).toEqual([
            null,
            null
        ]);
    });

    test("a seed is a number as long as one can hold it", () => {
        expect(build({ seed: 2n ** 53n - 1n }).seed).toBe(2 ** 53 - 1);
        expect(build({ seed: 2n ** 53n }).seed).toBe("9007199254740992");
        expect(build({ seed: 0n }).seed).toBe(0);
    });

    test("strengths only where they were used, and as a copy", () => {
        expect(build({ mode: "base" }).lambdas).toEqual([]);
        expect(build({ mode: "expert" }).lambdas).toEqual([]);
        expect(build().lambdas).not.toBe(frame.lambdas);
    });

    test("log-probabilities only where asked for", () => {
        expect("logprobs" in build()).toBe(false);
        expect(build({ logprobs: [] }).logprobs).toEqual([]);
    });
});

describe("what drafting came to", () => {
    const speculation = (more: Partial<ResultFrame>): unknown => {
        const { mode, reason, maxDraft } = build(more).speculation;
        return [mode, reason, maxDraft];
    };

    test.each<[Partial<ResultFrame>, unknown]>([
        [{}, ["auto", null, 15]],
        [{ speculation: { draft: 0, maxDraft: 4 } }, ["fixed", null, 4]],
        [{ speculation: { draft: 4, maxDraft: 4 } }, ["fixed", null, 4]],
        [{ speculation: { draft: 0, maxDraft: 0 } }, ["off", "it was turned off for this request", 0]],
        [{ mode: "base" }, ["off", 'mode "base" takes its tokens from one model', 0]],
        [{ mode: "expert" }, ["off", 'mode "expert" takes its tokens from one model', 0]],
        [{ draftReason: "no room" }, ["off", "no room", 0]],
        [{ draftReason: "no room", mode: "base", speculation: { draft: 0, maxDraft: 0 } }, ["off", "no room", 0]]
    ])("%j", (more, expected) => {
        expect(speculation(more)).toEqual(expected);
    });
});

test("a request that ended before it began has its tokens and nothing else", () => {
    const idle = { prefillMs: 0, decodeMs: 0, samplingMs: 0, prefillTokens: 0, decodeSteps: 0 };
    expect(abortedResult(7, 3)).toEqual({
        stopReason: "abort",
        stopString: null,
        stopToken: null,
        promptTokens: 7,
        completionTokens: 3,
        reasoningTokens: 0,
        cachedTokens: 0,
        restarts: 0,
        refused: 0,
        queueMs: 0,
        prefillMs: 0,
        decodeMs: 0,
        firstTokenMs: null,
        firstRoundTokens: 0,
        roles: { base: idle, expert: idle, antiexpert: idle },
        drafts: { rounds: 0, drafted: 0, accepted: 0, ngramDrafted: 0, ngramAccepted: 0, compared: 0, agreed: 0 },
        hostBytes: 0,
        hostRows: 0,
        hostRowBytes: 0,
        threads: 0,
        network: null
    });
});

test("a text that the engine told no figures of has those that were seen, and none of the network", () => {
    const seen = { firstTokenMs: 100, firstRoundTokens: 2, decodeMs: 500 };
    const aborted = buildResult({ ...frame, overNetwork: true }, abortedResult(7, 12, seen));
    expect(aborted.network).toBeNull();
    expect(aborted.timings).toMatchObject({
        prefillMs: 100,
        decodeMs: 500,
        firstTokenMs: 100,
        firstRoundTokens: 2,
        tokensPerSecond: 20,
        overallTokensPerSecond: 20
    });
});

describe("layers that workers have", () => {
    const remote = (name: string, worker: string | null): NativeDevice => ({
        ...{ name, worker, description: "", type: "gpu", backend: "RPC", memoryFreeBytes: 0, memoryTotalBytes: 0 }
    });
    const devices = [remote("CUDA0", null), remote("RPC0", "a:1"), remote("RPC1", "[::1]:2")];

    test("are those of its devices, without the output layer that stays here", () => {
        const placed = { devices: ["RPC0", "RPC1"], split: [5, 4], outputInMainMemory: true };
        expect(workerPlaces(placed, devices)).toEqual([
            { device: "RPC0", worker: "a:1", layers: 5 },
            { device: "RPC1", worker: "[::1]:2", layers: 3 }
        ]);
        expect(workerPlaces({ ...placed, devices: ["RPC0", "CUDA0"], outputInMainMemory: false }, devices)).toEqual([
            { device: "RPC0", worker: "a:1", layers: 5 }
        ]);
        expect(workerPlaces({ ...placed, split: [5, 1] }, devices)).toHaveLength(1);
        expect(workerPlaces({ devices: [], split: [], outputInMainMemory: false }, devices)).toEqual([]);
    });

    test("stand with their role in results, which nobody can change", () => {
        const context = { outputDevice: "CPU", gpuLayers: 3, layers: 8 };
        const info = {
            base: context,
            pairs: [{ expert: context, antiexpert: context }]
        } as unknown as NativeEngineInfo;
        const own = (worker: string): WorkerPlace[] => [{ device: "RPC0", worker, layers: 3 }];
        const places = rolePlaces(info, [own("base:1"), [], own("anti:1")]);
        expect(places).toEqual({
            base: { device: "CPU", workers: own("base:1"), gpuLayers: 3, layers: 8 },
            pairs: [
                {
                    expert: { device: "CPU", workers: [], gpuLayers: 3, layers: 8 },
                    antiexpert: { device: "CPU", workers: own("anti:1"), gpuLayers: 3, layers: 8 }
                }
            ]
        });
        expect(Object.isFrozen(places.base.workers) && Object.isFrozen(places.base.workers[0])).toBe(true);
    });
});

test("of an engine with workers, says what the network took for each token and round behind the first", () => {
    // 10 tokens in 4 rounds, the first of which gave 2 with the prompt
    expect(build({ overNetwork: true }).network).toEqual({
        ...native.network,
        networkMs: 3,
        prompt: { ...native.promptNetwork, networkMs: 0 },
        bytesPerToken: 990 / 8,
        networkMsPerToken: 3 / 8,
        bytesPerRound: 990 / 3,
        networkMsPerRound: 1
    });
    const one = build({ overNetwork: true }, { completionTokens: 2, drafts: { ...native.drafts, rounds: 1 } }).network;
    expect(one).toMatchObject({ bytesPerToken: null, networkMsPerRound: null });
});

describe("log-probabilities", () => {
    const three = {
        drawn: Float32Array.of(-0.5, -0.25),
        topTokens: Int32Array.of(1, 2, 3, 4, 5, 6),
        topLogprobs: Float32Array.of(-1, -2, -Infinity, -4, -5, -6)
    };

    test("are read row by row; what can never be drawn is left out", () => {
        expect(readLogprobs(Int32Array.of(8, 9), three)).toEqual([
            {
                token: 8,
                logprob: -0.5,
                top: [
                    { token: 1, logprob: -1 },
                    { token: 2, logprob: -2 }
                ]
            },
            {
                token: 9,
                logprob: -0.25,
                top: [
                    { token: 4, logprob: -4 },
                    { token: 5, logprob: -5 },
                    { token: 6, logprob: -6 }
                ]
            }
        ]);
    });

    test("of no tokens, and without alternatives", () => {
        const none = { drawn: new Float32Array(), topTokens: new Int32Array(), topLogprobs: new Float32Array() };
        expect(readLogprobs(new Int32Array(), none)).toEqual([]);
        expect(readLogprobs(Int32Array.of(8), { ...none, drawn: Float32Array.of(-1) })).toEqual([
            { token: 8, logprob: -1, top: [] }
        ]);
    });
});
