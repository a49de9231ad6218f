// Where @huggingface/jinja does otherwise than Python's jinja2: a text that runs in the thread of templates, between the
// library and the limits. It changes the prototypes of that thread's own copy.
export const jinjaRules = String.raw`
const classOf = (value) => new Environment().set("x", value).constructor;
const [StringValue, IntegerValue, FloatValue, BooleanValue, NullValue, UndefinedValue, ArrayValue, ObjectValue, FunctionValue] =
    ["", 1, 0.5, true, null, undefined, [], {}, () => 1].map(classOf);
const TupleValue = new Interpreter(new Environment()).evaluate({ type: "TupleLiteral", value: [] }, new Environment()).constructor;
const wrap = (value) => new Environment().set("x", value);

// str() and repr() of Python
function textOf(value, quoted = false) {
    if (value instanceof StringValue) return quoted ? quotedText(value.value) : value.value;
    if (value instanceof UndefinedValue) return quoted ? "Undefined" : "";
    if (value instanceof NullValue) return "None";
    if (value instanceof BooleanValue) return value.value ? "True" : "False";
    if (value instanceof ArrayValue) {
        const items = value.value.map((item) => textOf(item, true));
        if (value.type !== "TupleValue") return "[" + items.join(", ") + "]";
        return "(" + items.join(", ") + (items.length === 1 ? "," : "") + ")";
    }
    if (value instanceof ObjectValue) {
        return "{" + [...value.value].map(([key, item]) => textOf(wrap(key), true) + ": " + textOf(item, true)).join(", ") + "}";
    }
    return value.toString();
}
function quotedText(text) {
    const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
    const escapes = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", [quote]: "\\" + quote };
    return quote + text.replace(/[\\\n\r\t'"]/g, (letter) => escapes[letter] ?? letter) + quote;
}
// a text that is printed, with its marks
const printed = (value) => (value instanceof StringValue ? value : madeOf(textOf(value), value));
const escaped = (text) => text.replace(/[&<>"']/g, (letter) => "&#" + { "&": "38", "<": "60", ">": "62", '"': "34", "'": "39" }[letter] + ";").replace(/&#38;/g, "&amp;").replace(/&#60;/g, "&lt;").replace(/&#62;/g, "&gt;");
const isNumber = (value) => value instanceof IntegerValue || value instanceof FloatValue || value instanceof BooleanValue;
function equal(a, b) {
    if (isNumber(a) && isNumber(b)) return Number(a.value) === Number(b.value);
    if (a instanceof ArrayValue && b instanceof ArrayValue)
        return a.value.length === b.value.length && a.value.every((item, i) => equal(item, b.value[i]));
    if (a instanceof ObjectValue && b instanceof ObjectValue)
        return a.value.size === b.value.size && [...a.value].every(([key, item]) => b.value.has(key) && equal(item, b.value.get(key)));
    return a.constructor === b.constructor && a.value === b.value;
}

// Methods of strings
const space = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
function strip(value, letters, left, right) {
    const from = letters === undefined || letters instanceof NullValue ? null : new Set(letters.value);
    const stripped = from === null ? (letter) => new RegExp("^[" + space + "]$").test(letter) : (letter) => from.has(letter);
    const text = value.value;
    let [start, end] = [0, text.length];
    const before = (at) => (at > 1 && /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(at - 2, at)) ? text.slice(at - 2, at) : text[at - 1]);
    for (let letter; left && start < end && stripped((letter = String.fromCodePoint(text.codePointAt(start)))); ) start += letter.length;
    for (let letter; right && end > start && stripped((letter = before(end))); ) end -= letter.length;
    return cut(value, start, end);
}
function format(value, args) {
    let next = 0;
    let at = 0;
    const parts = [];
    const named = args.at(-1)?.type === "KeywordArgumentsValue" ? args.at(-1).value : new Map();
    for (const { 0: all, 1: name, index } of value.value.matchAll(/\{\{|\}\}|\{([^{}]*)\}/g)) {
        parts.push(cut(value, at, index));
        at = index + all.length;
        if (name === undefined) {
            parts.push(cut(value, index, index + 1));
            continue;
        }
        if (!/^\w*$/.test(name)) throw new Error("str.format knows only {}, {0} and {name}, not " + all);
        const given = name === "" ? args[next++] : /^\d+$/.test(name) ? args[Number(name)] : named.get(name);
        if (given === undefined || given.type === "KeywordArgumentsValue") throw new Error("nothing is given for " + all + " of a format");
        parts.push(printed(given));
    }
    return joined([...parts, cut(value, at)]);
}
// Parts of a text, in order, with so much between them.
function partsOf(value, texts, between = 0) {
    let at = 0;
    const parts = texts.map((text) => {
        const start = between > 0 ? at : value.value.indexOf(text, at);
        at = start + text.length + between;
        return cut(value, start, start + text.length);
    });
    return new ArrayValue(parts);
}
function split(value, [by, most], from) {
    const text = value.value;
    const limit = most instanceof IntegerValue && most.value >= 0 ? most.value : Infinity;
    if (by === undefined || by instanceof NullValue) return undefined;
    if (!(by instanceof StringValue)) throw new Error("a text is split at a text");
    if (by.value === "") throw new Error("empty separator");
    const parts = text.split(by.value);
    const kept = Math.min(limit, parts.length - 1);
    const rest = parts.length - kept;
    const texts = from === "left" ? [...parts.slice(0, kept), parts.slice(kept).join(by.value)] : [parts.slice(0, rest).join(by.value), ...parts.slice(rest)];
    return partsOf(value, texts, by.value.length);
}
function replaced(value, [before, after, most]) {
    if (!(before instanceof StringValue && after instanceof StringValue)) throw new Error("replace() arguments must be strings");
    const count = most?.type === "KeywordArgumentsValue" ? most.value.get("count") : most;
    let left = count instanceof IntegerValue && count.value >= 0 ? count.value : Infinity;
    if (before.value === "") return undefined;
    const parts = [];
    let at = 0;
    for (let found; left > 0 && (found = value.value.indexOf(before.value, at)) >= 0; --left) {
        parts.push(cut(value, at, found), after);
        at = found + before.value.length;
    }
    return joined([...parts, cut(value, at)]);
}
const methods = {
    strip: (value, [letters]) => strip(value, letters, true, true),
    lstrip: (value, [letters]) => strip(value, letters, true, false),
    rstrip: (value, [letters]) => strip(value, letters, false, true),
    format,
    replace: replaced,
    capitalize: (value) =>
        carried(new StringValue(value.value.slice(0, 1).toUpperCase() + value.value.slice(1).toLowerCase()), value),
    removeprefix: (value, [what]) => cut(value, value.value.startsWith(what.value) ? what.value.length : 0),
    removesuffix: (value, [what]) =>
        cut(value, 0, value.value.length - (value.value.endsWith(what.value) ? what.value.length : 0)),
    splitlines: (value) => {
        const { value: text } = value;
        const lines = text.replace(/\r\n|[\n\r]$/, (end) => (text.endsWith(end) ? "\n" : end)).replace(/\n$/, "").split(/\r\n|\n|\r/);
        return partsOf(value, lines.filter((line) => lines.length > 1 || line !== ""));
    },
    find: ({ value }, [what]) => new IntegerValue(value.includes(what.value) ? [...value.slice(0, value.indexOf(what.value))].length : -1),
    count: ({ value }, [what]) => new IntegerValue(value.split(what.value).length - 1),
    isalpha: ({ value }) => new BooleanValue(/^\p{L}+$/u.test(value)),
    split: (value, args) => split(value, args, "left"),
    rsplit: (value, args) => split(value, args, "right"),
    isdigit: ({ value }) => new BooleanValue(/^\d+$/.test(value)),
    join: (value, [given]) => {
        if (given === undefined || given.type === "KeywordArgumentsValue") throw new Error("join() asks for what is to be joined");
        if (given instanceof StringValue && value.value === "") return given;
        const items = Interpreter.prototype.itemsOf(given);
        const other = items.findIndex((item) => !(item instanceof StringValue));
        if (other >= 0) throw new Error("join() takes texts, and item " + other + " is none");
        return joined(items.flatMap((item, i) => (i === 0 ? [item] : [value, item])));
    }
};
const builtinsOf = Object.getOwnPropertyDescriptor(StringValue.prototype, "builtins").get;
Object.defineProperty(StringValue.prototype, "builtins", {
    get() {
        if (this.pythonic === undefined) {
            this.pythonic = new Map(builtinsOf.call(this));
            for (const name of new Set([...this.pythonic.keys(), ...Object.keys(methods)])) {
                const known = this.pythonic.get(name);
                const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
                if (method === undefined && !(known instanceof FunctionValue)) continue;
                // those of our own say nothing where they leave it to the library
                const call = (args, scope) => method?.(this, args) ?? carried(known.value(args, scope), this, ...args);
                this.pythonic.set(name, new FunctionValue(call));
            }
            this.pythonic.set("length", new IntegerValue([...this.value].length));
        }
        return this.pythonic;
    }
});

// Dictionaries: keys of any kind
Object.assign(ObjectValue.prototype, {
    items() { return new ArrayValue([...this.value].map(([key, value]) => new TupleValue([keyOf(this, key), value]))); },
    keys() { return new ArrayValue([...this.value.keys()].map((key) => keyOf(this, key))); },
    toString() { return textOf(this); }
});
for (const type of [ArrayValue, NullValue, BooleanValue]) type.prototype.toString = function () { return textOf(this); };
// tuples are lists there, and keys are texts
function forJson(value) {
    if (value instanceof ArrayValue) return new ArrayValue(value.value.map(forJson));
    if (value.constructor !== ObjectValue) return value;
    return new ObjectValue(new Map([...value.value].map(([key, item]) => [typeof key === "string" ? key : JSON.stringify(key), forJson(item)])));
}
const isKey = (value) => value instanceof StringValue || isNumber(value) || value instanceof NullValue;

class Break extends Error { constructor() { super("break outside of a loop"); } }
class Continue extends Error { constructor() { super("continue outside of a loop"); } }
const statements = new Set(["Set", "Macro", "Comment", "If", "For", "CallStatement", "FilterStatement"]);
const lazy = new Set(["select", "reject", "selectattr", "rejectattr", "map", "items", "unique", "reverse"]);
const original = { ...Object.fromEntries(["evaluate", "applyFilter", "evaluateBinaryExpression", "evaluateMemberExpression", "evaluateTestExpression"].map((name) => [name, Interpreter.prototype[name]])) };

Object.assign(Interpreter.prototype, {
    evaluate(node, environment) {
        if (node?.type === "Break") throw new Break();
        if (node?.type === "Continue") throw new Continue();
        if (node?.type === "ObjectLiteral") {
            let given = false;
            const entries = [...node.value].map(([key, value]) => {
                const known = this.evaluate(key, environment);
                if (!isKey(known)) throw new Error("a dictionary's key is a text or a number, not " + known.type);
                given ||= known instanceof StringValue && isMarked(known);
                return [known.value, this.evaluate(value, environment)];
            });
            return Object.assign(new ObjectValue(new Map(entries)), { givenKeys: given });
        }
        return original.evaluate.call(this, node, environment);
    },
    evaluateBlock(nodes, environment) {
        const written = [];
        for (const node of nodes) {
            try {
                const value = this.evaluate(node, environment);
                if (!statements.has(node.type)) written.push(printed(value));
                else if (value instanceof StringValue) written.push(value);
            } catch (error) {
                if (error instanceof Error) error.line ??= lines?.get(node);
                // what was written before stays
                if (error instanceof Break || error instanceof Continue) error.written = joined([...written, ...(error.written === undefined ? [] : [error.written])]);
                throw error;
            }
        }
        return joined(written);
    },
    evaluateFor(node, environment) {
        const { iterable: source, loopvar } = node;
        const filtered = source.type === "SelectExpression";
        const values = this.itemsOf(this.evaluate(filtered ? source.lhs : source, environment));
        const bind = (value) => {
            const scope = new Environment(environment);
            this.unpack(loopvar, value, scope);
            return scope;
        };
        const items = filtered ? values.filter((value) => this.evaluate(source.test, bind(value)).__bool__().value) : values;
        const written = [];
        for (const [i, value] of items.entries()) {
            const scope = bind(value);
            const loop = wrap({
                index: i + 1, index0: i, revindex: items.length - i, revindex0: items.length - i - 1,
                first: i === 0, last: i === items.length - 1, length: items.length, depth: 1, depth0: 0
            });
            loop.value.set("previtem", items[i - 1] ?? new UndefinedValue());
            loop.value.set("nextitem", items[i + 1] ?? new UndefinedValue());
            loop.value.set("cycle", new FunctionValue((args) => args[i % args.length]));
            scope.setVariable("loop", loop);
            try {
                written.push(this.evaluateBlock(node.body, scope));
            } catch (error) {
                if (!(error instanceof Break || error instanceof Continue)) throw error;
                if (error.written !== undefined) written.push(error.written);
                if (error instanceof Break) break;
            }
        }
        if (items.length === 0) written.push(this.evaluateBlock(node.defaultBlock, new Environment(environment)));
        return joined(written);
    },
    itemsOf(value) {
        if (value instanceof ArrayValue) return value.value;
        if (value instanceof ObjectValue) return value.keys().value;
        if (value instanceof StringValue) return lettersOf(value);
        if (value instanceof UndefinedValue) return [];
        throw new Error("'" + value.type.replace("Value", "") + "' is nothing to loop over");
    },
    unpack(target, value, scope) {
        if (target.type === "Identifier") {
            scope.setVariable(target.value, value);
            return;
        }
        if (target.type !== "TupleLiteral") throw new Error("a loop's variable has no name");
        const values = this.itemsOf(value);
        if (values.length !== target.value.length) throw new Error(values.length + " values for " + target.value.length + " variables of a loop");
        target.value.forEach((one, i) => this.unpack(one, values[i], scope));
    },
    evaluateMemberExpression(node, environment) {
        const object = this.evaluate(node.object, environment);
        if (node.computed && node.property.type === "SliceExpression") {
            if (!(object instanceof StringValue)) return this.evaluateSliceExpression(object, node.property, environment);
            const bounds = ["start", "stop", "step"].map((name) => {
                const bound = this.evaluate(node.property[name], environment);
                if (bound instanceof IntegerValue) return bound.value;
                if (bound instanceof UndefinedValue || bound instanceof NullValue) return undefined;
                throw new Error("a slice's bounds are numbers");
            });
            return sliceOf(object, ...bounds);
        }
        if (object instanceof UndefinedValue) {
            throw new Error("what it reads " + (node.computed ? "an item" : "'" + node.property.value + "'") + " of is undefined" + (node.object.type === "Identifier" ? ": " + node.object.value : ""));
        }
        const property = node.computed ? this.evaluate(node.property, environment) : node.property.type === "IntegerLiteral" ? new IntegerValue(node.property.value) : new StringValue(node.property.value);
        if (object instanceof ObjectValue) {
            const method = ["get", "items", "keys", "values"].includes(property.value);
            if (property.value === "get" && (!node.computed || !object.value.has("get"))) {
                return new FunctionValue(([key, otherwise]) => (isKey(key) ? object.value.get(key.value) : undefined) ?? otherwise ?? new NullValue());
            }
            if (method && !node.computed) return object.builtins.get(property.value);
            return (isKey(property) ? object.value.get(property.value) : undefined) ?? (method ? object.builtins.get(property.value) : undefined) ?? new UndefinedValue();
        }
        if (object instanceof StringValue && property instanceof IntegerValue) {
            return letterAt(object, property.value) ?? new UndefinedValue();
        }
        if (object instanceof ArrayValue && property instanceof IntegerValue) return object.value.at(property.value) ?? new UndefinedValue();
        if (!(property instanceof StringValue)) return new UndefinedValue();
        if (object.type === "NamespaceValue") return object.value.get(property.value) ?? new UndefinedValue();
        const builtin = property.value === "length" ? undefined : object.builtins.get(property.value);
        return builtin ?? new UndefinedValue();
    },
    evaluateBinaryExpression(node, environment) {
        const operator = node.operator.value;
        if (!["==", "!=", "~", "in", "not in", "+", "-", "%", "*", "<", ">", "<=", ">="].includes(operator)) return original.evaluateBinaryExpression.call(this, node, environment);
        let left = this.evaluate(node.left, environment);
        let right = this.evaluate(node.right, environment);
        if (["<", ">", "<=", ">="].includes(operator) && left instanceof StringValue && right instanceof StringValue) {
            const order = left.value < right.value ? -1 : left.value > right.value ? 1 : 0;
            return new BooleanValue({ "<": order < 0, ">": order > 0, "<=": order <= 0, ">=": order >= 0 }[operator]);
        }
        if (operator === "==" || operator === "!=") return new BooleanValue(equal(left, right) === (operator === "=="));
        // jinja2's Markup: what is put beside a text that is "safe" is escaped
        if (operator === "+" && (left.markup === true || right.markup === true)) {
            const safe = (value) => (value.markup === true ? value : madeOf(escaped(textOf(value)), value));
            return Object.assign(joined([safe(left), safe(right)]), { markup: true });
        }
        if (operator === "~" || (operator === "+" && left instanceof StringValue && right instanceof StringValue)) return joined([printed(left), printed(right)]);
        if (operator === "in" || operator === "not in") {
            let found;
            if (right instanceof StringValue) {
                if (!(left instanceof StringValue)) throw new Error("'in' a text asks for a text");
                found = right.value.includes(left.value);
            } else if (right instanceof ObjectValue) found = isKey(left) && right.value.has(left.value);
            else found = this.itemsOf(right).some((item) => equal(item, left));
            return new BooleanValue(found === (operator === "in"));
        }
        const texts = [left, right].filter((value) => value instanceof StringValue).length;
        if (operator === "+" && texts === 1) throw new Error("only a text can be put behind a text with +");
        if (operator === "*" && texts === 1) {
            const [text, times] = left instanceof StringValue ? [left, right] : [right, left];
            if (text.value.length * times.value > 2 ** 24) throw new Error("a text grew beyond 16777216 characters");
            return carried(new StringValue(text.value.repeat(Math.max(0, times.value))), text);
        }
        if (operator === "%" && isNumber(left) && isNumber(right)) {
            if (Number(right.value) === 0) throw new Error("division by zero");
            const rest = left.value - right.value * Math.floor(left.value / right.value);
            return left instanceof FloatValue || right instanceof FloatValue ? new FloatValue(rest) : new IntegerValue(rest);
        }
        // true and false are 1 and 0; not where a chain of comparisons would become another one
        if (["+", "-", "*"].includes(operator) && isNumber(left) && isNumber(right)) {
            [left, right] = [left, right].map((value) => (value instanceof BooleanValue ? new IntegerValue(Number(value.value)) : value));
        }
        const known = (value) => ({ type: "Known", known: value });
        return original.evaluateBinaryExpression.call({ evaluate: (one) => one.known }, { ...node, left: known(left), right: known(right) });
    },
    applyFilter(operand, node, environment) {
        const called = node.type === "CallExpression";
        const name = called ? node.callee.value : node.value;
        const [args, named] = called && !["tojson"].includes(name) ? this.evaluateArguments(node.args, environment) : [[], new Map()];
        const empty = operand instanceof NullValue || operand instanceof UndefinedValue;
        if (name === "safe") return Object.assign(joined([printed(operand)]), { markup: true });
        if (name === "string") return joined([printed(operand)]);
        if (name === "list") return new ArrayValue([...this.itemsOf(operand)]);
        if (name === "trim") return strip(printed(operand), args[0] ?? named.get("chars"), true, true);
        if (operand.lazy === true && ["tojson", "length", "count"].includes(name)) throw new Error("what select, map and the like give has to be made a list before " + name);
        if (name === "length" || name === "count") {
            if (operand instanceof UndefinedValue) return new IntegerValue(0);
            if (operand.type === "NamespaceValue") throw new Error("a namespace has no length");
            if (operand instanceof StringValue) return new IntegerValue([...operand.value].length);
            return new IntegerValue(this.itemsOf(operand).length);
        }
        if (name === "tojson") {
            if (operand instanceof UndefinedValue) throw new Error("what is undefined cannot be JSON");
            return carried(original.applyFilter.call(this, forJson(operand), node, environment), operand);
        }
        if (name === "default" || name === "d") {
            const otherwise = args[0] ?? named.get("default_value") ?? new StringValue("");
            const also = (args[1] ?? named.get("boolean"))?.__bool__().value === true;
            return operand instanceof UndefinedValue || (also && !operand.__bool__().value) ? otherwise : operand;
        }
        if (name === "join") {
            const between = args[0] ?? named.get("d");
            const of = named.get("attribute")?.value;
            const items = this.itemsOf(operand).map((item) => printed(of === undefined ? item : item.value?.get?.(of) ?? new UndefinedValue()));
            return joined(between === undefined ? items : items.flatMap((item, i) => (i === 0 ? [item] : [printed(between), item])));
        }
        if (name === "sum" && called === false) {
            const numbers = this.itemsOf(operand);
            if (!numbers.every(isNumber)) throw new Error("only numbers have a sum");
            const total = numbers.reduce((sum, { value }) => sum + Number(value), 0);
            return numbers.some((one) => one instanceof FloatValue) ? new FloatValue(total) : new IntegerValue(total);
        }
        if (name === "e" || name === "escape") return Object.assign(operand.markup === true ? joined([operand]) : madeOf(escaped(textOf(operand)), operand), { markup: true });
        if (name === "min" || name === "max") {
            const sorted = this.itemsOf(operand).slice().sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
            return (name === "min" ? sorted[0] : sorted.at(-1)) ?? new UndefinedValue();
        }
        if (name === "dictsort" && operand instanceof ObjectValue) {
            const by = (args[1] ?? named.get("by"))?.value === "value" ? 1 : 0;
            const exact = (args[0] ?? named.get("case_sensitive"))?.value === true;
            const down = (args[2] ?? named.get("reverse"))?.value === true ? -1 : 1;
            const rank = (pair) => {
                const { value } = pair.value[by];
                return typeof value === "string" && !exact ? value.toLowerCase() : value;
            };
            const order = (a, b) => {
                if (typeof a !== typeof b) throw new Error("texts and numbers cannot be sorted together");
                return a < b ? -1 : a > b ? 1 : 0;
            };
            return new ArrayValue(operand.items().value.sort((a, b) => down * order(rank(a), rank(b))));
        }
        if (["first", "last"].includes(name)) {
            const at = name === "first" ? 0 : -1;
            return (operand instanceof StringValue ? letterAt(operand, at) : this.itemsOf(operand).at(at)) ?? new UndefinedValue();
        }
        if (["upper", "lower", "title", "capitalize", "replace"].includes(name) && !(operand instanceof StringValue)) operand = printed(operand);
        if (lazy.has(name)) {
            let result;
            if (empty && name !== "unique" && name !== "reverse") result = new ArrayValue([]);
            else if (name === "items" && operand instanceof ObjectValue) result = operand.items();
            else if (/^(select|reject)/.test(name)) result = this.selected(operand, name, args, environment);
            else if (name === "map" && args[0] !== undefined) {
                const filter = { type: "Identifier", value: args[0].value };
                result = new ArrayValue(this.itemsOf(operand).map((item) => this.applyFilter(item, filter, environment)));
            } else result = original.applyFilter.call(this, operand, node, environment);
            if (!(result instanceof ArrayValue)) return result;
            const copy = new ArrayValue(result.value);
            copy.lazy = true;
            return copy;
        }
        const result = original.applyFilter.call(this, operand, node, environment);
        return operand instanceof StringValue && !operand.builtins.has(name) ? carried(result, operand, ...args) : result;
    },
    selected(operand, name, args, environment) {
        const rest = name.endsWith("attr") ? args.slice(1) : args;
        const attribute = (item) => args[0].value.split(".").reduce((value, part) => (value instanceof ObjectValue || value.type === "NamespaceValue" ? value.value.get(part) : undefined) ?? new UndefinedValue(), item);
        const tests = { equalto: equal, eq: equal, "==": equal, ne: (a, b) => !equal(a, b), "!=": (a, b) => !equal(a, b), in: (a, b) => this.itemsOf(b).some((item) => equal(item, a)) };
        const test = rest[0] === undefined ? (value) => value.__bool__().value : (Object.hasOwn(tests, rest[0].value) ? tests[rest[0].value] : undefined) ?? environment.tests.get(rest[0].value);
        if (test === undefined) throw new Error("there is no test named " + rest[0].value);
        const wanted = name.startsWith("select");
        return new ArrayValue(this.itemsOf(operand).filter((item) => test(name.endsWith("attr") ? attribute(item) : item, ...rest.slice(1)) === wanted));
    },
    evaluateTestExpression(node, environment) {
        const name = node.test.value;
        if (name !== "iterable" && name !== "sequence") return original.evaluateTestExpression.call(this, node, environment);
        const operand = this.evaluate(node.operand, environment);
        const fits = [ArrayValue, ObjectValue, StringValue, UndefinedValue].some((type) => operand instanceof type);
        return new BooleanValue(fits !== node.negate);
    }
});

// strftime of Python, in English
const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
function strftime(format, now) {
    const two = (n) => String(n).padStart(2, "0");
    const parts = {
        Y: now.getFullYear(), y: two(now.getFullYear() % 100), m: two(now.getMonth() + 1), d: two(now.getDate()), H: two(now.getHours()),
        I: two(now.getHours() % 12 || 12), M: two(now.getMinutes()), S: two(now.getSeconds()), p: now.getHours() < 12 ? "AM" : "PM",
        A: days[now.getDay()], a: days[now.getDay()].slice(0, 3), B: months[now.getMonth()], b: months[now.getMonth()].slice(0, 3),
        j: String(Math.round((Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()) - Date.UTC(now.getFullYear(), 0, 1)) / 864e5) + 1).padStart(3, "0"), "%": "%"
    };
    return format.replace(/%(-?)([A-Za-z%])/g, (all, bare, letter) => {
        const part = parts[letter];
        return part === undefined ? all : bare === "-" ? String(part).replace(/^0+(?=\d)/, "") : String(part);
    });
}
`;
