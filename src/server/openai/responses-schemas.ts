// The body of OpenAI's responses, as far as it is understood here.
import { limits } from "../../limits.js";
import { flag, maxMessages, numberOf, object, oneOf, optional, text, type Schema } from "../http/schema.js";

const part: Schema = { type: "object", properties: { type: { type: "string" } }, required: ["type"] };

const item: Schema = {
    type: "object",
    properties: {
        type: text("message, function_call, function_call_output, reasoning or item_reference."),
        role: oneOf(["user", "assistant", "system", "developer"], "Of a message."),
        content: {
            anyOf: [{ type: "string" }, { type: "array", items: part, maxItems: maxMessages }, { type: "null" }]
        },
        id: text("Whatever it is called."),
        call_id: text("Of a call, and of its output."),
        name: text("Of a call: the function."),
        arguments: text("Of a call: JSON."),
        output: { anyOf: [{ type: "string" }, { type: "array", items: part }, { type: "null" }] }
    }
};

const tool: Schema = object(
    {
        type: { type: "string" },
        name: text("Of a function."),
        description: text("What it does."),
        parameters: optional({ type: "object", description: "A JSON schema of its arguments." }),
        strict: flag("Arguments must be valid by the schema.")
    },
    ["type"]
);

const format: Schema = optional(
    object(
        {
            type: { type: "string", enum: ["text", "json_object", "json_schema"] },
            name: text("Whatever it is called."),
            schema: optional({ type: "object" }),
            strict: flag("Refuse what cannot be kept, instead of leaving it out.")
        },
        ["type"]
    )
);

/**
 * POST /v1/responses.
 * @param drawing how tokens are drawn, as in OpenAI's other bodies
 */
export function responsesBodyWith(drawing: Readonly<Record<string, Schema>>): Schema {
    return object(
        {
            ...drawing,
            input: {
                anyOf: [{ type: "string" }, { type: "array", items: item, maxItems: maxMessages }, { type: "null" }],
                description: "What is asked."
            },
            instructions: text("A message of the system, for this response alone."),
            previous_response_id: text("A stored response that this one goes on from."),
            store: flag("Keep it, for previous_response_id. Default true."),
            max_output_tokens: optional({ type: "integer", minimum: 1, description: "Most tokens to draw." }),
            max_reasoning_tokens: numberOf(limits.maxThinkingTokens, "Most tokens of reasoning; then the answer."),
            top_logprobs: numberOf(
                limits.logprobs,
                "Alternatives of each token, where log-probabilities are included."
            ),
            include: optional({
                type: "array",
                items: { type: "string" },
                description: "message.output_text.logprobs is understood."
            }),
            tools: optional({ type: "array", items: tool, maxItems: 128 }),
            tool_choice: {
                anyOf: [
                    { type: "string", enum: ["auto", "none", "required"] },
                    object({ type: { type: "string" }, name: text("Of a function.") }, ["type"]),
                    { type: "null" }
                ]
            },
            parallel_tool_calls: flag("Several calls may follow each other."),
            text: optional(object({ format })),
            reasoning: optional(
                object({
                    effort: oneOf(
                        ["none", "minimal", "low", "medium", "high", "xhigh"],
                        "A variable of the model's template."
                    ),
                    summary: text("Not looked at: reasoning is given as it is.")
                })
            ),
            metadata: optional({ type: "object", description: "Given back as it is." }),
            background: flag("Not offered here."),
            conversation: optional({
                anyOf: [{ type: "string" }, { type: "object" }],
                description: "Not offered here: previous_response_id goes on from a response."
            }),
            prompt: optional({ type: "object", description: "Not offered here: prompts are kept by clients." })
        },
        []
    );
}
