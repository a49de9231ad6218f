import { defineConfig } from "vitest/config";

export default defineConfig({
    test: {
        include: ["test/**/*.test.ts"],
        // Two engines at full thread counts slow each other a hundredfold.
        fileParallelism: false,
        pool: "forks",
        setupFiles: ["test/support/half-machine.ts"],
        // Most tests load models that were made a moment ago, and none is about the settings of whoever runs them, nor
        // writes into their cache folder.
        env: { RAST_TRY_MODELS: "0", RAST_CONFIG: "", RAST_CACHE: "off" },
        testTimeout: 180_000,
        hookTimeout: 120_000
    }
});
