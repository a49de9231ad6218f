// Compiles and links llama.cpp's CUDA backend on a machine without a card, with NVIDIA's Python packages as the toolkit and
// gpu-check's flags, and checks what can be checked there. Goes on where it was stopped: see docs/gpu-check.md.
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as checks from "./cuda-link/checks.mjs";
import { packages, toolkitIn } from "./cuda-link/toolkit.mjs";
import { cmake } from "./gpu-check/build.mjs";
import { cudaFlags } from "./gpu-check/cuda.mjs";
import { extractLlama } from "./gpu-check/pack.mjs";
import { Deadline, Misuse, OutOfTime, say } from "./gpu-check/running.mjs";
import { expectedVersions, llamaFlags } from "./gpu-check/toolchain.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

const help = `node scripts/cuda-link.mjs [options]

  --architectures LIST   for CMAKE_CUDA_ARCHITECTURES (default 90-real)
  --limit SECONDS        stop compiling after so long, keeping what was done (default: no limit)
  --jobs N               compilers at a time, up to 3 GB each (default 1)
  --folder FOLDER        for the toolkit, the source and what is built (default build/cuda)
  --check                check what is built, and compile nothing

Writes record.json into the folder. Exit code 0: linked, and all checks passed; 1: not, or out of time; 2: cannot run here.
`;

function optionsOf(args) {
    const string = (fallback) => ({ type: "string", ...(fallback === undefined ? {} : { default: fallback }) });
    try {
        const { values } = parseArgs({
            args,
            options: {
                help: { type: "boolean", short: "h" },
                check: { type: "boolean" },
                architectures: string("90-real"),
                limit: string(),
                jobs: string("1"),
                folder: string(join(root, "build", "cuda"))
            }
        });
        for (const name of ["limit", "jobs"]) {
            if (values[name] !== undefined && !(Number(values[name]) > 0)) {
                throw new Misuse(`expected a number above 0 for --${name}, received "${values[name]}"`);
            }
        }
        return values;
    } catch (error) {
        throw error instanceof Misuse ? error : new Misuse(error.message);
    }
}

function llamaIn(folder, { llamaCpp }) {
    const source = join(folder, "llama");
    const stamp = join(source, "release.txt");
    if (existsSync(stamp) && readFileSync(stamp, "utf8") === llamaCpp) return source;
    say("taking llama.cpp's source out of its bundle");
    for (const old of [source, `${source}.part`]) rmSync(old, { recursive: true, force: true });
    extractLlama(`${source}.part`);
    writeFileSync(join(`${source}.part`, "release.txt"), llamaCpp);
    renameSync(`${source}.part`, source);
    return source;
}

// The time of steps that were stopped counts, too.
function timesIn(folder, flags) {
    const file = join(folder, "times.json");
    const found = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
    const before = JSON.stringify(found.flags) === JSON.stringify(flags) ? found : { flags, seconds: 0, steps: 0 };
    const start = performance.now();
    return {
        save: () => {
            const seconds = before.seconds + (performance.now() - start) / 1000;
            const now = { flags, seconds, steps: before.steps + 1 };
            writeFileSync(file, `${JSON.stringify(now, null, 4)}\n`);
            return now;
        },
        before
    };
}

async function check({ folder, toolkit, libraries, stub }) {
    const library = join(libraries, "libggml-cuda.so");
    if (!existsSync(library)) throw new Error(`${library} is not linked yet`);
    const toolkitLibraries = join(toolkit, "lib");
    const asDriver = checks.stubAsDriver(stub, join(folder, "stub-as-driver"));
    const without = [libraries, toolkitLibraries];
    const withStub = [...without, asDriver];
    const files = readdirSync(libraries).filter((name) => name.endsWith(".so"));
    return {
        libraries: Object.fromEntries(files.map((name) => [name, statSync(join(libraries, name)).size])),
        kernels: await checks.kernelsOf(root, library),
        unresolved: await checks.unresolved(library, withStub),
        withoutDriver: {
            ggml: await checks.inGgmlsWords(library, { work: folder, folders: without }),
            rast: await checks.inOurWords(root, libraries, without)
        },
        withStub: {
            ggml: await checks.inGgmlsWords(library, { work: folder, folders: withStub }),
            rast: await checks.inOurWords(root, libraries, withStub)
        }
    };
}

// Every way in which what was checked is not as it must be on a machine without a card.
function faultsOf({ kernels, unresolved, withoutDriver, withStub }, architectures) {
    const wanted = architectures.split(/[;,]/).map((one) => one.replace(/[a-z]?-(real|virtual)$/, ""));
    return [
        ...unresolved,
        ...wanted.flatMap((one) => (kernels.some((kernel) => kernel.startsWith(one)) ? [] : [`no code for ${one}`])),
        ...(withoutDriver.ggml.code === 1 ? [] : ["it loads without a driver's library"]),
        ...(withoutDriver.rast.cuda?.missing?.includes("libcuda.so.1")
            ? []
            : ["rast devices does not name libcuda.so.1"]),
        ...(withStub.ggml.code === 0 ? [] : [`with a stub it ends with ${withStub.ggml.code}`]),
        ...(withStub.rast.cuda?.outcome === "not loaded" ? [] : ["rast devices takes a stub for a driver"])
    ];
}

async function main(args) {
    const options = optionsOf(args);
    if (options.help) {
        process.stdout.write(help);
        return 0;
    }
    if (process.platform !== "linux" || process.arch !== "x64") throw new Misuse("it runs on Linux x64 alone");
    const folder = resolve(options.folder);
    mkdirSync(folder, { recursive: true });
    const deadline = new Deadline(options.limit === undefined ? undefined : Number(options.limit));
    const versions = expectedVersions(root);
    const toolkit = await toolkitIn(join(folder, "python"));
    // as on any machine whose nvcc is found so
    process.env.PATH = `${join(toolkit, "bin")}:${process.env.PATH}`;
    const source = llamaIn(folder, versions);
    const cuda = await cudaFlags({ architectures: options.architectures, work: folder });
    const cpuinfo = readFileSync("/proc/cpuinfo", "utf8");
    const flags = llamaFlags({ ggmlCommit: versions.ggmlCommit, cpuinfo, cuda });
    const build = join(folder, "build");
    const times = timesIn(folder, flags);
    if (options.check !== true) {
        const context = { deadline, jobs: Number(options.jobs), log: join(folder, "logs") };
        try {
            // what is in question first
            for (const targets of [["ggml-cuda"], ["ggml", "ggml-cpu", "llama"]]) {
                await cmake(context, { what: "llama-cuda", source, folder: build, flags, targets });
            }
        } finally {
            times.save();
        }
    }
    const found = await check({
        folder,
        toolkit,
        libraries: join(build, "bin"),
        stub: join(folder, "driver-stub", "libcuda.so")
    });
    const faults = faultsOf(found, options.architectures);
    const { seconds, steps } = options.check === true ? times.before : times.save();
    const record = {
        schema: "rast-cuda-link/1",
        date: new Date().toISOString().slice(0, 10),
        versions: { ...versions, ...(await checks.compilers(join(toolkit, "bin", "nvcc"))), packages },
        ...{ flags, seconds, steps, ...found, faults }
    };
    writeFileSync(join(folder, "record.json"), `${JSON.stringify(record, null, 4)}\n`);
    for (const fault of faults) say(fault);
    say(`${faults.length} faults: ${join(folder, "record.json")}`);
    return faults.length === 0 ? 0 : 1;
}

try {
    process.exitCode = await main(process.argv.slice(2));
} catch (error) {
    say(error instanceof OutOfTime ? `out of time in ${error.message}: run it again, and it goes on` : error.message);
    process.exitCode = error instanceof Misuse ? 2 : 1;
}
