// The page: which chat is open, who answers, what is kept.
import { answer, emptyAnswer } from "./answering.js";
import type { Client } from "./api/client.js";
import type { ListedTrio } from "./api/models.js";
import { pause, withPatience, type Waiting } from "./api/patience.js";
import type { Column } from "./api/request.js";
import { ServerError } from "./api/server-error.js";
import { messagesFor, newChat, withAnswer, withQuestion, type Answer, type Chat } from "./chats/chat.js";
import type { History, Imported } from "./chats/history.js";
import type { KeyValues } from "./chats/key-values.js";
import { loadSettings, saveSettings, seedFor, type Settings } from "./settings.js";
import { say } from "./view/aloud.js";
import type { AnswerView } from "./view/answer-view.js";
import { Composer } from "./view/composer.js";
import { HistoryDialog, SettingsDialog } from "./view/dialogs.js";
import { byId, element } from "./view/element.js";
import { FollowEnd } from "./view/follow-end.js";
import { TurnView } from "./view/turn-view.js";

function newId(): string {
    return crypto.getRandomValues(new Uint32Array(4)).join("-");
}

function freshChat(): Chat {
    return newChat(newId(), Date.now());
}

function importedInWords({ taken, left, lost }: Imported): string {
    const chats = (count: number): string => `${count} ${count === 1 ? "chat" : "chats"}`;
    return [
        taken === 0 ? "No chat was taken." : `${chats(taken)} taken.`,
        ...(left === 0 ? [] : [`${chats(left)} left out: there already, or empty.`]),
        ...(lost === 0 ? [] : [`${chats(lost)} had no room.`])
    ].join(" ");
}

/** What the page works with. */
export interface Parts {
    readonly client: Client;
    readonly history: History;
    readonly storage: KeyValues;
    /** For the key alone, which ends with the window. */
    readonly session: KeyValues;
    readonly settings: Settings;
}

const keyName = "rast.key";
const openName = "rast.open";
const savePeriodMs = 3000;
const progressPeriodMs = 1000;

/** One page. It begins to work with `start`. */
export class App {
    readonly #parts: Parts;
    readonly #composer: Composer;
    readonly #settingsDialog: SettingsDialog;
    readonly #models = byId("model", HTMLSelectElement);
    readonly #notice = byId("notice", HTMLElement);
    readonly #turns = byId("turns", HTMLElement);
    readonly #welcome = byId("welcome", HTMLElement);
    readonly #follow = new FollowEnd(byId("chat", HTMLElement), byId("to-end", HTMLButtonElement));
    #settings: Settings;
    #trios: readonly ListedTrio[] = [];
    #chat: Chat;
    // As this window knows that it is kept; null where it never was.
    #kept: Chat | null = null;
    // How often a chat was put on the page.
    #shown = 0;
    #views: TurnView[] = [];
    #running: AbortController | null = null;
    #listing = new AbortController();
    // Whether the server has said how strong the trio's delta is: it knows once the trio is loaded.
    #isTold = false;

    constructor(parts: Parts) {
        this.#parts = parts;
        this.#settings = parts.settings;
        this.#chat = freshChat();
        const change = (changed: Partial<Settings>): void => this.#change(changed);
        this.#composer = new Composer({
            send: (text) => this.#ask(this.#chat.turns.length, text),
            stop: () => this.#running?.abort(),
            change
        });
        this.#settingsDialog = new SettingsDialog({ change, key: (key) => this.#setKey(key) });
        new HistoryDialog({
            list: () => parts.history.list(),
            open: (id) => this.#open(id),
            remove: (id) => this.#remove(id),
            removeAll: () => {
                this.#giveUp();
                this.#show(freshChat(), null);
                parts.history.removeAll();
            },
            export: () => parts.history.export(),
            import: (text) => importedInWords(parts.history.import(text))
        });
        byId("new-chat", HTMLButtonElement).addEventListener("click", () => this.#begin());
        this.#models.addEventListener("change", () => {
            this.#change({ trio: this.#models.value });
            void this.#tellTrio();
        });
        document.addEventListener("keydown", (event) => {
            const inDialog = document.querySelector("dialog[open]") !== null;
            if (event.key === "Escape" && this.#running !== null && !inDialog) this.#running.abort();
        });
        window.addEventListener("pagehide", () => this.#save());
    }

    start(): void {
        this.#parts.client.key = this.#parts.session.getItem(keyName) ?? "";
        byId("api-key", HTMLInputElement).value = this.#parts.client.key;
        this.#showSettings();
        // After a reload, and on a phone that has put the page away, the chat is there again.
        const open = this.#parts.history.load(this.#parts.session.getItem(openName) ?? "");
        if (open !== null) this.#show(open, open);
        this.#composer.focus();
        void this.#listModels();
    }

    #change(changed: Partial<Settings>): void {
        this.#settings = { ...this.#settings, ...changed };
        // What another window has set stays set there.
        saveSettings(this.#parts.storage, { ...loadSettings(this.#parts.storage), ...changed });
        this.#showSettings();
    }

    #showSettings(): void {
        const { theme } = this.#settings;
        if (theme === "auto") delete document.documentElement.dataset["theme"];
        else document.documentElement.dataset["theme"] = theme;
        this.#composer.show(this.#settings);
        this.#settingsDialog.show(this.#settings);
    }

    #setKey(key: string): void {
        this.#parts.client.key = key;
        this.#keepForWindow(keyName, key);
        void this.#listModels();
    }

    #keepForWindow(name: string, value: string): void {
        try {
            this.#parts.session.setItem(name, value);
        } catch {
            // it holds until the page is left
        }
    }

    get #trio(): ListedTrio | undefined {
        return this.#trios.find(({ name }) => name === this.#settings.trio) ?? this.#trios[0];
    }

    async #listModels(): Promise<void> {
        this.#listing.abort();
        const { signal } = (this.#listing = new AbortController());
        try {
            this.#trios = await withPatience(
                () => this.#parts.client.models(),
                (ms) => pause(ms, signal),
                ({ words }) => this.#tell(words)
            );
            this.#tell(this.#trios.length === 0 ? "The server has no models." : "");
            this.#settingsDialog.keyIsRight();
        } catch (error) {
            if (signal.aborted) return;
            if (error instanceof ServerError && error.trouble === "key") {
                this.#tell("The server wants a key: it is entered in the settings.");
                this.#settingsDialog.askForKey(error.message);
                return;
            }
            this.#tell(error instanceof Error ? error.message : String(error), true);
            return;
        }
        const chosen = this.#trio?.name;
        this.#models.replaceChildren(...this.#trios.map(({ name }) => element("option", { value: name }, name)));
        if (chosen !== undefined) this.#models.value = chosen;
        await this.#tellTrio();
    }

    async #tellTrio(): Promise<void> {
        const trio = this.#trio;
        if (trio === undefined) return;
        const state = await this.#parts.client.loadState(trio.name);
        if (this.#trio?.name !== trio.name) return;
        this.#isTold = state?.lambda != null;
        this.#composer.setTrio(state?.lambda ?? null, trio.hasBase);
        this.#composer.show(this.#settings);
    }

    // A sentence above the chat; "" for none.
    #tell(words: string, again = false): void {
        const retry = element("button", { type: "button", click: () => void this.#listModels() }, "Try again");
        this.#notice.replaceChildren(...(words === "" ? [] : again ? [words, " ", retry] : [words]));
        this.#notice.hidden = words === "";
    }

    // What is being answered is given up, and something else can be asked at once.
    #giveUp(): void {
        this.#running?.abort();
        this.#running = null;
        this.#composer.setBusy(false);
    }

    // A chat without a word.
    #begin(): void {
        this.#giveUp();
        this.#save();
        this.#show(freshChat(), null);
        this.#composer.focus();
        say("A new chat.");
    }

    #open(id: string): void {
        const chat = id === this.#chat.id ? null : this.#parts.history.load(id);
        if (chat === null) return;
        this.#giveUp();
        this.#save();
        this.#show(chat, chat);
        this.#composer.focus();
    }

    #remove(id: string): void {
        if (id === this.#chat.id) this.#giveUp();
        this.#parts.history.remove(id);
        if (id === this.#chat.id) this.#show(freshChat(), null);
    }

    /** @param kept as it is in the history */
    #show(chat: Chat, kept: Chat | null): void {
        this.#chat = chat;
        this.#kept = kept;
        this.#shown += 1;
        this.#keepForWindow(openName, chat.id);
        this.#views = [];
        this.#turns.replaceChildren();
        for (const index of chat.turns.keys()) this.#addView(index);
        this.#welcome.hidden = chat.turns.length > 0;
        this.#follow.toEnd();
    }

    #addView(index: number): TurnView {
        const view = new TurnView(index + 1, this.#chat.turns[index]!, {
            edit: (question) => this.#ask(index, question),
            again: (column) => {
                if (this.#running === null) void this.#answerAll(index, [column]);
            },
            grown: () => this.#follow.grown(),
            busy: () => this.#running !== null
        });
        this.#views.push(view);
        this.#turns.append(view.node);
        return view;
    }

    // What comes behind the question's place goes.
    /** @returns whether it is being answered */
    #ask(index: number, question: string): boolean {
        if (this.#running !== null) return false;
        if (this.#trio === undefined) {
            this.#tell("There is no model to ask yet.", true);
            return false;
        }
        for (const view of this.#views.splice(index)) view.node.remove();
        this.#chat = withQuestion(this.#chat, index, question, Date.now());
        this.#addView(index);
        this.#welcome.hidden = true;
        this.#follow.toEnd();
        this.#composer.focus();
        const beside = this.#settings.side && this.#trio?.hasBase === true;
        void this.#answerAll(index, beside ? ["rast", "base"] : ["rast"]);
        return true;
    }

    async #answerAll(index: number, columns: readonly Column[]): Promise<void> {
        const trio = this.#trio;
        if (trio === undefined) return;
        const running = (this.#running = new AbortController());
        const seed = seedFor(this.#settings);
        this.#composer.setBusy(true);
        say(columns.length > 1 ? "RAST and base are answering." : "An answer is being written.");
        const saving = setInterval(() => this.#save(), savePeriodMs);
        const results = await Promise.all(columns.map((column) => this.#answer(index, column, trio, seed, running)));
        clearInterval(saving);
        if (this.#running === running) {
            this.#running = null;
            this.#composer.setBusy(false);
        }
        const failed = results.find((one) => one.failure !== null)?.failure ?? null;
        const tokens = results.map((one) => one.answer.figures?.completionTokens).filter((count) => count != null);
        if (failed !== null) say(`The answer failed. ${failed.message}`);
        else if (running.signal.aborted) say("Stopped.");
        else say(`The answer is there${tokens.length > 0 ? `: ${tokens.join(" and ")} tokens` : ""}.`);
        if (!this.#isTold) void this.#tellTrio();
        if (failed?.trouble === "key") this.#settingsDialog.askForKey(failed.message);
        // A server that was started anew may have others.
        if (failed?.code === "model_not_found") void this.#listModels();
        this.#save();
    }

    async #answer(
        index: number,
        column: Column,
        trio: ListedTrio,
        seed: number,
        { signal }: AbortController
    ): ReturnType<typeof answer> {
        const shown = this.#shown;
        const messages = messagesFor(this.#chat, index, column, this.#settings.system);
        const put = (one: Answer): void => {
            // Another chat may have been opened meanwhile.
            if (this.#shown === shown) this.#chat = withAnswer(this.#chat, index, column, one, Date.now());
        };
        put(emptyAnswer(column === "base" ? `${trio.name}:base` : trio.name, seed));
        const view = this.#views[index]!.column(column, this.#chat.turns[index]!);
        const question = { trio: trio.name, column, messages, settings: this.#settings, seed };
        const result = await answer(
            this.#parts.client,
            question,
            {
                news: (one, tokens) => {
                    put(one);
                    view.update(one, tokens);
                    this.#follow.grown();
                },
                waits: (waiting) => void this.#showWaiting(view, trio.name, waiting, signal)
            },
            signal
        );
        return result;
    }

    // Until it is asked again, how far the load is, once a second.
    async #showWaiting(
        view: AnswerView,
        trio: string,
        { trouble, words, ms }: Waiting,
        signal: AbortSignal
    ): Promise<void> {
        if (trouble === "busy") {
            view.wait(`${words} It is asked again in ${Math.ceil(ms / 1000)} s.`);
            return;
        }
        const until = Date.now() + ms;
        view.wait(words);
        do {
            const state = await this.#parts.client.loadState(trio);
            if (signal.aborted || Date.now() >= until) return;
            if (state?.progress != null) {
                view.wait(`${trio} is being loaded: ${Math.floor(100 * state.progress)}%`, state.progress);
            }
            await pause(Math.min(progressPeriodMs, Math.max(0, until - Date.now())), signal).catch(() => undefined);
        } while (!signal.aborted && Date.now() < until);
    }

    #save(): void {
        // What nobody has said anything in since is not written: another window may have deleted it.
        if (this.#chat.turns.length === 0 || this.#chat === this.#kept) return;
        const { history } = this.#parts;
        const there = history.load(this.#chat.id);
        if (this.#kept !== null && there !== null && there.updated !== this.#kept.updated) {
            // Another window has gone on with it: both are kept.
            this.#chat = { ...this.#chat, id: newId() };
        }
        this.#keepForWindow(openName, this.#chat.id);
        const { stored, dropped } = history.save(this.#chat);
        if (stored) this.#kept = this.#chat;
        if (!stored) this.#tell("The browser has no room to keep this chat: it ends with the page.");
        else if (dropped > 0) say(`${dropped} of the oldest chats went for lack of room.`);
    }
}
