import type { PerplexityProgress, PerplexityResult } from "../../scoring/perplexity.js";
import { counted } from "../../explain/page/words.js";
import { plain } from "../../report/shown-text.js";
import { markdownTable } from "../../report/tables.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodeOf, exitCodes, type ExitCode } from "../exit-codes.js";
import { expandHome, numberFlag, readFlags, switchFlag, under } from "../flag.js";
import { againstFlags, modelsAgainst, nameOfModels } from "../flags/against.js";
import { engineFlags, readEngineFlags } from "../flags/engine.js";
import { quietFlag } from "../flags/files.js";
import { pullFlags } from "../flags/pulling.js";
import { sayIdleFlags, type IdleRule } from "../idle-flags.js";
import { readAll, readInput } from "../input.js";
import { interruptible } from "../interruption.js";
import type { CommandIo } from "../io.js";
import { assurePulled } from "../offer-pull.js";
import { StatusLine } from "../output.js";

const ownFlags = {
    ...under("Text", {
        window: numberFlag(
            "--window <integer>",
            "tokens of a window, of which the second half is scored (default 512, or what the models hold)"
        ),
        windows: numberFlag("--windows <integer>", "so many windows at most (default: all of the text)"),
        parallel: numberFlag("--parallel <integer>", "windows decoded together (default 1)")
    }),
    ...under("Output", {
        top: numberFlag(
            "--top <integer>",
            "with --against: likeliest tokens that the KL divergence is made of (default 20)"
        ),
        json: switchFlag("--json", "print one JSON object with perplexities and comparisons; errors as JSON, too")
    }),
    quiet: quietFlag
};

// A window is the context.
const loadFlags = Object.fromEntries(Object.entries(engineFlags).filter(([name]) => name !== "contextSize")) as Omit<
    typeof engineFlags,
    "contextSize"
>;

/** `rast perplexity`: how likely a text is to each distribution, and how ensembles differ over it. */
export const perplexity: CommandDeclaration = {
    name: "perplexity",
    description: "perplexity of a text under base, expert, antiexpert and RAST; KL and agreement of several ensembles",
    operands: { usage: "<file>", description: "a text; - is standard input", advice: "It takes one text at a time." },
    examples: [
        ["rast perplexity --trio demo text.txt", "As llama-perplexity has it, for all four."],
        [
            "rast perplexity --trio f16 --against q8.gguf --against q4.gguf text.txt",
            "What quantizations of the base cost: KL and agreement."
        ]
    ],
    flags: { ...loadFlags, ...againstFlags, ...pullFlags, ...ownFlags },
    aliases: { pairs: "--expert given twice", text: "the text" },
    run
};

const idleRules: readonly IdleRule[] = [
    {
        options: ["top"],
        idle: ({ against }) => (against === undefined ? "without --against" : undefined)
    }
];

async function run(call: CommandCall): Promise<ExitCode> {
    const { io, operands, typed } = call;
    const { json = false, quiet = false, parallel, ...options } = readFlags(ownFlags, typed);
    const { against = [] } = readFlags(againstFlags, typed);
    const first = { ...(await readEngineFlags(typed)), ...(parallel === undefined ? {} : { parallel }) };
    const models = [first, ...against.map((one) => modelsAgainst(first, one))];
    const text = operands[0] === "-" ? await readAll(io.stdin) : await readInput(expandHome(operands[0]!), "the text");
    for (const { trio } of models) {
        const ended = await assurePulled(trio, readFlags(pullFlags, typed).pull, io);
        if (ended !== undefined) return exitCodeOf(ended);
    }
    if (!quiet) sayIdleFlags(call, perplexity.flags, idleRules);
    const names = models.map(nameOfModels);
    const module = await import("../../scoring/perplexity.js");
    const status = new StatusLine(io, quiet);
    const onProgress = ({ model, loading, fraction, perplexity: sofar }: PerplexityProgress): void => {
        const what = loading ? "loading" : `perplexity ${sofar!.toFixed(4)}`;
        status.show(`${names[model]!}: ${what} ... ${Math.floor(100 * fraction)}%`);
    };
    const { value, interruptedBy } = await interruptible(io.signals, (signal) =>
        module.perplexity({ ...options, text, models, signal, onProgress })
    ).finally(() => status.clear());
    if (value === undefined) return exitCodeOf(interruptedBy!);
    if (json) io.stdout.write(`${JSON.stringify({ names, ...value })}\n`);
    else await print(value, names, io);
    return exitCodes.ok;
}

async function print(result: PerplexityResult, names: readonly string[], io: CommandIo): Promise<void> {
    const { comparisonLines, comparisonTable, perplexityLines } = await import("../../scoring/perplexity-text.js");
    const write = (lines: readonly string[]): void => void io.stdout.write(`${lines.join("\n")}\n`);
    const { windows, window, tokens, results, comparisons, top } = result;
    write([`${counted(windows, "window")} of ${window} tokens, ${counted(tokens, "token")} scored`, ""]);
    for (const [index, one] of results.entries()) {
        if (results.length > 1) write([`${plain(names[index]!)}:`]);
        write([...perplexityLines(one), ""]);
    }
    const withPairs = results.some(({ perplexity: { expert } }) => expert !== null);
    for (const [index, comparison] of comparisons.entries()) {
        write([
            `${plain(names[index + 1]!)} (Q) against ${plain(names[0]!)} (base), ${withPairs ? "RAST" : "the models"}, over the ${top} likeliest tokens of each:`,
            ...comparisonLines(comparison.rast),
            ""
        ]);
    }
    if (comparisons.length === 0) return;
    const { head, rows } = comparisonTable(result, names);
    const columns = head.map((name, index) => ({ name, align: index === 0 ? ("left" as const) : ("right" as const) }));
    io.stdout.write(markdownTable({ columns, rows }));
}
