// From an `Ask` to `AnswerEvent`s: a lease of the model, its generations, tools, texts of tokens, and how it all ends.
import { describeError } from "../../checks.js";
import { RastError } from "../../errors.js";
import { promptOptionNames, type GenerateOptions, type Mode, type Prompt } from "../../engine/generate-options.js";
import type { Generation } from "../../engine/generation.js";
import type { GenerationPart, RastResult, TokenLogprob } from "../../engine/results.js";
import { RequestError } from "../http/request-error.js";
import type { Lease, Shelf } from "../shelf.js";
import type { CallSplitter, ChatEngine, ChatToPrepare, PreparedChat, SplitPiece } from "../tools/prepared-chat.js";
import type { Answer, AnswerEvent, Ask, EndEvent, NamedLogprob, NamedScore } from "./ask.js";
import { Channel } from "./channel.js";
import type { Door } from "./door.js";
import { findModel } from "./model-names.js";
import type { RequestBounds } from "./protocol.js";
import type { SlotBoard } from "./slot-board.js";
import { tokenBytesOf, type TokenBytes } from "./token-bytes.js";

/** Told of what is at work, for figures. */
export interface AnswerObserver {
    /** A choice has come to its end. */
    finished(trio: string, result: RastResult): void;
}

/** What answers need. */
export interface AnswerParts {
    readonly shelf: Shelf;
    readonly prepareChat: PrepareChat;
    readonly bounds: RequestBounds & { readonly maxPromptTokens: number };
    readonly door: Door;
    readonly board: SlotBoard;
    /** From the ask to its last token. */
    readonly timeoutMs: number;
    /** Aborts when the server ends what is left. */
    readonly closing: AbortSignal;
    readonly observer: AnswerObserver;
}

/** Events that a client may leave unread: its connection is slower than its stream by that much. */
const maxUnreadEvents = 16_384;

/** Makes the one way to answer. */
export function createAnswer(parts: AnswerParts): Answer {
    return async (ask, signal, request) => {
        signal.throwIfAborted();
        const { id, trio, mode } = findModel(parts.shelf, ask.model);
        checkSize(ask, parts.bounds);
        const leave = parts.door.enter();
        let lease: Lease | undefined;
        let ended = false;
        const end = (): void => {
            if (ended) return;
            ended = true;
            lease?.release();
            leave();
        };
        try {
            const waiting = AbortSignal.any([signal, parts.closing]);
            lease = await parts.shelf.lease(trio, waiting);
            const work = new AnswerWork(parts, lease, withMode(ask, mode), { signal, request }, end);
            await work.begin();
            return { model: id, events: work.events };
        } catch (error) {
            end();
            throw error;
        }
    };
}

/** Counts and shapes that no engine is needed for. @throws RequestError 400 */
function checkSize(ask: Ask, { maxChoices }: RequestBounds): void {
    const choices = ask.prompts.length * ask.n;
    if (choices <= maxChoices) return;
    throw new RequestError(400, `At most ${maxChoices} choices are drawn for a request; ${choices} were asked for.`, {
        param: "n"
    });
}

function withMode(ask: Ask, mode: Mode | undefined): Ask {
    if (mode === undefined || ask.settings.mode !== undefined) return ask;
    return { ...ask, settings: { ...ask.settings, mode } };
}

/** @throws ERR_PROMPT_TOO_LONG */
export function checkLength(promptTokens: number, most: number): void {
    if (promptTokens <= most) return;
    throw new RastError("ERR_PROMPT_TOO_LONG", `The prompt has ${promptTokens} tokens; this server takes ${most}.`, {
        details: { promptTokens, contextSize: most }
    });
}

/** A prompt with its settings, as the engine takes it; and what comes is to be read like this. */
export interface PreparedPrompt {
    readonly options: GenerateOptions;
    readonly isChat: boolean;
    readonly splitter: (() => CallSplitter) | undefined;
}

/** `prepareChat` of the room of tools. @throws a RastError for tools or calls that cannot be used */
export type PrepareChat = (chat: ChatToPrepare, engine: ChatEngine) => Promise<PreparedChat>;

/** @throws what `prepareChat` does */
export async function preparePrompt(
    { settings, tools }: Pick<Ask, "settings" | "tools">,
    prompt: Prompt,
    rast: ChatEngine,
    prepareChat: PrepareChat
): Promise<PreparedPrompt> {
    if (prompt.messages === undefined)
        return { options: { ...settings, ...prompt }, isChat: false, splitter: undefined };
    const made = await prepareChat({ messages: prompt.messages, use: tools, settings }, rast);
    return { options: { ...made.settings, messages: made.messages }, isChat: true, splitter: made.splitter };
}

/** One ask that is being answered. */
class AnswerWork {
    readonly events: Channel<AnswerEvent>;
    readonly #parts: AnswerParts;
    readonly #lease: Lease;
    readonly #ask: Ask;
    readonly #bytes: TokenBytes;
    readonly #stop = new AbortController();
    readonly #request: string;
    readonly #end: () => void;
    readonly #forget: () => void;
    #timedOut = false;
    #failure: unknown;

    constructor(
        parts: AnswerParts,
        lease: Lease,
        ask: Ask,
        { signal: client, request }: { readonly signal: AbortSignal; readonly request: string },
        end: () => void
    ) {
        this.#request = request;
        this.#parts = parts;
        this.#lease = lease;
        this.#ask = ask;
        this.#bytes = tokenBytesOf(lease.rast);
        this.#end = end;
        this.events = new Channel(() => this.#stop.abort());
        const gone = (): void => this.#stop.abort();
        const closed = (): void => this.#fail(parts.closing.reason);
        const timer = setTimeout(() => {
            this.#timedOut = true;
            this.#stop.abort();
        }, parts.timeoutMs);
        client.addEventListener("abort", gone, { once: true });
        parts.closing.addEventListener("abort", closed, { once: true });
        this.#forget = () => {
            clearTimeout(timer);
            client.removeEventListener("abort", gone);
            parts.closing.removeEventListener("abort", closed);
        };
        if (client.aborted) gone();
        if (parts.closing.aborted) closed();
    }

    /** Starts all of it. Resolves with the first news. @throws what went wrong before any */
    async begin(): Promise<void> {
        void this.#run();
        await this.events.ready();
    }

    async #run(): Promise<void> {
        try {
            const { prompts, n } = this.#ask;
            const { rast } = this.#lease;
            const { prepareChat } = this.#parts;
            const prepared = await Promise.all(
                prompts.map((prompt) => preparePrompt(this.#ask, prompt, rast, prepareChat))
            );
            await this.#checkLengths(prepared);
            const total = prompts.length * n;
            let next = 0;
            const worker = async (): Promise<void> => {
                while (next < total && this.#isWanted) {
                    const choice = next++;
                    await this.#draw(choice, choice % n, prepared[Math.floor(choice / n)]!);
                }
            };
            // no more than the engine works on together: others wait behind no queue of ours
            await Promise.all(Array.from({ length: Math.min(total, rast.info.parallel) }, worker));
        } catch (error) {
            this.#fail(error);
        } finally {
            this.#forget();
            this.events.end();
            this.#end();
        }
    }

    // After a timeout the choices that are left end at once, and say why.
    get #isWanted(): boolean {
        return this.#failure === undefined && (this.#timedOut || !this.#stop.signal.aborted);
    }

    async #checkLengths(prepared: readonly PreparedPrompt[]): Promise<void> {
        const { maxPromptTokens } = this.#parts.bounds;
        const { rast } = this.#lease;
        if (maxPromptTokens >= rast.info.contextSize) return;
        for (const { options } of prepared) {
            const { length } = await rast.promptTokens(promptOnly(options));
            checkLength(length, maxPromptTokens);
        }
    }

    async #draw(choice: number, ordinal: number, { options, isChat, splitter }: PreparedPrompt): Promise<void> {
        const { rast, name } = this.#lease;
        const { observer, bounds, board } = this.#parts;
        const most = options.maxTokens;
        const cut = bounds.maxTokens < rast.info.contextSize;
        const generation = rast.generate({
            ...options,
            ...(cut ? { maxTokens: Math.min(most ?? Infinity, bounds.maxTokens) } : {}),
            ordinal,
            signal: this.#stop.signal
        });
        const leave = board.enter(name, rast.info.parallel, { request: this.#request, choice });
        try {
            const result = await this.#pass(generation, choice, isChat, splitter?.());
            observer.finished(name, result);
        } finally {
            leave();
        }
    }

    async #pass(
        generation: Generation,
        choice: number,
        isChat: boolean,
        splitter: CallSplitter | undefined
    ): Promise<RastResult> {
        let begun = false;
        let called = false;
        const begin = (): void => {
            if (!begun) this.#push({ kind: "begin", choice });
            begun = true;
        };
        const pushPieces = (pieces: readonly SplitPiece[], reasoning: string, figures: Figures): void => {
            const withText = pieces.findIndex(({ kind }) => kind === "text");
            if (withText < 0 && (reasoning !== "" || hasFigures(figures))) {
                this.#push({ kind: "delta", choice, reasoning, text: "", ...figures });
            }
            pieces.forEach((piece, index) => {
                if (piece.kind === "text") {
                    const first = index === withText;
                    this.#push({
                        kind: "delta",
                        choice,
                        reasoning: first ? reasoning : "",
                        text: piece.text,
                        ...(first ? figures : {})
                    });
                } else {
                    called = true;
                    this.#push({ ...piece, choice });
                }
            });
        };
        for await (const part of generation) {
            begin();
            const [reasoning, text] = isChat ? [part.reasoning, part.answer] : ["", part.text];
            const bare = part.logprobs === undefined && part.scores === undefined;
            const figures = bare ? {} : await this.#figuresOf(part);
            if (splitter === undefined) {
                if (reasoning === "" && text === "" && !hasFigures(figures)) continue;
                this.#push({ kind: "delta", choice, reasoning, text, ...figures });
            } else {
                pushPieces(text === "" ? [] : splitter.push(text), reasoning, figures);
            }
        }
        const result = await generation.result;
        begin();
        if (splitter !== undefined) pushPieces(splitter.end(), "", {});
        this.#push({ kind: "end", choice, finish: this.#finishOf(result, called), result });
        return result;
    }

    #finishOf({ stopReason }: RastResult, called: boolean): EndEvent["finish"] {
        switch (stopReason) {
            case "eos":
            case "stop":
                return called ? "toolCalls" : "stop";
            case "maxTokens":
            case "contextFull":
                return "length";
            case "abort":
                return this.#timedOut ? "length" : "abort";
        }
    }

    async #figuresOf({ logprobs, scores }: GenerationPart): Promise<Figures> {
        const tokens = [
            ...(logprobs ?? []).flatMap(({ token, top }) => [token, ...top.map((one) => one.token)]),
            ...(scores ?? []).map(({ token }) => token)
        ];
        await this.#bytes.prepare(tokens);
        return {
            ...(logprobs === undefined ? {} : { logprobs: logprobs.map((one) => named(one, this.#bytes)) }),
            ...(scores === undefined
                ? {}
                : { scores: scores.map((score) => ({ text: this.#bytes.of(score.token).text, score })) })
        };
    }

    #push(event: AnswerEvent): void {
        this.events.push(event);
        if (this.events.unread <= maxUnreadEvents) return;
        this.#fail(new RequestError(503, "The client reads too slowly.", { code: "too_slow" }));
    }

    #fail(error: unknown): void {
        if (this.#failure !== undefined) return;
        this.#failure = error ?? new Error(describeError(error));
        this.events.fail(this.#failure);
        this.#stop.abort();
    }
}

interface Figures {
    readonly logprobs?: readonly NamedLogprob[];
    readonly scores?: readonly NamedScore[];
}

function hasFigures({ logprobs = [], scores = [] }: Figures): boolean {
    return logprobs.length > 0 || scores.length > 0;
}

/** A log-probability with what its tokens say. */
export function named({ token, logprob, top }: TokenLogprob, bytes: TokenBytes): NamedLogprob {
    return {
        token,
        logprob,
        ...bytes.of(token),
        top: top.map((one) => ({ token: one.token, logprob: one.logprob, ...bytes.of(one.token) }))
    };
}

/** What of a request is its prompt. */
export function promptOnly(options: GenerateOptions): Prompt {
    const entries = promptOptionNames.map((name): readonly [string, unknown] => [name, options[name]]);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as unknown as Prompt;
}
