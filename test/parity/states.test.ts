// Drafts of models whose memory is a state: taken back by states that llama.cpp keeps, or by one that was set aside.
// In F32 and without flash attention, so that batches differ by rounding alone; the native tests explain a first
// difference by a near-tie of these very models, or fail.
import { describe, expect, it } from "vitest";
import { loadRast, type LoadOptions, type RastResult } from "../../dist/index.js";
import { vocabularyTokens, type Architecture } from "../support/architectures.js";
import { figure, nativeTest } from "../support/native.js";
import { heavy, size } from "../support/size.js";
import { tinyTrioOf } from "../support/test-models.js";

const exact = { context: 256, "kv-type": "f32", "flash-attention": "off", prompt: "Q: 12+3=? abc\n" };

describe("what comes after a cut back is what comes from the start, and no state that is gone is gone on from", () => {
    it.each([
        ["lfm2", 7],
        ["lfm2-window", 7],
        ["nemotron_h", 7],
        ["qwen35", 7],
        ["mamba", 0],
        ["jamba", 0]
    ] as const)("%s, with %i earlier states", async (kind, snapshots) => {
        const { base } = await tinyTrioOf(kind);
        const output = await nativeTest("states", { base, ...exact });
        expect(figure(output, "ok states,")).toBe(snapshots);
    });
});

interface Mix {
    readonly base: Architecture;
    readonly expert: Architecture;
    readonly antiexpert: Architecture;
}

const mixes: readonly [string, Mix][] = [
    ["lfm2 throughout", { base: "lfm2", expert: "lfm2", antiexpert: "lfm2" }],
    ["lfm2 with windows", { base: "lfm2-window", expert: "lfm2-window", antiexpert: "lfm2-window" }],
    ["a pair of lfm2 beside llama", { base: "llama", expert: "lfm2", antiexpert: "lfm2" }],
    ["nemotron_h throughout", { base: "nemotron_h", expert: "nemotron_h", antiexpert: "nemotron_h" }],
    ["a pair of qwen35 beside nemotron_h", { base: "nemotron_h", expert: "qwen35", antiexpert: "qwen35" }],
    ["a pair of llama beside lfm2", { base: "lfm2", expert: "llama", antiexpert: "llama" }],
    ["an expert of mamba among llama", { base: "llama", expert: "mamba", antiexpert: "llama" }],
    ["an expert of jamba among lfm2 and gemma3", { base: "gemma3", expert: "jamba", antiexpert: "lfm2" }]
];

describe.each(mixes.map(([name, mix], index) => ({ name, index, ...mix })))(
    "drafted against plain: $name",
    ({ index, base, expert, antiexpert }) => {
        const files = async (): Promise<{ base: string; expert: string; antiexpert: string }> => ({
            base: (await tinyTrioOf(base)).base,
            expert: (await tinyTrioOf(expert)).expert,
            antiexpert: (await tinyTrioOf(antiexpert)).antiexpert
        });

        const circumstances: [string, Record<string, number>][] = [
            ["one slot", {}],
            ["several slots, of which one is left alone now and then", { slots: 3, mixed: 1 }],
            ["a batch hardly longer than a draft", { batch: 9 }]
        ];
        it.each(circumstances.filter(([, more], i) => heavy || i === index % 3 || more["mixed"] === 1))(
            "%s",
            async (_, more) => {
                const trio = await files();
                const models = { base: trio.base, experts: trio.expert, antiexperts: trio.antiexpert };
                const wanted = {
                    requests: size(6, 60),
                    tokens: 24,
                    "max-draft": 7,
                    lengths: size("1,7,auto", "0,1,3,7,auto")
                };
                const output = await nativeTest("drafts", { ...models, ...exact, ...wanted, ...more });
                expect(figure(output, "ok sequences")).toBe(size(3, 5) * wanted.requests);
                expect(figure(output, "drafted")).toBeGreaterThan(size(3, 2 * wanted.requests));
            }
        );
    }
);

// Prompts that are repeated up to five times: drafts from the text, of which an expert with a state takes those that fail
// back by its checkpoint.
describe("drafts from the text against plain", () => {
    it.each([
        ["lfm2", "lfm2", { ngram: 2 }],
        ["qwen35", "qwen35", { ngram: 1, slots: 2 }],
        ["llama", "mamba", { ngram: 2 }]
    ] as const)("%s with an expert of %s, %j", async (kind, expert, more) => {
        const trio = await tinyTrioOf(kind);
        const models = { base: trio.base, experts: (await tinyTrioOf(expert)).expert, antiexperts: trio.antiexpert };
        const wanted = { mixed: 1, requests: size(8, 60), tokens: 24, "max-draft": 7, lengths: "3,auto", batch: 128 };
        const output = await nativeTest("drafts", { ...models, ...exact, context: 512, ...wanted, ...more });
        expect(figure(output, "ok sequences")).toBe(2 * wanted.requests);
        if (more.ngram === 2) expect(figure(output, "from the text")).toBeGreaterThan(wanted.requests);
    });
});

// The pair's say is small here, and its expert is the base's own file: most drafts are accepted.
describe("drafted against plain where expert and ensemble mostly agree", () => {
    it.each(["lfm2", "lfm2-window"] as const)("%s", async (kind) => {
        const trio = await tinyTrioOf(kind);
        const models = { base: trio.base, experts: trio.base, antiexperts: trio.antiexpert, lambda: 0.1 };
        const wanted = { requests: size(8, 60), tokens: 40, "max-draft": 7, lengths: "1,3,7,auto" };
        const output = await nativeTest("drafts", { ...models, ...exact, ...wanted });
        const [drafted, accepted] = [figure(output, "drafted"), figure(output, "accepted")];
        expect(accepted).toBeGreaterThan(0.1 * drafted);
        expect(accepted).toBeLessThan(drafted);
    });
});

const options = {
    contextSize: 256,
    kvType: "f32",
    flashAttention: false,
    gpuLayers: 0,
    threads: 1
} as const satisfies LoadOptions;
const tokens = (count: number, seed: number): number[] =>
    Array.from({ length: count }, (_, i) => 1 + ((i * 37 + seed * 101) % (vocabularyTokens / 2)));

describe("in an engine", () => {
    it("drafts for whom is alone, before and after there was company, and after an abort", async () => {
        const trio = await tinyTrioOf("lfm2");
        const load = { ...options, base: trio.base, expert: trio.base, antiexpert: trio.antiexpert, lambda: 0.3 };
        const request = (seed: number, more: object = {}): Parameters<typeof rast.complete>[0] => ({
            tokens: tokens(12 + 5 * seed, seed),
            maxTokens: 40,
            temperature: 0,
            ignoreEos: true,
            ...more
        });
        const rast = await loadRast({ ...load, parallel: 1, speculation: "off" });
        const want: RastResult[] = [];
        for (const seed of [1, 2, 3, 4]) want.push(await rast.complete(request(seed)));
        await rast.dispose();

        const drafting = await loadRast({ ...load, parallel: 4, speculation: { draft: 3 } });
        try {
            expect(drafting.info.maxDraft).toBe(3);
            expect(drafting.info.draftReason).toBeNull();
            const alone = await drafting.complete(request(1));
            expect(alone.tokens).toEqual(want[0]!.tokens);
            expect(alone.speculation.accepted).toBeGreaterThan(10);

            const together = await Promise.all([1, 2, 3, 4].map((seed) => drafting.complete(request(seed))));
            together.forEach((one, i) => expect(one.tokens, `request ${i}`).toEqual(want[i]!.tokens));

            // one that is left alone in the middle of its text
            const [short, long] = await Promise.all([
                drafting.complete(request(2, { maxTokens: 5 })),
                drafting.complete(request(3))
            ]);
            expect(short.tokens).toEqual(want[1]!.tokens.slice(0, 5));
            expect(long.tokens).toEqual(want[2]!.tokens);
            expect(long.speculation.drafted).toBeGreaterThan(0);

            const stop = new AbortController();
            const aborted = drafting.complete({ ...request(4), maxTokens: 200, signal: stop.signal });
            setTimeout(() => stop.abort(), 30);
            await aborted.catch(() => {});
            expect((await drafting.complete(request(4))).tokens).toEqual(want[3]!.tokens);
        } finally {
            await drafting.dispose();
        }
    });

    it("gives the same text under a grammar, with penalties, filters and stop strings", async () => {
        const trio = await tinyTrioOf("lfm2-window");
        const load = { ...options, base: trio.base, expert: trio.base, antiexpert: trio.antiexpert, lambda: 0.5 };
        const requests = [
            { grammar: 'root ::= ([a-z0-9] | " "){24}' },
            { repetitionPenalty: 1.3, frequencyPenalty: 0.2, temperature: 0.8, topP: 0.9 },
            { temperature: 1.2, minP: 0.05, stop: ["a"] }
        ].map((more, seed) => ({ tokens: tokens(20, seed), maxTokens: 40, ignoreEos: true, seed, ...more }));
        const texts = async (speculation: LoadOptions["speculation"]): Promise<number[][]> => {
            const rast = await loadRast({ ...load, speculation: speculation! });
            try {
                const out = [];
                for (const one of requests) out.push([...(await rast.complete(one)).tokens]);
                return out;
            } finally {
                await rast.dispose();
            }
        };
        const want = await texts("off");
        expect(await texts({ draft: 3 })).toEqual(want);
        expect(await texts({ draft: 7 })).toEqual(want);
    });

    it("has memory for the states, and says how many drafts there are at most", async () => {
        const trio = await tinyTrioOf("lfm2");
        const parallel = 64; // llama.cpp's log has two digits of a MiB
        const cachesOf = async (speculation: "auto" | "off"): Promise<number[]> => {
            const load = { ...options, ...trio, parallel, contextSize: 64, speculation };
            const rast = await loadRast(load);
            try {
                expect(rast.info.maxDraft).toBe(speculation === "auto" ? 7 : 0);
                const { expert, antiexpert } = rast.info.pairs[0]!;
                return [rast.info.base, expert, antiexpert].map((model) => model.memory.cacheBytes);
            } finally {
                await rast.dispose();
            }
        };
        const plain = await cachesOf("off");
        const drafting = await cachesOf("auto");
        const sequence = 2 * 64 * 2 * 4; // two layers of 64 columns at two positions
        const expected = [7 * parallel * sequence, sequence, 7 * parallel * sequence];
        const rounding = 0.02 * 1_048_576;
        expected.forEach((bytes, i) => {
            expect(Math.abs(drafting[i]! - plain[i]! - bytes), `model ${i}`).toBeLessThan(rounding);
        });
    });
});
