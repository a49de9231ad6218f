import { chmod, mkdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkModelFile, fileSize, systemError } from "../../../src/models/files.js";
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

    test("messages are exact, with the facts beside them", async () => {
        const path = files.path("none.gguf");
        await expect(checkModelFile(path, purpose)).rejects.toMatchObject({
            message: `The file for the base does not exist: ${path}`,
            details: { role: "base", path },
            cause: expect.objectContaining({ code: "ENOENT" })
        });
        const empty = await files.write("zero.gguf", "");
        const error: unknown = await checkModelFile(empty, purpose).catch((caught: unknown) => caught);
        expect(error).toMatchObject({ message: `The file for the base is empty: ${empty}` });
        expect("cause" in (error as Error)).toBe(false);
        await expect(checkModelFile(files.folder, purpose)).rejects.toMatchObject({
            message: `The file for the base is a folder: ${files.folder}`
        });
        const other = await files.write("other.gguf", "GGU");
        await expect(checkModelFile(other, purpose)).rejects.toMatchObject({
            message: `The file for the base is not a GGUF file: it starts with "GGU": ${other}`
        });
        if (process.platform === "win32") return;
        await expect(fileSize("/dev/null", { what: "x" })).rejects.toMatchObject({
            message: "The file for x is not a regular file: /dev/null",
            details: { path: "/dev/null" }
        });
    });

    test.each<[object, string, string]>([
        [{ code: "ENOENT", message: "m" }, "ERR_FILE_NOT_FOUND", "does not exist"],
        [{ code: "ENOTDIR", message: "m" }, "ERR_FILE_NOT_FOUND", "does not exist"],
        [{ code: "EISDIR", message: "m" }, "ERR_IS_DIRECTORY", "is a folder"],
        [{ code: "EACCES", message: "m" }, "ERR_FILE_UNREADABLE", "cannot be read: EACCES"],
        [{ message: "m" }, "ERR_FILE_UNREADABLE", "cannot be read: m"]
    ])("%j of the file system is %s", (cause, code, words) => {
        const error = systemError(cause, "p", purpose);
        expect(error).toMatchObject({ code, message: `The file for the base ${words}: p`, details: { path: "p" } });
        expect(error.cause).toBe(cause);
    });

    test("long paths are cut in messages, and whole in details", async () => {
        const folder = `/${"d".repeat(100)}/${"e".repeat(100)}`;
        const path = `${folder}/${"f".repeat(60)}-00002-of-00003.gguf`;
        const short = `${path.slice(0, 98)}...${path.slice(-98)}`;
        expect(systemError({ code: "ENOENT" }, path, purpose)).toMatchObject({
            message: `The file for the base does not exist: ${short}`,
            details: { path }
        });
        const first = path.replace("00002", "00001");
        await expect(checkModelFile(path, purpose)).rejects.toMatchObject({
            message: `The file for the base is a later part of a split model: give ${first.slice(0, 98)}...${first.slice(-98)}: ${short}`
        });
        expect(systemError({ message: "w".repeat(500) }, "p", purpose).message).toHaveLength(
            "The file for the base cannot be read: : p".length + 199
        );
    });

    test("names of split models: five digits, any case of the extension, at least one part", async () => {
        for (const name of ["m-0002-of-0003.gguf", "m-00002-of-00000.gguf", "m-00002-of-00003.bin"]) {
            expect(await checkModelFile(await files.write(name, "GGUF"), purpose)).toBe(4);
        }
        expect(await checkModelFile(await files.write("o-00001-of-00001.GGUF", "GGUF"), purpose)).toBe(4);
        await expect(checkModelFile(files.path("q-00002-of-00003.GGUF"), purpose)).rejects.toMatchObject({
            code: "ERR_INVALID_ARGUMENT"
        });
    });
});
