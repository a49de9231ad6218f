// Right answers of the six test sets, changed: how something is written for right ones, a number or a sign for wrong ones, labelled by how
// they were made. Each line of stdout is a pair as bench/grading/others.py takes them, with what this grader says; stderr has the counts.
//
//   node bench/grading/changed-golds.mjs --data FOLDER [--golds 700] [--seed 1] > PAIRS.jsonl
//
// FOLDER has the sets' files, as `rast eval` fetches them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readProblems } from "../../dist/eval/data/read-problems.js";
import { compareAnswers } from "../../dist/grading/equivalence.js";
import { goldOf } from "../../dist/grading/gold.js";
import { generator } from "../../dist/random.js";
import { readArguments } from "../support.mjs";

const { data: folder, golds: wanted, seed } = readArguments({ data: ".", golds: 700, seed: 1 });
const next = generator(seed);

const isInteger = (gold) => /^\d+$/.test(gold);
const isSimple = (gold) => !/[,\\]/.test(gold);

/** Each gives another way to write a gold, or undefined. */
const rewrites = {
    "\\dfrac": (gold) => (/\\frac/.test(gold) ? gold.replaceAll("\\frac", "\\dfrac") : undefined),
    "\\left( \\right)": (gold) =>
        /\(/.test(gold) && !/\\left|\\right/.test(gold)
            ? gold.replaceAll("(", "\\left(").replaceAll(")", "\\right)")
            : undefined,
    "white space": (gold) => (/\d[+-]\d/.test(gold) ? gold.replace(/(?<=\d)([+-])(?=\d)/g, " $1 ") : undefined),
    "dollar signs": (gold) => (gold.includes("$") ? undefined : `$${gold}$`),
    thousands: (gold) => (isInteger(gold) && gold.length > 3 ? Number(gold).toLocaleString("en-US") : undefined),
    decimals: (gold) => (isInteger(gold) && gold.length < 10 ? `${gold}.0` : undefined),
    unit: (gold) => (isInteger(gold) ? `${gold} \\text{ units}` : undefined),
    name: (gold) => (isInteger(gold) || /^\\frac\{\d+\}\{\d+\}$/.test(gold) ? `x = ${gold}` : undefined),
    quotient: (gold) => {
        const [, above, below] = /^\\d?frac\{(\d+)\}\{(\d+)\}$/.exec(gold) ?? [];
        return above === undefined ? undefined : `${above}/${below}`;
    },
    "\\sqrt2": (gold) => (/\\sqrt\{\d\}/.test(gold) ? gold.replace(/\\sqrt\{(\d)\}/g, "\\sqrt$1") : undefined)
};

/** Each gives another value. */
const changes = {
    "last number and 1": (gold) => gold.replace(/(\d+)(?=\D*$)/, (digits) => String(BigInt(digits) + 1n)),
    "first number and 1": (gold) => gold.replace(/\d+/, (digits) => String(BigInt(digits) + 1n)),
    "other sign": (gold) => (isSimple(gold) && /^\d/.test(gold) && !/^0+$/.test(gold) ? `-${gold}` : gold),
    "ten times": (gold) => (isInteger(gold) && !/^0+$/.test(gold) ? `${gold}0` : gold),
    "turned round": (gold) =>
        gold.replace(/^\\frac\{(\d+)\}\{(\d+)\}$/, (all, above, below) =>
            above === below ? all : `\\frac{${below}}{${above}}`
        )
};

function pick(ways, gold) {
    const fit = Object.entries(ways)
        .map(([way, make]) => [way, make(gold)])
        .filter(([, made]) => made !== undefined && made !== gold);
    return fit.length === 0 ? undefined : fit[next() % fit.length];
}

const golds = [];
for (const name of readdirSync(folder)
    .filter((one) => one.endsWith(".jsonl"))
    .sort()) {
    for (const { answer } of await readProblems(readFileSync(join(folder, name)), name)) golds.push(goldOf(answer));
}
for (let at = golds.length - 1; at > 0; at--) {
    const other = next() % (at + 1);
    [golds[at], golds[other]] = [golds[other], golds[at]];
}
const counts = { found: 0, right: 0, passed: 0, wrong: 0 };
for (const gold of golds.slice(0, wanted)) {
    for (const right of [true, false]) {
        const [way, answer] = pick(right ? rewrites : changes, gold) ?? [];
        if (answer === undefined) continue;
        const { right: ours, reason } = compareAnswers(answer, gold);
        counts[right ? "right" : "wrong"]++;
        if (ours) counts[right ? "found" : "passed"]++;
        process.stdout.write(`${JSON.stringify({ gold, answer, right, way, ours, reason })}\n`);
    }
}
process.stderr.write(
    `right answers found: ${counts.found} of ${counts.right}; wrong answers passed: ${counts.passed} of ${counts.wrong}\n`
);
