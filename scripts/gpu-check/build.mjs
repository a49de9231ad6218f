// Step "build": llama.cpp's libraries for this card, the addon and the native tests. Goes on where it was stopped.
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { cudaFlags } from "./cuda.mjs";
import { lastWords, OutOfTime, printed, run, say } from "./running.mjs";
import { expectedVersions, llamaFlags } from "./toolchain.mjs";

const readIf = (file) => (existsSync(file) ? readFileSync(file, "utf8") : null);

// llama.cpp's source, unpacked once per archive; what was compiled of another one goes.
async function unpackLlama({ pack, work }) {
    const { sha256 } = JSON.parse(readFileSync(join(pack, "manifest.json"), "utf8")).archives.llama;
    const source = join(work, "llama");
    if (readIf(join(source, "pack.sha256")) === sha256) return source;
    say("unpacking llama.cpp's source");
    const part = `${source}.part`;
    for (const folder of [part, source, join(work, "llama-cpu"), join(work, "llama-cuda")]) {
        rmSync(folder, { recursive: true, force: true });
    }
    mkdirSync(part, { recursive: true });
    const result = await run("cmake", ["-E", "tar", "xf", join(pack, "llama.tar.xz")], { cwd: part });
    if (result.code !== 0) throw new Error(`llama.cpp's source cannot be unpacked: ${lastWords(result)}`);
    writeFileSync(join(part, "pack.sha256"), sha256);
    renameSync(part, source);
    return source;
}

/**
 * Configures when the flags are others than before, and builds; both say what they do every now and then.
 * @param {{ deadline: Deadline, jobs: number, log: string }} context
 * @throws OutOfTime at its end: what was compiled is kept
 */
export async function cmake(context, { what, source, folder, flags, targets }) {
    const { deadline, jobs, log } = context;
    const ninja = (await printed("ninja", ["--version"])) !== null;
    const wanted = JSON.stringify([source, flags, ninja]);
    const stamp = join(folder, "gpu-check.flags");
    const step = async (args, onOutput) => {
        const result = await run("cmake", args, { seconds: deadline.left, log: join(log, `${what}.log`), onOutput });
        if (result.timedOut) throw new OutOfTime(what);
        if (result.code !== 0) {
            const text = result.stdout + result.stderr;
            const errors = /^.*(\berror\b *:|\bfatal\b|undefined reference|CMake Error).*$/m.exec(text)?.[0];
            const where = join(log, `${what}.log`);
            throw new Error(`${what} did not build: ${errors ?? lastWords(result)} (all of it in ${where})`);
        }
    };
    if (readIf(stamp) !== wanted) {
        say(`configuring ${what}`);
        rmSync(folder, { recursive: true, force: true });
        const generator = ninja ? ["-G", "Ninja"] : [];
        await step(["-S", source, "-B", folder, ...generator, ...flags.map((flag) => `-D${flag}`)]);
        writeFileSync(stamp, wanted);
    }
    say(`building ${what} with ${jobs} jobs`);
    const start = performance.now();
    let told = start;
    let progress = "";
    await step(["--build", folder, "--parallel", String(jobs), "--target", ...targets], (text) => {
        progress =
            /\[[\d /%]+\]/g.exec(text.split("\n").findLast((line) => line.startsWith("[")) ?? "")?.[0] ?? progress;
        if (performance.now() - told < 20_000) return;
        told = performance.now();
        say(`${what} ${progress} after ${((told - start) / 1000).toFixed(0)} s`);
    });
}

/** Where a build's libraries lie. */
export function librariesOf(work, backend) {
    return join(work, `llama-${backend}`, "bin");
}

/**
 * Runs the step.
 * @param context folders, backend, jobs, deadline, options; its state gets `build`
 */
export async function build(context) {
    const { work, project, backend, state, options } = context;
    const start = performance.now();
    const before = state.build?.backend === backend ? state.build : { seconds: 0, calls: 0 };
    const keep = (change) => {
        const seconds = before.seconds + (performance.now() - start) / 1000;
        state.build = { backend, ok: false, seconds, calls: before.calls + 1, ...change };
        context.save();
    };
    try {
        context.jobs = options.jobs ?? availableParallelism();
        const versions = expectedVersions(project);
        const release = join(project, "build", "Release");
        await cmake(context, {
            what: "rast",
            source: project,
            folder: join(project, "build"),
            flags: [
                "CMAKE_BUILD_TYPE=Release",
                "RAST_BUILD_TESTS=ON",
                `CMAKE_LIBRARY_OUTPUT_DIRECTORY=${release}`,
                `NODE_ADDON_API_DIR=${join(project, "node_modules", "node-addon-api")}`,
                `NODE_API_HEADERS_DIR=${join(project, "node_modules", "node-api-headers", "include")}`
            ],
            targets: ["all"]
        });
        const source = await unpackLlama(context);
        const cuda = backend === "cuda" ? await cudaFlags({ ...options, work }) : [];
        const cpuinfo = readIf("/proc/cpuinfo") ?? "";
        const flags = llamaFlags({ ggmlCommit: versions.ggmlCommit, cpuinfo, cuda });
        keep({ flags });
        await cmake(context, {
            what: `llama-${backend}`,
            source,
            folder: join(work, `llama-${backend}`),
            flags,
            targets: ["llama", "ggml", "ggml-cpu", ...(backend === "cuda" ? ["ggml-cuda"] : [])]
        });
        const folder = librariesOf(work, backend);
        const files = readdirSync(folder).filter((name) => name.endsWith(".so"));
        const libraries = Object.fromEntries(files.map((name) => [name, statSync(join(folder, name)).size]));
        keep({ ok: true, flags, libraries });
        say(`built in ${state.build.seconds.toFixed(0)} s: ${files.join(", ")}`);
    } catch (error) {
        const what = error instanceof OutOfTime ? "out of time" : error.message;
        keep({ flags: state.build?.flags ?? [], error: what });
        throw error;
    }
}
