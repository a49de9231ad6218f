// Step "bench": shaped trios through `rast bench`, one record per agreement and way of drawing.
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { lastWords, Misuse, OutOfTime, run, say } from "./running.mjs";
import { rastEnvironment } from "./tests.mjs";

/** What is drawn how: the paper's settings are temperature 1 and the likeliest tokens up to a mass of 0.95. */
export const samplings = {
    greedy: { temperature: "0", topP: "1" },
    paper: { temperature: "1", topP: "0.95" }
};

/** Arguments of one `rast bench`. */
export function benchArguments({ trio, sampling, options, output }) {
    const models = ["base", "expert", "antiexpert"].flatMap((role) => [`--${role}`, trio[role]]);
    const { temperature, topP } = samplings[sampling];
    return [
        "bench",
        ...models,
        ...["--mode", options.modes],
        ...["--prompt", options.prompt, "--generate", options.generate, "--depth", options.depth],
        ...["--sequences", options.sequences, "--repetitions", options.repetitions],
        ...["--temperature", temperature, "--top-p", topP],
        ...["--format", "json", "--output", output]
    ];
}

/** What a unit is called. */
export function nameOf({ agreement, sampling }, { base, small, type }) {
    return `${base} with ${small}, ${type}, agreement ${agreement}, ${sampling}`;
}

/** Checks what was typed. @throws Misuse */
export function benchUnits({ agreements, samplings: wanted }) {
    const list = agreements.split(",").map((text) => text.trim());
    for (const text of list) {
        if (!(text !== "" && Number(text) >= 0 && Number(text) <= 1)) {
            throw new Misuse(`expected numbers from 0 to 1 for --agreements, received "${agreements}"`);
        }
    }
    const ways = wanted.split(",");
    for (const name of ways) {
        if (!Object.hasOwn(samplings, name)) {
            throw new Misuse(`expected ${Object.keys(samplings).join(",")} for --samplings, received "${wanted}"`);
        }
    }
    return list.flatMap((agreement) => ways.map((sampling) => ({ agreement, sampling })));
}

/**
 * Runs the step; `state.bench` gets a record per unit.
 * @returns {Promise<boolean>} whether all went well
 */
export async function bench(context) {
    const { project, work, state, backend, deadline, options, log } = context;
    if (state.build?.ok !== true || state.build.backend !== backend) throw new Misuse("run the step build first");
    const units = benchUnits(options);
    const models = options.models ?? join(work, "bench-models");
    const records = join(work, "bench");
    mkdirSync(records, { recursive: true });
    state.bench ??= {};
    state.benchWanted = units.map((unit) => nameOf(unit, options));
    const child = async (what, args) => {
        const settings = {
            cwd: project,
            env: rastEnvironment(context),
            seconds: deadline.left,
            log: join(log, "bench.log")
        };
        const result = await run(process.execPath, args, settings);
        if (result.timedOut) throw new OutOfTime("bench");
        if (result.code !== 0) throw new Error(`${what}: ${lastWords(result)}`);
        return result;
    };
    let failed = 0;
    for (const [index, unit] of units.entries()) {
        const name = nameOf(unit, options);
        const asked = JSON.stringify(benchArguments({ trio: {}, sampling: unit.sampling, options, output: "" }));
        if (state.bench[name]?.ok === true && state.bench[name].asked === asked) continue;
        deadline.need(5, "bench");
        const start = performance.now();
        const seconds = () => Number(((performance.now() - start) / 1000).toFixed(1));
        const place = `[${index + 1}/${units.length}]`;
        try {
            say(`${place} models for ${name}`);
            const made = await child("models", [
                join(project, "scripts", "make-shaped-trio.mjs"),
                models,
                ...["--base", options.base, "--small", options.small],
                ...["--type", options.type, "--agreement", unit.agreement]
            ]);
            const trio = JSON.parse(made.stdout.trim().split("\n").at(-1));
            const modelSeconds = seconds();
            say(`${place} benchmark, models after ${modelSeconds} s`);
            const output = join(records, `${unit.agreement}-${unit.sampling}.json`);
            const args = benchArguments({ trio, sampling: unit.sampling, options, output: `${output}.part` });
            await child("rast bench", [join(project, "dist", "cli", "main.js"), ...args]);
            if (!existsSync(`${output}.part`)) throw new Error("rast bench wrote no record");
            renameSync(`${output}.part`, output);
            const record = JSON.parse(readFileSync(output, "utf8"));
            state.bench[name] = { ok: true, seconds: seconds(), modelSeconds, asked, ...unit, record };
            say(`${place} ok: ${name}, ${seconds()} s`);
        } catch (error) {
            if (error instanceof OutOfTime || error instanceof Misuse) throw error;
            failed += 1;
            state.bench[name] = { ok: false, seconds: seconds(), asked, ...unit, error: error.message };
            say(`${place} FAILED: ${name}: ${error.message}`);
        }
        context.save();
    }
    return failed === 0;
}
