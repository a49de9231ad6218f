// What an answer is made of, as plain data: elements by a fixed list of names, texts, code and math. Nothing of it is markup.

/** Elements that an answer may have. */
export type Tag =
    | "p"
    | "h4"
    | "h5"
    | "h6"
    | "ul"
    | "ol"
    | "li"
    | "blockquote"
    | "hr"
    | "table"
    | "thead"
    | "tbody"
    | "tr"
    | "th"
    | "td"
    | "strong"
    | "em"
    | "s"
    | "br"
    | "a";

/** A part of an answer. */
export type Mark = string | ElementMark | CodeMark | MathMark;

/** An element. */
export interface ElementMark {
    readonly kind: "element";
    readonly tag: Tag;
    readonly children: readonly Mark[];
    /** Of a link: absolute, http, https or mailto. */
    readonly href?: string;
    /** Of a list with numbers. */
    readonly start?: number;
    /** Of a cell. */
    readonly align?: "left" | "center" | "right";
}

/** Code: a block, or a few words of a line. */
export interface CodeMark {
    readonly kind: "code";
    readonly text: string;
    readonly block: boolean;
    /** As the text says; "" where it does not. */
    readonly language: string;
}

/** TeX. */
export interface MathMark {
    readonly kind: "math";
    readonly tex: string;
    readonly display: boolean;
    /** As it stands in the text, delimiters and all: what is shown where it cannot be typeset. */
    readonly source: string;
    /** Whether its end has come. */
    readonly closed: boolean;
}
