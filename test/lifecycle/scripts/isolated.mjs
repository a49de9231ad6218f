// A script with an isolated engine that ends in one of many ways; it prints the pid of the engine's process.
import { readdirSync, readFileSync } from "node:fs";
import { loadRast } from "../../../dist/index.js";
import { isolatedTrio, prompt } from "./trio.mjs";

const ending = process.argv[2];

function engine() {
    try {
        const tasks = readdirSync("/proc/self/task");
        const pids = tasks.flatMap((task) =>
            readFileSync(`/proc/self/task/${task}/children`, "utf8").trim().split(" ")
        );
        return pids.filter((pid) => pid !== "")[0];
    } catch {
        return 0;
    }
}

function say(what) {
    console.log(`engine ${engine()} ${what}`);
}

if (ending === "starting") {
    setTimeout(() => say(ending), Number(process.argv[3] ?? 5));
} else if (ending === "loading" || ending === "exit-loading") {
    let told = false;
    await loadRast({
        ...isolatedTrio,
        onProgress: () => {
            if (!told) say(ending);
            told = true;
            if (ending === "exit-loading") process.exit(3);
        }
    });
}
const rast = await loadRast(isolatedTrio);
const long = { prompt, ignoreEos: true, maxTokens: 450 };
if (ending === "idle") {
    await rast.complete({ prompt, maxTokens: 3 });
    say("idle");
} else if (ending === "running") {
    // nobody waits for the result: the script goes on until it is there, and ends
    void rast.complete({ ...long, maxTokens: 100 }).then(() => say("done"));
} else if (ending === "throw") {
    for await (const { tokens } of rast.generate(long)) {
        if (tokens.length === 0) continue;
        say("throw");
        throw new Error("nobody catches this");
    }
} else if (ending === "exit-running") {
    for await (const { tokens } of rast.generate(long)) {
        if (tokens.length === 0) continue;
        say("exit");
        process.exit(3);
    }
} else if (ending === "interrupt") {
    // what a terminal sends goes to all of the group, and a manager's signal to all processes
    const controller = new AbortController();
    process.on("SIGINT", () => controller.abort());
    const running = rast.complete({ ...long, signal: controller.signal });
    const pid = Number(engine());
    if (pid > 0) for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.kill(pid, signal);
    process.kill(process.pid, "SIGINT");
    const { stopReason } = await running;
    const { text } = await rast.complete({ prompt, seed: 3 });
    say(`${stopReason} ${text.length > 0}`);
} else {
    // to be killed: "idle-forever", "generating", "disposing" and those above
    setInterval(() => {}, 1000);
    if (ending === "generating") {
        for (;;) {
            let told = false;
            for await (const { tokens } of rast.generate(long)) {
                if (!told && tokens.length > 0) say(ending);
                told = true;
            }
        }
    } else if (ending === "disposing") {
        void rast.complete(long);
        void rast.dispose();
        say(ending);
    } else {
        say(ending);
    }
}
