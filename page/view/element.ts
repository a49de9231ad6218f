// Elements without markup.

type Child = Node | string | null;

/** Attributes, texts and listeners of an element; undefined and false are left out. */
export interface Attributes {
    readonly [name: string]: string | number | boolean | undefined | ((event: Event) => void);
}

/** An element with attributes and children. A function is a listener of the event of its name; `class` is an attribute as any. */
export function element<K extends keyof HTMLElementTagNameMap>(
    tag: K,
    attributes: Attributes = {},
    ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (typeof value === "function") made.addEventListener(name, value);
        else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : String(value));
    }
    for (const child of children) if (child !== null) made.append(child);
    return made;
}

/** A button with words. */
export function button(words: string, pressed: () => void, attributes: Attributes = {}): HTMLButtonElement {
    return element("button", { type: "button", click: pressed, ...attributes }, words);
}

/** An element of the page as it was built. @throws Error where it is missing */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
    const found = document.getElementById(id);
    if (!(found instanceof type)) throw new Error(`The page has no ${id}.`);
    return found;
}
