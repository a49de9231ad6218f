// To the clipboard.
import { say } from "./aloud.js";
import { button, element } from "./element.js";

/** A button that copies a text, and says so. */
export function copyButton(words: string, text: () => string): HTMLButtonElement {
    const made = button(words, () => {
        void copy(text()).then((copied) => {
            made.textContent = copied ? "Copied" : "Not allowed here";
            say(copied ? "Copied." : "The browser does not allow copying here.");
            setTimeout(() => (made.textContent = words), 1500);
        });
    });
    return made;
}

async function copy(text: string): Promise<boolean> {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        return copyBySelection(text);
    }
}

// Pages over plain HTTP from another machine have no clipboard.
function copyBySelection(text: string): boolean {
    const focused = document.activeElement;
    const area = element("textarea", { class: "unseen", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    try {
        return document.execCommand("copy");
    } catch {
        return false;
    } finally {
        area.remove();
        if (focused instanceof HTMLElement) focused.focus();
    }
}
