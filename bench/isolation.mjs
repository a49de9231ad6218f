// What an engine in a process of its own costs: time a token and time a load, against one in this process. Both are taken in
// turn, without drafts, so that every token is a step and a message.
//   node bench/isolation.mjs [--record FILE] [--trio NAME] [--rounds N] [--tokens N] [--loads N]
import { cpus } from "node:os";
import { describeMachine } from "../dist/bench/measure/machine.js";
import { loadRast } from "../dist/index.js";
import { llamaPackages, packageVersion } from "../dist/package-root.js";
import { commandLine, keepRecord, median, quantile, readArguments, table } from "./support.mjs";

const values = readArguments({ trio: "demo", rounds: 40, tokens: 200, loads: 30 });
const { rounds, tokens, loads } = values;
const threads = Math.max(1, Math.floor(cpus().length / 2));
const kinds = [
    { name: "here", isolate: false },
    { name: "isolated", isolate: true }
];
const load = (isolate, parallel) =>
    loadRast({ trio: values.trio, isolate, parallel, threads, gpuLayers: 0, speculation: "off" });
const quartiles = (list) => ({
    median: median(list),
    low: quantile(list, 0.25),
    high: quantile(list, 0.75),
    samples: list.map((one) => Number(one.toFixed(4)))
});

async function tokenTimes(parallel) {
    const engines = [];
    for (const kind of kinds) engines.push({ ...kind, rast: await load(kind.isolate, parallel), ms: [] });
    for (let round = 0; round <= rounds; ++round) {
        // the one that comes second finds the caches of the processor differently
        for (const engine of round % 2 === 0 ? engines : [...engines].reverse()) {
            const start = performance.now();
            const options = { prompt: "6+34+63+39", seed: round, ignoreEos: true, maxTokens: tokens };
            await Promise.all(Array.from({ length: parallel }, () => engine.rast.complete(options)));
            if (round > 0) engine.ms.push((performance.now() - start) / tokens); // the first warms up
        }
    }
    for (const { rast } of engines) await rast.dispose();
    const [here, isolated] = engines.map(({ ms }) => ms);
    // of neighbours in time: what slows the machine slows both
    const extra = isolated.map((ms, index) => ms - here[index]);
    return { here: quartiles(here), isolated: quartiles(isolated), extra: quartiles(extra) };
}

async function loadTimes() {
    const ms = { here: [], isolated: [] };
    for (let i = 0; i <= loads; ++i) {
        for (const { name, isolate } of i % 2 === 0 ? kinds : [...kinds].reverse()) {
            const start = performance.now();
            const rast = await load(isolate, 1);
            if (i > 0) ms[name].push(performance.now() - start);
            await rast.dispose();
        }
    }
    const extra = ms.isolated.map((one, index) => one - ms.here[index]);
    return { here: quartiles(ms.here), isolated: quartiles(ms.isolated), extra: quartiles(extra) };
}

const record = {
    what: "an engine in a process of its own against one in this process",
    date: new Date().toISOString(),
    command: commandLine(),
    version: packageVersion(),
    nodeLlamaCpp: Object.values(llamaPackages())[0],
    machine: await describeMachine([]),
    settings: { trio: values.trio, threads, rounds, tokens, loads },
    unit: "ms",
    token: await tokenTimes(1),
    stepOfEight: await tokenTimes(8),
    load: await loadTimes()
};

const row = (name, { here, isolated, extra }) => [
    name,
    here.median.toFixed(3),
    isolated.median.toFixed(3),
    `${extra.median.toFixed(3)} (${extra.low.toFixed(3)} to ${extra.high.toFixed(3)})`
];
const { cpu, cores, node } = record.machine;
process.stdout.write(
    table(
        ["ms, median", "in this process:", "isolated:", "more (quartiles):"],
        [row("a token", record.token), row("a step of 8 generations", record.stepOfEight), row("a load", record.load)]
    ) +
        `\n${cpu}, ${cores} cores, Node.js ${node}, node-llama-cpp ${record.nodeLlamaCpp}, trio ${values.trio}, ` +
        `${threads} threads, ${record.date.slice(0, 10)}, \`${record.command}\`.\n`
);
keepRecord(values.record, record);
