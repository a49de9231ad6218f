// Bodies of Anthropic's API, as far as they are understood here.
import { limits } from "../../limits.js";
import { flag, maxMessages, numberOf, object, optional, rastFields, text, type Schema } from "../http/schema.js";

const block: Schema = { type: "object", properties: { type: { type: "string" } }, required: ["type"] };

const content: Schema = { anyOf: [{ type: "string" }, { type: "array", items: block, maxItems: maxMessages }] };

const message: Schema = object({ role: { type: "string", enum: ["user", "assistant", "system"] }, content }, [
    "role",
    "content"
]);

const tool: Schema = object(
    {
        type: text("custom, or nothing: there are no others here."),
        name: { type: "string", minLength: 1 },
        description: text("What it does."),
        input_schema: optional({ type: "object", description: "A JSON schema of its input." }),
        strict: flag("The input must be valid by the schema.")
    },
    ["name"]
);

const format: Schema = optional(
    object({ type: { type: "string", enum: ["json_schema"] }, schema: { type: "object" } }, ["type", "schema"])
);

const shared: Readonly<Record<string, Schema>> = {
    model: { type: "string", description: "NAME (RAST), NAME:base or NAME:expert." },
    messages: { type: "array", items: message, minItems: 1, maxItems: maxMessages },
    system: {
        anyOf: [{ type: "string" }, { type: "array", items: block, maxItems: maxMessages }, { type: "null" }],
        description: "A message of the system."
    },
    tools: optional({ type: "array", items: tool, maxItems: 128 }),
    tool_choice: optional(
        object(
            {
                type: { type: "string", enum: ["auto", "any", "tool", "none"] },
                name: text("Of type tool: which."),
                disable_parallel_tool_use: flag("One call at most.")
            },
            ["type"]
        )
    ),
    thinking: optional(
        object(
            {
                type: { type: "string", enum: ["enabled", "disabled", "adaptive"] },
                budget_tokens: numberOf(limits.maxThinkingTokens, "Most tokens of reasoning; then the answer.")
            },
            ["type"]
        )
    )
};

/** POST /v1/messages. */
export const messagesBody: Schema = object(
    {
        ...shared,
        max_tokens: { type: "integer", minimum: 1, description: "Most tokens to draw." },
        stop_sequences: optional({ type: "array", items: { type: "string" }, maxItems: limits.stopStrings.max }),
        stream: flag("Send it event by event."),
        temperature: numberOf(limits.temperature, "0 takes the likeliest token."),
        top_p: numberOf({ min: 0, max: 1 }, "Keep the likeliest tokens up to this mass."),
        top_k: optional({
            type: "integer",
            minimum: 0,
            maximum: limits.topK.max,
            description: "Keep the k likeliest; 0 keeps all."
        }),
        output_format: format,
        output_config: optional(object({ format })),
        rast: optional(
            object({
                lambda: rastFields.lambda,
                seed: optional({
                    type: "integer",
                    minimum: 0,
                    maximum: Number.MAX_SAFE_INTEGER,
                    description: "The same draws again."
                }),
                speculation: rastFields.speculation
            })
        )
    },
    ["model", "messages", "max_tokens"]
);

/** POST /v1/messages/count_tokens. */
export const countBody: Schema = object(shared, ["model", "messages"]);
