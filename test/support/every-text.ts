// Every way to make a text, for engines that are to make the same ones.
import { join } from "node:path";
import { expect } from "vitest";
import type { Rast } from "../../dist/index.js";

/** What is asked of an engine. */
export interface Asked {
    readonly prompt: string;
    readonly maxTokens: number;
    /** For a constrained text. */
    readonly grammar: string;
    /** For states. */
    readonly folder: string;
}

/** Plain and drafted, greedy and drawn, beside others, constrained, and behind a state that was saved. */
export async function textsOf(rast: Rast, asked: Asked): Promise<Record<string, unknown>> {
    const { prompt, maxTokens, grammar, folder } = asked;
    const greedy = { prompt, temperature: 0, maxTokens, ignoreEos: true } as const;
    const drawn = { prompt, seed: 5, temperature: 1, maxTokens, ignoreEos: true } as const;
    const file = join(folder, `state-${process.hrtime.bigint()}`);
    const plain = await rast.complete({ ...greedy, speculation: "off" });
    const drafted = await rast.complete({ ...greedy, speculation: { draft: 3 } });
    const random = await rast.complete(drawn);
    const together = await rast.completeMany({ ...drawn, seed: 9 }, 3);
    const constrained = await rast.complete({ ...drawn, grammar });
    await rast.saveState(file, { prompt });
    await rast.loadState(file);
    const again = await rast.complete({ ...greedy, speculation: "off" });
    expect(drafted.speculation.drafted).toBeGreaterThan(0);
    expect(again.usage.cachedPromptTokens).toBeGreaterThan(0);
    const texts = { plain, drafted, random, constrained, again };
    return {
        ...Object.fromEntries(Object.entries(texts).map(([name, { text }]) => [name, text])),
        together: together.map(({ text }) => text)
    };
}
