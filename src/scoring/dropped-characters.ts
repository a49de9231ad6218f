// What a vocabulary has neither tokens nor bytes for is not in a text's tokens, and so in none of its scores.

/** How a vocabulary says that it has no word for something. */
const unknown = /<unk>|\[UNK\]/g;

/**
 * How many characters of a text are not in what its tokens say. Tokenizers may write characters otherwise (case, accents, white space,
 * ligatures): that is none.
 */
export function droppedCharacters(text: string, said: string): number {
    if (text === said) return 0;
    const left = new Map<string, number>();
    for (const one of folded(said.replace(unknown, ""))) left.set(one, (left.get(one) ?? 0) + 1);
    let dropped = 0;
    for (const one of folded(text)) {
        const count = left.get(one) ?? 0;
        if (count === 0) dropped++;
        else left.set(one, count - 1);
    }
    return dropped;
}

function folded(text: string): string {
    return text
        .normalize("NFKD")
        .toLowerCase()
        .replace(/[\s\u2581\p{M}\p{Cf}]/gu, "");
}
