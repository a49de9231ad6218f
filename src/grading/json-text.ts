// JSON of data files, in which numbers that a double cannot hold keep their digits.

/** Digits that a double holds of any decimal number. */
const surelyHeld = 15;
/** Where no number of a text may be one: a first look, which also finds some in strings. */
const suspicious = /\d[\d.]{15}|\d[eE][+-]?\d/;

const quote = 0x22;
const backslash = 0x5c;

/**
 * What a JSON text says, with numbers as texts where a double would be another number: 12345678901234567890, 1e999. All others, texts and
 * keys are as `JSON.parse` has them. Its time is linear in the text's length.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
    const value: unknown = JSON.parse(text);
    return suspicious.test(text) ? (JSON.parse(withDigits(text)) as unknown) : value;
}

// Of a text that is JSON.
function withDigits(text: string): string {
    const pieces: string[] = [];
    let from = 0;
    for (let at = 0; at < text.length;) {
        const one = text.charCodeAt(at);
        if (one === quote) at = endOfString(text, at);
        else if (!isOfNumber(one) || !beginsNumber(one)) at++;
        else {
            let end = at + 1;
            while (end < text.length && isOfNumber(text.charCodeAt(end))) end++;
            const written = text.slice(at, end);
            if (!isHeld(written)) {
                pieces.push(text.slice(from, at), `"${written}"`);
                from = end;
            }
            at = end;
        }
    }
    return from === 0 ? text : pieces.join("") + text.slice(from);
}

/** @param at of its first quote @returns behind its last */
function endOfString(text: string, at: number): number {
    for (at++; ; at++) {
        const one = text.charCodeAt(at);
        if (one === quote) return at + 1;
        if (one === backslash) at++;
    }
}

// "-" or a digit: not the "e" of true.
function beginsNumber(code: number): boolean {
    return code === 0x2d || (code >= 0x30 && code <= 0x39);
}

// Also "+", ".", "e", "E".
function isOfNumber(code: number): boolean {
    return beginsNumber(code) || code === 0x2b || code === 0x2e || code === 0x65 || code === 0x45;
}

function isHeld(written: string): boolean {
    const value = Number(written);
    if (!Number.isFinite(value)) return false;
    const digits = written.replace(/[eE].*$/, "").replace(/\D/g, "");
    const significant = digits.replace(/^0+/, "").replace(/0+$/, "");
    if (significant === "") return true;
    return value !== 0 && (significant.length <= surelyHeld || plain(written) === plain(String(value)));
}

// Programs write doubles with as many digits as tell them apart, and exponents as "e-07", "E-7" or "e+21".
function plain(written: string): string {
    return written.replace(/[eE]\+?(-?)0*(?=\d)/, "e$1");
}
