// Bodies: JSON in UTF-8 of bounded depth, whatever type the client says that it is.
import { isUtf8 } from "node:buffer";
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { RequestError } from "./request-error.js";

/** Reads every body of an app like this. */
export function readBodiesAsJson(
    app: FastifyInstance,
    { maxDepth, maxBytes }: { readonly maxDepth: number; readonly maxBytes: number }
): void {
    // a type that is none at all would be refused before it comes to a parser
    app.addHook("onRequest", async ({ raw }) => {
        if (raw.headers["content-type"] !== undefined) raw.headers["content-type"] = "application/json";
    });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer" }, async ({ headers }: FastifyRequest, body: Buffer) =>
        parseBody(await decoded(body, headers["content-encoding"], maxBytes), maxDepth)
    );
}

const decoders = {
    gzip: promisify(gunzip),
    deflate: promisify(inflate),
    br: promisify(brotliDecompress)
} as const;

/**
 * A body as it was before it was compressed for the way.
 * @param encoding the header Content-Encoding
 * @throws RequestError 415 for encodings that are not known, 413 for more than `maxBytes`, 400 for what does not decode
 */
export async function decoded(body: Buffer, encoding: string | undefined, maxBytes: number): Promise<Buffer> {
    const name = (encoding ?? "identity")
        .trim()
        .toLowerCase()
        .replace(/^x-gzip$/, "gzip");
    if (name === "identity" || name === "" || body.length === 0) return body;
    if (!Object.hasOwn(decoders, name)) {
        throw new RequestError(415, "Bodies are plain, or compressed once, by gzip, deflate or br.", {
            code: "unsupported_encoding"
        });
    }
    try {
        return await decoders[name as keyof typeof decoders](body, { maxOutputLength: maxBytes });
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
            throw new RequestError(413, `The body is larger than ${maxBytes} bytes once it is decompressed.`);
        }
        throw new RequestError(400, `The body is not ${name}, as its header Content-Encoding says.`, {
            code: "invalid_encoding"
        });
    }
}

/** @returns undefined of an empty body @throws RequestError 400 */
export function parseBody(body: Buffer, maxDepth: number): unknown {
    if (body.length === 0) return undefined;
    if (!isUtf8(body)) throw invalidJson("it is not UTF-8");
    if (depthOf(body, maxDepth) > maxDepth) throw invalidJson(`it is nested deeper than ${maxDepth} levels`);
    // a mark of byte order is none of JSON's letters, and some clients send one
    const text = body.toString("utf8").replace(/^\uFEFF/, "");
    try {
        return JSON.parse(text) as unknown;
    } catch (error) {
        throw invalidJson(error instanceof Error ? error.message.slice(0, 200) : "it does not parse");
    }
}

function invalidJson(why: string): RequestError {
    return new RequestError(400, `The body is not valid JSON: ${why}.`, { code: "invalid_json" });
}

const [quote, backslash] = [0x22, 0x5c];

/** Levels of arrays and objects; counting ends one beyond the most. */
function depthOf(body: Buffer, most: number): number {
    let [depth, deepest] = [0, 0];
    let inText = false;
    for (let at = 0; at < body.length && deepest <= most; at++) {
        const byte = body[at]!;
        if (inText) {
            if (byte === backslash) at += 1;
            else if (byte === quote) inText = false;
        } else if (byte === quote) inText = true;
        else if (byte === 0x5b || byte === 0x7b) deepest = Math.max(deepest, ++depth);
        else if (byte === 0x5d || byte === 0x7d) depth -= 1;
    }
    return deepest;
}
