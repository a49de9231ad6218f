// The bundled trio on a few problems of its task: what the base answers, and what RAST answers.
import { loadRast } from "../dist/index.js";

const problems = [
    ["6+34+63+39", 142],
    ["58+17-42+91-36", 88],
    ["99-45+72-18+64-27", 145]
];
const bold = (text) => (process.stdout.isTTY && !process.env.NO_COLOR ? `\u001b[1m${text}\u001b[0m` : text);

const rast = await loadRast({ trio: "demo" });
const { info } = rast;
process.stdout.write(
    `${bold("RAST on the bundled trio")}: base ${info.base.parameterCount} parameters, expert and antiexpert ` +
        `${info.pairs[0].expert.parameterCount} each, on ${info.base.device}\n` +
        "The base knows how to go step by step and seldom does; reinforcement learning taught the small model to.\n"
);
let firstTokenMs;
for (const [prompt, answer] of problems) {
    process.stdout.write(`\n${bold(prompt)} = ${answer}\n`);
    for (const mode of ["base", "rast"]) {
        process.stdout.write(`  ${mode === "base" ? "base alone" : "with RAST "}  `);
        const generation = rast.generate({ prompt, mode, seed: 7 });
        for await (const part of generation) process.stdout.write(part.text);
        const { text, timings } = await generation.result;
        if (mode === "rast") firstTokenMs ??= timings.firstTokenMs;
        const correct = new RegExp(`#${answer}$`).test(text.trim());
        process.stdout.write(
            `  ${correct ? "right" : "wrong"}, ${Math.round(timings.tokensPerSecond ?? 0)} tokens/s\n`
        );
    }
}
const started = firstTokenMs === undefined ? "" : ` First RAST token ${firstTokenMs.toFixed(1)} ms after its request.`;
process.stdout.write(`\nModels loaded in ${Math.round(info.loadMs)} ms.${started}\n`);
await rast.dispose();
