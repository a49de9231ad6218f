import { defineConfig } from "vitest/config";

// The tests that notice small changes in a moment: no addon, no network.
export default defineConfig({
    test: {
        include: ["test/unit/{engine,models,text,isolate}/**/*.test.ts", "test/unit/*.test.ts"],
        exclude: ["test/unit/engine/model-trial.test.ts"],
        fileParallelism: false,
        env: { RAST_TRY_MODELS: "0" },
        // A run that hangs is ended by StrykerJS.
        testTimeout: 120_000
    }
});
