// docs/install.md as tests run it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../support/native.js";

/** One way to install, as the page describes it. */
export interface Layout {
    /** Its heading: "npm, CPU". */
    readonly name: string;
    /** What is to be written before: contents by file name. */
    readonly files: Readonly<Record<string, string>>;
    /** Command lines, the last ones of which run the program. */
    readonly commands: readonly string[];
    /** MB, as the table of sizes has it. */
    readonly megabytes: number;
}

/** The layouts of the page, and its program. */
export function readInstallPage(): { readonly layouts: readonly Layout[]; readonly program: string } {
    const page = readFileSync(join(root, "docs", "install.md"), "utf8");
    const [, sizes = ""] = page.split("\n## Sizes\n");
    const rows = [...sizes.split("\n## ")[0]!.matchAll(/^\| (.+?) \| (\d+) \|$/gm)];
    const megabytes = new Map(rows.map(([, name, figure]) => [name!, Number(figure)]));
    const [, part = ""] = page.split("\n## Layouts\n");
    const [intro = "", ...sections] = part.split("\n## ")[0]!.split("\n### ");
    const layouts = sections.map((section): Layout => {
        const name = section.split("\n")[0]!;
        const files = [...section.matchAll(/^`([\w.-]+)`:\n\n```\w+\n([^]*?)^```$/gm)];
        const [, commands = ""] = /^```sh\n([^]*?)^```$/m.exec(section) ?? [];
        return {
            name,
            files: Object.fromEntries(files.map(([, file, text]) => [file!, text!])),
            commands: commands.trim().split("\n"),
            megabytes: megabytes.get(name) ?? Number.NaN
        };
    });
    const [, program = ""] = /^```js\n([^]*?)^```$/m.exec(intro) ?? [];
    return { layouts, program };
}
