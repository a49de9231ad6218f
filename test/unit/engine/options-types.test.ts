// What the types of options take, and what they refuse: checked by the compiler (npm run typecheck); each refusal is one that
// JavaScript callers get as an error.
import { expect, expectTypeOf, test } from "vitest";
import type {
    ChatMessage,
    GenerateOptions,
    GenerateSettings,
    Prompt,
    PromptOptions,
    Rast,
    SaveStateOptions
} from "../../../src/index.js";

const messages: ChatMessage[] = [{ role: "user", content: "Hi" }];

test("exactly one of prompt, tokens and messages", () => {
    const prompts: GenerateOptions[] = [
        { prompt: "a" },
        { tokens: [1, 2], temperature: 0 },
        { tokens: Int32Array.of(1) },
        { messages, thinking: false },
        { prompt: "a", tokens: undefined, messages: undefined }
    ];
    // @ts-expect-error none
    const none: GenerateOptions = { temperature: 0 };
    // @ts-expect-error two
    const two: GenerateOptions = { prompt: "a", tokens: [1] };
    // @ts-expect-error two
    const other: SaveStateOptions = { prompt: "a", messages };
    // @ts-expect-error all
    const all: PromptOptions = { prompt: "a", tokens: [1], messages };
    // @ts-expect-error perhaps none
    const perhaps: GenerateOptions = { prompt: undefined as string | undefined };
    // @ts-expect-error a name that is wrong
    const wrong: GenerateOptions = { prompt: "a", temprature: 0 };
    expect([prompts.length, none, two, other, all, perhaps, wrong]).toHaveLength(7);
});

test("spreads, as people write them", () => {
    const shared = { temperature: 0, maxTokens: 5 };
    const settings: GenerateSettings = { ...shared, stop: ["x"] };
    const spread: GenerateOptions[] = [
        { ...shared, prompt: "a" },
        { ...settings, tokens: [1] },
        { prompt: "a", ...settings },
        { ...settings, ...(messages.length > 1 ? { messages } : { prompt: "a" }) },
        { ...settings, ...(messages.length > 1 ? { signal: AbortSignal.abort() } : {}), prompt: "a" }
    ];
    const options: GenerateOptions = spread[0]!;
    const again: GenerateOptions = { ...options, seed: 4n };
    const asked = (source: Prompt, more: GenerateSettings = {}): GenerateOptions => ({
        maxTokens: 3,
        ...more,
        ...source
    });
    const asText = (prompt: string, more: GenerateSettings = {}): GenerateOptions => ({ prompt, ...more });
    class Mine implements GenerateSettings {
        temperature = 0;
    }
    interface More extends GenerateSettings {
        name: string;
    }
    const more: More = { name: "x", ...new Mine() };
    const listed: GenerateOptions[] = ["a", "b"].map((prompt, seed) => ({ ...more, prompt, seed }));
    // @ts-expect-error one more text beside another that is there
    const two: GenerateOptions = { ...(options as PromptOptions & { tokens: number[] }), prompt: "a" };
    expect([again, asked({ prompt: "a" }), asText("a"), listed, two]).toHaveLength(5);
});

test("what calls take", () => {
    expectTypeOf<Parameters<Rast["complete"]>[0]>().toEqualTypeOf<GenerateOptions>();
    expectTypeOf<Parameters<Rast["saveState"]>[1]>().toEqualTypeOf<SaveStateOptions>();
    expectTypeOf<GenerateOptions["temperature"]>().toEqualTypeOf<number | undefined>();
    expectTypeOf<GenerateOptions["prompt"]>().toEqualTypeOf<string | undefined>();
    expectTypeOf<GenerateSettings>().not.toHaveProperty("prompt");
});
