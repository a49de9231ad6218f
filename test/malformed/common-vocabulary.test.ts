// What three models' vocabularies must have in common, to a single entry, and what is never drawn.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadRast, RastError, type Rast } from "../../dist/index.js";
import { demo } from "../support/demo.js";
import { readGguf, scalar, setKey, types, writeGgufBytes, type Gguf } from "../support/header-edit.js";

const folder = mkdtempSync(join(tmpdir(), "rast-common-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const roles = ["base", "expert", "antiexpert"] as const;
type Role = (typeof roles)[number];

/** The demo trio with changed headers. */
function trio(edit: (file: Gguf, role: Role) => void): Record<Role, string> {
    const files = roles.map((role) => {
        const file = readGguf(demo[role]);
        edit(file, role);
        const path = join(folder, `${role}.gguf`);
        writeFileSync(path, writeGgufBytes(file));
        return [role, path];
    });
    return Object.fromEntries(files) as Record<Role, string>;
}

const load = (files: Record<Role, string>): Promise<Rast> =>
    loadRast({ ...files, threads: 1, device: "cpu", contextSize: 128, speculation: "off" });

describe("merges", () => {
    const merges = (file: Gguf, texts: readonly string[]): void =>
        setKey(file, "tokenizer.ggml.merges", types.array, {
            type: types.string,
            items: texts.map((text) => Buffer.from(text))
        });

    it.each([
        ["the last one differs", ["a b", "c d", "e f"], ["a b", "c d", "e g"], 'merge 2 is "e f" in one and "e g" in'],
        ["the first one differs", ["a b", "c d"], ["b a", "c d"], 'merge 0 is "a b" in one and "b a" in'],
        ["one is missing", ["a b", "c d"], ["a b"], "2 merges in one, 1 in the other"],
        ["one has none", ["a b"], [], "1 merges in one, 0 in the other"]
    ])("are refused where %s", async (_, those, others, words) => {
        for (const role of ["expert", "antiexpert"] as const) {
            const files = trio((file, which) => merges(file, which === role ? others : those));
            const error = await load(files).then(
                () => undefined,
                (reason: unknown) => reason
            );
            expect(error).toBeInstanceOf(RastError);
            expect(error).toMatchObject({ code: "ERR_TOKENIZER_MISMATCH" });
            expect((error as RastError).message).toContain(words);
        }
    });

    it("are taken where they are the same", async () => {
        const rast = await load(trio((file) => merges(file, ["a b", "c d"])));
        await rast.dispose();
    });
});

describe("an id that one model has no use for", () => {
    const greedy = { tokens: [3, 4, 5], maxTokens: 1, temperature: 0, ignoreEos: true } as const;

    it.each(roles)("is never drawn: %s", async (role) => {
        const whole = await load(trio(() => {}));
        const all = whole.info.drawableTokens;
        const likeliest = (await whole.complete(greedy)).tokens[0]!;
        await whole.dispose();
        const files = trio((file, which) => {
            if (which !== role) return;
            const kinds = file.entries.find(({ key }) => key === "tokenizer.ggml.token_type")!.value;
            if (!Buffer.isBuffer(kinds)) kinds.items[likeliest] = scalar(types.i32, 5); // unused
        });
        const rast = await load(files);
        expect(rast.info.drawableTokens).toBe(all - 1);
        const logitBias = new Map([[likeliest, 100]]);
        for (const options of [{}, { temperature: 1, topK: 3 }, { temperature: 1, topP: 1 }]) {
            const { tokens } = await rast.complete({ ...greedy, logitBias, maxTokens: 20, ...options });
            expect(tokens.length).toBe(20);
            expect(tokens).not.toContain(likeliest);
        }
        await rast.dispose();
    });
});
