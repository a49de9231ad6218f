// vitest with the arguments of `npm test -- ...`. Whole, it goes in three parts: what loads no models two files at a time, then what
// draws little, two files with half of the processors each, then the rest one by one, since engines that share processors wait
// for each other.
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const run = (args, env = {}) =>
    spawnSync(process.execPath, [vitest, "run", ...args], {
        cwd: root,
        stdio: "inherit",
        env: { ...process.env, ...env }
    }).status ?? 1;

// what measures, decodes on many threads, or takes hold of the whole machine
const files = (folder, ...names) => names.map((name) => `test/${folder}/${name}.test.ts`);
const alone = [
    "test/parity/",
    "test/native/",
    ...files("lifecycle", "aborts", "eval-kills", "isolate", "isolate-crash", "lifecycle", "server", "workers"),
    ...files(
        "e2e",
        "bench",
        "bench-page",
        "bench-scripts",
        "bytes",
        "clock",
        "desktop-app",
        "drafts",
        "experts",
        "libraries",
        "ngram"
    ),
    ...files("e2e", "plan", "scores", "server", "together"),
    ...files("packaging", "layouts")
];
const besides = ["test/unit/", ...alone].flatMap((path) => ["--exclude", path.endsWith("/") ? `${path}**` : path]);
const two = ["--fileParallelism", "--maxWorkers=2", "--minWorkers=2"];
const hasHalves = process.platform === "linux" && availableParallelism() > 1;

const given = process.argv.slice(2);
const parts = given.some((argument) => !argument.startsWith("--"))
    ? [[given]]
    : [
          [["test/unit/", ...two, ...given]],
          [[...besides, ...(hasHalves ? two : []), ...given], hasHalves ? { RAST_TEST_HALVES: "1" } : {}],
          [[...alone, ...given]]
      ];
// each runs whatever the one before found
process.exitCode = Math.max(...parts.map(([args, env]) => run(args, env)));
