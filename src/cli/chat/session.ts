// A chat: messages to answers, commands to what they change.
import { stat } from "node:fs/promises";
import { quote } from "../../checks.js";
import type { Rast } from "../../engine/engine.js";
import type { GenerateOptions } from "../../engine/generate-options.js";
import type { RastResult } from "../../engine/results.js";
import { RastError } from "../../errors.js";
import { writeWholeFile } from "../../machine/output-file.js";
import { oneLine } from "../failure.js";
import { expandHome } from "../flag.js";
import { readInput } from "../input.js";
import { AnswerWriter, type AnswerPlace } from "./answer-writer.js";
import type { ChatSettings } from "./chat-settings.js";
import { readConversation, type Conversation } from "./conversation.js";
import type { HistoryFile } from "./history-file.js";
import type { MessageSource, NextMessage } from "./message-source.js";
import { parseSlash, slashHelp, type SlashName } from "./slash-commands.js";
import { ChatStatistics } from "./statistics.js";

/** What a session works with. */
export interface SessionParts {
    readonly rast: Rast;
    readonly source: MessageSource;
    readonly settings: ChatSettings;
    readonly conversation: Conversation;
    readonly history: HistoryFile;
    readonly place: AnswerPlace;
    /** Says a line that is no answer. */
    readonly say: (line: string) => void;
    /** A line of figures behind every answer. */
    readonly figures: boolean;
    /** Ends everything. */
    readonly signal: AbortSignal;
}

/** Tokens of an answer that a conversation that is to go on should have room for, at least. */
const roomForAnswer = 256;

/** One chat with one engine. */
export class ChatSession {
    readonly #parts: SessionParts;
    readonly #statistics = new ChatStatistics();
    #conversation: Conversation;
    #file: string | undefined;
    // Asked, and not answered by a word: it is no turn, and the next that is asked anew or forgotten.
    #unanswered: string | undefined;
    // How often the last question was asked before.
    #retries = 0;
    #failures = 0;

    constructor(parts: SessionParts) {
        this.#parts = parts;
        this.#conversation = parts.conversation;
    }

    /** Until it is left, or nothing more comes. @returns how many messages failed */
    async run(): Promise<number> {
        const { source, signal, history } = this.#parts;
        for (let goesOn = true; goesOn && !signal.aborted;) {
            const next: NextMessage = await source.next();
            if (next === undefined) break;
            await history.add(next.text);
            goesOn = await this.#take(next);
        }
        return this.#failures;
    }

    /** @returns whether it goes on */
    async #take({ kind, text }: NonNullable<NextMessage>): Promise<boolean> {
        try {
            if (kind === "command") return await this.#obey(text);
            this.#retries = 0;
            this.#unanswered = text;
            await this.#answer(text);
        } catch (error) {
            if (!(error instanceof RastError)) throw error;
            // The engine is gone, or the chat is over: nothing further can be answered.
            if (error.code === "ERR_DISPOSED") throw error;
            this.#parts.say(`${oneLine(error.message)} [${error.code}]`);
            if (error.code === "ERR_ENGINE_CRASHED") this.#parts.say("/retry asks again, and starts the engine anew");
            this.#failures++;
        }
        return true;
    }

    async #answer(question: string, ordinal?: number): Promise<void> {
        const { rast } = this.#parts;
        const options = this.#options(question, ordinal);
        try {
            await this.#generate(question, options);
        } catch (error) {
            const isTooLong = error instanceof RastError && error.code === "ERR_PROMPT_TOO_LONG";
            if (!isTooLong || !rast.info.hasChatTemplate || this.#conversation.turns.length === 0) throw error;
            if (await this.#makeRoom(question)) return this.#answer(question, ordinal);
            throw error;
        }
    }

    #options(question: string, ordinal?: number): GenerateOptions {
        const { rast, settings } = this.#parts;
        const values = { ...settings.values, ...(ordinal === undefined ? {} : { ordinal }) };
        if (rast.info.hasChatTemplate) return { ...values, messages: this.#conversation.messages(question) };
        return { ...values, prompt: question };
    }

    async #generate(question: string, options: GenerateOptions): Promise<void> {
        const { rast, source, place, say, figures, signal } = this.#parts;
        const stop = new AbortController();
        const end = (): void => stop.abort();
        source.onInterrupt(end);
        signal.addEventListener("abort", end);
        const writer = new AnswerWriter(place);
        let began = false;
        let result: RastResult;
        try {
            const generation = rast.generate({ ...options, signal: stop.signal });
            for await (const part of generation) {
                began ||= part.reasoning !== "" || part.answer !== "";
                writer.write(part.reasoning, part.answer);
            }
            result = await generation.result;
        } finally {
            source.onInterrupt(undefined);
            signal.removeEventListener("abort", end);
            if (began) writer.end();
        }
        if (!began && result.stopReason !== "abort") writer.end();
        this.#statistics.add(result);
        const answer = result.answer.trim();
        // A question that was given up before a word came was not asked.
        if (answer !== "" || result.stopReason !== "abort") {
            this.#conversation.turns.push({ question, answer });
            this.#unanswered = undefined;
        }
        if (figures) say(this.#statistics.line(result));
        if (result.stopReason === "abort" && !signal.aborted) say("stopped; /retry asks again, /undo forgets it");
        if (result.stopReason === "contextFull") {
            say(
                `the context of ${rast.info.contextSize} tokens is full, and the answer was cut: /drop forgets the oldest turns, ` +
                    "--context-size makes it larger where the models hold more"
            );
        }
    }

    /** Offers to forget so many of the oldest turns that a question fits, with room for an answer. */
    async #makeRoom(question: string): Promise<boolean> {
        const { rast, source, say } = this.#parts;
        const { contextSize } = rast.info;
        const room = Math.min(roomForAnswer, Math.floor(contextSize / 4));
        const { turns } = this.#conversation;
        const { thinking, templateOptions } = this.#parts.settings.values;
        for (let without = 1; without <= turns.length; without++) {
            const messages = this.#conversation.messages(question, without);
            const tokens = await rast.promptTokens({ messages, thinking, templateOptions }).then(
                ({ length }) => length,
                (error: unknown) => {
                    if (error instanceof RastError && error.code === "ERR_PROMPT_TOO_LONG") return Infinity;
                    throw error;
                }
            );
            if (tokens > contextSize - room) continue;
            const what = without === 1 ? "the oldest turn" : `the oldest ${without} of ${turns.length} turns`;
            say(`the conversation no longer fits into the context of ${contextSize} tokens`);
            if (await source.agree(`Forget ${what}?`)) {
                turns.splice(0, without);
                return true;
            }
            say(`/drop ${without} makes room`);
            return false;
        }
        return false;
    }

    async #obey(text: string): Promise<boolean> {
        const { name, rest } = parseSlash(text);
        if (name === "exit") return false;
        await this.#obeyNamed(name, rest);
        return true;
    }

    async #obeyNamed(name: Exclude<SlashName, "exit">, rest: string): Promise<void> {
        const { say, settings, rast } = this.#parts;
        switch (name) {
            case "help":
                return say(slashHelp());
            case "lambda":
                return this.#show(rest, "lambda", rast.info.pairs.map((pair) => pair.lambda).join(" "));
            case "mode":
                return this.#show(rest, "mode", rast.info.pairs.length > 0 ? "rast" : "base");
            case "seed":
                if (rest === "random") settings.remove("seed");
                return this.#show(rest === "random" ? "" : rest, "seed", "random");
            case "system":
                return this.#system(rest);
            case "set": {
                const [, setting, value] = /^(\S+)\s+([^]+)$/.exec(rest) ?? [];
                if (setting !== undefined && value !== undefined) return say(await settings.set(setting, value));
                if (rest !== "") throw misuse(`Expected a value behind /set ${rest}.`);
                const lines = settings.lines();
                return say(lines.length === 0 ? "all settings are the trio's own" : lines.join("\n"));
            }
            case "retry":
                return this.#retry();
            case "undo":
                if (this.#unanswered !== undefined) {
                    this.#unanswered = undefined;
                    return say(`the question without an answer is forgotten; ${this.#turnsInWords()}`);
                }
                if (this.#conversation.turns.pop() === undefined) throw misuse("There is nothing to forget.");
                return say(this.#turnsInWords());
            case "drop":
                return this.#drop(rest);
            case "clear":
                this.#conversation.turns.length = 0;
                this.#unanswered = undefined;
                return say("all that was said is forgotten");
            case "save":
                return this.#save(rest);
            case "load":
                return this.#load(rest);
            case "stats":
                return say(this.#statistics.lines().join("\n"));
        }
    }

    async #show(rest: string, setting: string, own: string): Promise<void> {
        const { settings, say } = this.#parts;
        if (rest !== "") await settings.set(setting, rest);
        say(`${setting} ${settings.word(setting) ?? own}`);
    }

    #system(rest: string): void {
        const { rast, say } = this.#parts;
        if (!rast.info.hasChatTemplate && rest !== "")
            throw misuse("There is no chat template, and no system message.");
        if (rest !== "") this.#conversation.system = rest === "-" ? undefined : rest;
        say(this.#conversation.system === undefined ? "no system message" : `system: ${this.#conversation.system}`);
    }

    async #retry(): Promise<void> {
        if (this.#unanswered !== undefined) return this.#answer(this.#unanswered);
        const last = this.#conversation.turns.pop();
        if (last === undefined) throw misuse("There is nothing to answer anew.");
        this.#retries++;
        // Another text of the same seed, so that it can be had again.
        const isSeeded = this.#parts.settings.values.seed !== undefined;
        try {
            await this.#answer(last.question, isSeeded ? this.#retries : undefined);
        } finally {
            // What failed, or was given up at once, leaves what there was.
            if (this.#conversation.turns.at(-1)?.question !== last.question) this.#conversation.turns.push(last);
        }
    }

    #drop(rest: string): void {
        const count = rest === "" ? 1 : Number(rest);
        const { turns } = this.#conversation;
        if (!Number.isInteger(count) || count < 1) throw misuse(`Expected a number of turns, received ${quote(rest)}.`);
        if (turns.length === 0) throw misuse("There is nothing to forget.");
        turns.splice(0, count);
        this.#parts.say(this.#turnsInWords());
    }

    async #save(rest: string): Promise<void> {
        const [, force, name] = /^(-f\s+)?([^]*)$/.exec(rest)!;
        const path = expandHome(name!.trim() === "" ? (this.#file ?? "") : name!.trim());
        if (path === "") throw misuse("Expected the name of a file behind /save.");
        const isThere = (await stat(path).catch(() => undefined)) !== undefined;
        if (isThere && force === undefined && path !== this.#file) {
            throw misuse(`${path} is there already: /save -f ${path} replaces it.`);
        }
        await writeWholeFile(path, this.#conversation.toJson(this.#parts.rast.info.trio), "the conversation");
        this.#file = path;
        this.#parts.say(`saved: ${path}`);
    }

    async #load(rest: string): Promise<void> {
        if (rest === "") throw misuse("Expected the name of a file behind /load.");
        const path = expandHome(rest);
        this.#conversation = readConversation(await readInput(path, "the conversation"));
        this.#file = path;
        this.#retries = 0;
        this.#unanswered = undefined;
        this.#parts.say(this.#turnsInWords());
    }

    #turnsInWords(): string {
        const count = this.#conversation.turns.length;
        return `${count} ${count === 1 ? "turn" : "turns"}`;
    }
}

function misuse(message: string): RastError {
    return new RastError("ERR_INVALID_ARGUMENT", message);
}
