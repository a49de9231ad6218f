import { join } from "node:path";
import type { GenerateSettings } from "../../engine/generate-options.js";
import { RastError } from "../../errors.js";
import type { LoadOptions } from "../../loading/load-options.js";
import { configFolder } from "../../machine/config-folder.js";
import { plainLines } from "../../report/shown-text.js";
import type { AnswerPlace } from "../chat/answer-writer.js";
import { ChatSettings } from "../chat/chat-settings.js";
import { Conversation } from "../chat/conversation.js";
import { HistoryFile } from "../chat/history-file.js";
import { LineSource, TerminalSource, type MessageSource } from "../chat/message-source.js";
import { ChatSession } from "../chat/session.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { withEngine } from "../engine-work.js";
import { exitCodeOf, exitCodes, type ExitCode } from "../exit-codes.js";
import { longName, readFlags, switchFlag, textFlag, under, type Flag, type FlagValues } from "../flag.js";
import { chatFlags, reasoningFlag } from "../flags/chat.js";
import { colourFlag } from "../flags/colours.js";
import { engineFlags, readEngineFlags } from "../flags/engine.js";
import { modelFlags, strengthFlags } from "../flags/models.js";
import { pullFlags } from "../flags/pulling.js";
import { completionFlags, drawFlags } from "../flags/sampling.js";
import { generationRules, sayIdleFlags } from "../idle-flags.js";
import type { CommandIo, Output } from "../io.js";
import { assurePulled } from "../offer-pull.js";
import { StatusLine } from "../output.js";

// Elsewhere these make a conversation of a prompt; here there is nothing else.
function inChat<T>(flag: Flag<T>): Flag<T> {
    return { ...flag, description: flag.description.replace("; implies --chat", "") };
}

const requestFlags = { ...completionFlags, ...drawFlags };
const ownFlags = {
    ...under("Conversation", {
        system: textFlag("--system <text>", "system message"),
        thinking: inChat(chatFlags.thinking),
        templateOptions: inChat(chatFlags.templateOptions),
        maxThinkingTokens: inChat(chatFlags.maxThinkingTokens),
        history: switchFlag("--no-history", "neither read nor keep what is typed")
    }),
    ...under("Output", {
        color: colourFlag,
        reasoning: inChat(reasoningFlag),
        quiet: switchFlag("-q, --quiet", "nothing on stderr but errors and what commands say")
    })
};

/** `rast chat`: a conversation on a terminal, or over standard input. */
export const chat: CommandDeclaration = {
    name: "chat",
    description: "talk to a trio on the terminal, or message by message from standard input",
    examples: [
        ["rast chat --trio demo-chat", "A conversation with a bundled trio; /help lists what can be said."],
        ['printf "What is 6+7?\\n" | rast chat --trio demo-chat -q', "A message for each line, answers alone."]
    ],
    flags: { ...modelFlags, ...pullFlags, ...strengthFlags, ...ownFlags, ...requestFlags, ...engineFlags },
    aliases: { pairs: "--expert given twice" },
    run
};

type Own = FlagValues<typeof ownFlags>;

async function run(call: CommandCall): Promise<ExitCode> {
    const { io, typed } = call;
    const own = readFlags(ownFlags, typed);
    const { templateOptions, thinking, maxThinkingTokens, quiet = false } = own;
    const request: GenerateSettings = {
        ...readFlags(requestFlags, typed),
        ...(templateOptions === undefined ? {} : { templateOptions }),
        ...(thinking === undefined ? {} : { thinking }),
        ...(maxThinkingTokens === undefined ? {} : { maxThinkingTokens })
    };
    const status = new StatusLine(io, quiet);
    const engine = await readEngineFlags(typed);
    const ended = await assurePulled(engine.trio, readFlags(pullFlags, typed).pull, io);
    if (ended !== undefined) return exitCodeOf(ended);
    const { requestCheckFor } = await import("../../loading/request-check.js");
    const checkRequest = await requestCheckFor(engine);
    // Of messages, whatever the models turn out to have.
    const check = (settings: GenerateSettings): Promise<void> =>
        checkRequest({ ...settings, messages: [{ role: "user", content: "?" }] });
    await check(request);
    if (!quiet) sayIdleFlags(call, chat.flags, generationRules);
    let failures = 0;
    const load: LoadOptions = { ...engine, parallel: 1 };
    const { interruptedBy } = await withEngine(io, { load, status, quiet }, async (rast, signal) => {
        const look = lookOf(io, own);
        const say = (line: string): void => void io.stderr.write(`${look.dim(plainLines(line))}\n`);
        if (!rast.info.hasChatTemplate) {
            await refuseChatFlags(own);
            if (!quiet) say(await withoutTemplate(load));
        }
        const history = new HistoryFile(historyPath(io, own));
        const source = await sourceOf(io, look, history, signal);
        try {
            if (look.isInteractive && !quiet) say("/help lists commands, Ctrl-D leaves");
            const conversation = new Conversation();
            conversation.system = own.system;
            const settings = new ChatSettings(request, check);
            const figures = look.isInteractive && !quiet;
            const session = new ChatSession({
                ...{ rast, source, settings, conversation, history, place: look.place, say, figures, signal }
            });
            failures = await session.run();
        } finally {
            source.close();
        }
    });
    if (interruptedBy !== undefined) return exitCodeOf(interruptedBy);
    // Somebody who sat there has seen what failed.
    return failures > 0 && io.stdin.isTTY !== true ? exitCodes.failure : exitCodes.ok;
}

/** How a chat looks. */
interface Look {
    readonly isInteractive: boolean;
    /** Where prompts go. */
    readonly output: Output;
    readonly dim: (text: string) => string;
    readonly bold: (text: string) => string;
    readonly place: AnswerPlace;
}

function lookOf({ stdin, stdout, stderr, env }: CommandIo, { color = "auto", reasoning, quiet }: Own): Look {
    const output = stdout.isTTY === true ? stdout : stderr;
    const isInteractive = stdin.isTTY === true && output.isTTY === true;
    const painted = (stream: Output): boolean =>
        color === "always" || (color === "auto" && stream.isTTY === true && (env["NO_COLOR"] ?? "") === "");
    const style =
        (code: number, stream: Output) =>
        (text: string): string =>
            painted(stream) && text !== "" ? `\u001b[${code}m${text}\u001b[0m` : text;
    const where = reasoning ?? (stdout.isTTY === true ? "stdout" : quiet === true ? "none" : "stderr");
    const thoughts = where === "stderr" ? stderr : stdout;
    return {
        isInteractive,
        output,
        dim: style(2, stderr),
        bold: style(1, output),
        place: { stdout, stderr, reasoning: where, dim: style(2, thoughts) }
    };
}

async function sourceOf(
    { stdin }: CommandIo,
    { isInteractive, output, bold }: Look,
    history: HistoryFile,
    signal: AbortSignal
): Promise<MessageSource> {
    if (!isInteractive) return new LineSource(stdin, signal);
    const look = { prompt: bold("> "), more: bold("\u2026 "), history: await history.read() };
    return new TerminalSource(stdin, output, look, signal);
}

// Only what somebody types is worth keeping.
function historyPath({ stdin, env }: CommandIo, { history }: Own): string | undefined {
    return history === false || stdin.isTTY !== true ? undefined : join(configFolder(env), "chat-history.jsonl");
}

// Each message is a prompt of its own then.
async function withoutTemplate({ trio }: LoadOptions): Promise<string> {
    const { resolveTrio } = await import("../../trio/trio.js");
    const template = trio === undefined ? undefined : (await resolveTrio(trio)).promptTemplate;
    const what =
        template === undefined ? "is continued as it stands" : "is a prompt of its own, in the trio's prompt template";
    return `the base model's file has no chat template: each message ${what}, and the models see no earlier ones`;
}

async function refuseChatFlags(own: Own): Promise<void> {
    const names = (["system", "thinking", "templateOptions", "maxThinkingTokens"] as const)
        .filter((name) => own[name] !== undefined)
        .map((name) => longName(ownFlags[name]));
    if (names.length === 0) return;
    throw new RastError(
        "ERR_CHAT_TEMPLATE",
        `The base model's file has no chat template, without which ${names.join(" and ")} means nothing. ` +
            "Leave it out, or take models with one: --trio demo-chat.",
        { details: { chatTemplate: null } }
    );
}
