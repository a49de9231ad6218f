// Path coverage rate (arXiv 2506.15710, section 3): how often the base's own likeliest token is the one that the base after
// reinforcement learning, or the expert, drew. node scripts/demo-trio/path-coverage.mjs [PROBLEMS]
import { dirname, join } from "node:path";
import { readDemoProblems } from "../../dist/eval/sums.js";
import { loadRast } from "../../dist/index.js";
import { resolveTrio } from "../../dist/trio/trio.js";

const count = Number(process.argv[2] ?? 100);
const trio = await resolveTrio("demo");
const problems = (await readDemoProblems()).slice(0, count);
const drawers = { "base after reinforcement learning": join(dirname(trio.base), "demo-base-rl.gguf") };
for (const name of ["demo", "demo-seed2", "demo-strong"]) {
    drawers[`expert of ${name}`] = (await resolveTrio(name)).pairs[0].expert;
}
const base = await loadRast({ base: trio.base, slots: 8 });
for (const [name, path] of Object.entries(drawers)) {
    const drawer = await loadRast({ base: path });
    let covered = 0;
    let total = 0;
    for (const [ordinal, problem] of problems.entries()) {
        const prompt = trio.promptTemplate.replace("{prompt}", () => problem.prompt);
        const asked = await base.tokenize(prompt, { addSpecial: true });
        const { tokens } = await drawer.complete({ tokens: asked, ...trio.sampling, seed: 1, ordinal });
        const likeliest = await Promise.all(
            tokens.map((_, at) =>
                base.complete({ tokens: [...asked, ...tokens.slice(0, at)], temperature: 0, maxTokens: 1 })
            )
        );
        covered += likeliest.filter((one, at) => one.tokens[0] === tokens[at]).length;
        total += tokens.length;
    }
    process.stdout.write(`${name}: ${covered} of ${total} tokens, ${((100 * covered) / total).toFixed(1)}%\n`);
    await drawer.dispose();
}
await base.dispose();
