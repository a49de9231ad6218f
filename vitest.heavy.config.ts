import { defineConfig } from "vitest/config";

export default defineConfig({
    test: {
        include: ["test/heavy/**/*.test.ts"],
        fileParallelism: false,
        pool: "forks",
        testTimeout: 1_200_000,
        hookTimeout: 600_000
    }
});
