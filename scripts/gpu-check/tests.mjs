// Step "test": runs the cases one after the other, keeps what each came to, and passes over those that passed before.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { librariesOf } from "./build.mjs";
import { casesFor } from "./cases.mjs";
import { lastWords, Misuse, OutOfTime, run, say } from "./running.mjs";
import { expectedVersions, smiFolders } from "./toolchain.mjs";

const caseSeconds = 400; // one case may take

/** Environment of a process that uses the libraries that were built. */
export function rastEnvironment({ work, backend }, more = {}) {
    // records name the driver's version, which nvidia-smi tells
    const PATH = [process.env.PATH, ...smiFolders].join(":");
    return { ...process.env, PATH, RAST_LIBRARIES: librariesOf(work, backend), RAST_BACKEND: backend, ...more };
}

function builtFile(project, name) {
    const places = [join(project, "build", name), join(project, "build", "Release", name)];
    const found = places.find((path) => existsSync(path));
    if (found === undefined) throw new Misuse(`${name} is not built: run the step build`);
    return found;
}

// The models that cases name, made when first asked for. Files are kept by recipe.
async function modelsOf({ project, work }, native) {
    const folder = join(work, "test-models");
    const random = await import(pathToFileURL(join(project, "test", "support", "random-models.js")).href);
    const keep = async (name, recipe, write) => {
        const hash = createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 12);
        const path = join(folder, `${name}-${hash}.gguf`);
        if (!existsSync(path)) {
            mkdirSync(folder, { recursive: true });
            await write(`${path}.part`);
            renameSync(`${path}.part`, path);
        }
        return path;
    };
    const file = (name) => join(project, "models", "demo", `demo-${name}.gguf`);
    const demo = {
        base: file("base"),
        expert: file("weak-expert"),
        antiexpert: file("weak-antiexpert"),
        strongExpert: file("strong-expert"),
        strongAntiexpert: file("strong-antiexpert")
    };
    return {
        demo,
        tiny: (options) => random.tinyTrio(keep, options),
        shaped: (base, small) => random.shapedTrio(keep, { base, small }),
        /** The demo models in F32. */
        wideDemo: async () => {
            const entries = Object.entries(demo).map(async ([role, from]) => {
                const hash = createHash("sha256").update(readFileSync(from)).digest("hex");
                return [role, await keep(`wide-${role}`, hash, (to) => native("widen", { from, to }))];
            });
            return Object.fromEntries(await Promise.all(entries));
        }
    };
}

/** What cases run with: programs as children, with the libraries that were built. */
async function toolsFor(context, folder) {
    const { project, work, backend, deadline, log } = context;
    const libraries = librariesOf(work, backend);
    const gpu = backend === "cuda";
    const run1 = async (command, args, { env = {}, code = 0 } = {}) => {
        const seconds = Math.min(caseSeconds, deadline.left);
        const options = { cwd: project, env: rastEnvironment(context, env), seconds, log: join(log, "test.log") };
        const result = await run(command, args, options);
        if (result.timedOut && deadline.left <= 0) throw new OutOfTime("test");
        if (result.code !== code) throw new Error(lastWords(result));
        return result.stdout;
    };
    const native = async (name, options) => {
        const device = gpu
            ? ["--device", "CUDA0", "--backend", join(libraries, "libggml-cuda.so")]
            : ["--device", "CPU"];
        const rest = Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)]);
        const args = [name, "--libraries", libraries, ...device, ...rest];
        const output = await run1(builtFile(project, "rast-native-tests"), args);
        if (!/^ok\b/m.test(output)) throw new Error(`no "ok" in the output: ${output.trim().slice(-300)}`);
        return output;
    };
    const script = (path, args = [], { env = {}, ...rest } = {}) =>
        run1(process.execPath, [join(project, path), ...args], {
            ...rest,
            env: { RAST_TEST_GPU_LAYERS: gpu ? "99" : "0", ...env }
        });
    const rast = (args, { preload = false, env = {} } = {}) => {
        const counting = {
            LD_PRELOAD: builtFile(project, "count_reads.so"),
            RAST_GGML_BASE: join(libraries, "libggml-base.so")
        };
        return script("dist/cli/main.js", args, { env: { ...env, ...(preload ? counting : {}) } });
    };
    return { native, script, rast, folder, models: await modelsOf(context, native) };
}

/**
 * Runs the step; `state.tests` gets an entry per case.
 * @returns {Promise<boolean>} whether all passed
 */
export async function test(context) {
    const { project, state, backend, deadline, options } = context;
    if (state.build?.ok !== true || state.build.backend !== backend) throw new Misuse("run the step build first");
    const gpu = backend === "cuda";
    const quick = options.quick ?? !gpu;
    const all = casesFor({ gpu, quick, versions: expectedVersions(project) });
    const wanted = all.filter(({ name }) => options.only === undefined || name.includes(options.only));
    if (wanted.length === 0) throw new Misuse(`no test has "${options.only}" in its name`);
    state.tests ??= {};
    state.testsWanted = all.map(({ name }) => name);
    const folder = mkdtempSync(join(tmpdir(), "rast-gpu-check-"));
    let failed = 0;
    let kept = 0;
    try {
        const tools = await toolsFor(context, folder);
        for (const [index, { name, run: runCase }] of wanted.entries()) {
            if (state.tests[name]?.ok === true) {
                kept += 1;
                continue;
            }
            deadline.need(2, "test");
            const start = performance.now();
            const seconds = () => Number(((performance.now() - start) / 1000).toFixed(2));
            const place = `[${index + 1}/${wanted.length}]`;
            try {
                const figures = (await runCase(tools)) ?? {};
                state.tests[name] = { name, ok: true, seconds: seconds(), figures };
                say(`${place} ok: ${name}, ${seconds()} s`);
            } catch (error) {
                if (error instanceof OutOfTime || error instanceof Misuse) throw error;
                failed += 1;
                state.tests[name] = { name, ok: false, seconds: seconds(), figures: {}, error: error.message };
                say(`${place} FAILED: ${name}: ${error.message}`);
            }
            context.save();
        }
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
    say(`${wanted.length - failed} of ${wanted.length} tests passed${kept > 0 ? `, ${kept} of them before` : ""}`);
    return failed === 0;
}
