// Which letters of a text are the conversation's own words, and not the template's: a text that runs in the thread of
// templates, behind the rules. A StringValue has `marks` where any are: [from, to, kind] in UTF-16 units, in order, none
// of them empty. Kind 1 is a word of the caller's, kind 2 one of the message that is to be continued. What cannot be told
// letter by letter is marked whole.
export const contentMarks = String.raw`
function withMarks(text, marks) {
    const value = new StringValue(text);
    if (marks.length > 0) value.marks = marks;
    return value;
}
const wholly = (value) => value.marks?.length === 1 && value.marks[0][0] === 0 && value.marks[0][1] === value.value.length;
function cut(value, from, to = value.value.length) {
    const marks = [];
    const all = value.marks ?? [];
    // the first that ends behind where the part begins
    let [low, high] = [0, all.length];
    while (low < high) {
        const middle = (low + high) >> 1;
        if (all[middle][1] > from) high = middle;
        else low = middle + 1;
    }
    for (; from < to && low < all.length && all[low][0] < to; ++low) {
        const [a, b, kind] = all[low];
        marks.push([Math.max(a, from) - from, Math.min(b, to) - from, kind]);
    }
    return withMarks(value.value.slice(from, to), marks);
}
function joined(values) {
    // those of the first text are shared until others come, as templates grow texts piece by piece; V8 copies no text for that
    let marks = [];
    let shared = true;
    let text = "";
    for (const value of values) {
        if (value.marks !== undefined && text !== "") {
            if (shared) marks = marks.slice();
            shared = false;
            for (const [from, to, kind] of value.marks) {
                const last = marks.at(-1);
                if (last !== undefined && last[1] === text.length + from && last[2] === kind) marks[marks.length - 1] = [last[0], text.length + to, kind];
                else marks.push([text.length + from, text.length + to, kind]);
            }
        } else if (value.marks !== undefined) marks = value.marks;
        text += value.value;
    }
    return withMarks(text, marks);
}
function lettersOf(value) {
    let at = 0;
    return [...value.value].map((letter) => cut(value, at, (at += letter.length)));
}
// The least kind of any mark within; 0 for none.
function kindIn(value, depth = 0) {
    if (depth > 64) return 1;
    if (value instanceof StringValue) return value.marks === undefined ? 0 : Math.min(...value.marks.map(([, , kind]) => kind));
    if (!(value instanceof ArrayValue || value instanceof ObjectValue)) return 0;
    if (value.givenKeys === true) return 1;
    for (const item of value.value.values()) {
        const kind = kindIn(item, depth + 1);
        if (kind > 0) return kind;
    }
    return 0;
}
// A text made of values otherwise than letter by letter.
function madeOf(text, ...from) {
    const kind = from.map((value) => kindIn(value)).find((one) => one > 0) ?? 0;
    return withMarks(text, kind === 0 || text === "" ? [] : [[0, text.length, kind]]);
}
// What a function of the library's gives, which knows no marks.
function carried(result, ...from) {
    if (result instanceof ArrayValue) {
        for (const item of result.value) carried(item, ...from);
    } else if (result instanceof StringValue && result.marks === undefined) {
        const [self, ...others] = from;
        const lettersStay = self instanceof StringValue && self.value.length === result.value.length && others.every((value) => kindIn(value) === 0);
        const { marks } = lettersStay ? self : madeOf(result.value, ...from);
        if (marks !== undefined) result.marks = marks;
    }
    return result;
}
const keyOf = (object, key) => (object.givenKeys === true && typeof key === "string" ? madeOf(key, object) : wrap(key));
// Everything of a value that the caller gave; roles are the template's words where they are plain ones.
const plainWord = /^[\w .-]{0,64}$/;
function mark(value, kind, key) {
    if (value instanceof StringValue) {
        if (value.value !== "" && !(key === "role" && plainWord.test(value.value))) value.marks = [[0, value.value.length, kind]];
    } else if (value instanceof ArrayValue) for (const item of value.value) mark(item, kind);
    else if (value instanceof ObjectValue) {
        value.givenKeys = [...value.value.keys()].some((key) => !plainWord.test(key));
        for (const [name, item] of value.value) mark(item, kind, name);
    }
}
// Those of a template's variables that are not special tokens by name, or settings in a word.
function markVariables(variables, given, continued) {
    for (const name of given) {
        const value = variables.get(name);
        if (/_token$/.test(name) || (value instanceof StringValue && plainWord.test(value.value))) continue;
        mark(value, 1);
    }
    if (continued) mark(variables.get("messages").value.at(-1).value.get("content"), 2);
}
`;
