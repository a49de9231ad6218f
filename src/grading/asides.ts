// What a text says beside its answer: how sure somebody is of it, and where it comes from.

/** Longer texts are no sentence. */
const longestSentence = 2000;
const mostAsides = 5;

const word = "[a-zA-Z][a-zA-Z'’-]*";
// "I'm 90% sure"
const words = `(?:[\\s,]+(?:${word}|\\d{1,3}\\s?%))`;

/** Adverbs of doubt and of none. */
const adverbs =
    "probably|perhaps|maybe|presumably|possibly|likely|apparently|hopefully|surely|certainly|definitely|obviously|clearly|" +
    "indeed|exactly|approximately|approx|roughly|right|correct|ok|okay|yes|though|actually|finally|altogether|overall";

/** Behind a comma, a dash, a full stop or a bracket. */
const clauses = [
    // "I think", "it's what she pays": nothing but words
    `(?:I|we|you|he|she|it|they|that|this)(?:['’][a-z]{1,2}|\\s+[a-z]{2,})${words}*`,
    `(?:if|unless|so|but|and\\s+(?:that|this|it|so)|then|hence|thus|therefore|please|hope|thanks?|based|according|assuming|to\\s+the\\s+best|to\\s+be|in\\s+my|by|for|with|after|using|although|though)${words}+`,
    // with whatever is there
    "(?:since|because|as|which|due\\s+to|given\\s+that|considering)\\s[^\\n]+",
    `(?:most\\s+|quite\\s+|very\\s+|pretty\\s+)?(?:${adverbs})${words}{0,3}`,
    "more\\s+or\\s+less|or\\s+so|or\\s+thereabouts|in\\s+total|in\\s+all|no(?=\\s*\\?)|(?:is|are|does|do)n['’]t\\s+(?:it|they)"
].join("|");

/** In brackets besides. */
const bracketed = `(?:final|rounded|rounding|to\\s+the\\s+nearest|correct\\s+to|see|note|exact|in\\s+total|each|answer|final\\s+answer)${words}*`;

/** Behind white space alone: what is surely none of the answer's own words. */
const bare = [
    "(?:I|we)\\s+(?:(?:would|do|really|just|strongly)\\s+){0,2}(?:think|believe|guess|suppose|hope|reckon|assume|suspect|say|bet|feel|imagine)(?:\\s+so)?",
    "probably|perhaps|maybe|presumably|hopefully|approximately|roughly|or\\s+so|or\\s+thereabouts|more\\s+or\\s+less|altogether|overall|in\\s+total|in\\s+all|if\\s+I['’]m\\s+not\\s+mistaken",
    "(?:is|are|was|would\\s+be|should\\s+be)\\s+(?:(?:the|my|our)\\s+(?:final\\s+|correct\\s+|right\\s+)?(?:answer|result|solution|total|value)|correct|right)",
    "is\\s+what\\s+(?:I|we)\\s+[a-z]+|it\\s+is|(?:since|because)\\s[^\\n]+|as\\s+(?:required|desired|needed|expected|requested|asked|stated|claimed)",
    `(?:which|that)\\s+(?:is|was|are|equals|gives|makes)${words}+`
].join("|");

const aside = new RegExp(
    `(?:\\s*(?:[,;–—]|\\.{2,}|…|\\s-{1,3}\\s|[.!?]\\s)\\s*(${clauses})|\\s*\\(\\s*(${clauses}|${bracketed})\\s*\\)|\\s(${bare}))[\\s.!?*]*$`,
    "i"
);

// "95, which is wrong" does not say 95.
const denial =
    /(?<!\b(?:could|may|might) be )\b(?:wrong|incorrect|false|impossible|mistaken)\b|(?:n['’]t|\bnot)\s+(?:think|believe|right|correct|it|the|so)\b/i;
// "if I'm not mistaken", "isn't it?"
const ifDenied = /^(?:(?:if|unless)\b|(?:is|are|does|do)n['’]t\b)/i;

/** A text without what its end says beside its answer: "95, I think." is "95". The text itself where nothing else is left. */
export function withoutAsides(text: string): string {
    if (text.length > longestSentence) return text;
    let rest = text;
    for (let count = 0; count < mostAsides; count++) {
        const found = aside.exec(rest);
        if (found === null) break;
        const said = found[1] ?? found[2] ?? found[3]!;
        if (denial.test(said) && !ifDenied.test(said)) break;
        const before = rest.slice(0, found.index).replace(/[\s,;:*–—]+$/, "");
        if (before === "") break;
        rest = before;
    }
    return rest;
}

const lead = new RegExp(
    "^\\s*(?:(?:" +
        "(?:I|we)(?:['’](?:d|ve|ll))?\\s+(?:(?:would|do|really|just|strongly|can|could)\\s+){0,2}(?:think|believe|guess|suppose|reckon|assume|suspect|say|bet|get|got|find|found|have|conclude|estimate)(?:\\s+that)?" +
        "|(?:it|this|that|which|the\\s+(?:answer|result|total|sum|value|solution)|(?:my|our)\\s+(?:best\\s+|final\\s+)?(?:answer|guess|result))(?:['’]s|\\s+(?:is|are|was|should\\s+be|must\\s+be|would\\s+be|will\\s+be|equals|comes\\s+to))" +
        "|(?:most\\s+|quite\\s+|very\\s+)?(?:probably|perhaps|maybe|presumably|possibly|likely|apparently|surely|certainly|definitely|obviously|clearly|indeed|exactly|approximately|approx\\.?|about|around|roughly|simply|just|actually)" +
        "|therefore|thus|hence|so|then|equal\\s+to|equals|given\\s+by" +
        ")[,:]?\\s+)+",
    "i"
);

/** A text without what its beginning says: "probably 95" is "95". The text itself where nothing else is left. */
export function withoutLead(text: string): string {
    if (text.length > longestSentence) return text;
    const rest = text.replace(lead, "");
    return rest.trim() === "" ? text : rest;
}
