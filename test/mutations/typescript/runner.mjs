// A test runner for StrykerJS: the unit tests, written for vitest, run one change after the other in one process.
//
// StrykerJS's own runner starts a thread and loads vitest for every change: 0.3 s and more of CPU time each, over three
// thousand times. Here esbuild bundles each test file once, and a change costs the evaluation of a bundle: every run has
// modules of its own, so that no change leaves anything behind for the next. The tests' functions are vitest's.
import { createRequire } from "node:module";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { readFileSync, readdirSync } from "node:fs";
import { pathToFileURL } from "node:url";
import vm from "node:vm";
import workerThreads from "node:worker_threads";
import { INSTRUMENTER_CONSTANTS } from "@stryker-mutator/api/core";
import { PluginKind, commonTokens, declareFactoryPlugin, tokens } from "@stryker-mutator/api/plugin";
import {
    DryRunStatus,
    TestStatus,
    determineHitLimitReached,
    toMutantRunResult
} from "@stryker-mutator/api/test-runner";

// The first run may take its time on a busy machine.
const firstTimeoutMs = 60_000;
const testTimeoutMs = 4000;
// Each starts processes or waits for real seconds; other tests hold what they hold.
const excluded = ["test/unit/loading/model-trial.test.ts"];
/** Folders of test/unit, as those of src that are changed. */
const folders = ["engine", "isolate", "loading", "machine", "models", "placement", "text", "trio"];
const slow =
    /a hundred thousand|an abort ends all of them|a thousand generations|through a child process|ends chains of causes|that is a trap (?:loops|spaces|many large|others|deep)/;

class UnitTestRunner {
    #namespace;
    #bail;
    #root = process.cwd();
    /** Compiled bundles, by the test file's path from the root. */
    #bundles = new Map();
    /** Milliseconds of each test file in the first run. */
    #costs = new Map();
    #startTests;
    #getFn;
    #vitest;
    #workers = new Set();
    #stray = [];

    constructor(options, namespace) {
        this.#bail = !options.disableBail;
        globalThis[namespace] ??= {};
        this.#namespace = globalThis[namespace];
    }

    capabilities() {
        return { reloadEnvironment: true };
    }

    async init() {
        process.env.RAST_TRY_MODELS = "0";
        const require = createRequire(join(this.#root, "package.json"));
        const vitestRequire = createRequire(require.resolve("vitest/package.json"));
        provideVitest();
        this.#vitest = await import(
            pathToFileURL(join(dirname(require.resolve("vitest/package.json")), "dist", "index.js"))
        );
        const vitestRunner = dirname(vitestRequire.resolve("@vitest/runner"));
        ({ startTests: this.#startTests } = await import(pathToFileURL(join(vitestRunner, "index.js"))));
        ({ getFn: this.#getFn } = await import(pathToFileURL(join(vitestRunner, "index.js"))));
        const files = testFiles(this.#root);
        const { build } = createRequire(vitestRequire.resolve("vite/package.json"))("esbuild");
        const { outputFiles } = await build({
            absWorkingDir: this.#root,
            entryPoints: files,
            outbase: this.#root,
            outdir: join(this.#root, "bundles"),
            write: false,
            bundle: true,
            format: "cjs",
            platform: "node",
            target: "node20",
            packages: "external",
            plugins: [importMeta]
        });
        const outputs = new Map(outputFiles.map((file) => [file.path, file.text]));
        for (const file of files) {
            const text = outputs.get(join(this.#root, "bundles", file.replace(/\.ts$/, ".js")));
            const script = new vm.Script(`(function (require, module, exports) {${text}\n})`, {
                filename: join(this.#root, file),
                importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
            });
            this.#bundles.set(file, script);
        }
        for (const event of ["unhandledRejection", "uncaughtException"]) {
            process.on(event, (error) => this.#stray.push(error));
        }
    }

    async dryRun() {
        const namespace = this.#namespace;
        namespace.activeMutant = undefined;
        namespace.hitCount = undefined;
        namespace.mutantCoverage = { static: {}, perTest: {} };
        const tests = [];
        for (const file of this.#bundles.keys()) {
            const start = performance.now();
            tests.push(...(await this.#runFile(file, {})));
            this.#costs.set(file, performance.now() - start);
        }
        return this.#result(tests, { mutantCoverage: namespace.mutantCoverage });
    }

    async mutantRun({ activeMutant, testFilter, hitLimit, sandboxFileName, mutantActivation }) {
        const namespace = this.#namespace;
        namespace.mutantCoverage = undefined;
        namespace.hitLimit = hitLimit;
        namespace.hitCount = 0;
        const wanted = testFilter && new Set(testFilter);
        const files = [...this.#bundles.keys()].filter(
            (file) => wanted === undefined || testFilter.some((id) => id.startsWith(`${file}#`))
        );
        const tests = [];
        for (const file of this.#nearestFirst(files, sandboxFileName)) {
            tests.push(...(await this.#runFile(file, { mutant: activeMutant.id, wanted, mutantActivation })));
            // It may hold one of the few threads that read files: StrykerJS ends a process that is silent.
            if (tests.some(timedOut) && activeResources().some((kind) => kind.startsWith("FSReq")))
                await new Promise(() => {});
            if (this.#bail && tests.some(({ status }) => status === TestStatus.Failed)) break;
        }
        const hits = namespace.hitCount;
        namespace.activeMutant = undefined;
        return toMutantRunResult(determineHitLimitReached(hits, hitLimit) ?? this.#result(tests, {}));
    }

    // The file of the same name, its neighbours, then what is quick.
    #nearestFirst(files, mutated) {
        const source = relative(join(this.#root, "src"), resolve(mutated)).split(sep).join("/").replace(/\.ts$/, "");
        const distance = (file) => {
            const test = file.replace("test/unit/", "").replace(/\.test\.ts$/, "");
            return test === source ? 0 : dirname(test) === dirname(source) ? 1 : 2;
        };
        const rank = (file) => distance(file) * 1e6 + (this.#costs.get(file) ?? 0);
        return files.sort((left, right) => rank(left) - rank(right));
    }

    #result(tests, more) {
        const stray = this.#stray.splice(0);
        if (stray.length > 0 && !tests.some(({ status }) => status === TestStatus.Failed)) {
            return { status: DryRunStatus.Error, errorMessage: `Outside of the tests: ${stray[0]?.stack ?? stray[0]}` };
        }
        return { status: DryRunStatus.Complete, tests, ...more };
    }

    async #runFile(file, { mutant, wanted, mutantActivation }) {
        const namespace = this.#namespace;
        const id = (test) => `${file}#${fullName(test)}`;
        let failed = false;
        const runner = {
            config: runnerConfig(this.#root, wanted === undefined ? firstTimeoutMs : testTimeoutMs),
            pool: "threads",
            importFile: () => this.#evaluate(file),
            onBeforeRunFiles: () => {
                if (mutantActivation !== "static") namespace.activeMutant = mutant;
            },
            onBeforeRunTask: (test) => {
                if ((failed && this.#bail) || wanted?.has(id(test)) === false || slow.test(id(test)))
                    test.mode = "skip";
                else namespace.currentTestId = id(test);
            },
            onAfterRunTask: (test) => {
                namespace.currentTestId = undefined;
                failed ||= test.result?.state === "fail";
            },
            runTask: (test) => endingWhenIdle(this.#getFn(test), () => this.#workers.size > 0),
            extendTaskContext: (context) => context
        };
        namespace.activeMutant = mutantActivation === "static" ? mutant : undefined;
        const [suite] = await this.#startTests([join(this.#root, file)], runner);
        // What was rejected at the end is heard of in the next turn.
        await new Promise((done) => setImmediate(done));
        await Promise.all([...this.#workers].map((worker) => worker.terminate()));
        this.#workers.clear();
        const tests = testsOf(suite).filter((test) => test.mode !== "skip" || test.suite?.result?.state === "fail");
        const results = tests.map((test) => testResult(test, id(test), join(this.#root, file)));
        const suiteError = suite.result?.state === "fail" ? suite.result.errors?.[0] : undefined;
        if (suiteError !== undefined) {
            results.push({
                ...testResult(suite, `${file}#`, join(this.#root, file)),
                failureMessage: suiteError.message
            });
        }
        return results;
    }

    #evaluate(file) {
        const path = join(this.#root, file);
        const require = createRequire(path);
        const own = { vitest: this.#vitest, "node:worker_threads": this.#workerThreads() };
        const module = { exports: {} };
        const scoped = Object.assign((name) => own[name] ?? require(name), require);
        this.#bundles.get(file).runInThisContext()(scoped, module, module.exports);
    }

    // Threads that a run leaves behind are ended with it.
    #workerThreads() {
        const workers = this.#workers;
        class Worker extends workerThreads.Worker {
            constructor(...given) {
                super(...given);
                workers.add(this);
                this.once("exit", () => workers.delete(this));
            }
        }
        return { ...workerThreads, Worker };
    }

    async dispose() {}
}

// What vitest's functions look for; nothing of it is used by these tests.
function provideVitest() {
    const config = {
        ...runnerConfig(process.cwd(), firstTimeoutMs),
        expect: {},
        snapshotOptions: {},
        environmentOptions: {}
    };
    globalThis.__vitest_worker__ = {
        ctx: { pool: "threads", config },
        config,
        environment: { name: "node" },
        filepath: "",
        moduleCache: new Map(),
        onCancel: new Promise(() => {}),
        durations: {}
    };
}

function runnerConfig(root, timeoutMs) {
    return {
        root,
        name: "",
        setupFiles: [],
        testTimeout: timeoutMs,
        hookTimeout: timeoutMs,
        retry: 0,
        maxConcurrency: 1,
        passWithNoTests: true,
        allowOnly: false,
        sequence: { hooks: "stack", setupFiles: "list", shuffle: false, concurrent: false, seed: 1 },
        chaiConfig: {}
    };
}

function testFiles(root) {
    const files = [];
    const walk = (folder) => {
        for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
            const path = `${folder}/${entry.name}`;
            if (entry.isDirectory()) walk(path);
            else if (entry.name.endsWith(".test.ts") && !excluded.includes(path)) files.push(path);
        }
    };
    for (const folder of folders) walk(`test/unit/${folder}`);
    for (const name of readdirSync(join(root, "test", "unit"))) {
        if (name.endsWith(".test.ts")) files.push(`test/unit/${name}`);
    }
    return files;
}

// A bundle is no module: what the modules in it ask of themselves is written into them.
const importMeta = {
    name: "import-meta",
    setup(build) {
        build.onLoad({ filter: /\.ts$/ }, ({ path }) => ({
            contents: readFileSync(path, "utf8").replaceAll(
                "import.meta.url",
                JSON.stringify(pathToFileURL(path).href)
            ),
            loader: "ts"
        }));
    }
};

const timedOut = ({ failureMessage }) => failureMessage?.includes("timed out in");

/** What the event loop waits for, beside what it waits for all the time. */
function activeResources() {
    return process.getActiveResourcesInfo().filter((kind) => !/^(?:Pipe|TTY|Process|MessagePort$)/.test(kind));
}

/**
 * Runs a test, and fails it when it waits and there is nothing that it could wait for: no timer, no file, no thread. So a
 * change that lets a promise wait for ever costs a moment, however busy the machine is.
 */
async function endingWhenIdle(test, hasThreads) {
    let timer;
    const idle = new Promise((_, reject) => {
        let looks = 0;
        timer = setInterval(() => {
            looks = activeResources().length === 0 && !hasThreads() ? looks + 1 : 0;
            if (looks === 3) reject(new Error("It waits for what will never come."));
        }, 5);
        timer.unref();
    });
    try {
        await Promise.race([test(), idle]);
    } finally {
        clearInterval(timer);
    }
}

function testsOf(suite) {
    return suite.tasks.flatMap((task) => (task.type === "suite" ? testsOf(task) : [task]));
}

function fullName(test) {
    const names = [];
    for (let task = test; task !== undefined && task.filepath === undefined; task = task.suite)
        names.unshift(task.name);
    return names.join(" ").trim();
}

function testResult(test, id, fileName) {
    const common = {
        id,
        name: fullName(test) || basename(fileName),
        timeSpentMs: test.result?.duration ?? 0,
        fileName
    };
    if (test.result?.state === "pass") return { ...common, status: TestStatus.Success };
    const errors = test.result?.errors ?? test.suite?.result?.errors;
    if (test.result?.state !== "fail" && test.suite?.result?.state !== "fail") {
        return { ...common, status: TestStatus.Skipped };
    }
    return { ...common, status: TestStatus.Failed, failureMessage: errors?.[0]?.message ?? "failed" };
}

function createRunner(options) {
    return new UnitTestRunner(options, INSTRUMENTER_CONSTANTS.NAMESPACE);
}
createRunner.inject = tokens(commonTokens.options);

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, "unit-tests", createRunner)];
