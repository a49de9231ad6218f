import { describe, expect, test } from "vitest";
import { TokenTexts } from "../../../src/scoring/token-texts.js";

/** A vocabulary of bytes and words. */
class Vocabulary {
    asked = 0;
    readonly #words = new Map<number, string>([
        [300, " Hello"],
        [301, "<|end|>"]
    ]);

    async detokenize(tokens: readonly number[] | Int32Array): Promise<string> {
        this.asked++;
        const bytes = Array.from(tokens).map((token) =>
            token < 256 ? Buffer.from([token]) : Buffer.from(this.#words.get(token) ?? "")
        );
        return Buffer.concat(bytes).toString("utf8");
    }
}

const bytesOf = (text: string): number[] => [...Buffer.from(text)];
const shown = async (tokens: readonly number[]): Promise<string[]> =>
    (await new TokenTexts(new Vocabulary()).inOrder(tokens)).map(({ text, continues }) => (continues ? "..." : text));

describe("texts of tokens", () => {
    test("words and control tokens have theirs", async () => {
        expect(await shown([300, 301, 300])).toEqual([" Hello", "<|end|>", " Hello"]);
    });

    test("a character in several tokens stands at the first of them", async () => {
        expect(await shown([...bytesOf("é"), 300, ...bytesOf("👋"), ...bytesOf("a")])).toEqual([
            "é",
            "...",
            " Hello",
            "👋",
            "...",
            "...",
            "...",
            "a"
        ]);
    });

    test("bytes that are no character are shown as that, one by one", async () => {
        expect(await shown([0xc3, 300])).toEqual(["\uFFFD", " Hello"]);
        expect(await shown([0xff, 0xfe, 0x41])).toEqual(["\uFFFD", "\uFFFD", "A"]);
        expect(await shown([0xf0, 0x9f])).toEqual(["\uFFFD", "\uFFFD"]);
    });

    test("of a text as it is, however it is cut", async () => {
        const text = "Ünïcödé 👩‍👩‍👧 שלום";
        const texts = await new TokenTexts(new Vocabulary()).inOrder(bytesOf(text));
        expect(texts.map((one) => one.text).join("")).toBe(text);
    });

    test("each token is asked for once", async () => {
        const vocabulary = new Vocabulary();
        const texts = new TokenTexts(vocabulary);
        await texts.prepare([300, 300, 301]);
        await texts.inOrder([300, 301, 300]);
        expect(vocabulary.asked).toBe(2);
        expect(texts.of(301)).toBe("<|end|>");
    });
});
