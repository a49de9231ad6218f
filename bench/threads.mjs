// What learning the number of threads gives: tokens per second by the caller's clock, with as many as the engine finds and
// with every fixed number, in turn, beside none, one and two programs that spin.
//   node bench/threads.mjs [--record FILE] [--models FOLDER] [--base NAME] [--small NAME] [--agreement N] [--busy 0,1,2]
//       [--numbers 1,2] [--tokens N] [--repetitions N]
import { loadRast } from "../dist/index.js";
import { defaultThreads } from "../dist/machine/threads.js";
import {
    busyPrograms,
    keepRecord,
    progress,
    readArguments,
    recordHead,
    spread,
    table,
    withModels
} from "./support.mjs";

const values = readArguments({
    models: undefined,
    base: "llama-1.2b",
    small: "tiny-0.07b",
    agreement: 0.95,
    busy: [0, 1, 2],
    numbers: [0],
    tokens: 32,
    repetitions: 7
});
const most = await defaultThreads();
const numbers = values.numbers[0] === 0 ? [...new Set([1, Math.ceil(most / 2), most - 1, most])] : values.numbers;
const kinds = [undefined, ...numbers.filter((number) => number > 0).sort((a, b) => a - b)];
const name = (threads) => (threads === undefined ? "learned" : String(threads));

// Each kind has an engine of its own, for as long as the same programs spin: what it learned in one text it knows in the next.
// Which was loaded first leaves a mark of 10%, so all is done in both orders; and which ran before, so each comes after every other.
async function measure(trio, busy) {
    const rates = Object.fromEntries(kinds.map((threads) => [name(threads), []]));
    const used = [];
    for (const order of [kinds, [...kinds].reverse()]) await measureIn(order, { trio, busy, rates, used });
    const medians = Object.fromEntries(Object.entries(rates).map(([key, samples]) => [key, spread(samples)]));
    const [best] = kinds
        .slice(1)
        .map(name)
        .sort((a, b) => medians[b].median - medians[a].median);
    return { busy, rates, medians, used, best, ratio: medians.learned.median / medians[best].median };
}

async function measureIn(order, { trio, busy, rates, used }) {
    const engines = [];
    const spinning = busyPrograms(busy);
    try {
        for (const threads of order) {
            const options = threads === undefined ? {} : { threads };
            engines.push(await loadRast({ ...trio, ...options, contextSize: 1024, tryModels: false, learned: false }));
        }
        for (let repetition = 0; repetition < values.repetitions; ++repetition) {
            for (let turn = 0; turn < order.length; ++turn) {
                const index = (turn + repetition) % order.length;
                const threads = order[index];
                progress(`${busy} busy, ${name(threads)} threads, ${repetition + 1} of ${values.repetitions}`);
                const start = performance.now();
                const result = await engines[index].complete({
                    prompt: `${repetition} sums`,
                    maxTokens: values.tokens,
                    temperature: 0,
                    ignoreEos: true
                });
                rates[name(threads)].push((1000 * result.tokens.length) / (performance.now() - start));
                if (threads === undefined) used.push(result.threads);
            }
        }
    } finally {
        for (const child of spinning) child.kill("SIGKILL");
        for (const engine of engines) await engine.dispose();
    }
}

const rows = await withModels(values, async (trioOf) => {
    const trio = await trioOf(values.agreement);
    const out = [];
    for (const busy of values.busy) out.push(await measure(trio, busy));
    return out;
});
const { cpu, date, versions, command } = recordHead();
const cells = rows.map(({ busy, medians, used, best, ratio }) => [
    String(busy),
    ...kinds.map((threads) => medians[name(threads)].median.toFixed(1)),
    used.join(" "),
    `${ratio.toFixed(2)} (${best})`
]);
const heads = ["busy programs:", ...kinds.map((threads) => `${name(threads)}:`), "numbers learned", "of the best:"];
process.stdout.write(
    `${cpu}, ${most} threads at most, ${date}, node-llama-cpp ${versions["node-llama-cpp"]}, tokens per second\n\n${table(heads, cells)}`
);
keepRecord(values.record, { date, cpu, most, versions, command, rows });
