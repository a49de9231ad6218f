// What readers of screens are told of what happens: seldom, and never an answer piece by piece.

/** Says a sentence when all else has been read. */
export function say(sentence: string): void {
    const place = document.getElementById("aloud");
    if (place === null) return;
    // The same again is news, too.
    place.textContent = place.textContent === sentence ? `${sentence}\u00A0` : sentence;
}
