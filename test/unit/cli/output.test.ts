import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { readStandardInput } from "../../../src/cli/input.js";
import { formatBytes, painter, StatusLine } from "../../../src/cli/output.js";
import { CommandProcess } from "../../support/command-io.js";

describe("StatusLine", () => {
    test("writes over itself on a terminal, and is cut to its width", () => {
        const io = new CommandProcess({ terminal: true });
        const status = new StatusLine(io);
        status.clear();
        status.show("x".repeat(500));
        status.show("short");
        status.clear();
        status.clear();
        const wipe = "\r\u001b[K";
        expect(io.written.stderr).toBe(`${wipe}${"x".repeat(119)}${wipe}short${wipe}`);
    });

    test.each([
        ["no terminal", {}, false],
        ["where llama.cpp writes", { terminal: true, env: { RAST_LOG: "1" } }, false],
        ["where nothing is to be said", { terminal: true }, true]
    ])("is nothing: %s", (_, settings, quiet) => {
        const io = new CommandProcess(settings);
        const status = new StatusLine(io, quiet);
        status.show("text");
        status.clear();
        expect(io.written.stderr).toBe("");
    });
});

test.each([
    [true, {}, "\u001b[1mx\u001b[0m"],
    [true, { NO_COLOR: "" }, "\u001b[1mx\u001b[0m"],
    [true, { NO_COLOR: "1" }, "x"],
    [false, {}, "x"]
])("colours on a terminal (%j, %j)", (terminal, env, expected) => {
    expect(painter(new CommandProcess({ terminal, env }))("bold", "x")).toBe(expected);
});

test.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1536 * 1024 ** 2, "1.5 GiB"],
    [150 * 1024, "150 KiB"],
    [5000 * 1024 ** 4, "5000 TiB"]
])("%d bytes are %s", (bytes, expected) => expect(formatBytes(bytes)).toBe(expected));

describe("standard input", () => {
    const input = (...chunks: (string | Buffer)[]): Readable =>
        Readable.from(chunks.map((chunk) => (typeof chunk === "string" ? Buffer.from(chunk) : chunk)));

    test("is whole, without the newline that ends it", async () => {
        expect(await readStandardInput(input("one\n", "two\n\n"))).toBe("one\ntwo\n");
        expect(await readStandardInput(input("one\r\n"))).toBe("one");
        const [first, second] = [Buffer.from("\u20ac").subarray(0, 1), Buffer.from("\u20ac").subarray(1)];
        expect(await readStandardInput(input(first, second))).toBe("\u20ac");
    });

    test("is refused where it is no text, too long, broken, or a terminal", async () => {
        await expect(readStandardInput(input(Buffer.from([0xff])))).rejects.toThrow(
            "Standard input is not UTF-8 text: see line 1."
        );
        const chunk = Buffer.alloc(1_048_576, "x");
        const endless = Readable.from(
            (function* () {
                for (;;) yield chunk;
            })()
        );
        await expect(readStandardInput(endless)).rejects.toThrow("more than 67108864 bytes");
        const broken = Readable.from(
            (async function* () {
                yield chunk;
                throw Object.assign(new Error("x"), { code: "EIO" });
            })()
        );
        await expect(readStandardInput(broken)).rejects.toMatchObject({
            code: "ERR_FILE_UNREADABLE",
            message: "Standard input cannot be read: EIO."
        });
        const terminal = Object.assign(input("x"), { isTTY: true });
        await expect(readStandardInput(terminal)).rejects.toMatchObject({ code: "ERR_EMPTY_PROMPT" });
    });
});
