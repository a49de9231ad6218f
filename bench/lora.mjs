// What of the demo's expert is left in an adapter of some rank: the difference, texts, and right sums with RAST.
// And what memory an expert without weights of its own saves.
//
//   node bench/lora.mjs [--ranks 4,8,16,32] [--problems 200] [--seed 1] [--small qwen2.5-0.5b] [--record FILE]
//
// --small "" leaves out the second part, which writes models of that shape (random weights, Q4_0) and loads them in processes of
// their own. Sums depend on the seed alone, memory is what the process held at its peak (Linux).
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contestant, sumsTrio } from "../dist/eval/contestants.js";
import { evaluate } from "../dist/eval/run.js";
import { readDemoProblems, sumsTask } from "../dist/eval/sums.js";
import { extractLora } from "../dist/index.js";
import { keepRecord, progress, readArguments, recordHead, root, table, withModels } from "./support.mjs";

const { ranks, problems, seed, small, record } = readArguments({
    ranks: [4, 8, 16, 32],
    problems: 200,
    seed: 1,
    small: "qwen2.5-0.5b"
});

const percent = (share) => `${(100 * share).toFixed(1)}%`;
const folder = mkdtempSync(join(tmpdir(), "rast-lora-"));
const out = { ...recordHead(), demo: [], memory: [] };
try {
    const trio = await sumsTrio("demo");
    const [{ expert, antiexpert }] = trio.pairs;
    const asked = { trio, seed, signal: new AbortController().signal, onAnswer: () => {} };
    const task = sumsTask((await readDemoProblems()).slice(0, problems));
    const score = async (load, part) => {
        const own = contestant(trio, part);
        const [{ accuracy }] = await evaluate([{ ...own, load: { ...own.load, ...load } }], { ...asked, task });
        return accuracy;
    };
    const rows = [];
    progress("the expert itself");
    const whole = { expert: await score({}, "expert"), rast: await score({}, "rast") };
    for (const rank of ranks) {
        progress(`rank ${rank}`);
        const adapter = join(folder, `${rank}.gguf`);
        const made = await extractLora({ expert, antiexpert, rank, out: adapter });
        const load = { expert: { path: antiexpert, lora: adapter } };
        const right = { expert: await score(load, "expert"), rast: await score(load, "rast") };
        const { bytes, keptShare, effect } = made;
        out.demo.push({ rank, bytes, keptShare, effect, right });
        rows.push([
            String(rank),
            `${Math.round(bytes / 1024)} KiB`,
            percent(keptShare),
            effect.withAdapter.divergence.toFixed(4),
            percent(effect.keptShare),
            percent(effect.withAdapter.agreement),
            percent(right.expert),
            percent(right.rast)
        ]);
    }
    const { antiexpert: before } = out.demo[0].effect;
    const none = {
        expert: await score({ expert: antiexpert }, "expert"),
        rast: await score({ expert: antiexpert }, "rast")
    };
    out.whole = whole;
    out.none = none;
    const ends = (name, kl, kept, agreement, right) => [
        name,
        "",
        "",
        kl,
        kept,
        agreement,
        percent(right.expert),
        percent(right.rast)
    ];
    const heads = [
        "rank:",
        "file:",
        "of the difference:",
        "KL, nats:",
        "of the effect:",
        "same token:",
        "expert right:",
        "RAST right:"
    ];
    console.log(
        table(heads, [
            ends("none", before.divergence.toFixed(4), percent(0), percent(before.agreement), none),
            ...rows,
            ends("the expert", "0", percent(1), percent(1), whole)
        ])
    );
    if (small !== "") await memory();
} finally {
    rmSync(folder, { recursive: true, force: true });
}
keepRecord(record, out);

async function memory() {
    await withModels({ base: small, small }, async (write) => {
        progress(`models shaped as ${small}`);
        const { base, expert, antiexpert } = await write(0.9);
        const adapter = join(folder, "shaped.gguf");
        progress("an adapter of rank 32");
        await extractLora({ expert, antiexpert, out: adapter, measure: false });
        for (const mmap of [true, false]) {
            const common = {
                base,
                antiexpert,
                mmap,
                contextSize: 512,
                tryModels: false,
                learned: false,
                device: "cpu"
            };
            for (const [what, of] of [
                ["a file of its own", expert],
                ["an adapter", { path: antiexpert, lora: adapter }]
            ]) {
                const held = peakOf({ ...common, expert: of });
                out.memory.push({ what, mmap, ...held });
                console.log(`${what}, mmap ${mmap}: ${(held.peakBytes / 2 ** 20).toFixed(0)} MiB at its peak`);
            }
        }
    });
}

// In a process of its own, so that nothing of the one before counts.
function peakOf(load) {
    const script = `
        import { readFileSync } from "node:fs";
        import { loadRast } from "./dist/index.js";
        const rast = await loadRast(${JSON.stringify(load)});
        await rast.complete({ tokens: [5, 6, 7, 8], maxTokens: 8 });
        const status = readFileSync("/proc/self/status", "utf8");
        const { base, pairs } = rast.info;
        const models = [base, pairs[0].expert, pairs[0].antiexpert];
        console.log(JSON.stringify({
            peakBytes: 1024 * Number(/VmHWM:\\s+(\\d+)/.exec(status)[1]),
            models: models.map(({ modelBytes, sharesWeights, adapters, memory }) => ({ modelBytes, sharesWeights, adapters, memory }))
        }));
        await rast.dispose();`;
    const ended = spawnSync(process.execPath, ["--input-type=module", "-e", script], { cwd: root, encoding: "utf8" });
    if (ended.status !== 0) throw new Error(ended.stderr);
    return JSON.parse(ended.stdout);
}
