import { realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { EvalProgress, EvaluateOptions } from "../../eval/options.js";
import type { EvalReport } from "../../eval/metrics/report.js";
import { shortenMiddle } from "../../checks.js";
import { RastError } from "../../errors.js";
import type { LoadOptions } from "../../loading/load-options.js";
import { refuseSameFile } from "../../machine/same-file.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodeOf, exitCodes, type ExitCode, type InterruptingSignal } from "../exit-codes.js";
import { oneLine } from "../failure.js";
import { attributeName, longName, readFlags, type Typed } from "../flag.js";
import { flagNames, textInFlags } from "../flag-names.js";
import { readEngineFlags } from "../flags/engine.js";
import { evalEngineFlags, evalFlags, evalModelFlags, evalOutputFlags, evalSamplingFlags } from "../flags/evaluation.js";
import { modelFlags } from "../flags/models.js";
import { interruptible } from "../interruption.js";
import { filesOfModels } from "../model-files.js";
import { assurePulled } from "../offer-pull.js";
import { StatusLine } from "../output.js";
import { checkTargets, writeTarget } from "../targets.js";

/** `rast eval`: how well models reason, with and without the delta. */
export const evaluation: CommandDeclaration = {
    name: "eval",
    description: "let models solve problems: accuracy, pass@k, majorities, recovery rate",
    operands: {
        usage: "[record...]",
        description: "records of earlier runs: show these, side by side, and ask nothing"
    },
    needsSettings: true,
    examples: [
        ["rast eval --html eval.html", "The demo's sums: base, expert, RAST by lambda, and a page with plots."],
        [
            "rast eval --trio my-trio --data math500 --limit 100 --record run.jsonl",
            "A trio on MATH500; stopped at any time, the same line goes on."
        ],
        ["rast eval --trio f16 --against q4 --data gsm8k --samples 4", "What quantization costs."],
        ["rast eval f16.jsonl q4.jsonl --html both.html", "Two records side by side."],
        ["rast eval --server http://gpu:8000/v1 --model Qwen --data amc23", "A model behind a server, alone."]
    ],
    flags: { ...evalModelFlags, ...evalFlags, ...evalSamplingFlags, ...evalEngineFlags, ...evalOutputFlags },
    aliases: { pairs: "--expert given twice", models: "--trio", "server.url": "--server" },
    run
};

async function run(call: CommandCall): Promise<ExitCode> {
    const own = readFlags(evalOutputFlags, call.typed);
    await checkTargets([own.md, own.csv, own.html]);
    await refuseLoss(call, [own.md, own.csv, own.html]);
    const found = call.operands.length > 0 ? await recorded(call) : await evaluated(call, own.quiet === true);
    if (typeof found === "string") return exitCodeOf(found);
    const names = flagNames(evaluation);
    const report = { ...found, notes: found.notes.map((note) => textInFlags(note, names)) };
    const { printCsv, printMarkdown } = await import("../../eval/print/report.js");
    call.io.stdout.write(own.json === true ? `${JSON.stringify(report)}\n` : printMarkdown(report));
    if (own.md !== undefined) await writeTarget(own.md, printMarkdown(report));
    if (own.csv !== undefined) await writeTarget(own.csv, printCsv(report));
    if (own.html !== undefined) {
        const { evalPage } = await import("../../eval/page/page.js");
        await writeTarget(own.html, evalPage(report));
    }
    return answered(report, call) ? exitCodes.ok : exitCodes.failure;
}

// Shares of nothing are none: whoever was asked nothing has no figures, and a note says why.
function answered({ contestants, notes }: EvalReport, { io }: CommandCall): boolean {
    const unasked = contestants.filter(({ failed, accuracy }) => accuracy.total > 0 && failed === accuracy.total);
    for (const { label } of unasked) {
        const start = `Nothing could be asked of ${label}, `;
        const note = notes.find((one) => one.startsWith(start)) ?? `${start}and counts as wrong.`;
        io.stderr.write(`rast: ${oneLine(note)}\n`);
    }
    return unasked.length === 0;
}

// A file that is written in the end must not be one that is read, or the record.
async function refuseLoss({ typed, operands }: CommandCall, outputs: readonly (string | undefined)[]): Promise<void> {
    if (outputs.every((one) => one === undefined)) return;
    const { record, data, shotsFile, style, reference } = readFlags(evalFlags, typed);
    const named = [...operands, record, data, shotsFile, style].filter((one) => one !== undefined);
    const { against = [] } = readFlags(evalModelFlags, typed);
    // What is wrong with models is said when they are loaded.
    const loads = (await modelsOf(typed, against).catch(() => undefined)) ?? [];
    const all = reference === undefined ? loads : [...loads, { base: reference }];
    const inputs = [...named, ...(await Promise.all(all.map(filesOfModels))).flat()];
    const written = record === undefined ? [] : [await placeOf(record)];
    for (const output of outputs.filter((one) => one !== undefined)) {
        await refuseSameFile(output, inputs);
        const place = await placeOf(output);
        if (written.includes(place))
            throw new RastError("ERR_INVALID_ARGUMENT", `Two outputs are the same file, ${shortenMiddle(output)}.`);
        written.push(place);
    }
}

// Where a file is, or will be, by whatever name it is called.
async function placeOf(path: string): Promise<string> {
    const folder = await realpath(dirname(path)).catch(() => resolve(dirname(path)));
    return realpath(path).catch(() => join(folder, basename(path)));
}

// Nothing is asked: what would say how has no effect.
async function recorded({ operands, given, io }: CommandCall): Promise<EvalReport> {
    const { evaluationReport } = await import("../../eval/report-on-records.js");
    const asking = { ...evalModelFlags, ...evalFlags, ...evalSamplingFlags, ...evalEngineFlags };
    for (const option of Object.keys(readFlags(asking, given))) {
        const name = longName(asking[option as keyof typeof asking]);
        io.stderr.write(`rast: ${name} has no effect with a record.\n`);
    }
    return evaluationReport(operands);
}

async function evaluated(call: CommandCall, quiet: boolean): Promise<EvalReport | InterruptingSignal> {
    const { io, typed } = call;
    const { trio, against = [], pull } = readFlags(evalModelFlags, typed);
    for (const one of [...(trio === undefined ? [] : [trio]), ...against]) {
        const ended = await assurePulled(one, pull, io);
        if (ended !== undefined) return ended;
    }
    const options = { ...(await optionsOf(typed)), models: await modelsOf(typed, against) };
    const { evaluate } = await import("../../eval/evaluate.js");
    const status = new StatusLine(io, quiet);
    const onProgress = (progress: EvalProgress): void => status.show(progressInWords(progress));
    const work = (signal: AbortSignal): Promise<EvalReport> =>
        evaluate({ ...options, signal, onProgress })
            .catch((error: unknown) => {
                if (isAbort(error) && signal.aborted) sayLeft(error, options.record, call);
                throw error;
            })
            .finally(() => status.clear());
    const { value, interruptedBy } = await interruptible(io.signals, work);
    return value ?? interruptedBy!;
}

function isAbort(error: unknown): error is RastError {
    return error instanceof RastError && error.code === "ERR_ABORTED";
}

function sayLeft({ details }: RastError, record: string | undefined, { io }: CommandCall): void {
    const next =
        record === undefined ? "with --record FILE nothing of it would be lost" : "the same command goes on there";
    io.stderr.write(`rast: ${String(details["done"])} of ${String(details["total"])} samples are done; ${next}.\n`);
}

async function optionsOf(typed: Typed): Promise<EvaluateOptions> {
    const { sweep, lambda, stop, withoutStop, batched, repeatable, server, ...rest } = readFlags(evalFlags, typed);
    if (sweep !== undefined && lambda !== undefined) throw clash("--lambda", "--sweep");
    if (stop !== undefined && withoutStop === true) throw clash("--stop", "--without-stop");
    if (batched === true && repeatable === true) throw clash("--repeatable", "--batched");
    const plain = Object.entries(rest).filter(([name]) => !name.startsWith("server."));
    const ofServer = Object.entries(rest)
        .filter(([name]) => name.startsWith("server."))
        .map(([name, value]) => [name.slice("server.".length), value] as const);
    if (server === undefined && ofServer.length > 0)
        throw missing("server", `an address for server: ${flagsOf(ofServer)} say how a model there is asked`);
    if (server !== undefined && rest["server.model"] === undefined)
        throw missing("server.model", "the name of a model there for server.model, beside its address");
    const options: EvaluateOptions = Object.fromEntries(plain);
    if (sweep !== undefined || lambda !== undefined) options.lambda = sweep ?? lambda;
    if (stop !== undefined || withoutStop === true) options.stop = stop ?? [];
    if (batched === true || repeatable === true) options.repeatable = repeatable === true;
    if (server !== undefined)
        options.server = { url: server, ...Object.fromEntries(ofServer) } as EvaluateOptions["server"];
    const sampling = readFlags(evalSamplingFlags, typed);
    if (Object.keys(sampling).length > 0) options.sampling = sampling;
    return options;
}

// Strengths are tried one after the other: none goes into a load. What stands in for models beside a trio does so in the first alone.
async function modelsOf(typed: Typed, against: readonly string[]): Promise<readonly LoadOptions[] | undefined> {
    const all = { ...typed, lambda: undefined };
    const named = typed["trio"] !== undefined || typed["base"] !== undefined;
    if (!named && typed["server"] !== undefined && against.length === 0) return undefined;
    const first = await readEngineFlags(named ? all : { ...all, trio: "demo" });
    const places = Object.fromEntries(Object.entries(all).filter(([name]) => !modelNames.has(name)));
    return [first, ...(await Promise.all(against.map((trio) => readEngineFlags({ ...places, trio }))))];
}

const modelNames: ReadonlySet<string> = new Set(Object.values(modelFlags).map(attributeName));

function progressInWords({ state, contestant, done, total }: EvalProgress): string {
    const share = total === 0 ? "" : `${String(Math.floor((100 * done) / total)).padStart(3)}% `;
    const what = { data: "fetching data", loading: `loading ${contestant}`, asking: contestant, figures: "figures" };
    return `${share}${what[state]}${state === "asking" ? `, ${done} of ${total} samples` : ""}`;
}

function missing(option: string, expected: string): RastError {
    return new RastError("ERR_INVALID_OPTION", `Expected ${expected}.`, { details: { option, expected } });
}

function flagsOf(ofServer: readonly (readonly [name: string, value: unknown])[]): string {
    return ofServer.map(([name]) => longName(evalFlags[`server.${name}` as keyof typeof evalFlags])).join(", ");
}

function clash(one: string, other: string): RastError {
    return new RastError("ERR_INVALID_OPTION", `Expected either ${one} or ${other}, received both.`);
}
