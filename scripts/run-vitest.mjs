// vitest with the arguments of `npm test -- ...`. Whole, it goes in two parts: what loads no models two files at a time,
// then the rest one by one, since engines that share the processors wait for each other.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const run = (...args) =>
    spawnSync(process.execPath, [vitest, "run", ...args], { cwd: root, stdio: "inherit" }).status ?? 1;

const given = process.argv.slice(2);
const parts = given.some((argument) => !argument.startsWith("--"))
    ? [given]
    : [
          ["test/unit/", "--fileParallelism", "--maxWorkers=2", "--minWorkers=2", ...given],
          ["--exclude", "test/unit/**", ...given]
      ];
// the second part runs whatever the first one found
process.exitCode = Math.max(...parts.map((part) => run(...part)));
