import { describe, expect, it } from "vitest";
import { demo } from "../support/demo.js";
import { figure, nativeTest, places } from "../support/native.js";
import { heavy, size } from "../support/size.js";
import { shapedTrio, tinyTrio, wideDemo } from "../support/test-models.js";

// Log-probabilities, ranks, KL, entropies and alternatives of tokens against a reference in double precision: within 1e-4
// nats (1e-4 of a figure over 1). Ranks may differ where logits are as close. The test program fails beyond these.
const two = (a: string, b: string): string => `${a},${b}`;

describe.each(places)("figures of tokens on %s", (place) => {
    const slow = place !== "CPU"; // the software device: seconds a row at the true widths
    const graphs: readonly [number, number][] = [
        [32, 1],
        [5003, 3],
        [152064, 1]
    ];
    const more: readonly [number, number][] = [
        [5003, 1],
        [5003, 2],
        [151936, 1]
    ];

    it.runIf(slow).each([...graphs, ...(heavy ? more : [])])(
        "in the device's own graph: %i columns, %i pairs",
        async (vocab, pairs) => {
            const rounds = vocab > 100_000 ? size(1, 6) : size(6, 24);
            const output = await nativeTest("score-graph", { vocab, pairs, rounds, rows: 4 }, place);
            expect(figure(output, "ok rows")).toBe(4 * rounds);
        }
    );

    const one: [string, object] = ["one pair", { experts: demo.expert, antiexperts: demo.antiexpert }];
    const others: [string, object][] = [
        [
            "three pairs",
            {
                experts: `${demo.expert},${demo.strongExpert},${demo.strongAntiexpert}`,
                antiexperts: `${demo.antiexpert},${demo.strongAntiexpert},${demo.antiexpert}`
            }
        ],
        ["no pair", { experts: "", antiexperts: "" }]
    ];
    it.each([one, ...(slow && !heavy ? [] : others)])("of whole engines, %s", async (_, models) => {
        const sizes = { texts: slow ? size(1, 4) : 6, tokens: slow ? size(3, 12) : 24 };
        const output = await nativeTest("scores", { base: demo.base, ...models, ...sizes }, place);
        expect(figure(output, "ok rows")).toBe(2 * sizes.texts * sizes.tokens);
        expect(figure(output, "host-rows")).toBe(0);
    });

    it.runIf(!slow || heavy)("with several rows at a time, several texts and drafts", async () => {
        // in F32 batches of other shapes differ by rounding alone, on the CPU
        const wide = await wideDemo();
        const models = { base: wide.base, experts: wide.expert, antiexperts: wide.antiexpert };
        const sizes = { texts: slow ? 2 : 4, tokens: slow ? size(8, 20) : 30, slots: 4, "max-draft": 7 };
        const exact = { "kv-type": "f32", "flash-attention": "off" };
        const loose = slow ? { within: 0.02, "logit-slack": 0.1 } : {};
        const output = await nativeTest("scores", { ...models, ...sizes, ...exact, ...loose }, place);
        expect(figure(output, "drafted")).toBeGreaterThan(0);
    });

    it.runIf(!slow || heavy)("on the host path", async () => {
        const models = {
            base: demo.base,
            experts: two(demo.expert, demo.strongExpert),
            antiexperts: two(demo.antiexpert, demo.strongAntiexpert)
        };
        const output = await nativeTest("scores", { ...models, texts: 2, tokens: size(4, 12), sampler: "host" }, place);
        expect(figure(output, "host-rows")).toBeGreaterThanOrEqual(figure(output, "ok rows"));
    });

    it.runIf(!slow || heavy)("with padding that differs per model, and at the true widths", async () => {
        const tiny = await tinyTrio({ padding: { base: 9, expert: 3 } });
        const few = { texts: 2, tokens: 6 };
        const models = { base: tiny.base, experts: tiny.expert, antiexperts: tiny.antiexpert, prompt: "ab c" };
        expect(figure(await nativeTest("scores", { ...models, ...few }, place), "ok rows")).toBe(24);
        for (const [base, small] of [
            [152064, 151936],
            [151936, 152064]
        ] as const) {
            const trio = await shapedTrio({ base, small });
            const shaped = {
                base: trio.base,
                experts: trio.expert,
                antiexperts: trio.antiexpert,
                prompt: "Q: 12+3=? abc\n"
            };
            const short = { texts: 1, tokens: slow ? 2 : 4 };
            const output = await nativeTest("scores", { ...shaped, ...short }, place);
            expect(figure(output, "ok rows")).toBe(2 * short.tokens);
        }
    });
});

describe("figures of tokens on the CPU", () => {
    it("are those of the rows, whatever is masked, equal or impossible", async () => {
        expect(figure(await nativeTest("token-figures", { rounds: size(600, 6000) }), "rounds")).toBe(size(600, 6000));
    });
});
