import { describe, expect, it } from "vitest";
import { demo } from "../support/demo.js";
import { figure, nativeTest, places } from "../support/native.js";
import { heavy, size } from "../support/size.js";
import { shapedTrio, tinyTrio } from "../support/test-models.js";

// The engine against contexts of llama.cpp whose logits are read whole, fused and drawn in double precision: every
// position of every request, with settings that differ per request. A token that differs must be a proven near-tie
// (logits within 1e-4, or a cumulative mass within 1e-4 of the bound), and under 2% of rows may be one; the
// log-probabilities of up to 20 tokens agree within 5e-4. The test program fails beyond these.
const two = (a: string, b: string): string => `${a},${b}`;

describe.each(places)("tokens and fused log-probabilities on %s", (place) => {
    const slow = place !== "CPU"; // the software device: a second a row at the true widths
    // eight requests cover every kind of settings
    const sizes = slow ? { requests: 8, tokens: size(2, 4) } : { requests: 16, tokens: 20 };
    const rows = sizes.requests * sizes.tokens;

    const pairs: readonly (readonly [string, Readonly<Record<"experts" | "antiexperts", string>>])[] = [
        ["one pair", { experts: demo.expert, antiexperts: demo.antiexpert }],
        [
            "three pairs",
            {
                experts: `${demo.expert},${demo.strongExpert},${demo.strongAntiexpert}`,
                antiexperts: `${demo.antiexpert},${demo.strongAntiexpert},${demo.antiexpert}`
            }
        ],
        [
            "two pairs",
            { experts: two(demo.expert, demo.strongExpert), antiexperts: two(demo.antiexpert, demo.strongAntiexpert) }
        ]
    ];
    it.each(slow ? pairs.slice(0, size(2, 3)) : pairs)("of the demo models, %s", async (_, models) => {
        const few = slow && models.experts !== demo.expert ? size(4, 8) : sizes.requests;
        const options = { base: demo.base, ...models, ...sizes, requests: few };
        const output = await nativeTest("parity", options, place);
        expect(figure(output, "ok rows")).toBe(few * sizes.tokens);
        expect(figure(output, "host-finished")).toBe(0);
    });

    it("on the host path", async () => {
        const models = { base: demo.base, experts: demo.expert, antiexperts: demo.antiexpert };
        const requests = slow ? size(4, 8) : sizes.requests;
        const output = await nativeTest("parity", { ...models, ...sizes, requests, sampler: "host" }, place);
        expect(figure(output, "ok rows")).toBe(requests * sizes.tokens);
        expect(figure(output, "host-finished")).toBe(requests * sizes.tokens);
    });

    it.runIf(slow)("of rows that a device hands to the host: penalties and bias count once", async () => {
        const trio = await shapedTrio({ base: 4096, small: 4096 });
        const models = {
            base: trio.base,
            experts: trio.expert,
            antiexperts: trio.antiexpert,
            prompt: "Q: 12+3=? abc\n"
        };
        const tokens = size(3, 12);
        const output = await nativeTest("parity", { ...models, requests: 6, tokens, handed: 1 }, place);
        expect(figure(output, "ok rows")).toBe(6 * tokens);
        expect(figure(output, "host-finished")).toBe(6 * tokens);
    });

    it("with a tokenizer of bytes and padding that differs per model", async () => {
        const trio = await tinyTrio({ padding: { base: 9, expert: 3 } });
        const models = { base: trio.base, experts: trio.expert, antiexperts: trio.antiexpert, prompt: "ab c" };
        expect(figure(await nativeTest("parity", { ...models, ...sizes }, place), "ok rows")).toBe(rows);
    });

    // of a slow device, the one with both paddings; the others in heavy runs
    it.each([
        [152064, 151936],
        ...(slow && !heavy
            ? []
            : [
                  [151936, 151936],
                  [151936, 152064]
              ])
    ] as [number, number][])("at the true widths: base %i, small models %i", async (base, small) => {
        const trio = await shapedTrio({ base, small });
        const models = {
            base: trio.base,
            experts: trio.expert,
            antiexperts: trio.antiexpert,
            prompt: "Q: 12+3=? abc\n"
        };
        const tokens = slow ? size(1, 4) : 4;
        const output = await nativeTest("parity", { ...models, requests: 8, tokens }, place);
        expect(figure(output, "ok rows")).toBe(8 * tokens);
    });

    it("lambda 0 and expert = antiexpert equal the base, mode expert equals the expert, all modes side by side", async () => {
        const models = { base: demo.base, experts: demo.expert, antiexperts: demo.antiexpert };
        const output = await nativeTest("modes", { ...models, tokens: slow ? size(4, 8) : 24 }, place);
        expect(figure(output, "differing in company")).toBeLessThanOrEqual(1);
    });
});

describe.runIf(places.includes("Vulkan0"))("models on different devices", () => {
    const models = { base: demo.base, experts: demo.expert, antiexperts: demo.antiexpert };

    const places: readonly (readonly [string, Readonly<Record<string, number>>])[] = [
        ["expert on the CPU", { "expert-gpu-layers": 0 }],
        ["half of the base on the CPU", { "base-gpu-layers": 2 }],
        ["both small models on the CPU", { "expert-gpu-layers": 0, "antiexpert-gpu-layers": 0 }],
        ["base on the CPU", { "base-gpu-layers": 0 }]
    ];
    it.each(places.slice(0, size(2, 4)))("%s", async (_, layers) => {
        const output = await nativeTest("parity", { ...models, ...layers, tokens: 3 }, "Vulkan0");
        expect(figure(output, "ok rows")).toBe(24);
    });
});

it("adds no split to the graph", async () => {
    // the base alone with its logits read by llama.cpp itself has this many
    const models = { base: demo.base, experts: demo.expert, antiexperts: demo.antiexpert, requests: 3, tokens: 1 };
    for (const place of places) {
        const output = await nativeTest("parity", models, place);
        const splits = /splits (\d+)\/(\d+)\/(\d+), without sampler (\d+)/.exec(output);
        expect(splits, output).not.toBeNull();
        expect(splits!.slice(1, 4)).toEqual([splits![4], splits![4], splits![4]]);
    }
});
