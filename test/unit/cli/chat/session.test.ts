// What a session does with questions that are not answered, without models.
import { expect, test } from "vitest";
import { ChatSession } from "../../../../src/cli/chat/session.js";
import { ChatSettings } from "../../../../src/cli/chat/chat-settings.js";
import { Conversation } from "../../../../src/cli/chat/conversation.js";
import type { HistoryFile } from "../../../../src/cli/chat/history-file.js";
import type { MessageSource, NextMessage } from "../../../../src/cli/chat/message-source.js";
import type { Rast } from "../../../../src/engine/engine.js";
import { Generation } from "../../../../src/engine/generation.js";
import type { GenerateOptions } from "../../../../src/engine/generate-options.js";
import type { RastResult } from "../../../../src/engine/results.js";
import { RastError } from "../../../../src/errors.js";

type Outcome = "answered" | "crashed" | "stopped";

function resultOf(answer: string, stopReason: RastResult["stopReason"]): RastResult {
    return {
        answer,
        stopReason,
        usage: { promptTokens: 1, cachedPromptTokens: 0, completionTokens: 1, reasoningTokens: 0 },
        timings: { tokensPerSecond: null },
        speculation: { drafted: 0, accepted: 0, acceptanceRate: null }
    } as unknown as RastResult;
}

/** Says all of it to a chat whose engine answers like this. */
async function chatOf(said: readonly string[], outcomes: readonly Outcome[]) {
    const asked: string[] = [];
    const lines: string[] = [];
    const rast = {
        info: { hasChatTemplate: true, contextSize: 100, pairs: [], trio: null },
        generate({ messages }: GenerateOptions): Generation {
            const question = messages!.at(-1)!.content as string;
            const outcome = outcomes[asked.length] ?? "answered";
            asked.push(question);
            return new Generation((sink) => {
                if (outcome === "crashed") sink.fail(new RastError("ERR_ENGINE_CRASHED", "The engine crashed."));
                else if (outcome === "stopped") sink.finish(resultOf("", "abort"));
                else sink.finish(resultOf(`to ${question}`, "eos"));
                return () => {};
            });
        }
    } as unknown as Rast;
    const rest = [...said];
    const source: MessageSource = {
        next: async (): Promise<NextMessage> => {
            const text = rest.shift();
            return text === undefined ? undefined : { kind: text.startsWith("/") ? "command" : "message", text };
        },
        agree: async () => false,
        onInterrupt: () => {},
        close: () => {}
    };
    const conversation = new Conversation();
    const none = { write: () => true } as unknown as NodeJS.WriteStream;
    const session = new ChatSession({
        ...{ rast, source, conversation, figures: false, signal: new AbortController().signal },
        settings: new ChatSettings({}, async () => {}),
        history: { add: async () => {} } as unknown as HistoryFile,
        place: { stdout: none, stderr: none, reasoning: "none", dim: (text) => text },
        say: (line) => lines.push(line)
    });
    const failures = await session.run();
    return { asked, lines, failures, turns: conversation.turns.map(({ question, answer }) => [question, answer]) };
}

test("/retry asks the question that a crash left without an answer, and no other", async () => {
    const { asked, lines, turns, failures } = await chatOf(
        ["one", "two", "/retry", "/retry"],
        ["answered", "crashed", "crashed"]
    );
    expect(asked).toEqual(["one", "two", "two", "two"]);
    expect(turns).toEqual([
        ["one", "to one"],
        ["two", "to two"]
    ]);
    expect(failures).toBe(2);
    expect(lines).toContain("/retry asks again, and starts the engine anew");
});

test("of a question that was stopped before a word came, too; answered, it is asked anew as any other", async () => {
    const { asked, turns } = await chatOf(["one", "two", "/retry", "/retry"], ["answered", "stopped"]);
    expect(asked).toEqual(["one", "two", "two", "two"]);
    expect(turns.map(([question]) => question)).toEqual(["one", "two"]);
});

test("/undo forgets that question, and the turn before it only when it is said again", async () => {
    const { asked, turns, lines } = await chatOf(
        ["one", "two", "three", "/undo", "/retry", "/undo"],
        ["answered", "answered", "crashed"]
    );
    expect(asked).toEqual(["one", "two", "three", "two"]);
    expect(lines).toContain("the question without an answer is forgotten; 2 turns");
    expect(turns.map(([question]) => question)).toEqual(["one"]);
});

test("/clear and another question leave nothing to ask anew", async () => {
    const cleared = await chatOf(["one", "/clear", "/retry"], ["crashed"]);
    expect(cleared.asked).toEqual(["one"]);
    expect(cleared.lines.at(-1)).toContain("There is nothing to answer anew.");
    const other = await chatOf(["one", "two", "/retry"], ["crashed"]);
    expect(other.asked).toEqual(["one", "two", "two"]);
    expect(other.turns).toHaveLength(1);
});
