/**
 * The page. What models say is text, never markup: it goes into text nodes alone. It imports nothing: see engine-client.js.
 * @import { EngineClient } from "./engine-client.js"
 * @import { Answer, AskSettings, Conversation, Turn } from "./conversation.js"
 * @import { LoadedTrio, Side } from "./protocol.js"
 * @typedef {Error & { code?: string, advice?: string }} Fault
 */

/** @type {Partial<Record<import("./protocol.js").AnswerFigures["stopReason"], string>>} */
const ends = { abort: "stopped, ", maxTokens: "cut at its length, ", contextFull: "the context is full, " };
const names = { base: "Base alone", rast: "RAST" };

// Of its time the page spends a third on showing texts: with a quick model each part would cost more than the time to the next.
const shortestPauseMs = 16;

/** One answer on the page. */
class AnswerView {
    element = document.createElement("section");
    #answer;
    #reasoning = new GrowingText("reasoning");
    #text = new GrowingText("text");
    #figures = document.createElement("p");

    /**
     * @param {Side} side
     * @param {number | undefined} lambda
     * @param {Answer} answer
     */
    constructor(side, lambda, answer) {
        this.#answer = answer;
        this.element.className = `answer ${side}`;
        const heading = document.createElement("h3");
        heading.textContent = side === "rast" ? `${names.rast}, lambda ${lambda}` : names.base;
        this.#figures.className = "figures";
        this.element.append(heading, this.#reasoning.element, this.#text.element, this.#figures);
        this.show();
    }

    /** What the answer is now. */
    show() {
        const { reasoning, text, state } = this.#answer;
        this.#reasoning.show(reasoning);
        this.#reasoning.element.hidden = reasoning === "";
        this.#text.show(text);
        this.element.dataset["state"] = state;
        this.#figures.classList.toggle("failed", state === "failed");
        this.#figures.textContent = figuresOf(this.#answer);
    }
}

/** A text that only grows. */
class GrowingText {
    element = document.createElement("pre");
    #node = this.element.appendChild(new Text());

    /** @param {string} className */
    constructor(className) {
        this.element.className = className;
    }

    /** @param {string} text */
    show(text) {
        if (text.length > this.#node.length) this.#node.appendData(text.slice(this.#node.length));
    }
}

/** @param {Answer} answer */
function figuresOf({ state, figures, error }) {
    if (state === "running") return "…";
    if (error !== undefined) return faultText(error);
    if (figures === undefined) return "";
    const { tokens, tokensPerSecond, seed, stopReason } = figures;
    const speed = tokensPerSecond === null ? "" : `, ${tokensPerSecond.toFixed(0)} a second`;
    return `${ends[stopReason] ?? ""}${tokens} tokens${speed}, seed ${seed}`;
}

/** @param {Fault} error */
function faultText({ message, code, advice }) {
    return [message, advice, code === undefined ? "" : `(${code})`].filter((part) => part).join(" ");
}

/**
 * @template {HTMLElement} E
 * @param {string} id
 * @param {new () => E} type
 * @returns {E}
 */
function byId(id, type) {
    const element = document.getElementById(id);
    if (!(element instanceof type)) throw new Error(`The page has no ${id}.`);
    return element;
}

/** The page's controls over a client, and the conversations that are led here. */
export class Page {
    #client;
    #newConversation;
    /** @type {Conversation[]} */
    #conversations = [];
    /** @type {Conversation} */
    #current;
    /** @type {Map<Turn, Record<Side, AnswerView>>} */
    #views = new Map();
    /** Whose answers have changed since they were shown. @type {Set<AnswerView>} */
    #stale = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #showing;
    #pauseMs = shortestPauseMs;
    /** @type {LoadedTrio | undefined} */
    #loaded;
    // Counts loads, as an earlier one may end after a later one.
    #loads = 0;
    #trio = byId("trio", HTMLSelectElement);
    #path = byId("path", HTMLInputElement);
    #progress = byId("progress", HTMLProgressElement);
    #status = byId("status", HTMLParagraphElement);
    #notice = byId("notice", HTMLParagraphElement);
    #noticeText = byId("notice-text", HTMLSpanElement);
    #list = byId("conversations", HTMLUListElement);
    #turns = byId("turns", HTMLDivElement);
    #question = byId("question", HTMLTextAreaElement);
    #lambda = byId("lambda", HTMLInputElement);
    #ask = byId("ask", HTMLButtonElement);
    #stop = byId("stop", HTMLButtonElement);

    /**
     * @param {EngineClient} client
     * @param {() => Conversation} newConversation
     */
    constructor(client, newConversation) {
        this.#client = client;
        this.#newConversation = newConversation;
        this.#current = this.#begin();
        client.onCrash = (error) => {
            this.#say(faultText(error));
            this.#update();
        };
        client.onConnect = () => void this.#connected();
        this.#listen();
    }

    #listen() {
        byId("loader", HTMLFormElement).addEventListener("submit", (event) => {
            event.preventDefault();
            void this.#load(this.#path.value.trim() || this.#trio.value);
        });
        byId("composer", HTMLFormElement).addEventListener("submit", (event) => {
            event.preventDefault();
            void this.#send();
        });
        this.#question.addEventListener("keydown", (event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            void this.#send();
        });
        this.#lambda.addEventListener("input", () => this.#sayLambda());
        this.#stop.addEventListener("click", () => this.#current.stop());
        byId("dismiss", HTMLButtonElement).addEventListener("click", () => (this.#notice.hidden = true));
        byId("new", HTMLButtonElement).addEventListener("click", () => this.#show(this.#begin()));
    }

    // Also of a new engine, which has nothing loaded: the trio that was there comes back.
    async #connected() {
        try {
            const before = this.#loaded?.trio;
            this.#loaded = undefined;
            const { trios, loaded } = await this.#client.call("list", {});
            const chosen = this.#trio.value;
            this.#trio.replaceChildren(
                ...trios.map(({ trio, description }) => {
                    const option = new Option(trio, trio, false, trio === chosen);
                    option.title = description;
                    return option;
                })
            );
            if (loaded !== null) this.#useLoaded(loaded);
            else if (before !== undefined) await this.#load(before);
        } catch (error) {
            this.#fail(error);
        }
    }

    /** @param {string} trio */
    async #load(trio) {
        const load = ++this.#loads;
        this.#loaded = undefined;
        this.#progress.value = 0;
        this.#progress.hidden = false;
        this.#notice.hidden = true;
        this.#status.textContent = `Loading ${trio} …`;
        this.#update();
        try {
            const loaded = await this.#client.call(
                "load",
                { trio },
                { onPart: ({ overall }) => (this.#progress.value = overall) }
            );
            if (load === this.#loads) this.#useLoaded(loaded);
        } catch (error) {
            if (load !== this.#loads) return; // another trio was wanted
            this.#status.textContent = "No trio is loaded.";
            this.#fail(error);
        } finally {
            if (load === this.#loads) this.#progress.hidden = true;
            this.#update();
        }
    }

    /** @param {LoadedTrio} loaded */
    #useLoaded(loaded) {
        const { trio, base, device, lambda, isChat, loadMs } = loaded;
        this.#loaded = loaded;
        const kind = isChat ? "conversations" : "each question stands alone";
        this.#status.textContent = `${trio}: ${base} on ${device}, loaded in ${loadMs.toFixed(0)} ms, ${kind}`;
        this.#lambda.disabled = lambda === null;
        this.#lambda.value = String(lambda ?? 0);
        this.#sayLambda();
        this.#update();
    }

    async #send() {
        const conversation = this.#current;
        const question = this.#question.value.trim();
        if (question === "" || this.#ask.disabled || conversation.isRunning) return;
        this.#question.value = "";
        const asked = conversation.ask(this.#client, question, this.#settings());
        this.#show(conversation);
        await asked;
        this.#update();
    }

    /** @returns {AskSettings} */
    #settings() {
        const number = (/** @type {string} */ id) => {
            const { valueAsNumber } = byId(id, HTMLInputElement);
            return Number.isNaN(valueAsNumber) ? undefined : valueAsNumber;
        };
        return {
            lambda: Number(this.#lambda.value),
            temperature: number("temperature"),
            maxTokens: number("tokens"),
            seed: number("seed") ?? Math.floor(Math.random() * 2 ** 31)
        };
    }

    #begin() {
        const empty = this.#conversations.find(({ turns }) => turns.length === 0);
        if (empty !== undefined) return empty;
        const conversation = this.#newConversation();
        this.#conversations.unshift(conversation);
        conversation.onChange = (turn, side) => {
            const view = this.#views.get(turn)?.[side];
            if (view !== undefined) this.#showSoon(view);
        };
        return conversation;
    }

    /** @param {Conversation} conversation */
    #show(conversation) {
        this.#current = conversation;
        this.#views.clear();
        this.#turns.replaceChildren(...conversation.turns.map((turn) => this.#viewOf(turn)));
        this.#turns.scrollTop = this.#turns.scrollHeight;
        this.#update();
        this.#question.focus();
    }

    /** @param {Turn} turn */
    #viewOf(turn) {
        const element = document.createElement("article");
        element.className = "turn";
        const heading = document.createElement("h2");
        heading.textContent = turn.question;
        const both = document.createElement("div");
        both.className = "answers";
        const base = new AnswerView("base", undefined, turn.answers.base);
        const rast = new AnswerView("rast", turn.lambda, turn.answers.rast);
        this.#views.set(turn, { base, rast });
        both.append(base.element, rast.element);
        element.append(heading, both);
        return element;
    }

    /** @param {AnswerView} view */
    #showSoon(view) {
        this.#stale.add(view);
        this.#showing ??= setTimeout(() => {
            const start = performance.now();
            for (const each of this.#stale) each.show();
            this.#stale.clear();
            this.#follow();
            this.#pauseMs = Math.max(shortestPauseMs, 2 * (performance.now() - start));
            this.#showing = undefined;
        }, this.#pauseMs);
    }

    // Whoever has scrolled up to read stays there.
    #follow() {
        const { scrollHeight, scrollTop, clientHeight } = this.#turns;
        if (scrollHeight - scrollTop - clientHeight < 120) this.#turns.scrollTop = scrollHeight;
    }

    #update() {
        const { isRunning } = this.#current;
        this.#ask.disabled = this.#loaded === undefined || !this.#client.isConnected;
        this.#ask.hidden = isRunning;
        this.#stop.hidden = !isRunning;
        this.#list.replaceChildren(
            ...this.#conversations.map((conversation) => {
                const button = document.createElement("button");
                button.type = "button";
                button.textContent = `${conversation.isRunning ? "… " : ""}${conversation.title}`;
                button.setAttribute("aria-current", String(conversation === this.#current));
                button.addEventListener("click", () => this.#show(conversation));
                const item = document.createElement("li");
                item.append(button);
                return item;
            })
        );
    }

    #sayLambda() {
        byId("lambda-said", HTMLOutputElement).textContent = this.#lambda.value;
    }

    /** @param {unknown} error */
    #fail(error) {
        this.#say(error instanceof Error ? faultText(error) : String(error));
    }

    /** @param {string} text */
    #say(text) {
        this.#noticeText.textContent = text;
        this.#notice.hidden = false;
    }
}
