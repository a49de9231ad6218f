import { chmod, mkdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkModelFile } from "../../../src/models/files.js";
import { makeModelFiles, type ModelFiles } from "../../support/model-files.js";

let files: ModelFiles;
const purpose = { what: "the base", details: { role: "base" } };

beforeAll(async () => {
    files = await makeModelFiles();
});

afterAll(() => files.remove());

describe("checkModelFile", () => {
    test("gives the size", async () => {
        expect(await checkModelFile(files.base, purpose)).toBe(6004);
    });

    test.each([
        ["none.gguf", undefined, "ERR_FILE_NOT_FOUND", "does not exist"],
        ["base.gguf/below", undefined, "ERR_FILE_NOT_FOUND", "does not exist"],
        ["", undefined, "ERR_IS_DIRECTORY", "is a folder"],
        ["empty.gguf", "", "ERR_FILE_EMPTY", "is empty"],
        ["short.gguf", "GG", "ERR_NOT_GGUF", 'starts with "GG"'],
        ["old.bin", "lmgg....", "ERR_NOT_GGUF", 'starts with "lmgg"'],
        ["m-00002-of-00003.gguf", "GGUF", "ERR_INVALID_ARGUMENT", "m-00001-of-00003.gguf"]
    ])("%s: %j is %s", async (name, content, code, words) => {
        if (content !== undefined) await files.write(name, content);
        await expect(checkModelFile(files.path(name), purpose)).rejects.toMatchObject({
            code,
            message: expect.stringContaining(words),
            details: expect.objectContaining({ role: "base" })
        });
    });

    test.skipIf(process.platform === "win32")("what is no regular file is not opened", async () => {
        await expect(checkModelFile("/dev/null", purpose)).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
    });

    test.skipIf(process.platform === "win32" || process.getuid?.() === 0)("no permission", async () => {
        const path = await files.write("secret.gguf", "GGUF");
        await chmod(path, 0);
        await expect(checkModelFile(path, purpose)).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
    });

    test("all parts of a split model are needed", async () => {
        await mkdir(files.path("split"));
        const first = await files.write("split/m-00001-of-00002.gguf", "GGUF1");
        await expect(checkModelFile(first, purpose)).rejects.toMatchObject({
            code: "ERR_FILE_NOT_FOUND",
            message: expect.stringContaining("m-00002-of-00002.gguf")
        });
        await files.write("split/m-00002-of-00002.gguf", "GGUF2");
        expect(await checkModelFile(first, purpose)).toBe(10);
    });
});
