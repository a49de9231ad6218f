// What sampling one token costs on one CPU core at a true vocabulary: this package's fused row against llama.cpp's own
// chains, interleaved in one process. Prints a table; `--record FILE` keeps the figures, `--vocab N`, `--rounds N`.
import { keepRecord, readArguments, recordHead, runNative, table } from "./support.mjs";

const values = readArguments({ vocab: 151936, rounds: 1000 });
const samplers = {
    ours_fused_greedy: "this package, three models fused, greedy",
    ours_base_paper: "this package, base alone, temperature 1, top-p 0.95",
    ours_fused_paper: "this package, three models fused, temperature 1, top-p 0.95",
    llama_base_greedy: "llama.cpp's chain, base alone, greedy",
    llama_base_paper: "llama.cpp's chain, base alone, temperature 1, top-p 0.95",
    llama_fused_paper: "llama.cpp's chain on a fused row, temperature 1, top-p 0.95"
};

const args = ["--vocab", values.vocab, "--rounds", values.rounds];
const { vocab, rounds, microseconds } = await runNative("bench-sampling", args);
const record = {
    ...recordHead(`npm run bench -- --vocab ${vocab} --rounds ${rounds}`),
    vocab,
    rounds,
    microseconds
};
const unit = microseconds.ours_fused_greedy.median;
const rows = Object.entries(samplers).map(([name, what]) => {
    const { median } = microseconds[name];
    return [what, (median / 1000).toFixed(3), (median / unit).toFixed(1)];
});
process.stdout.write(
    `One row of ${vocab} logits on one core of ${record.cpu}, ${record.date}, median of ${rounds}:\n\n` +
        table(["sampler", "ms a token:", "against greedy, fused:"], rows)
);
keepRecord(values.record, record);
