// OpenAI's protocol.
import type { FastifyPluginAsync } from "fastify";
import { chat } from "./chat.js";
import { completions, type CompletionContext } from "./completions.js";
import { sendError } from "./errors.js";
import { models } from "./models.js";
import { responses } from "./responses.js";

/** Chats, completions and the list of models. */
export const openai: FastifyPluginAsync<CompletionContext> = async (app, context) => {
    app.setErrorHandler(sendError);
    await app.register(chat, context);
    await app.register(completions, context);
    await app.register(models, context);
    await app.register(responses, context);
};
