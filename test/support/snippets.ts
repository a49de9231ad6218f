// Programs in documents and docstrings.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./native.js";

/** A block of JavaScript or TypeScript. */
export interface Snippet {
    /** File and line of its first line: "README.md:74". */
    readonly where: string;
    readonly code: string;
}

/** All of README.md, docs/*.md and the docstrings of src. What docs/api has are copies of these. */
export function snippets(): Snippet[] {
    const documents = ["README.md", ...readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"))];
    const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
    return [
        ...documents.flatMap((name) => read(name === "README.md" ? name : join("docs", name), /^/)),
        // A docstring's lines begin with a star.
        ...sources.filter((name) => name.endsWith(".ts")).flatMap((name) => read(join("src", name), /^ *\* ?/))
    ];
}

function read(file: string, margin: RegExp): Snippet[] {
    const found: Snippet[] = [];
    let block: { line: number; lines: string[] } | undefined;
    for (const [index, line] of readFileSync(join(root, file), "utf8").split("\n").entries()) {
        const text = line.replace(margin, "");
        if (block === undefined) {
            const begins = text !== line || file.endsWith(".md");
            if (begins && /^```(js|ts)\s*$/.test(text)) block = { line: index + 2, lines: [] };
        } else if (/^```\s*$/.test(text)) {
            found.push({ where: `${file}:${block.line}`, code: `${block.lines.join("\n")}\n` });
            block = undefined;
        } else {
            block.lines.push(text);
        }
    }
    if (block !== undefined) throw new Error(`${file}:${block.line}: the block does not end.`);
    return found;
}
