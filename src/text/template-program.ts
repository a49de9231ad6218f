import { contentMarks } from "./content-marks.js";
import { jinjaRules } from "./jinja-rules.js";
import { templateLines } from "./template-lines.js";

// Runs in the thread; a text, so that it needs no file of its own where an application bundles this package. Values are
// looked at after every step, as any of them may be large; the heap after large ones, and now and then.
export const templateProgram = `
const { parentPort, workerData } = require("node:worker_threads");
const { getHeapStatistics } = require("node:v8");
const { Template, Interpreter, Environment, parse, tokenize } = require(workerData.jinja);
${jinjaRules}
${contentMarks}
${templateLines}
let limits;
let lines;
let now;
let given;
let rendered;
let steps = 0;
const { evaluate, run } = Interpreter.prototype;
Interpreter.prototype.evaluate = function (statement, environment) {
    const result = evaluate.call(this, statement, environment);
    const value = result?.value;
    const size = typeof value === "string" || Array.isArray(value) ? value.length : 0;
    if (typeof value === "string" && size > limits.maxLength) throw new Error("a text grew beyond " + limits.maxLength + " characters");
    if (Array.isArray(value) && size > limits.maxElements) throw new Error("a list grew beyond " + limits.maxElements + " elements");
    if ((size > 65536 || ++steps % 256 === 0) && getHeapStatistics().used_heap_size > limits.maxHeapBytes)
        throw new Error("it took more than " + limits.maxHeapBytes / 2 ** 20 + " MiB of memory");
    return result;
};
Interpreter.prototype.run = function (program) {
    const range = this.global.variables.get("range");
    const original = range.value;
    range.value = (args, scope) => {
        const [first, last, step] = args.map((argument) => argument.value);
        const length = last === undefined ? first : (last - first) / (step ?? 1);
        if (length > limits.maxElements) throw new Error("a range is longer than " + limits.maxElements);
        return original(args, scope);
    };
    this.global.setVariable("dict", new FunctionValue(([given]) => Object.assign(new ObjectValue(new Map(given?.value ?? [])), { givenKeys: given?.givenKeys })));
    this.global.setVariable("strftime_now", new FunctionValue(([format]) => carried(new StringValue(strftime(format.value, now)), format)));
    markVariables(this.global.variables, given.names, given.continued);
    rendered = run.call(this, program);
    return rendered;
};
const parsed = new Map();
function read(template) {
    let known = parsed.get(template);
    if (known === undefined) {
        try {
            known = new Template(template);
        } catch (error) {
            throw Object.assign(error, { line: lineOfSyntax(template) });
        }
        known.lines = linesOf(template, known.parsed);
        if (parsed.size >= 4) parsed.clear();
        parsed.set(template, known);
    }
    return known;
}
// Of the syntax tree: names that stand for variables.
function namesIn(node, names = new Set()) {
    if (Array.isArray(node)) for (const item of node) namesIn(item, names);
    else if (node instanceof Map) for (const [key, value] of node) namesIn([key, value], names);
    else if (typeof node === "object" && node !== null) {
        if (node.type === "Identifier") names.add(node.value);
        for (const [key, child] of Object.entries(node)) {
            const attribute = node.type === "MemberExpression" && key === "property" && !node.computed;
            const keyword = node.type === "KeywordArgumentExpression" && key === "key";
            if (!attribute && !keyword) namesIn(child, names);
        }
    }
    return names;
}
// Whether a loop of it goes over what is called "content".
function loopsOverContent(node) {
    if (Array.isArray(node) || node instanceof Map) return [...node].some(loopsOverContent);
    if (typeof node !== "object" || node === null) return false;
    let over = node.type === "For" ? node.iterable : undefined;
    while (over?.type === "SelectExpression" || over?.type === "FilterExpression") over = over.lhs ?? over.operand;
    const name = over?.type === "MemberExpression" ? over.property.value : over?.type === "Identifier" ? over.value : undefined;
    return name === "content" || Object.values(node).some(loopsOverContent);
}
// What it left behind would be the next one's.
function answer(value) {
    parentPort.postMessage({ value, worn: getHeapStatistics().used_heap_size > limits.maxHeapBytes / 2 });
}
parentPort.on("message", (job) => {
    limits = job.limits;
    now = new Date(job.now);
    given = job.given;
    parentPort.postMessage("begun");
    try {
        if (job.variables === null) {
            const { parsed } = read(job.template);
            answer({ names: namesIn(parsed), readsParts: loopsOverContent(parsed) });
            return;
        }
        const template = read(job.template);
        lines = template.lines;
        const text = template.render(job.variables);
        if (text.length > limits.maxLength) throw new Error("the text is longer than " + limits.maxLength + " characters");
        answer({ text, marks: settledMarks(rendered) });
    } catch (error) {
        let failure = "it threw something that is no error";
        let line;
        try {
            line = Number.isInteger(error?.line) ? error.line : undefined;
            failure = String(error?.message ?? error).slice(0, 1000);
        } catch {}
        answer(line === undefined ? { failure } : { failure, line });
    }
});
`;
