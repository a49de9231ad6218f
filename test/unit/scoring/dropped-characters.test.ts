import { expect, test } from "vitest";
import { droppedCharacters } from "../../../src/scoring/dropped-characters.js";

test.each<[text: string, said: string, dropped: number]>([
    ["abc", "abc", 0],
    ["abc", "ac", 1],
    ["aab", "ab", 1],
    ["3 €", "3 ", 1],
    ["3 €€", "3 <unk><unk>", 2],
    ["unk", "<unk>", 3],
    ["日本", "[UNK][UNK]", 2],
    ["𝄞a", "a", 1],
    ["", "", 0],
    // Other ways to write the same.
    ["Hello World", " hello  world", 0],
    ["Café ﬁ", "cafe fi", 0],
    ["a\u200Bb\n", "a b", 0],
    ["a b", "▁a▁b", 0]
])("%j told as %j lacks %i", (text, said, dropped) => {
    expect(droppedCharacters(text, said)).toBe(dropped);
});
