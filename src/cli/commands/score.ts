import { once } from "node:events";
import { accuracyOf } from "../../accuracy.js";
import { RastError } from "../../errors.js";
import { counted } from "../../explain/page/words.js";
import type { FailedRecord, ScoredRecord } from "../../scoring/score-records.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { withEngine } from "../engine-work.js";
import { exitCodeOf, exitCodes, type ExitCode } from "../exit-codes.js";
import { oneLine } from "../failure.js";
import { failureInFlags, flagNames } from "../flag-names.js";
import { expandHome, numberFlag, readFlags, switchFlag, under } from "../flag.js";
import { engineFlags, readEngineFlags } from "../flags/engine.js";
import { quietFlag } from "../flags/files.js";
import { rawFlags } from "../flags/prompt.js";
import { pullFlags } from "../flags/pulling.js";
import { sayIdleFlags } from "../idle-flags.js";
import type { Output } from "../io.js";
import { assurePulled } from "../offer-pull.js";
import { StatusLine } from "../output.js";

const ownFlags = {
    ...rawFlags,
    ...under("Records", {
        parallel: numberFlag("--parallel <integer>", "texts decoded together (default 4)")
    }),
    ...under("Output", {
        tokens: switchFlag("--tokens", "every token with its log-probabilities, ranks, KL and entropies"),
        top: numberFlag(
            "--top <integer>",
            "with --tokens: so many of the likeliest tokens of base and ensemble (default 0)"
        ),
        json: switchFlag("--json", "the totals as JSON, too, as the last line; errors as JSON")
    }),
    quiet: quietFlag
};

/** `rast score`: log-probabilities of given texts. */
export const score: CommandDeclaration = {
    name: "score",
    description: "log-probabilities of the completions or endings in a file, under base, expert, antiexpert and RAST",
    operands: {
        usage: "<file>",
        description: 'JSON lines: {"prompt", "completion"} or {"context", "endings": [...]}; - is standard input',
        advice: "It scores one file at a time."
    },
    examples: [
        ["rast score --trio demo completions.jsonl", "A line of JSON for each record, in order."],
        ["rast score --trio demo --tokens --top 5 completions.jsonl", "Token by token."]
    ],
    flags: { ...engineFlags, ...pullFlags, ...ownFlags },
    aliases: { pairs: "--expert given twice" },
    run
};

/** Texts that are decoded together, unless somebody says otherwise. */
const usualParallel = 4;

async function run(call: CommandCall): Promise<ExitCode> {
    const { io, operands, typed } = call;
    const {
        raw = false,
        parallel = usualParallel,
        tokens = false,
        top,
        json = false,
        quiet = false
    } = readFlags(ownFlags, typed);
    if (top !== undefined && !tokens) {
        throw new RastError("ERR_INVALID_OPTION", "Expected --tokens beside --top: it is told of tokens.", {
            details: { option: "top" }
        });
    }
    const path = operands[0]!;
    if (path === "-" && io.stdin.isTTY === true) {
        throw new RastError(
            "ERR_SCORE_INPUT",
            "Nothing to score: standard input is a terminal. Name a file, or pipe one in."
        );
    }
    const engine = await readEngineFlags(typed);
    const { forScoring } = await import("../../scoring/score-texts.js");
    const { readScoreRecords, scoreRecords } = await import("../../scoring/score-records.js");
    const records = await readScoreRecords(path === "-" ? (io.stdin as AsyncIterable<Uint8Array>) : expandHome(path));
    const ended = await assurePulled(engine.trio, readFlags(pullFlags, typed).pull, io);
    if (ended !== undefined) return exitCodeOf(ended);
    if (!quiet) sayIdleFlags(call, score.flags);
    const status = new StatusLine(io, quiet);
    const totals = new Totals();
    const names = flagNames(score);
    const work = { load: forScoring(engine, parallel), status, quiet };
    const { interruptedBy } = await withEngine(io, work, async (rast, signal) => {
        const options = { raw, tokens, signal, ...(top === undefined ? {} : { top }) };
        for await (const found of scoreRecords(rast, records, options)) {
            const scored = "error" in found ? failureInFlags(found, names) : found;
            totals.add(scored);
            const type = "error" in scored ? "failed" : "scored";
            await write(io.stdout, `${JSON.stringify({ type, ...scored })}\n`);
            if ("error" in scored && !quiet) {
                io.stderr.write(`rast: line ${scored.line}: ${oneLine(scored.error.message)} [${scored.error.code}]\n`);
            }
            status.show(`${totals.done} of ${records.length} records`);
        }
    });
    if (interruptedBy !== undefined) {
        io.stderr.write(`rast: interrupted; ${totals.done} of ${records.length} records are scored.\n`);
        return exitCodeOf(interruptedBy);
    }
    if (json) await write(io.stdout, `${JSON.stringify({ type: "summary", ...totals.summary() })}\n`);
    else if (!quiet) io.stderr.write(totals.inWords());
    return totals.failed > 0 ? exitCodes.failure : exitCodes.ok;
}

// A file may be larger than memory, and so may what is said of it.
async function write(stream: Output, text: string): Promise<void> {
    if (!stream.write(text)) await once(stream, "drain");
}

const distributions = ["base", "expert", "antiexpert", "rast"] as const;
type Distribution = (typeof distributions)[number];

/** Counts over all records. */
class Totals {
    done = 0;
    failed = 0;
    #endings = 0;
    #tokens = 0;
    #incomplete = 0;
    #withGold = 0;
    readonly #right = { best: new Map<Distribution, number>(), bestPerByte: new Map<Distribution, number>() };

    add(record: ScoredRecord | FailedRecord): void {
        this.done++;
        if ("error" in record) {
            this.failed++;
            return;
        }
        this.#endings += record.endings.length;
        for (const { tokens, dropped } of record.endings) {
            this.#tokens += tokens;
            if (dropped !== undefined) this.#incomplete++;
        }
        const { gold } = record;
        if (gold === undefined) return;
        this.#withGold++;
        for (const by of ["best", "bestPerByte"] as const) {
            for (const name of distributions) {
                const choice = record[by]?.[name];
                if (choice === null || choice === undefined) continue;
                this.#right[by].set(name, (this.#right[by].get(name) ?? 0) + (choice === gold ? 1 : 0));
            }
        }
    }

    /** Accuracies where records say which ending is right. */
    summary(): object {
        const accuracies = (by: "best" | "bestPerByte"): object =>
            Object.fromEntries([...this.#right[by]].map(([name, right]) => [name, accuracyOf(right, this.#withGold)]));
        return {
            records: this.done,
            failed: this.failed,
            texts: this.#endings,
            tokens: this.#tokens,
            ...(this.#incomplete === 0 ? {} : { incomplete: this.#incomplete }),
            ...(this.#withGold === 0
                ? {}
                : { accuracy: accuracies("best"), accuracyPerByte: accuracies("bestPerByte") })
        };
    }

    inWords(): string {
        const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
        const [texts, tokens] = [counted(this.#endings, "text"), counted(this.#tokens, "token")];
        const lines = [`${counted(this.done - this.failed, "record")} scored: ${texts}, ${tokens}`];
        if (this.failed > 0) lines.push(`${counted(this.failed, "record")} could not be scored`);
        if (this.#incomplete > 0) {
            const has = this.#incomplete === 1 ? "has" : "have";
            lines.push(
                `${counted(this.#incomplete, "text")} ${has} characters that the vocabulary lacks: scores are of the rest`
            );
        }
        for (const [name, right] of this.#right.best) {
            const { value, low, high } = accuracyOf(right, this.#withGold);
            const perByte = accuracyOf(this.#right.bestPerByte.get(name)!, this.#withGold);
            lines.push(
                `${name}: ${percent(value)} right (95%: ${percent(low)} to ${percent(high)}), by length ${percent(perByte.value)}`
            );
        }
        return `${lines.join("\n")}\n`;
    }
}
