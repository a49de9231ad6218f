// Bodies of OpenAI's endpoints, as far as they are understood here.
import { limits } from "../../limits.js";
import { flag, maxMessages, numberOf, object, oneOf, optional, rastFields, text, type Schema } from "../http/schema.js";

const integer = { type: "integer" } as const;

/** How tokens are drawn, and RAST's own. */
export const drawing: Readonly<Record<string, Schema>> = {
    model: text("NAME (RAST), NAME:base or NAME:expert; the first model where there is none."),
    temperature: numberOf(limits.temperature, "0 takes the likeliest token."),
    top_p: numberOf({ min: 0, max: 1 }, "Keep the likeliest tokens up to this mass."),
    top_k: optional({
        ...integer,
        minimum: -1,
        maximum: limits.topK.max,
        description: "Keep the k likeliest; 0 and -1 keep all."
    }),
    min_p: numberOf(limits.minP, "Keep tokens at least this likely in proportion to the likeliest."),
    frequency_penalty: numberOf(limits.frequencyPenalty, "Subtracted from logits of tokens seen, for each occurrence."),
    presence_penalty: numberOf(limits.presencePenalty, "Subtracted from logits of tokens seen."),
    repeat_penalty: numberOf(limits.repetitionPenalty, "Divides or multiplies logits of tokens seen; 1 is off."),
    repetition_penalty: numberOf(limits.repetitionPenalty, "The same as repeat_penalty."),
    repeat_last_n: numberOf(limits.penaltyWindow, "Latest tokens that penalties look at; -1 all."),
    logit_bias: optional({
        type: "object",
        additionalProperties: { type: "number", minimum: limits.bias.min, maximum: limits.bias.max },
        maxProperties: limits.biasEntries.max,
        description: "Added to logits, by token id."
    }),
    seed: optional({
        ...integer,
        minimum: -(2 ** 63),
        maximum: 2 ** 64,
        description: "The same draws again; -1 is random."
    }),
    n: optional({ ...integer, minimum: 1, description: "Choices of each prompt." }),
    stop: {
        anyOf: [
            { type: "string" },
            { type: "array", items: { type: "string" }, maxItems: limits.stopStrings.max },
            { type: "null" }
        ],
        description: "Texts that end the completion, and are left out of it."
    },
    stream: flag("Send it event by event."),
    stream_options: optional(object({ include_usage: flag("A last event with the counts of tokens.") })),
    ignore_eos: flag("Go on after the model's end of text."),
    grammar: text("A GBNF grammar that the text must follow."),
    json_schema: optional({ type: "object", description: "A JSON schema that the text must be valid by." }),
    rast: optional(
        object({
            lambda: rastFields.lambda,
            speculation: rastFields.speculation,
            mode: oneOf(["rast", "base", "expert"], "Before what the model's name says."),
            explain: {
                anyOf: [
                    { type: "boolean" },
                    object({ top: numberOf(limits.logprobs, "Alternatives of each token.") }),
                    { type: "null" }
                ],
                description: "What the models say of every drawn token."
            },
            raw: flag("Leave out the trio's prompt template; of a completion it is left out unless this is false.")
        })
    )
};

const part = { type: "object", properties: { type: { type: "string" } }, required: ["type"] } as const;

const message: Schema = {
    type: "object",
    properties: {
        role: { type: "string", minLength: 1 },
        content: {
            anyOf: [
                { type: "string" },
                { type: "array", items: part, minItems: 1, maxItems: maxMessages },
                { type: "null" }
            ]
        },
        name: text("Whose words they are."),
        reasoning_content: text("What the model reasoned in this turn."),
        tool_call_id: text("Of a tool's answer: the call that it answers."),
        tool_calls: optional({
            type: "array",
            items: object(
                {
                    id: text("Unique in the conversation."),
                    type: oneOf(["function"], "There are no others."),
                    function: object(
                        {
                            name: { type: "string" },
                            arguments: { anyOf: [{ type: "string" }, { type: "object" }, { type: "null" }] }
                        },
                        ["name"]
                    )
                },
                ["function"]
            )
        })
    },
    required: ["role"]
};

const tool = object(
    {
        type: { type: "string" },
        function: object(
            {
                name: { type: "string", pattern: "^[A-Za-z0-9_.-]{1,128}$" },
                description: text("What it does."),
                parameters: optional({ type: "object", description: "A JSON schema of its arguments." }),
                strict: flag("Arguments must be valid by the schema.")
            },
            ["name"]
        )
    },
    ["type"]
);

/** POST /v1/chat/completions. */
export const chatBody: Schema = object(
    {
        ...drawing,
        messages: { type: "array", items: message, minItems: 1, maxItems: maxMessages },
        max_tokens: optional({ ...integer, minimum: -1, description: "Most tokens to draw; -1 for no limit." }),
        max_completion_tokens: optional({ ...integer, minimum: -1, description: "The same; comes before max_tokens." }),
        max_reasoning_tokens: numberOf(limits.maxThinkingTokens, "Most tokens of reasoning; then the answer."),
        reasoning_effort: oneOf(
            ["none", "minimal", "low", "medium", "high", "xhigh"],
            "A variable of the model's template; with none it does not reason."
        ),
        chat_template_kwargs: optional({ type: "object", description: "Variables of the model's template." }),
        continue_final_message: flag("Go on with the last message, one of the assistant."),
        logprobs: flag("Report log-probabilities."),
        top_logprobs: numberOf(limits.logprobs, "Alternatives of each."),
        tools: optional({ type: "array", items: tool, maxItems: 128 }),
        tool_choice: {
            anyOf: [
                { type: "string", enum: ["auto", "none", "required"] },
                object(
                    {
                        type: { type: "string", enum: ["function"] },
                        function: object({ name: { type: "string" } }, ["name"])
                    },
                    ["type", "function"]
                ),
                { type: "null" }
            ]
        },
        parallel_tool_calls: flag("Several calls may follow each other."),
        response_format: optional(
            object(
                {
                    type: { type: "string", enum: ["text", "json_object", "json_schema"] },
                    schema: optional({ type: "object", description: "Of json_object, as llama-server takes it." }),
                    json_schema: optional(
                        object({
                            name: text("Whatever it is called."),
                            schema: optional({ type: "object" }),
                            strict: flag("Refuse what cannot be kept, instead of leaving it out.")
                        })
                    )
                },
                ["type"]
            )
        ),
        modalities: optional({ type: "array", items: { type: "string" } }),
        functions: optional({
            type: "array",
            items: { type: "object" },
            maxItems: 0,
            description: "They are called tools since 2023."
        })
    },
    ["messages"]
);

/** Of what is gone on with. */
export const promptForms: Schema = {
    anyOf: [
        { type: "string" },
        { type: "array", minItems: 1, items: { type: "string" } },
        { type: "array", minItems: 1, items: integer },
        { type: "array", minItems: 1, items: { type: "array", minItems: 1, items: integer } }
    ],
    description: "A text, token ids, or several of either."
};

/** POST /v1/completions. */
export const completionBody: Schema = object(
    {
        ...drawing,
        prompt: promptForms,
        max_tokens: optional({
            ...integer,
            minimum: -1,
            description: "Most tokens to draw; -1 for no limit. Default 16."
        }),
        logprobs: numberOf(limits.logprobs, "Report log-probabilities, with so many alternatives."),
        echo: flag("Begin with the prompt, with log-probabilities where these are asked for."),
        suffix: text("Not understood here."),
        best_of: optional({ ...integer, minimum: 1, description: "Not more than n." })
    },
    ["prompt"]
);
