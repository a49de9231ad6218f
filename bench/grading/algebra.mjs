// Libraries of computer algebra, on the labelled pairs that are expressions: node bench/grading/algebra.mjs FOLDER
//
// FOLDER has a node_modules with those of @cortex-js/compute-engine, nerdamer-prime, mathjs and algebrite that are to be compared:
//   npm install --prefix FOLDER --ignore-scripts --force @cortex-js/compute-engine@0.140.0 nerdamer-prime mathjs algebrite
// Each gets both sides as our parser has them (compute-engine also the LaTeX itself), and is asked whether their difference
// is zero. Printed: right verdicts, wrong ones, those that it leaves open, the median and longest time, and the time to load.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { sameValue } from "../../dist/grading/identity.js";
import { parseAnswer } from "../../dist/grading/parse.js";
import { tidy } from "../../dist/grading/tidy.js";

const folder = resolve(process.argv[2] ?? ".");
const from = createRequire(join(folder, "package.json"));
const kinds = new Set(["fraction", "decimal", "root and constant", "expression", "complex", "further wrong answers"]);
const file = new URL("../../test/unit/grading/pairs.jsonl", import.meta.url);

const names = { sqrt: "sqrt", asin: "asin", acos: "acos", atan: "atan", log: "log", binomial: "binomial" };

/** A tree as the libraries read it; undefined for what is no expression. */
function infix(node) {
    const parts = (list) => {
        const texts = list.map(infix);
        return texts.includes(undefined) ? undefined : texts;
    };
    switch (node.kind) {
        case "number":
            return `(${node.value.n * node.value.s}/${node.value.d})`;
        case "symbol":
            return node.name.replace(/[^a-zA-Z0-9]/g, "");
        case "constant":
            return node.name === "infinity" ? undefined : node.name;
        case "negative": {
            const of = infix(node.of);
            return of && `(-${of})`;
        }
        case "sum":
        case "product": {
            const texts = parts(node.terms ?? node.factors);
            return texts && `(${texts.join(node.kind === "sum" ? "+" : "*")})`;
        }
        case "quotient":
        case "power": {
            const texts = parts(node.kind === "power" ? [node.base, node.exponent] : [node.above, node.below]);
            return texts && `(${texts.join(node.kind === "power" ? "^" : "/")})`;
        }
        case "call": {
            const texts = parts(node.args);
            if (texts === undefined) return undefined;
            if (node.name === "factorial") return `(${texts[0]})!`;
            if (node.name === "exp") return `(e^${texts[0]})`;
            if (node.name === "root") return `(${texts[0]}^(1/${texts[1]}))`;
            if (node.name === "log" && texts.length === 2) return `(log(${texts[0]})/log(${texts[1]}))`;
            return `${names[node.name] ?? node.name}(${texts.join(",")})`;
        }
        default:
            return undefined;
    }
}

const pairs = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ kind }) => kinds.has(kind))
    .flatMap((pair) => {
        try {
            const [gold, answer] = [parseAnswer(tidy(pair.gold), true), parseAnswer(tidy(pair.answer), true)];
            const [a, b] = [infix(gold), infix(answer)];
            return a === undefined || b === undefined ? [] : [{ ...pair, trees: [gold, answer], a, b }];
        } catch {
            return [];
        }
    });

/** Whether 0 is near, for what comes as a number. */
const isZero = (value) => Math.abs(Number(value)) < 1e-9;

async function judges() {
    const found = {
        "ours: exact, then at places":
            () =>
            ({ trees: [a, b] }) =>
                sameValue(a, b)
    };
    const attempt = (name, load) => {
        try {
            readFileSync(join(folder, "node_modules", name.split(" ")[0], "package.json"));
            found[name] = load;
        } catch {
            // not installed there
        }
    };
    const engine = async () => {
        // As an ES module: what require finds is for browsers.
        const { exports } = JSON.parse(
            readFileSync(join(folder, "node_modules/@cortex-js/compute-engine/package.json"), "utf8")
        );
        const entry = exports["."].import?.default ?? exports["."].import ?? exports["."].default;
        const { ComputeEngine } = await import(join(folder, "node_modules/@cortex-js/compute-engine", entry));
        return new ComputeEngine();
    };
    attempt("@cortex-js/compute-engine (LaTeX, isEqual)", async () => {
        const ce = await engine();
        return ({ gold, answer }) => ce.parse(gold).isEqual(ce.parse(answer));
    });
    attempt("@cortex-js/compute-engine (LaTeX, simplify)", async () => {
        const ce = await engine();
        return ({ gold, answer }) => {
            const left = ce.box(["Subtract", ce.parse(gold).json, ce.parse(answer).json]).simplify();
            const value = left.N();
            return value.is(0)
                ? true
                : value.numericValue === null || value.unknowns?.length > 0
                  ? undefined
                  : isZero(value.re) && isZero(value.im);
        };
    });
    attempt("nerdamer-prime", () => {
        const nerdamer = from("nerdamer-prime/all");
        return ({ a, b }) => {
            const left = nerdamer(`simplify((${a})-(${b}))`);
            const text = left.toString();
            if (text === "0") return true;
            return left.variables().length > 0 ? undefined : isZero(nerdamer(text).evaluate().text("decimals"));
        };
    });
    attempt("mathjs", () => {
        const math = from("mathjs");
        return ({ a, b }) => {
            const left = `(${a})-(${b})`;
            try {
                const value = math.evaluate(left);
                return math.abs(value) < 1e-9;
            } catch {
                // with letters
            }
            let simple = math.simplify(left);
            try {
                simple = math.rationalize(left);
            } catch {
                // no rational function
            }
            return simple.toString() === "0" ? true : undefined;
        };
    });
    attempt("algebrite", () => {
        const algebrite = from("algebrite");
        return ({ a, b }) => {
            const left = algebrite.run(`simplify((${a})-(${b}))`).toString();
            if (left === "0") return true;
            const value = algebrite.run(`float(${left})`).toString();
            return Number.isNaN(Number(value)) ? undefined : isZero(value);
        };
    });
    return found;
}

console.log(
    `${pairs.length} pairs, ${pairs.filter(({ right }) => !right).length} of them wrong answers; Node.js ${process.version}`
);
for (const [name, load] of Object.entries(await judges())) {
    const started = performance.now();
    const judge = await load();
    const loaded = performance.now() - started;
    const counts = { right: 0, wrong: 0, open: 0, threw: 0, closed: 0 };
    const times = [];
    for (const pair of pairs) {
        const begun = performance.now();
        let verdict;
        try {
            verdict = judge(pair);
        } catch {
            counts.threw++;
            verdict = undefined;
        }
        times.push(performance.now() - begun);
        if ((verdict === true) === pair.right) counts.closed++;
        if (verdict === undefined) counts.open++;
        else if (verdict === pair.right) counts.right++;
        else counts.wrong++;
    }
    times.sort((a, b) => a - b);
    const ms = (value) => `${value.toFixed(1)} ms`;
    console.log(
        `${name}: right ${counts.right}, wrong ${counts.wrong}, open ${counts.open} (${counts.threw} threw), right with open as different ${counts.closed}; ` +
            `median ${ms(times[times.length >> 1])}, longest ${ms(times.at(-1))}; loads in ${ms(loaded)}`
    );
}
