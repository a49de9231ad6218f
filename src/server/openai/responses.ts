// POST /v1/responses, and what is kept of them.
import { quote } from "../../checks.js";
import type { ChatMessage } from "../../text/chat-template.js";
import type { Protocol } from "../ask/protocol.js";
import { clientSignal } from "../http/client-signal.js";
import { errorSender, logFailure } from "../http/error-form.js";
import { EventStream, serverSentEvent } from "../http/event-stream.js";
import { failureOf, RequestError } from "../http/request-error.js";
import { bodyOf } from "./errors.js";
import { fieldOf as commonField } from "./fields.js";
import { readResponse, type EarlierTurns, type ResponsesBody } from "./read-responses.js";
import { ResponseStore, type StoredResponse } from "./response-store.js";
import { responsesBodyWith } from "./responses-schemas.js";
import { drawing } from "./schemas.js";
import { ResponseWriter, type ResponseEvent } from "./write-responses.js";

const tags = ["OpenAI"];

const fields: Readonly<Record<string, string>> = {
    maxTokens: "max_output_tokens",
    logprobs: "top_logprobs",
    templateOptions: "reasoning",
    // a tool's fields are its own here
    "tools[].name": "tools[].name",
    "tools[].parameters": "tools[].parameters"
};

function fieldOf(option: string, body?: unknown): string {
    return fields[option] ?? commonField(option, body);
}

export const responses: Protocol = async (app, { answer, bounds }) => {
    app.setErrorHandler(errorSender({ fieldOf, bodyOf }));
    const store = new ResponseStore();

    const earlierOf = ({ previous_response_id: id }: ResponsesBody): EarlierTurns => {
        const item = (of: string): Readonly<Record<string, unknown>> | undefined => store.findItem(of);
        return id === undefined || id === null ? { messages: [], item } : { messages: find(id).messages, item };
    };

    /** @throws RequestError 404 */
    const find = (id: string, param = "previous_response_id"): StoredResponse => {
        const found = store.find(id);
        if (found !== undefined) return found;
        const message = `There is no response ${quote(id.slice(0, 100))} here: the latest are kept, until the server ends.`;
        throw new RequestError(404, message, { param, code: "previous_response_not_found" });
    };

    app.post<{ Body: ResponsesBody }>(
        "/v1/responses",
        { schema: { body: responsesBodyWith(drawing), summary: "A response", tags } },
        async (request, reply) => {
            const { body } = request;
            const { ask, messages } = readResponse(body, earlierOf(body));
            const keep = (writer: ResponseWriter): void => {
                if (body.store === false) return;
                const { id, output } = writer;
                const turn = turnOf(output);
                store.keep({
                    id,
                    response: writer.whole(),
                    messages: turn === undefined ? messages : [...messages, turn],
                    input: inputOf(body.input),
                    output
                });
            };
            if (body.stream !== true) {
                const signal = clientSignal(reply);
                const { model, events } = await answer(ask, signal, request.id);
                const writer = new ResponseWriter(body, model);
                for await (const event of events) writer.write(event);
                if (signal.aborted) return reply.hijack();
                keep(writer);
                return writer.whole();
            }
            const stream = new EventStream(reply, { contentType: "text/event-stream; charset=utf-8" }, bounds);
            let number = 0;
            const written = (event: ResponseEvent): string =>
                serverSentEvent(JSON.stringify({ ...event, sequence_number: number++ }), event.type);
            let writer: ResponseWriter | undefined;
            try {
                const { model, events } = await answer(ask, stream.signal, request.id);
                writer = new ResponseWriter(body, model);
                await stream.send(writer.begin().map(written).join(""));
                for await (const event of events) {
                    const made = writer.write(event);
                    // whoever reads the last event may go on from it
                    if (event.kind === "end") keep(writer);
                    const slow = made.length > 0 ? stream.send(made.map(written).join("")) : undefined;
                    if (slow !== undefined) await slow;
                }
                stream.end();
            } catch (error) {
                if (stream.signal.aborted) return reply;
                if (!stream.begun || writer === undefined) throw error;
                const failure = failureOf(error, (option) => fieldOf(option, body));
                const { message, code } = failure;
                logFailure(request.log, failure, error, "a stream failed");
                stream.end(written(writer.fail(code ?? "server_error", message)));
            }
            return reply;
        }
    );

    const byId = "/v1/responses/:id";
    app.get<{ Params: { readonly id: string } }>(
        byId,
        { schema: { summary: "A stored response", tags } },
        async ({ params }) => {
            return find(params.id, "id").response;
        }
    );
    app.get<{ Params: { readonly id: string } }>(
        `${byId}/input_items`,
        { schema: { summary: "What a stored response was asked", tags } },
        async ({ params }) => {
            const { input } = find(params.id, "id");
            const data = input.map((item, index) => ({ id: `item_${index}`, ...item }));
            const [first, last] = [data[0], data.at(-1)];
            return { object: "list", data, has_more: false, first_id: first?.id ?? null, last_id: last?.id ?? null };
        }
    );
    app.delete<{ Params: { readonly id: string } }>(
        byId,
        { schema: { summary: "Forgets a stored response", tags } },
        async ({ params }) => {
            const { id } = find(params.id, "id");
            store.forget(id);
            return { id, object: "response", deleted: true };
        }
    );
};

function inputOf(input: ResponsesBody["input"]): readonly Readonly<Record<string, unknown>>[] {
    if (typeof input !== "string") return input ?? [];
    return [{ type: "message", role: "user", content: [{ type: "input_text", text: input }] }];
}

/** What a response says, as a message of the conversation; undefined where it says nothing. */
function turnOf(output: readonly Readonly<Record<string, unknown>>[]): ChatMessage | undefined {
    const texts = (type: string): string =>
        output
            .filter((item) => item["type"] === type)
            .flatMap((item) => item["content"] as readonly { readonly text: string }[])
            .map(({ text }) => text)
            .join("");
    const calls = output
        .filter((item) => item["type"] === "function_call")
        .map((item) => ({
            id: item["call_id"],
            type: "function",
            function: { name: item["name"], arguments: item["arguments"] }
        }));
    const content = texts("message");
    const reasoning = texts("reasoning");
    if (content === "" && calls.length === 0) return undefined;
    return {
        role: "assistant",
        content,
        ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
        ...(calls.length === 0 ? {} : { tool_calls: calls })
    };
}
