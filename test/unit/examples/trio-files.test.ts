import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { trioFilesIn } from "../../../examples/desktop/trio-files.js";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "rast-trios-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("finds trio files in a folder and one level below, and nothing else", async () => {
    mkdirSync(join(folder, "below", "deeper"), { recursive: true });
    mkdirSync(join(folder, "folder.json"));
    const write = (name: string, content: string): void => writeFileSync(join(folder, name), content);
    const trio = JSON.stringify({ base: "base.gguf", description: "A trio." });
    write("b.json", trio);
    write("a.json", JSON.stringify({ base: "base.gguf", description: 7 }));
    write(join("below", "c.json"), trio);
    write(join("below", "deeper", "d.json"), trio);
    write("package.json", "{}");
    write("list.json", "[]");
    write("null.json", "null");
    write("broken.json", "{");
    write("huge.json", `{"base": "${"x".repeat(1 << 20)}"}`);
    write("trio.txt", trio);
    expect(await trioFilesIn(folder)).toEqual([
        { trio: join(folder, "a.json"), description: "" },
        { trio: join(folder, "b.json"), description: "A trio." },
        { trio: join(folder, "below", "c.json"), description: "A trio." }
    ]);
    expect(await trioFilesIn(join(folder, "nowhere"))).toEqual([]);
});
