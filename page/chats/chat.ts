// A conversation: questions, each with an answer of RAST, of the base, or of both.
import type { Figures, TokenFigures } from "../api/chunks.js";
import { listOf, numberOf, objectOf, textOf } from "../api/json.js";
import type { Column } from "../api/request.js";
import { readTokens, writeTokens } from "./kept-tokens.js";

/** How an answer ended; "open" while it comes. */
export type Finish = "open" | "stop" | "length" | "stopped" | "failed";

/** One answer. */
export interface Answer {
    readonly text: string;
    readonly thinking: string;
    readonly finish: Finish;
    /** Why it failed; "" where it did not. */
    readonly error: string;
    readonly figures: Figures | null;
    /** Of its tokens, where they were asked for and are kept. */
    readonly tokens: readonly TokenFigures[];
    readonly model: string;
    readonly seed: number | null;
}

/** A question with its answers. */
export interface Turn {
    readonly question: string;
    readonly answers: Readonly<Partial<Record<Column, Answer>>>;
}

/** One conversation. */
export interface Chat {
    readonly id: string;
    /** When something was last said in it, in milliseconds since 1970. */
    readonly updated: number;
    readonly turns: readonly Turn[];
}

/** A message as models get it. */
export interface Message {
    readonly role: "system" | "user" | "assistant";
    readonly content: string;
}

const columns: readonly Column[] = ["rast", "base"];
const longestTitle = 80;

/** One without a word. */
export function newChat(id: string, now: number): Chat {
    return { id, updated: now, turns: [] };
}

/** Its first question, shortened. */
export function titleOf({ turns }: Chat): string {
    const words = (turns[0]?.question ?? "").replace(/\s+/g, " ").trim();
    const letters = [...words];
    if (letters.length === 0) return "(nothing yet)";
    return letters.length > longestTitle ? `${letters.slice(0, longestTitle - 1).join("")}\u2026` : words;
}

/**
 * What models get for an answer in a column: each column goes on with its own answers. Where one has none, the other's stands in;
 * questions that nobody answered are left out.
 * @param turn whose answer is wanted
 */
export function messagesFor({ turns }: Chat, turn: number, column: Column, system: string): Message[] {
    const messages: Message[] = system.trim() === "" ? [] : [{ role: "system", content: system }];
    for (const { question, answers } of turns.slice(0, turn)) {
        const answer = [answers[column], ...columns.map((one) => answers[one])].find((one) => (one?.text ?? "") !== "");
        if (answer === undefined) continue;
        messages.push({ role: "user", content: question }, { role: "assistant", content: answer.text });
    }
    messages.push({ role: "user", content: turns[turn]!.question });
    return messages;
}

/** The chat with an answer put in. */
export function withAnswer(chat: Chat, turn: number, column: Column, answer: Answer, now: number): Chat {
    const turns = chat.turns.map((one, index) =>
        index === turn ? { ...one, answers: { ...one.answers, [column]: answer } } : one
    );
    return { ...chat, turns, updated: now };
}

/** The chat with a question at a place, and nothing behind it. */
export function withQuestion(chat: Chat, turn: number, question: string, now: number): Chat {
    return { ...chat, turns: [...chat.turns.slice(0, turn), { question, answers: {} }], updated: now };
}

/** The chat as it is kept. @param withTokens whether figures of tokens are: most of its letters are theirs */
export function writeChat(chat: Chat, withTokens: boolean): Readonly<Record<string, unknown>> {
    const write = ({ tokens, ...answer }: Answer): Readonly<Record<string, unknown>> => ({
        ...answer,
        ...(withTokens && tokens.length > 0 ? { tokens: writeTokens(tokens) } : {})
    });
    return {
        version: 1,
        ...chat,
        turns: chat.turns.map(({ question, answers }) => ({
            question,
            answers: Object.fromEntries(Object.entries(answers).map(([column, answer]) => [column, write(answer)]))
        }))
    };
}

/** Whether figures of tokens are kept with it. */
export function hasTokens({ turns }: Chat): boolean {
    return turns.some(({ answers }) => Object.values(answers).some(({ tokens }) => tokens.length > 0));
}

/** A chat of unknown origin, as far as it makes sense; null where it does not. */
export function readChat(value: unknown): Chat | null {
    const { id, updated, turns } = objectOf(value);
    if (typeof id !== "string" || !/^[\w-]{1,64}$/.test(id) || !Array.isArray(turns)) return null;
    return {
        id,
        // A date that there is.
        updated: Math.min(8.64e15, Math.max(0, numberOf(updated) ?? 0)),
        turns: turns.map((one) => {
            const answers = objectOf(objectOf(one)["answers"]);
            return {
                question: textOf(objectOf(one)["question"]),
                answers: Object.fromEntries(
                    columns
                        .filter((column) => answers[column] !== undefined)
                        .map((column) => [column, readAnswer(answers[column])])
                )
            };
        })
    };
}

function readAnswer(value: unknown): Answer {
    const answer = objectOf(value);
    const finish = answer["finish"];
    return {
        text: textOf(answer["text"]),
        thinking: textOf(answer["thinking"]),
        // One that was being written when the page was left.
        finish: finish === "stop" || finish === "length" || finish === "failed" ? finish : "stopped",
        error: textOf(answer["error"]),
        figures: answer["figures"] == null ? null : readKeptFigures(objectOf(answer["figures"])),
        tokens: readTokens(answer["tokens"]),
        model: textOf(answer["model"]),
        seed: numberOf(answer["seed"])
    };
}

function readKeptFigures(kept: Readonly<Record<string, unknown>>): Figures {
    const lambdas = listOf(kept["lambdas"]).map(numberOf);
    return {
        promptTokens: numberOf(kept["promptTokens"]),
        cachedTokens: numberOf(kept["cachedTokens"]),
        completionTokens: numberOf(kept["completionTokens"]),
        reasoningTokens: numberOf(kept["reasoningTokens"]),
        tokensPerSecond: numberOf(kept["tokensPerSecond"]),
        promptMs: numberOf(kept["promptMs"]),
        drafted: numberOf(kept["drafted"]),
        accepted: numberOf(kept["accepted"]),
        lambdas: lambdas.length > 0 && lambdas.every((one) => one !== null) ? lambdas : null
    };
}
