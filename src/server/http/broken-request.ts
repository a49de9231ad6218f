// What is no HTTP, or came too slowly: no request is there that a route could answer.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Answers in OpenAI's shape, and closes the connection. */
export function answerBrokenRequest({ code }: { readonly code?: string }, socket: Socket): void {
    if (code === "ECONNRESET" || !socket.writable) {
        socket.destroy();
        return;
    }
    const [status, message] =
        code === "HPE_HEADER_OVERFLOW"
            ? ["431 Request Header Fields Too Large", "The headers are too large."]
            : code === "ERR_HTTP_REQUEST_TIMEOUT"
              ? ["408 Request Timeout", "The request did not come in time."]
              : ["400 Bad Request", "This is no request of HTTP/1.1."];
    const body = bodyOf(message, code ?? null);
    const head = `Content-Length: ${Buffer.byteLength(body)}\r\nContent-Type: application/json\r\nConnection: close`;
    socket.end(`HTTP/1.1 ${status}\r\n${head}\r\n\r\n${body}`, () => socket.destroy());
}

/** Answers an Expect header that asks for anything but to go on: no route hears of it. */
export function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
    const body = bodyOf("Of the header Expect, 100-continue is understood.", "expectation_failed");
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    response.writeHead(417, { ...headers, connection: "close" }).end(body);
}

function bodyOf(message: string, code: string | null): string {
    return JSON.stringify({ error: { message, type: "invalid_request_error", param: null, code } });
}
