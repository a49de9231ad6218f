// Flags of `rast eval`, by names of `EvaluateOptions`.
import type { EvalMode } from "../../eval/ask/contestants.js";
import { limits } from "../../limits.js";
import {
    expandHome,
    fileFlag,
    listFlag,
    numberFlag,
    repeatableFlag,
    switchFlag,
    textFlag,
    toNumber,
    under,
    valueFlag,
    wrongFlag
} from "../flag.js";
import { drawsSeed } from "./draws.js";
import { isolationFlags } from "./isolation.js";
import { modelFlags, strengthFlags } from "./models.js";
import { drawingFlags, placementFlags } from "./placement.js";
import { pullFlags } from "./pulling.js";
import { completionFlags, samplingFlags } from "./sampling.js";
import { toThinking } from "./chat.js";

const { temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty, penaltyWindow } =
    samplingFlags;

/** Several trios may be compared; the rest is as everywhere. */
export const evalModelFlags = {
    ...modelFlags,
    ...under("Models", {
        against: repeatableFlag(
            "--against <name|file>",
            "a further trio to compare with: asked the same, with the same seeds; repeatable",
            (texts) => texts.map(expandHome)
        )
    }),
    specialTokens: strengthFlags.specialTokens,
    ...pullFlags
};

/** Where its engines run. */
export const evalEngineFlags = { ...placementFlags, ...drawingFlags, ...isolationFlags };

/** How tokens are drawn. */
export const evalSamplingFlags = {
    temperature,
    topK,
    topP,
    minP,
    repetitionPenalty,
    presencePenalty,
    frequencyPenalty,
    penaltyWindow
};

const mostSteps = 100;

// "lambda=0:1.5:0.1": both ends, and what lies between.
function toSweep(text: string, name: string): number[] {
    const [, from, to, step] = /^lambda=([^:]+):([^:]+):([^:]+)$/.exec(text.trim()) ?? [];
    if (step === undefined) throw wrongFlag(name, "lambda=FROM:TO:STEP, such as lambda=0:1.5:0.1", text);
    const [first, last, by] = [toNumber(from!, name), toNumber(to!, name), toNumber(step, name)];
    const { min, max } = limits.lambda;
    for (const end of [first, last]) {
        if (!(end >= min && end <= max)) throw wrongFlag(name, `ends from ${min} to ${max}`, text);
    }
    if (!(by > 0) || last < first || (last - first) / by >= mostSteps)
        throw wrongFlag(name, `lambda=FROM:TO:STEP that goes up in at most ${mostSteps} steps`, text);
    const count = Math.floor((last - first) / by + 1e-9);
    const steps = Array.from({ length: count + 1 }, (_, at) => Number((first + at * by).toFixed(9)));
    return steps;
}

/** What goes to `evaluate` as it is, or nearly so. */
export const evalFlags = {
    ...under("Contestants", {
        modes: listFlag(
            "--mode <list>",
            "who answers: base, expert, antiexpert, rast (default base,expert,rast)",
            (text) => text as EvalMode
        ),
        lambda: listFlag("--lambda <list>", "strengths of the delta that answer, one after the other", toNumber),
        sweep: valueFlag("--sweep <lambda=from:to:step>", "the same, evenly spaced: lambda=0:1.5:0.1", toSweep),
        reference: fileFlag(
            "--reference <file>",
            "the large model after training of its own (GGUF), for the recovery rate"
        ),
        server: textFlag("--server <url>", "a model behind an OpenAI-compatible server answers, too"),
        "server.model": textFlag("--model <name>", "its name there (key: RAST_SERVER_KEY or OPENAI_API_KEY)"),
        "server.concurrency": numberFlag("--concurrency <integer>", "questions to the server at a time (default 8)"),
        "server.timeoutSeconds": numberFlag("--timeout <seconds>", "what one of its answers may take (default 600)"),
        "server.retries": numberFlag("--retries <integer>", "further tries after a failure that may pass (default 5)")
    }),
    ...under("Problems", {
        data: fileFlag(
            "--data <name|file>",
            "gsm8k, math500, aime24, amc23, minerva, olympiadbench, hf:datasets/OWNER/NAME/FILE, or a file: JSON lines, JSON, CSV (default: a bundled trio's own)"
        ),
        questionField: textFlag(
            "--question-field <name>",
            "field of a question (default: the first of the usual names)"
        ),
        answerField: textFlag(
            "--answer-field <name>",
            "field of a right answer (default: the first of the usual names)"
        ),
        limit: numberFlag("--limit <integer>", "at most so many problems (default: all; 100 of the demo's)"),
        offset: numberFlag("--offset <integer>", "leave out so many at the beginning (default 0)"),
        shuffleSeed: numberFlag("--shuffle-seed <integer>", "shuffle them first (default: in their order)"),
        samples: numberFlag("--samples <integer>", "of each problem (default 1; 4 of the demo's)")
    }),
    ...under("Prompt", {
        style: fileFlag(
            "--style <name|file>",
            "qwen-boxed, abel, chat, chat-plain, trio, plain, or a file with {question} (default: trio, where it has a template, else abel)"
        ),
        shots: numberFlag(
            "--shots <integer>",
            "solved problems in front of each (default: all of --shots-file, else 0)"
        ),
        shotsFile: fileFlag("--shots-file <file>", "a data file with these"),
        thinking: valueFlag(
            "--thinking <mode>",
            "on, off or auto: whether a chat's model reasons first (default: the trio's, else auto)",
            toThinking
        ),
        maxThinkingTokens: numberFlag(
            "--max-thinking-tokens <integer>",
            "most tokens of a chat's reasoning, then the answer (default: as many as it takes)"
        )
    }),
    ...under("Text", {
        maxTokens: numberFlag("--max-tokens <integer>", "most tokens of an answer (default: the trio's, else 16384)"),
        withoutStop: switchFlag("--without-stop", "no stop strings, not even those of the style or the trio")
    }),
    stop: completionFlags.stop,
    seed: drawsSeed,
    ...under("Processes", {
        parallel: numberFlag("--parallel <integer>", "texts that an engine works on together (default 8)"),
        repeatable: switchFlag(
            "--repeatable",
            "draw every text by itself, so that a seed always gives the same (default for models of 64 MiB or less)"
        ),
        batched: switchFlag("--batched", "draw --parallel texts together, also of small models")
    }),
    ...under("Output", {
        record: fileFlag("--record <file>", "append every finished sample to this file, or go on where it ends")
    })
};

/** What only the command knows. */
export const evalOutputFlags = under("Output", {
    md: fileFlag("--md <file>", "write the tables to a file as well"),
    csv: fileFlag("--csv <file>", "write a line of figures for each contestant"),
    html: fileFlag("--html <file>", "write a page with plots"),
    json: switchFlag("--json", "print one JSON object with all figures; errors as JSON, too"),
    quiet: switchFlag("-q, --quiet", "nothing on stderr but errors: no progress")
});
