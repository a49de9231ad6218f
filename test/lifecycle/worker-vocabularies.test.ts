// Vocabularies of a real width over workers: the same texts, and rows of logits stay on this machine, whoever's layers are remote.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadRast, type LoadOptions, type Rast, type RastResult } from "../../dist/index.js";
import { textsOf } from "../support/every-text.js";
import { heavy, size } from "../support/size.js";
import { shapedTrio } from "../support/test-models.js";
import { startWorker, stopWorkers, workersWithLayers, type TestWorker } from "../support/workers.js";

const folder = mkdtempSync(join(tmpdir(), "rast-worker-vocabularies-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterAll(stopWorkers);

const widths = { base: 152_064, small: 151_936 };
const layers = 2;
const logitsBytes = 4 * widths.small;
const prompt = "Q: 12+3=? abc\n";
const asked = { prompt, maxTokens: size(10, 24), grammar: 'root ::= ("t" [0-9]+)+', folder };
const greedy = { prompt, temperature: 0, maxTokens: size(17, 33), ignoreEos: true } as const;

let workers: TestWorker[] = [];
let here: Record<string, unknown>;
beforeAll(async () => {
    workers = await Promise.all(Array.from({ length: size(2, 3) }, () => startWorker()));
    const local = await loadRast(await options([]));
    here = await textsOf(local, asked);
    await local.dispose();
}, 60_000);

// Flash attention would round otherwise for other shapes of batches.
async function options(used: readonly TestWorker[], more: LoadOptions = {}): Promise<LoadOptions> {
    const { base, expert, antiexpert } = await shapedTrio(widths);
    const shared = { expert, antiexpert, threads: 1, parallel: 3, contextSize: 256, flashAttention: false } as const;
    if (used.length === 0) return { ...shared, base, gpuLayers: 0, ...more };
    const device = used.map((_, index) => `RPC${index}`);
    const rpc = used.map(({ address }) => address);
    // asked for with the output layer
    return { ...shared, base: { path: base, device, gpuLayers: layers + 1 }, rpc, ...more };
}

const load = async (used: readonly TestWorker[], more?: LoadOptions): Promise<Rast> =>
    loadRast(await options(used, more));

/** Not one row as wide as the vocabulary has come, nor gone. */
function expectNoLogits({ network, usage }: RastResult): void {
    expect(usage.completionTokens).toBe(greedy.maxTokens);
    expect(network!.receivedBytes).toBeGreaterThan(0);
    expect(network!.receivedBytes + network!.prompt.receivedBytes).toBeLessThan(logitsBytes);
    expect(network!.sentBytes).toBeLessThan(logitsBytes);
}

describe.runIf(heavy)("a vocabulary of 151,936", () => {
    it.each([1, 2, 3])(
        "over %i workers gives the texts of this machine, plain, drafted, drawn, together, constrained and from a state",
        async (count) => {
            const rast = await load(workers.slice(0, count));
            expect(rast.info.base).toMatchObject({ gpuLayers: layers + 1, device: "CPU" });
            // two layers, and the output layer, of which nothing is there
            expect(workersWithLayers(rast)).toBe(Math.min(count, layers));
            expect(await textsOf(rast, asked)).toEqual(here);
            expectNoLogits(await rast.complete({ ...greedy, speculation: "off" }));
            const drafted = await rast.complete({ ...greedy, speculation: { draft: 3 } });
            expect(drafted.speculation.drafted).toBeGreaterThan(0);
            expectNoLogits(drafted);
            await rast.dispose();
        }
    );
});

describe("small models on a worker, by hand", () => {
    it("have their output layers here as well, and their texts are the same", async () => {
        const { expert, antiexpert } = await shapedTrio(widths);
        const remote = { device: "RPC0", gpuLayers: layers + 1 };
        const rast = await load(workers.slice(0, 2), {
            expert: { path: expert, ...remote },
            antiexpert: { path: antiexpert, ...remote }
        });
        expect(rast.info.pairs[0]!.expert).toMatchObject({ devices: ["RPC0"], device: "CPU" });
        expect(await textsOf(rast, asked)).toEqual(here);
        const plain = await rast.complete({ ...greedy, speculation: "off" });
        expectNoLogits(plain);
        // three models on workers, the base on two
        expect(plain.network!.waits).toBeGreaterThanOrEqual(3 * (greedy.maxTokens - 1));
        expectNoLogits(await rast.complete({ ...greedy, speculation: { draft: 3 } }));
        await rast.dispose();
    });
});
