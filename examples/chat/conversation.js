/**
 * A conversation that is led twice: with the base alone and with RAST. It imports nothing: see engine-client.js.
 * @import { EngineClient } from "./engine-client.js"
 * @import { AnswerFigures, ChatTurn, Side } from "./protocol.js"
 * @typedef {object} Answer
 * @property {string} reasoning
 * @property {string} text
 * @property {"running" | "done" | "stopped" | "failed"} state
 * @property {AnswerFigures | undefined} figures
 * @property {(Error & { code?: string, advice?: string }) | undefined} error
 * @typedef {object} Turn
 * @property {string} question
 * @property {number | undefined} lambda
 * @property {Record<Side, Answer>} answers
 * @typedef {object} AskSettings
 * @property {number} lambda
 * @property {number | undefined} temperature the trio's own where undefined, as is the next
 * @property {number | undefined} maxTokens
 * @property {number} seed the same for both sides
 */

/** @type {readonly Side[]} */
export const sides = ["base", "rast"];

/** Its turns, and the one that is being answered. */
export class Conversation {
    /** @type {Turn[]} */
    turns = [];
    /** Told of every change of an answer. @type {(turn: Turn, side: Side) => void} */
    onChange = () => {};
    /** @type {AbortController | undefined} */
    #running;

    get title() {
        return this.turns[0]?.question ?? "New conversation";
    }

    get isRunning() {
        return this.#running !== undefined;
    }

    /** Ends the answers that are being written; what there is of them stays. */
    stop() {
        this.#running?.abort();
    }

    /**
     * Asks both sides at the same time.
     * @param {EngineClient} client
     * @param {string} question
     * @param {AskSettings} settings
     * @returns {Promise<void>} when both have ended; errors are in their answers
     */
    async ask(client, question, settings) {
        if (this.#running !== undefined) throw new Error("It is being answered.");
        this.#running = new AbortController();
        /** @type {Turn} */
        const turn = { question, lambda: settings.lambda, answers: { base: newAnswer(), rast: newAnswer() } };
        const histories = { base: this.#history("base"), rast: this.#history("rast") };
        this.turns.push(turn);
        const { signal } = this.#running;
        await Promise.all(sides.map((side) => this.#answer(client, turn, side, histories[side], settings, signal)));
        this.#running = undefined;
    }

    /**
     * @param {EngineClient} client
     * @param {Turn} turn
     * @param {Side} side
     * @param {readonly ChatTurn[]} history
     * @param {AskSettings} settings
     * @param {AbortSignal} signal
     */
    async #answer(client, turn, side, history, settings, signal) {
        const answer = turn.answers[side];
        const messages = [...history, /** @type {const} */ ({ role: "user", content: turn.question })];
        const args = { ...settings, mode: side, messages };
        try {
            answer.figures = await client.call("ask", args, {
                signal,
                onPart: (part) => {
                    answer.reasoning += part.reasoning;
                    answer.text += part.answer;
                    this.onChange(turn, side);
                }
            });
            answer.state = answer.figures.stopReason === "abort" ? "stopped" : "done";
        } catch (error) {
            answer.state = "failed";
            answer.error = error instanceof Error ? error : new Error(String(error));
        }
        this.onChange(turn, side);
    }

    // Each side goes on from what it has said itself. A turn that failed was never had.
    /**
     * @param {Side} side
     * @returns {ChatTurn[]}
     */
    #history(side) {
        return this.turns
            .filter(({ answers }) => answers[side].state !== "failed")
            .flatMap(({ question, answers }) => [
                { role: "user", content: question },
                { role: "assistant", content: answers[side].text }
            ]);
    }
}

/** @returns {Answer} */
function newAnswer() {
    return { reasoning: "", text: "", state: "running", figures: undefined, error: undefined };
}
