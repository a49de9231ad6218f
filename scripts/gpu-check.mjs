// Builds llama.cpp's CUDA backend for this machine's card, runs the engine's tests on it and benchmarks it, all from a
// pack that needs no network: see docs/gpu-check.md.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Deadline, Misuse, OutOfTime, say } from "./gpu-check/running.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const steps = ["build", "test", "bench"];

const help = `node scripts/gpu-check.mjs [pack|build|test|bench]... [options]
sh gpu-pack/gpu-check [build|test|bench]... [options]        where the pack was carried to

  pack     make gpu-pack/: all that the other steps need on a machine without network
  build    compile llama.cpp's libraries for this card, the addon and the native tests
  test     run the native engine's tests on the card
  bench    benchmark shaped trios in all modes
Without a step: all in turn. A step goes on where it was stopped.

  --backend cuda|cpu     what to build and run on (default cuda; cpu needs no card)
  --limit SECONDS        stop after so long, keeping what was done (default: no limit)
  --jobs N               compilers at a time (default: the machine's threads)
  --pack FOLDER          (default gpu-pack)
  --work FOLDER          for what is built (default build/gpu-check beside the pack)
  --results FOLDER       for the record (default bench/results beside the pack)
  --fresh                forget what tests and benchmarks came to before
 build
  --architectures LIST   for CMAKE_CUDA_ARCHITECTURES (default: this card's)
  --cublas FOLDER        with cuBLAS's include and lib, if it lies in neither toolkit nor Python's packages
 test
  --only TEXT            tests with this in their name
  --quick, --no-quick    fewer requests (default: quick on the CPU)
 bench
  --base NAME            (default qwen2.5-14b)     --small NAME        (default qwen2.5-1.5b)
  --type NAME            (default Q4_K_M)          --agreements LIST   (default 0.8,0.95)
  --samplings LIST       (default greedy,paper)    --modes LIST        (default base,host,device,draft)
  --sequences LIST       (default 1,8)             --repetitions N     (default 5)
  --prompt N             (default 512)             --generate N        (default 128)
  --depth N              (default 0)               --models FOLDER     (default in the work folder)

Writes gpu-CARD-DATE.json. Exit code 0: all passed; 1: something failed or is not done; 2: cannot run like this.
`;

const text = (fallback) => ({ type: "string", ...(fallback === undefined ? {} : { default: fallback }) });
const optionTypes = {
    help: { type: "boolean", short: "h" },
    backend: text("cuda"),
    limit: text(),
    jobs: text(),
    pack: text(),
    work: text(),
    results: text(),
    fresh: { type: "boolean" },
    architectures: text(),
    cublas: text(),
    only: text(),
    quick: { type: "boolean" },
    "no-quick": { type: "boolean" },
    base: text("qwen2.5-14b"),
    small: text("qwen2.5-1.5b"),
    type: text("Q4_K_M"),
    agreements: text("0.8,0.95"),
    samplings: text("greedy,paper"),
    modes: text("base,host,device,draft"),
    sequences: text("1,8"),
    repetitions: text("5"),
    prompt: text("512"),
    generate: text("128"),
    depth: text("0"),
    models: text()
};

function parse(args) {
    let parsed;
    try {
        parsed = parseArgs({ args, allowPositionals: true, options: optionTypes, tokens: true });
    } catch (error) {
        throw new Misuse(error.message);
    }
    const { values, positionals, tokens } = parsed;
    const stepsAt = new Set(tokens.filter(({ kind }) => kind === "positional").map(({ index }) => index));
    const number = (name) => {
        if (values[name] === undefined) return undefined;
        const value = Number(values[name]);
        if (!(value > 0)) throw new Misuse(`expected a number above 0 for --${name}, received "${values[name]}"`);
        return value;
    };
    if (!["cuda", "cpu"].includes(values.backend)) {
        throw new Misuse(`expected cuda or cpu for --backend, received "${values.backend}"`);
    }
    const unknown = positionals.find((step) => !["pack", ...steps].includes(step));
    if (unknown !== undefined) throw new Misuse(`there is no step "${unknown}": pack, ${steps.join(", ")}`);
    const quick = values["no-quick"] === true ? false : values.quick;
    return {
        ...values,
        limit: number("limit"),
        jobs: number("jobs"),
        quick,
        wanted: positionals,
        flags: args.filter((_, index) => !stepsAt.has(index))
    };
}

// In a checkout: makes the pack, and runs the rest from it as it runs elsewhere.
async function inCheckout(options) {
    const pack = resolve(options.pack ?? join(root, "gpu-pack"));
    const wanted = options.wanted.length === 0 ? ["pack", ...steps] : options.wanted;
    if (wanted.includes("pack")) {
        const { makePack } = await import("./gpu-check/pack.mjs");
        await makePack(pack);
    }
    const rest = wanted.filter((step) => step !== "pack");
    if (rest.length === 0) return 0;
    const start = join(pack, "gpu-check");
    if (!existsSync(start)) throw new Misuse(`there is no pack in ${pack}: run the step pack`);
    const { status } = spawnSync("sh", [start, ...rest, ...options.flags], { stdio: "inherit" });
    return status ?? 1;
}

async function fromPack(options) {
    if (options.wanted.includes("pack")) throw new Misuse("packs are made in a checkout");
    const { build } = await import("./gpu-check/build.mjs");
    const { test } = await import("./gpu-check/tests.mjs");
    const { bench } = await import("./gpu-check/bench.mjs");
    const { readState, recordOf, writeRecord } = await import("./gpu-check/record.mjs");
    const { expectedVersions, machineFacts } = await import("./gpu-check/toolchain.mjs");
    const { backend, pack, work } = options;
    const manifest = readFileSync(join(root, "manifest.json"), "utf8");
    const { state, save } = readState(work, { pack: manifest, backend });
    const log = join(work, "logs");
    if (options.fresh === true) {
        delete state.tests;
        delete state.bench;
        rmSync(log, { recursive: true, force: true });
    }
    const deadline = new Deadline(options.limit);
    const context = { project: root, pack, work, backend, state, save, deadline, options, log };
    const wanted = options.wanted.length === 0 ? steps : steps.filter((step) => options.wanted.includes(step));
    let ok = true;
    try {
        for (const step of wanted) {
            // what fails is recorded, and the rest goes on; without a build there is no rest
            if (step === "build") await build(context);
            else ok = (await (step === "test" ? test : bench)(context)) && ok;
        }
    } catch (error) {
        if (error instanceof Misuse) throw error;
        ok = false;
        if (error instanceof OutOfTime) say(`out of time in ${error.message}: run it again, and it goes on`);
        else say(error.message);
    } finally {
        save();
        if (state.build !== undefined) {
            const machine = await machineFacts();
            const record = recordOf({ state, backend, machine, versions: expectedVersions(root) });
            const folder = resolve(options.results ?? join(dirname(pack), "bench", "results"));
            say(`${record.failed} failures, ${record.missing.length} not done: ${writeRecord(folder, record)}`);
        }
    }
    return ok ? 0 : 1;
}

async function main(args) {
    try {
        const options = parse(args);
        if (options.help) {
            process.stdout.write(help);
            return 0;
        }
        // unpacked, the manifest of its pack lies beside this package
        return await (existsSync(join(root, "manifest.json")) ? fromPack(options) : inCheckout(options));
    } catch (error) {
        say(error.message);
        return error instanceof Misuse ? 2 : 1;
    }
}

process.exitCode = await main(process.argv.slice(2));
