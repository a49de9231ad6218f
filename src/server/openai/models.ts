// GET /v1/models.
import type { Protocol, ServedModel } from "../ask/protocol.js";
import { RequestError } from "../http/request-error.js";

/** What there is to ask. */
export const models: Protocol = async (app, context) => {
    app.get("/v1/models", { schema: { summary: "All models", tags: ["OpenAI"] } }, async () => {
        const data = context.models().map(written);
        // the rest is Anthropic's
        return {
            object: "list",
            data,
            has_more: false,
            first_id: data[0]?.id ?? null,
            last_id: data.at(-1)?.id ?? null
        };
    });
    app.get<{ Params: { model: string } }>(
        "/v1/models/:model",
        { schema: { summary: "One model", tags: ["OpenAI"] } },
        async ({ params }) => {
            const found = context.models().find(({ id }) => id === params.model);
            if (found === undefined) {
                const names = context.models().map(({ id }) => id);
                throw new RequestError(
                    404,
                    `There is no such model here; there are ${names.slice(0, 20).join(", ")}.`,
                    {
                        param: "model",
                        code: "model_not_found"
                    }
                );
            }
            return written(found);
        }
    );
};

function written({
    id,
    created,
    mode,
    state,
    trio,
    facts
}: ServedModel): { readonly id: string } & Readonly<Record<string, unknown>> {
    return {
        id,
        object: "model",
        created,
        owned_by: "rast",
        // Anthropic's
        type: "model",
        display_name: id,
        created_at: new Date(1000 * created).toISOString(),
        ...(facts === undefined
            ? {}
            : {
                  // as llama-server has it
                  meta: {
                      n_vocab: facts.vocabularySize,
                      n_ctx: facts.contextSize,
                      n_ctx_train: facts.trainedContextSize,
                      n_params: facts.parameterCount,
                      size: facts.modelBytes
                  }
              }),
        rast: { trio, mode, state }
    };
}
