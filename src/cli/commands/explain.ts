import { RastError } from "../../errors.js";
import type { ExplanationProgress } from "../../explain/explain.js";
import type { GenerateOptions } from "../../engine/generate-options.js";
import type { Explanation } from "../../explain/explanation.js";
import { chatOnly, promptOf } from "../chat-prompt.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { withEngine } from "../engine-work.js";
import { exitCodeOf, exitCodes, type ExitCode } from "../exit-codes.js";
import { writeExplanation } from "../explain/terminal.js";
import { coverPaths } from "../explain/path-coverage.js";
import { fileFlag, longName, numberFlag, readFlags, switchFlag, under, type FlagValues } from "../flag.js";
import { flagNames } from "../flag-names.js";
import { againstFlags } from "../flags/against.js";
import { engineFlags, readEngineFlags } from "../flags/engine.js";
import { quietFlag } from "../flags/files.js";
import { promptFlags, rawFlags } from "../flags/prompt.js";
import { pullFlags } from "../flags/pulling.js";
import { completionFlags, samplingFlags } from "../flags/sampling.js";
import { sayIdleFlags, type IdleRule } from "../idle-flags.js";
import { readInput, readStandardInput } from "../input.js";
import type { CommandIo } from "../io.js";
import { assurePulled } from "../offer-pull.js";
import { StatusLine } from "../output.js";
import { checkPageTarget, pageName, refuseLostInputs } from "../page-target.js";

const { maxTokens, stop, ignoreEos } = completionFlags;

/** What goes to the generation as it is. */
const requestFlags = {
    ...rawFlags,
    ...{ maxTokens, stop, ignoreEos },
    ...samplingFlags,
    ...under("Output", {
        top: numberFlag("--top <integer>", "likeliest tokens of base and RAST to be recorded, 1 to 20 (default 8)")
    })
};

const ownFlags = {
    ...promptFlags,
    ...under("Path coverage", {
        pcr: fileFlag(
            "--pcr <file>",
            "instead: how much of a trained model's texts (JSON lines: prompt and completion, or text) the base would have written"
        ),
        parallel: numberFlag("--parallel <integer>", "with --pcr: texts decoded together (default 1)")
    }),
    ...under("Output", {
        html: fileFlag("--html <file>", "write a page, too"),
        json: switchFlag("--json", "print one JSON object with everything; errors as JSON, too")
    }),
    quiet: quietFlag
};

/** What is of no use where nothing is drawn. */
const idleRules: readonly IdleRule[] = [
    {
        options: Object.keys(requestFlags).filter((option) => !(option in rawFlags)),
        idle: ({ pcr }) => (pcr === undefined ? undefined : "with --pcr, as nothing is generated")
    }
];

/** `rast explain`: what the delta did to a text, token by token. */
export const explain: CommandDeclaration = {
    name: "explain",
    description: "which tokens RAST changed and by how much, beside what the base alone writes; path coverage",
    operands: {
        usage: "[prompt]",
        description: "text to continue; - or nothing reads standard input",
        advice: "Put a prompt of several words in quotes."
    },
    examples: [
        ['rast explain --trio demo "6+34+63+39"', "The text with its changed tokens marked, and figures."],
        ['rast explain --trio demo --html out.html "6+34+63+39"', "A page to look into every token."],
        ["rast explain --trio demo --pcr outputs.jsonl", "What the base would have written of a model's outputs."]
    ],
    flags: { ...engineFlags, ...againstFlags, ...pullFlags, ...ownFlags, ...requestFlags },
    aliases: { pairs: "--expert given twice", continueFinalMessage: "--answer-start" },
    run
};

type Own = FlagValues<typeof ownFlags>;

async function run(call: CommandCall): Promise<ExitCode> {
    const { io, operands, typed } = call;
    const own = readFlags(ownFlags, typed);
    const { against } = readFlags(againstFlags, typed);
    const request = readFlags(requestFlags, typed);
    const engine = await readEngineFlags(typed);
    const { pull } = readFlags(pullFlags, typed);
    const sayIdle = (): void => {
        if (own.quiet !== true) sayIdleFlags(call, explain.flags, idleRules);
    };
    await checkPageTarget(own.html);
    if (own.pcr !== undefined) {
        refuseBeside(own, operands[0]);
        return coverPaths(io, {
            file: own.pcr,
            load: { ...engine, ...(own.parallel === undefined ? {} : { parallel: own.parallel }) },
            against: against ?? [],
            raw: request.raw ?? false,
            ...(own.html === undefined ? {} : { html: own.html }),
            json: own.json ?? false,
            quiet: own.quiet ?? false,
            pull: pull ?? false,
            names: flagNames(explain),
            sayIdle
        });
    }
    for (const [name, value] of Object.entries({ against, parallel: own.parallel })) {
        if (value === undefined) continue;
        const message = `Expected --pcr beside --${name}: one text is explained at a time.`;
        throw new RastError("ERR_INVALID_OPTION", message, { details: { option: name } });
    }
    const prompt = await promptSource(operands[0], own, io);
    const { top, ...generation } = request;
    const asked: GenerateOptions = {
        ...generation,
        ...promptOf(prompt, own),
        ...(own.maxThinkingTokens === undefined ? {} : { maxThinkingTokens: own.maxThinkingTokens })
    };
    const ended = await assurePulled(engine.trio, pull, io);
    if (ended !== undefined) return exitCodeOf(ended);
    await refuseLostInputs(own.html, [engine], [own.file ?? ((operands[0] ?? "-") === "-" ? "-" : undefined)]);
    const load = { ...engine, parallel: 1 };
    const { requestCheckFor } = await import("../../loading/request-check.js");
    await (
        await requestCheckFor(load)
    )(asked);
    sayIdle();
    const status = new StatusLine(io, own.quiet);
    const work = { load, status, quiet: own.quiet ?? false };
    const { value, interruptedBy } = await withEngine(io, work, async (rast, signal) => {
        const module = await import("../../explain/explain.js");
        const onProgress = ({ stage, tokens }: ExplanationProgress): void =>
            status.show(`${stages[stage]}: ${tokens} tokens`);
        return module.explain(rast, { ...asked, ...(top === undefined ? {} : { top }), signal, onProgress });
    });
    if (value === undefined) return exitCodeOf(interruptedBy!);
    await deliver(value, own, io);
    return exitCodes.ok;
}

const stages: Readonly<Record<ExplanationProgress["stage"], string>> = {
    rast: "RAST writes",
    base: "the base writes",
    scores: "scoring"
};

async function deliver(explanation: Explanation, { html, json, quiet }: Own, io: CommandIo): Promise<void> {
    if (json === true) io.stdout.write(`${JSON.stringify(explanation)}\n`);
    else writeExplanation(explanation, io);
    if (html === undefined) return;
    const { explanationPage } = await import("../../explain/page/page.js");
    const { writeWholeFile } = await import("../../machine/output-file.js");
    await writeWholeFile(html, explanationPage(explanation), pageName);
    if (quiet !== true) io.stderr.write(`rast: the page is in ${html}\n`);
}

// Nothing is generated there.
function refuseBeside(own: Own, operand: string | undefined): void {
    const given = [...chatOnly, "chat" as const, "file" as const].find((name) => own[name as keyof Own] !== undefined);
    const what =
        operand !== undefined
            ? "a prompt"
            : given === undefined
              ? undefined
              : longName(ownFlags[given as keyof typeof ownFlags]);
    if (what === undefined) return;
    throw new RastError("ERR_INVALID_OPTION", `Expected either ${what} or --pcr, received both.`, {
        details: { option: "pcr" }
    });
}

async function promptSource(operand: string | undefined, { file }: Own, { stdin }: CommandIo): Promise<string> {
    if (file !== undefined && operand !== undefined) {
        throw new RastError("ERR_INVALID_OPTION", "Expected either a prompt or --file, received both.");
    }
    const source = file ?? operand ?? "-";
    if (source === "-") return readStandardInput(stdin);
    return file === undefined ? source : (await readInput(file, "the prompt")).replace(/\r?\n$/, "");
}
