// Ollama's API.
import type { FastifyReply } from "fastify";
import { RastError } from "../../errors.js";
import type { Ask, Answering } from "../ask/ask.js";
import type { Protocol, ServedModel } from "../ask/protocol.js";
import { clientSignal } from "../http/client-signal.js";
import { EventStream } from "../http/event-stream.js";
import { errorSender, failedBody, type ErrorForm } from "../http/error-form.js";
import { RequestError } from "../http/request-error.js";
import { listedModel, runningModel, shownModel } from "./models.js";
import {
    behindContext,
    fieldOf,
    readChat,
    readGenerate,
    type ChatBody,
    type CommonBody,
    type GenerateBody
} from "./read.js";
import { chatBody, generateBody, showBody } from "./schemas.js";
import { AnswerWriter, loadedLine, type AnswerForm } from "./write.js";

/** The version of Ollama whose API this is: clients leave out what their server is too old for. */
const apiVersion = "0.12.6";

/** What Ollama does with models, and a server of trios does not. */
const notOffered = ["pull", "push", "create", "copy", "embed", "embeddings"];

const tags = ["Ollama"];

const errorForm: ErrorForm = { fieldOf, bodyOf: ({ message }) => ({ error: message }) };

/** Answers whatever was thrown. */
export const sendError = errorSender(errorForm);

export const ollama: Protocol = async (app, context) => {
    const { answer, promptTokens, models, bounds } = context;

    app.setErrorHandler(sendError);

    /** Without anything to say, a model is loaded; kept for no time at all, it is unloaded. */
    const load = async (kind: AnswerForm["kind"], body: CommonBody, reply: FastifyReply): Promise<FastifyReply> => {
        const model = body.model ?? undefined;
        const away = keptForNothing(body.keep_alive);
        if (away) await context.unload(model);
        else await context.load(model, clientSignal(reply));
        return reply.send(loadedLine(kind, model ?? models()[0]?.id ?? "", away ? "unload" : "load"));
    };

    /** Answers with what `begin` starts: line by line, or at once. */
    const send = async (
        form: Omit<AnswerForm, "model" | "promptTokens">,
        stream: boolean,
        reply: FastifyReply,
        begin: (
            signal: AbortSignal
        ) => Promise<{ readonly answering: Answering; readonly tokens?: readonly number[] | undefined }>
    ): Promise<FastifyReply> => {
        const lines = stream ? new EventStream(reply, { contentType: "application/x-ndjson" }, bounds) : undefined;
        const signal = lines?.signal ?? clientSignal(reply);
        try {
            const { answering, tokens } = await begin(signal);
            const writer = new AnswerWriter({ ...form, model: answering.model, promptTokens: tokens });
            for await (const event of answering.events) {
                for (const line of writer.write(event)) {
                    const slow = lines?.send(`${JSON.stringify(line)}\n`);
                    if (slow !== undefined) await slow;
                }
            }
            if (lines === undefined) return signal.aborted ? reply.hijack() : reply.send(writer.whole());
            lines.end();
        } catch (error) {
            if (signal.aborted) return lines === undefined ? reply.hijack() : reply;
            if (lines?.begun !== true) throw error;
            lines.end(`${JSON.stringify(failedBody(errorForm, error, reply.request))}\n`);
        }
        return reply;
    };

    app.post<{ Body: ChatBody }>(
        "/api/chat",
        { schema: { body: chatBody, summary: "A chat", tags } },
        async ({ body }, reply) => {
            const begun = performance.now();
            const ask = readChat(body);
            if (ask === undefined) return load("chat", body, reply);
            return send({ kind: "chat", begun }, body.stream !== false, reply, async (signal) => ({
                answering: await answer(ask, signal, reply.request.id)
            }));
        }
    );

    app.post<{ Body: GenerateBody }>(
        "/api/generate",
        { schema: { body: generateBody, summary: "A completion", tags } },
        async ({ body }, reply) => {
            const begun = performance.now();
            if (readGenerate(body, false) === undefined) return load("generate", body, reply);
            const start = async (
                asChat: boolean,
                signal: AbortSignal
            ): Promise<{ answering: Answering; tokens?: readonly number[] | undefined }> => {
                const ask = readGenerate(body, asChat)!;
                if (body.raw === true) return { answering: await answer(ask, signal, reply.request.id) };
                const earlier = body.context ?? [];
                const tokens = [...earlier, ...(await promptTokens(ask, signal))[0]!];
                const whole: Ask = earlier.length === 0 ? ask : behindContext(ask, [], tokens);
                return { answering: await answer(whole, signal, reply.request.id), tokens };
            };
            return send({ kind: "generate", begun }, body.stream !== false, reply, async (signal) => {
                try {
                    return await start(true, signal);
                } catch (error) {
                    if (!hasNoTemplate(error)) throw error;
                    return await start(false, signal);
                }
            });
        }
    );

    app.post<{ Body: { readonly model?: string | null; readonly name?: string | null } }>(
        "/api/show",
        { schema: { body: showBody, summary: "What a model is", tags } },
        async ({ body }) => shownModel(find(models(), body.model ?? body.name ?? ""))
    );

    app.get("/api/tags", { schema: { summary: "The models", tags } }, async () => ({
        models: models().map(listedModel)
    }));
    app.get("/api/ps", { schema: { summary: "The models that are loaded", tags } }, async () => ({
        models: models()
            .filter(({ state }) => state === "loaded")
            .map(runningModel)
    }));
    app.get("/api/version", { schema: { summary: "The version of this API", tags } }, async () => ({
        version: apiVersion
    }));
    const refuse = (name: string) => async (): Promise<never> => {
        throw new RequestError(
            501,
            `/api/${name} is not offered here: trios are pulled with \`rast pull\`, and write texts alone.`
        );
    };
    for (const name of notOffered) app.post(`/api/${name}`, refuse(name));
    app.delete("/api/delete", refuse("delete"));
};

/** Models whose file has no chat template: a prompt is continued as the trio says. */
function hasNoTemplate(error: unknown): boolean {
    return error instanceof RastError && error.code === "ERR_CHAT_TEMPLATE" && error.details["chatTemplate"] === null;
}

function keptForNothing(time: CommonBody["keep_alive"]): boolean {
    return time === 0 || (typeof time === "string" && /^0+(\.0*)?(ns|us|ms|s|m|h)?$/.test(time));
}

/** @throws RequestError 404 */
function find(models: readonly ServedModel[], name: string): ServedModel {
    const wanted = name.replace(/:(?:latest|rast)$/, "");
    const found = models.find(({ id }) => id === wanted);
    if (found !== undefined) return found;
    throw new RequestError(404, `model '${name.slice(0, 200)}' not found`, { param: "model", code: "model_not_found" });
}
