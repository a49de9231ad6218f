// What is set, and what was said before.
import { titleOf, type Chat } from "../chats/chat.js";
import { readNumber, type NumberSetting, type Settings, type Theme } from "../settings.js";
import { say } from "./aloud.js";
import { button, byId, element } from "./element.js";

const numbers: readonly NumberSetting[] = ["temperature", "topP", "maxTokens", "seed"];

/** What the settings ask for. */
export interface SettingsActions {
    change(settings: Partial<Settings>): void;
    key(key: string): void;
}

/** The dialog with all settings. What is wrong in a field is said beside it, and not taken. */
export class SettingsDialog {
    readonly #dialog = byId("settings", HTMLDialogElement);
    readonly #key = byId("api-key", HTMLInputElement);
    readonly #keyNote = byId("key-wanted", HTMLElement);
    readonly #keyAdvice = this.#keyNote.textContent;
    // Whether the server has asked for a key, and has not had it yet.
    #wantsKey = false;

    constructor(actions: SettingsActions) {
        byId("open-settings", HTMLButtonElement).addEventListener("click", () => this.#dialog.showModal());
        byId("close-settings", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
        for (const name of numbers) {
            const field = byId(name, HTMLInputElement);
            field.addEventListener("input", () => {
                const value = readNumber(name, field.value);
                const wrong = byId(`${name}-wrong`, HTMLElement);
                wrong.hidden = value !== undefined;
                field.setAttribute("aria-invalid", String(value === undefined));
                if (value !== undefined) actions.change({ [name]: value });
            });
        }
        const system = byId("system", HTMLTextAreaElement);
        system.addEventListener("input", () => actions.change({ system: system.value }));
        const figures = byId("figures", HTMLInputElement);
        figures.addEventListener("change", () => actions.change({ figures: figures.checked }));
        const theme = byId("theme", HTMLSelectElement);
        theme.addEventListener("change", () => actions.change({ theme: theme.value as Theme }));
        this.#key.addEventListener("change", () => actions.key(this.#key.value.trim()));
        // What is typed is sent, and where it was asked for and is right, the dialog has done its work.
        this.#key.addEventListener("keydown", (event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            actions.key(this.#key.value.trim());
        });
    }

    show(settings: Settings): void {
        for (const name of numbers) {
            const field = byId(name, HTMLInputElement);
            if (document.activeElement !== field) field.value = settings[name] === null ? "" : String(settings[name]);
        }
        byId("system", HTMLTextAreaElement).value = settings.system;
        byId("figures", HTMLInputElement).checked = settings.figures;
        byId("theme", HTMLSelectElement).value = settings.theme;
    }

    /** Opens where a key is wanted, with the field in focus. */
    askForKey(words: string): void {
        this.#keyNote.textContent = words;
        this.#key.setAttribute("aria-invalid", "true");
        this.#wantsKey = true;
        if (!this.#dialog.open) this.#dialog.showModal();
        this.#key.focus();
        this.#key.select();
    }

    /** The server has answered: what was said of a key holds no more, and who was asked for it has nothing else to do here. */
    keyIsRight(): void {
        if (!this.#wantsKey) return;
        this.#wantsKey = false;
        this.#keyNote.textContent = this.#keyAdvice;
        this.#key.removeAttribute("aria-invalid");
        if (document.activeElement === this.#key) this.#dialog.close();
    }
}

/** What the list of chats asks for. */
export interface HistoryActions {
    list(): readonly Chat[];
    open(id: string): void;
    remove(id: string): void;
    removeAll(): void;
    export(): string;
    /** @returns what came of it, in words @throws Error for a text that is no file of chats */
    import(text: string): string;
}

/** A file of chats that is longer holds more than a browser keeps, many times over. */
const mostBytes = 64 * 2 ** 20;

/** The dialog with all chats that the browser keeps. */
export class HistoryDialog {
    readonly #dialog = byId("history", HTMLDialogElement);
    readonly #list = byId("chats", HTMLUListElement);
    readonly #all = byId("remove-all", HTMLButtonElement);
    readonly #actions: HistoryActions;

    constructor(actions: HistoryActions) {
        this.#actions = actions;
        byId("open-history", HTMLButtonElement).addEventListener("click", () => {
            this.#draw();
            this.#dialog.showModal();
        });
        byId("close-history", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
        byId("export-chats", HTMLButtonElement).addEventListener("click", () => download(actions.export()));
        const file = byId("import-file", HTMLInputElement);
        byId("import-chats", HTMLButtonElement).addEventListener("click", () => file.click());
        file.addEventListener("change", () => void this.#import(file));
        // Asked twice, in the same place.
        this.#all.addEventListener("click", () => {
            if (this.#all.dataset["sure"] === undefined) {
                this.#all.dataset["sure"] = "";
                this.#all.textContent = "Delete all: press again";
                return;
            }
            actions.removeAll();
            this.#draw();
            say("All chats are deleted.");
        });
    }

    async #import(field: HTMLInputElement): Promise<void> {
        const file = field.files?.[0];
        // the same file may be chosen again
        const words = file === undefined ? "" : await this.#importWords(file);
        field.value = "";
        if (words === "") return;
        this.#draw();
        const said = byId("import-said", HTMLElement);
        said.textContent = words;
        said.hidden = false;
        say(words);
    }

    async #importWords(file: File): Promise<string> {
        if (file.size > mostBytes) return "The file is too long to be one of chats.";
        try {
            return this.#actions.import(await file.text());
        } catch (error) {
            return error instanceof Error ? error.message : String(error);
        }
    }

    #draw(): void {
        byId("import-said", HTMLElement).hidden = true;
        delete this.#all.dataset["sure"];
        this.#all.textContent = "Delete all";
        const chats = this.#actions.list();
        this.#all.hidden = chats.length === 0;
        byId("export-chats", HTMLButtonElement).hidden = chats.length === 0;
        byId("no-chats", HTMLElement).hidden = chats.length > 0;
        this.#list.replaceChildren(...chats.map((chat) => this.#item(chat)));
    }

    #item(chat: Chat): HTMLLIElement {
        const title = titleOf(chat);
        const date = new Date(chat.updated);
        const open = button(
            title,
            () => {
                this.#dialog.close();
                this.#actions.open(chat.id);
            },
            { class: "chat-title", dir: "auto" }
        );
        const remove = button(
            "Delete",
            () => {
                const next = item.nextElementSibling ?? item.previousElementSibling;
                this.#actions.remove(chat.id);
                item.remove();
                say("The chat is deleted.");
                const focus =
                    next?.querySelector<HTMLButtonElement>("button") ?? byId("close-history", HTMLButtonElement);
                focus.focus();
                if (next === null) this.#draw();
            },
            { "aria-label": `Delete ${title}` }
        );
        const when = element("time", { datetime: date.toISOString() }, date.toLocaleString());
        const item = element("li", {}, element("div", {}, open, when), remove);
        return item;
    }
}

function download(text: string): void {
    const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    element("a", { href: url, download: "rast-chats.json" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
