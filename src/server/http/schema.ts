// Schemas of bodies: what fastify checks requests by, and what the OpenAPI description is made of.
import type { NumberRange } from "../../checks.js";
import { limits } from "../../limits.js";

declare module "fastify" {
    interface FastifySchema {
        /** In a few words, for the description of the API. */
        readonly summary?: string;
        /** Whose endpoint it is. */
        readonly tags?: readonly string[];
    }
}

/** A JSON schema. */
export type Schema = Readonly<Record<string, unknown>>;

/** The same, or null: many clients write null for what they leave out. */
export function optional(schema: Schema): Schema {
    const { type } = schema;
    if (typeof type === "string") {
        const values = schema["enum"];
        return {
            ...schema,
            type: [type, "null"],
            ...(Array.isArray(values) ? { enum: [...(values as unknown[]), null] } : {})
        };
    }
    return { anyOf: [schema, { type: "null" }] };
}

/** A number of a range of the engine's, or null. */
export function numberOf({ min, max, aboveMin, integer }: NumberRange, description: string): Schema {
    return optional({
        type: integer === true ? "integer" : "number",
        ...(aboveMin === true ? { exclusiveMinimum: min } : { minimum: min }),
        maximum: max,
        description
    });
}

/** A text, or null. */
export function text(description: string): Schema {
    return optional({ type: "string", description });
}

/** true, false or null. */
export function flag(description: string): Schema {
    return optional({ type: "boolean", description });
}

/** One of some words, or null. */
export function oneOf(words: readonly string[], description: string): Schema {
    return optional({ type: "string", enum: words, description });
}

/** An object with these fields and any others, which are ignored. */
export function object(properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema {
    return { type: "object", properties, ...(required.length > 0 ? { required } : {}) };
}

/** Most messages of a chat, and most parts of one message: each is looked at several times before the models see it. */
export const maxMessages = 4096;

const lambda: Schema = { type: "number", minimum: limits.lambda.min, maximum: limits.lambda.max };

/** Fields of `rast` that every protocol has. */
export const rastFields = {
    lambda: {
        anyOf: [lambda, { type: "array", items: lambda }, { type: "null" }],
        description: "Strength of the delta; a list has one for each pair."
    },
    speculation: {
        anyOf: [{ type: "string", enum: ["auto", "off"] }, { type: "object" }, { type: "null" }],
        description: "As the option of rast.generate."
    }
} as const satisfies Readonly<Record<string, Schema>>;
