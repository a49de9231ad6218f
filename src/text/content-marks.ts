// Which letters of a text are the conversation's own words, and not the template's: a text that runs in the thread of
// templates, behind the rules. A StringValue has `marks` where any are: [from, to, kind] in UTF-16 units, in order, none
// of them empty. Kind 1 is a word of the caller's, kind 2 one of the message that is to be continued. What cannot be told
// letter by letter is marked whole.
export const contentMarks = String.raw`
// Marks lie in arrays that texts share, each having so many of the first: one that grows piece by piece puts its marks behind
// those of the text it grew from, and nothing that another may have is ever changed. Whoever comes second copies.
Object.defineProperty(StringValue.prototype, "marks", {
    get() {
        if (this.shared !== undefined && this.markCount < this.shared.length) this.shared = this.shared.slice(0, this.markCount);
        return this.shared;
    },
    set(marks) {
        this.shared = marks?.length > 0 ? marks : undefined;
        this.markCount = marks?.length ?? 0;
    }
});
const isMarked = (value) => value.shared !== undefined;
function withMarks(text, marks) {
    const value = new StringValue(text);
    value.marks = marks;
    return value;
}
// Adds a mark, to the last one where that is beside it and may be changed.
function putMark(marks, from, to, kind, fixed = 0) {
    const last = marks.length > fixed ? marks.at(-1) : undefined;
    if (last !== undefined && last[1] === from && last[2] === kind) marks[marks.length - 1] = [last[0], to, kind];
    else marks.push([from, to, kind]);
}
// The first mark that ends behind a place.
function markFrom(all, place) {
    let [low, high] = [0, all.length];
    while (low < high) {
        const middle = (low + high) >> 1;
        if (all[middle][1] > place) high = middle;
        else low = middle + 1;
    }
    return low;
}
function cut(value, from, to = value.value.length) {
    const marks = [];
    const all = value.marks ?? [];
    for (let at = markFrom(all, from); from < to && at < all.length && all[at][0] < to; ++at) {
        const [a, b, kind] = all[at];
        marks.push([Math.max(a, from) - from, Math.min(b, to) - from, kind]);
    }
    return withMarks(value.value.slice(from, to), marks);
}
function joined(values) {
    let first;
    let marks = [];
    let fixed = 0;
    let text = "";
    for (const value of values) {
        if (!isMarked(value)) text += value.value;
        else if (text === "") {
            first = value;
            text = value.value;
        } else {
            const own = value.marks;
            const count = value.markCount;
            if (first !== undefined) {
                marks = first.marks;
                fixed = marks.length;
                first = undefined;
            }
            for (let i = 0; i < count; ++i) {
                const [from, to, kind] = own[i];
                putMark(marks, text.length + from, text.length + to, kind, fixed);
            }
            text += value.value;
        }
    }
    const result = new StringValue(text);
    result.marks = first === undefined ? marks : first.shared;
    if (first !== undefined) result.markCount = first.markCount;
    return result;
}
// The marks of a text, none of them beside another of its kind.
function settledMarks(value) {
    const marks = [];
    for (const [from, to, kind] of value.marks ?? []) putMark(marks, from, to, kind);
    return marks;
}
// Where the letters of a text begin, and its end; undefined where every unit is a letter.
function lettersAt(value) {
    if (value.letterPlaces !== undefined) return value.letterPlaces ?? undefined;
    const text = value.value;
    if (!/[\ud800-\udbff][\udc00-\udfff]/.test(text)) {
        value.letterPlaces = null;
        return undefined;
    }
    const places = new Uint32Array(text.length + 1);
    let count = 0;
    for (let at = 0; at < text.length; at += text.codePointAt(at) > 0xffff ? 2 : 1) places[count++] = at;
    places[count++] = text.length;
    return (value.letterPlaces = places.subarray(0, count));
}
function letterAt(value, index) {
    const places = lettersAt(value);
    const count = places === undefined ? value.value.length : places.length - 1;
    const at = index < 0 ? count + index : index;
    if (!(at >= 0 && at < count)) return undefined;
    return places === undefined ? cut(value, at, at + 1) : cut(value, places[at], places[at + 1]);
}
// Python's [start:stop:step] of a text.
function sliceOf(value, start, stop, step = 1) {
    if (step === 0) throw new Error("slice step cannot be zero");
    const places = lettersAt(value);
    const count = places === undefined ? value.value.length : places.length - 1;
    const within = (index, low, high) => Math.min(high, Math.max(low, index < 0 ? index + count : index));
    const [low, high] = step > 0 ? [0, count] : [-1, count - 1];
    const from = start === undefined ? (step > 0 ? low : high) : within(start, low, high);
    const to = stop === undefined ? (step > 0 ? high : low) : within(stop, low, high);
    const unit = (letter) => (places === undefined ? letter : places[letter]);
    if (step === 1) return from < to ? cut(value, unit(from), unit(to)) : new StringValue("");
    const parts = [];
    const marks = [];
    const all = value.marks ?? [];
    let length = 0;
    for (let at = from; step > 0 ? at < to : at > to; at += step) {
        const [begin, end] = [unit(at), unit(at + 1)];
        parts.push(value.value.slice(begin, end));
        const mark = all[markFrom(all, begin)];
        if (mark !== undefined && mark[0] <= begin) putMark(marks, length, length + end - begin, mark[2]);
        length += end - begin;
    }
    return withMarks(parts.join(""), marks);
}
function lettersOf(value) {
    const places = lettersAt(value);
    const count = places === undefined ? value.value.length : places.length - 1;
    return Array.from({ length: count }, (_, i) => (places === undefined ? cut(value, i, i + 1) : cut(value, places[i], places[i + 1])));
}
// The least kind of any mark within; 0 for none.
function kindIn(value, depth = 0) {
    if (depth > 64) return 1;
    if (value instanceof StringValue) return isMarked(value) ? value.marks.reduce((least, [, , kind]) => Math.min(least, kind), 2) : 0;
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
    } else if (result instanceof StringValue && !isMarked(result)) {
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
