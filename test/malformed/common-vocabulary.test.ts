// What three models' vocabularies must have in common, to a single entry, and what is never drawn.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadRast, RastError, type Rast } from "../../dist/index.js";
import { demo } from "../support/demo.js";
import { readGguf, scalar, setKey, types, writeGgufBytes, type Gguf } from "../support/header-edit.js";
import { setToken, tokenTexts, tokenType } from "../support/token-edit.js";

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

    // ordinary tokens that merges make, in place of others
    const made = ["ab", "bc", "abc"];
    const withMade = (file: Gguf): void => {
        const texts = tokenTexts(file);
        const free = texts.map((_, id) => id).filter((id) => texts[id]!.startsWith("<u"));
        made.forEach((text, i) => setToken(file, free[i]!, text, tokenType.normal));
    };
    const loaded = (those: readonly string[], others: readonly string[], role: Role): Promise<Rast> =>
        load(
            trio((file, which) => {
                withMade(file);
                merges(file, which === role ? others : those);
            })
        );

    it.each([
        ["a token is made in one alone", ["a b"], [], 'word "ab" becomes "ab" in one and "a b" in'],
        ["another one goes first", ["a b", "b c"], ["b c", "a b"], 'word "abc" becomes "ab c" in one and "a bc" in']
    ])("are refused where %s", async (_, those, others, words) => {
        for (const role of ["expert", "antiexpert"] as const) {
            const error = await loaded(those, others, role).then(
                () => undefined,
                (reason: unknown) => reason
            );
            expect(error).toBeInstanceOf(RastError);
            expect(error).toMatchObject({ code: "ERR_TOKENIZER_MISMATCH" });
            expect((error as RastError).message).toContain(words);
        }
    });

    it.each([
        ["one makes no token", ["a b", "x y"], ["a b"]],
        ["an equal one comes again", ["a b", "b c", "a b"], ["a b", "b c"]],
        ["those in another order have nothing in common", ["a b", "x y"], ["x y", "a b"]],
        ["one can never be used", ["a b", "ab c", "a bc"], ["a b", "ab c"]]
    ])("are taken where %s", async (_, those, others) => {
        const rast = await loaded(those, others, "expert");
        await rast.dispose();
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
