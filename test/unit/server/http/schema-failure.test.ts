import fastify from "fastify";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../../../src/server/http/request-error.js";
import { describeSchemaIssues } from "../../../../src/server/http/schema-failure.js";
import { generateBody } from "../../../../src/server/ollama/schemas.js";
import { chatBody, completionBody } from "../../../../src/server/openai/schemas.js";

const messages = [{ role: "user", content: "a" }];

/** What the schemas of the server say, by fastify's own validator with the server's settings. */
async function refusalsOf(
    schema: object,
    bodies: readonly unknown[]
): Promise<readonly (readonly [string | null, string])[]> {
    const app = fastify({
        ajv: {
            customOptions: {
                coerceTypes: false,
                removeAdditional: false,
                useDefaults: false,
                strict: false,
                verbose: true
            }
        }
    });
    app.setErrorHandler((error, _request, reply) => {
        const { param, message } = failureOf(error);
        void reply.status(400).send({ param, message });
    });
    app.post("/", { schema: { body: schema } }, () => ({ param: null, message: "fits" }));
    const all: (readonly [string | null, string])[] = [];
    for (const body of bodies) {
        const headers = { "content-type": "application/json" };
        const response = await app.inject({ method: "POST", url: "/", headers, payload: JSON.stringify(body) });
        const { param, message } = response.json<{ param: string | null; message: string }>();
        all.push([param, message]);
    }
    await app.close();
    return all;
}

describe("what a schema has against a body", () => {
    it("says what was expected, for what, and what was received", async () => {
        const cases: readonly (readonly [object, string, string])[] = [
            [
                { temperature: "hot" },
                "temperature",
                'Expected a number in [0, 100] for temperature, received "hot" (string).'
            ],
            [
                { temperature: -1 },
                "temperature",
                "Expected a number in [0, 100] for temperature, received -1 (number)."
            ],
            [
                { repeat_penalty: 0 },
                "repeat_penalty",
                "Expected a number in (0, 10] for repeat_penalty, received 0 (number)."
            ],
            [{ n: 1.5 }, "n", "Expected an integer >= 1 for n, received 1.5 (number)."],
            [{ seed: 1e30 }, "seed", "Expected an integer in [-2^63, 2^64] for seed, received 1e+30 (number)."],
            [{ stream: "yes" }, "stream", 'Expected true or false for stream, received "yes" (string).'],
            [{ stop: 5 }, "stop", "Expected a string or an array of at most 16 strings for stop, received 5 (number)."],
            [{ stop: [1] }, "stop[0]", "Expected a string for stop[0], received 1 (number)."],
            [
                { stop: Array(17).fill("a") },
                "stop",
                "Expected an array of at most 16 strings for stop, received an array of 17."
            ],
            [
                { messages: [] },
                "messages",
                "Expected an array of 1 to 4096 objects for messages, received an array of 0."
            ],
            [{ messages: [{}] }, "messages[0].role", "messages[0].role is required."],
            [
                { messages: [{ role: 5 }] },
                "messages[0].role",
                "Expected a string that is not empty for messages[0].role, received 5 (number)."
            ],
            [
                { messages: [{ role: "user", content: 5 }] },
                "messages[0].content",
                "Expected a string or an array of 1 to 4096 objects for messages[0].content, received 5 (number)."
            ],
            [
                { messages: [{ role: "user", content: [{}] }] },
                "messages[0].content[0].type",
                "messages[0].content[0].type is required."
            ],
            [
                { functions: [{ name: "f" }] },
                "functions",
                "Expected nothing for functions, received an array of 1. They are called tools since 2023."
            ],
            [
                { tool_choice: "maybe" },
                "tool_choice",
                'Expected one of "auto", "none", "required" for tool_choice, received "maybe" (string).'
            ],
            [
                { response_format: "json" },
                "response_format",
                'Expected an object for response_format, received "json" (string).'
            ],
            [
                { rast: { lambda: 11 } },
                "rast.lambda",
                "Expected a number in [-10, 10] for rast.lambda, received 11 (number)."
            ],
            [
                { rast: { lambda: [1, "a"] } },
                "rast.lambda[1]",
                'Expected a number in [-10, 10] for rast.lambda[1], received "a" (string).'
            ],
            [
                { rast: { mode: "bas" } },
                "rast.mode",
                'Expected one of "rast", "base", "expert" for rast.mode, received "bas" (string).'
            ],
            [
                { rast: { explain: "yes" } },
                "rast.explain",
                'Expected true or false or an object for rast.explain, received "yes" (string).'
            ]
        ];
        const said = await refusalsOf(
            chatBody,
            cases.map(([more]) => ({ messages, ...more }))
        );
        expect(said).toEqual(cases.map(([, param, message]) => [param, message]));
    });

    it("names all alternatives where none was meant", async () => {
        const expected =
            "a string, an array of strings that is not empty, an array of integers that is not empty or an array of arrays that is not empty";
        expect(await refusalsOf(completionBody, [{ prompt: {} }, { prompt: [] }, {}, [], "a"])).toEqual([
            ["prompt", `Expected ${expected} for prompt, received an object.`],
            ["prompt", `Expected ${expected} for prompt, received an array of 0.`],
            ["prompt", "prompt is required."],
            [null, "Expected an object for the body, received an array of 0."],
            [null, 'Expected an object for the body, received "a" (string).']
        ]);
        const words = 'one of "low", "medium", "high"';
        expect(await refusalsOf(generateBody, [{ think: 5 }, { think: "hi" }, { format: 5 }])).toEqual([
            ["think", `Expected true or false or ${words} for think, received 5 (number).`],
            ["think", `Expected ${words} for think, received "hi" (string).`],
            ["format", 'Expected one of "", "json" or an object for format, received 5 (number).']
        ]);
    });

    it("has ajv's words where there is no more to go by", () => {
        expect(describeSchemaIssues([{ instancePath: "/messages/0/role", message: "must be string" }])).toEqual({
            param: "messages[0].role",
            message: "messages[0].role must be string."
        });
        expect(describeSchemaIssues([{ instancePath: "", message: "must be object" }])).toEqual({
            param: null,
            message: "The body must be object."
        });
        expect(describeSchemaIssues([])).toEqual({ param: null, message: "The body is not valid." });
        expect(
            describeSchemaIssues([{ instancePath: "/a~1b", keyword: "required", params: { missingProperty: "c/d" } }])
        ).toEqual({ param: "a/b.c/d", message: "a/b.c/d is required." });
    });
});
