// Bodies of Ollama's API, as far as they are understood here.
import { limits } from "../../limits.js";
import { flag, maxMessages, numberOf, object, optional, rastFields, text, type Schema } from "../http/schema.js";

const integer = { type: "integer" } as const;

const options: Schema = optional(
    object({
        num_predict: optional({ ...integer, minimum: -2, description: "Most tokens to draw; -1 and -2 for no limit." }),
        seed: optional({
            ...integer,
            minimum: -(2 ** 63),
            maximum: 2 ** 63,
            description: "The same draws again; -1 is random."
        }),
        stop: {
            anyOf: [
                { type: "string" },
                { type: "array", items: { type: "string" }, maxItems: limits.stopStrings.max },
                { type: "null" }
            ],
            description: "Texts that end the completion, and are left out of it."
        },
        temperature: numberOf(limits.temperature, "0 takes the likeliest token."),
        top_k: optional({
            ...integer,
            minimum: -1,
            maximum: limits.topK.max,
            description: "Keep the k likeliest; 0 and -1 keep all."
        }),
        top_p: numberOf({ min: 0, max: 1 }, "Keep the likeliest tokens up to this mass."),
        min_p: numberOf(limits.minP, "Keep tokens at least this likely in proportion to the likeliest."),
        repeat_penalty: numberOf(limits.repetitionPenalty, "Divides or multiplies logits of tokens seen; 1 is off."),
        repeat_last_n: numberOf(limits.penaltyWindow, "Latest tokens that penalties look at; -1 all."),
        presence_penalty: numberOf(limits.presencePenalty, "Subtracted from logits of tokens seen."),
        frequency_penalty: numberOf(
            limits.frequencyPenalty,
            "Subtracted from logits of tokens seen, for each occurrence."
        )
    })
);

const common: Readonly<Record<string, Schema>> = {
    model: text("NAME (RAST), NAME:base or NAME:expert; the first model where there is none."),
    stream: flag("Send it line by line. Default true."),
    format: {
        anyOf: [{ type: "string", enum: ["", "json"] }, { type: "object" }, { type: "null" }],
        description: '"json", or a JSON schema that the text must be valid by.'
    },
    options,
    think: {
        anyOf: [{ type: "boolean" }, { type: "string", enum: ["low", "medium", "high"] }, { type: "null" }],
        description: "Whether the model reasons first. Default: it does where it can."
    },
    keep_alive: {
        anyOf: [{ type: "string" }, { type: "number" }, { type: "null" }],
        description:
            "0 without anything to say: the model is unloaded. Else not looked at: the server says when (--idle)."
    },
    logprobs: flag("Report log-probabilities."),
    top_logprobs: numberOf(limits.logprobs, "Alternatives of each."),
    rast: optional(
        object({
            lambda: rastFields.lambda,
            speculation: rastFields.speculation
        })
    )
};

const images: Schema = optional({
    type: "array",
    items: { type: "string" },
    maxItems: 0,
    description: "Models read texts alone."
});

const message: Schema = object(
    {
        role: { type: "string", enum: ["system", "user", "assistant", "tool"] },
        content: text("What is said."),
        thinking: text("What the model reasoned in this turn."),
        images,
        tool_calls: optional({
            type: "array",
            items: object(
                {
                    id: text("Unique in the conversation."),
                    function: object(
                        {
                            name: { type: "string", minLength: 1 },
                            arguments: { anyOf: [{ type: "object" }, { type: "string" }, { type: "null" }] }
                        },
                        ["name"]
                    )
                },
                ["function"]
            )
        }),
        tool_name: text("Of a tool's answer: what was called."),
        tool_call_id: text("Of a tool's answer: the call that it answers.")
    },
    ["role"]
);

const tool: Schema = object(
    {
        type: { type: "string", enum: ["function"] },
        function: object(
            {
                name: { type: "string", minLength: 1 },
                description: text("What it does."),
                parameters: optional({ type: "object", description: "A JSON schema of its arguments." })
            },
            ["name"]
        )
    },
    ["function"]
);

/** POST /api/chat. */
export const chatBody: Schema = object({
    ...common,
    messages: optional({
        type: "array",
        items: message,
        maxItems: maxMessages,
        description: "None: the model is loaded."
    }),
    tools: optional({ type: "array", items: tool, maxItems: 128 })
});

/** POST /api/generate. */
export const generateBody: Schema = object({
    ...common,
    prompt: text("What is asked; with raw, what is continued. None: the model is loaded."),
    system: text("A message of the system in front of it."),
    raw: flag("Leave out all templates."),
    context: optional({
        type: "array",
        items: { ...integer, minimum: 0 },
        description: "What an earlier answer gave: its tokens go before."
    }),
    suffix: optional({ type: "string", maxLength: 0, description: "Not understood here." }),
    template: optional({ type: "string", maxLength: 0, description: "Not understood here: models bring their own." }),
    images
});

/** POST /api/show. */
export const showBody: Schema = object({
    model: text("NAME, NAME:base or NAME:expert."),
    name: text("The same, as it was called before.")
});
