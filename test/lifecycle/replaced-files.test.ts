// An engine whose process has crashed is loaded anew from files that may be others by now.
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadRast, type LoadOptions, type Rast } from "../../dist/index.js";
import { canSeeProcesses, engineProcesses, until } from "../support/engine-processes.js";
import { errorOf } from "../support/isolated.js";
import { randomLora, writeLora } from "../support/lora.js";
import { f32Tensor, writePeft } from "../support/peft.js";
import { noise } from "../support/random-models.js";
import { tinyTrioOf } from "../support/test-models.js";

const folder = mkdtempSync(join(tmpdir(), "rast-replaced-"));
const cache = join(folder, "cache");
beforeAll(() => void (process.env["RAST_CACHE"] = cache));
afterAll(() => {
    delete process.env["RAST_CACHE"];
    rmSync(folder, { recursive: true, force: true });
});

const tokens = [5, 9, 33, 70, 101, 12];
const asked = { tokens, maxTokens: 4, temperature: 0, ignoreEos: true, logprobs: 1 } as const;

// Nothing rounds otherwise in one of two engines.
const common = { device: "cpu", threads: 1, contextSize: 64, tryModels: false, speculation: "off" } as const;

/** Loads, draws, lets the process crash, changes files; then draws again as often as wanted. */
async function acrossCrash(
    options: LoadOptions,
    change: () => void,
    after: (rast: Rast) => Promise<void>
): Promise<void> {
    let crashes = 0;
    const rast = await loadRast({ ...common, ...options, isolate: { onCrash: () => (crashes += 1) } });
    try {
        await rast.complete(asked);
        for (const pid of engineProcesses()) process.kill(pid, "SIGKILL");
        await until("the crash is noticed", () => crashes === 1);
        change();
        await after(rast);
    } finally {
        await rast.dispose();
    }
}

const peft = (seed: number): string => {
    const next = noise(seed);
    const name = "base_model.model.model.layers.1.mlp.down_proj";
    return writePeft(
        join(folder, "peft"),
        { peft_type: "LORA", lora_alpha: 8 },
        {
            [`${name}.lora_A.weight`]: f32Tensor([4, 96], () => 0.2 * next()),
            [`${name}.lora_B.weight`]: f32Tensor([64, 4], () => 0.2 * next())
        }
    );
};

describe.skipIf(!canSeeProcesses)("after a crash", () => {
    let base: string;
    let small: string;
    let other: string;
    const adapter = join(folder, "lora.gguf");
    const writeAdapter = (seed: number): string => writeLora(adapter, randomLora(small, { rank: 4, alpha: 8, seed }));
    const trio = (): LoadOptions => ({ base, expert: { path: small, lora: adapter }, antiexpert: small });

    beforeAll(async () => {
        const made = await tinyTrioOf("llama", "llama");
        base = made.base;
        small = join(folder, "small.gguf");
        other = made.expert;
        copyFileSync(made.antiexpert, small);
    });

    it("an adapter that was replaced is an error, and the same one is not", async () => {
        writeAdapter(1);
        const bytes = readFileSync(adapter);
        await acrossCrash(
            trio(),
            () => writeAdapter(2),
            async (rast) => {
                const error = await errorOf(rast.complete(asked));
                expect(error).toMatchObject({ code: "ERR_MODEL_LOAD", details: { path: adapter } });
                expect(error.message).toContain("the adapter");
                writeFileSync(adapter, bytes);
                expect((await rast.complete(asked)).tokens).toHaveLength(4);
            }
        );
    });

    it("so is a model of the same shape", async () => {
        const bytes = readFileSync(small);
        await acrossCrash(
            { base, expert: other, antiexpert: small },
            () => copyFileSync(other, small),
            async (rast) => {
                const error = await errorOf(rast.complete(asked));
                expect(error).toMatchObject({ code: "ERR_MODEL_LOAD", details: { path: small } });
                writeFileSync(small, bytes);
                expect((await rast.complete(asked)).tokens).toHaveLength(4);
            }
        );
    });

    it("one that is gone is said to be", async () => {
        writeAdapter(1);
        await acrossCrash(
            trio(),
            () => rmSync(adapter),
            async (rast) => {
                expect(await errorOf(rast.complete(asked))).toMatchObject({ code: "ERR_FILE_NOT_FOUND" });
            }
        );
    });

    it("a PEFT folder is converted again where its file has left the cache", async () => {
        const options = { ...trio(), expert: { path: small, lora: peft(3) } };
        const converted = (): string[] => readdirSync(join(cache, "adapters"));
        let before: readonly unknown[] = [];
        const first = await loadRast({ ...common, ...options });
        before = (await first.complete(asked)).logprobs!;
        await first.dispose();
        await acrossCrash(
            options,
            () => rmSync(cache, { recursive: true }),
            async (rast) => {
                const again = await rast.complete(asked);
                expect(again.logprobs).toEqual(before);
                expect(converted()).toHaveLength(1);
            }
        );
        await acrossCrash(
            options,
            () => {
                rmSync(cache, { recursive: true });
                peft(4);
            },
            async (rast) => {
                const error = await errorOf(rast.complete(asked));
                expect(error).toMatchObject({ code: "ERR_MODEL_LOAD", details: { path: join(folder, "peft") } });
            }
        );
    });
});
