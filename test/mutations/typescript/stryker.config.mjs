// Mutation testing: small wrong changes to the TypeScript layer, one at a time, that a unit test must notice.
/** @type {import("@stryker-mutator/api/core").PartialStrykerOptions} */
export default {
    testRunner: "unit-tests",
    plugins: ["./test/mutations/typescript/runner.mjs"],
    mutate: [
        "src/{errors,checks,limits}.ts",
        "src/{engine,loading,machine,models,placement,trio,text,isolate}/**/*.ts",
        // What is seen from outside alone, by tests that start processes (test/lifecycle): half a minute for every change.
        "!src/isolate/{child,engine-process,isolated-host,start}.ts",
        "!src/loading/{model-trial,trial-child}.ts"
    ],
    // Folders of the checkout, not those of the same names in src.
    ignorePatterns: ["/build", "/dist", "/prebuilds", "/gpu-pack", "/models", "/bench", "/native", "/test/.cache"],
    coverageAnalysis: "perTest",
    // Constants of a module: each would need all tests from a fresh start.
    ignoreStatic: true,
    incremental: true,
    incrementalFile: "build/mutation/incremental.json",
    thresholds: { high: 90, low: 80, break: 80 },
    concurrency: 1,
    timeoutMS: 4000,
    timeoutFactor: 0.7,
    reporters: ["progress-append-only", "clear-text", "json"],
    clearTextReporter: { reportTests: false, allowEmojis: false, logTests: false },
    jsonReporter: { fileName: "build/mutation/report.json" },
    tempDirName: "build/mutation/sandbox",
    symlinkNodeModules: true,
    allowConsoleColors: false
};
