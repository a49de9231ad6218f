// The description that is served is the one in docs, is valid, and has every route.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type RastServer } from "../../dist/server/index.js";
import { root } from "../support/native.js";

let server: RastServer;
let served: Record<string, unknown>;
beforeAll(async () => {
    server = await serve({ models: ["demo-chat"], port: 0, lazy: true });
    served = (await (await fetch(`${server.url}/openapi.json`)).json()) as Record<string, unknown>;
});
afterAll(() => server.close({ graceSeconds: 0 }));

describe("the OpenAPI description", () => {
    it("is the one in docs: node scripts/openapi.mjs writes it", () => {
        expect(JSON.parse(readFileSync(join(root, "docs", "openapi.json"), "utf8"))).toEqual(served);
    });

    it("is valid", async () => {
        const result = await new Validator().validate(structuredClone(served));
        expect(result).toMatchObject({ valid: true });
    });

    it("has what clients ask for", () => {
        const paths = Object.keys(served["paths"] as object);
        const wanted = [
            ...[
                "/v1/models",
                "/v1/chat/completions",
                "/v1/completions",
                "/v1/responses",
                "/v1/messages",
                "/v1/messages/count_tokens"
            ],
            ...["/api/chat", "/api/generate", "/api/tags", "/api/show", "/api/version", "/api/ps"],
            ...["/tokenize", "/detokenize", "/apply-template", "/props", "/slots", "/health", "/metrics"]
        ];
        expect(paths).toEqual(expect.arrayContaining(wanted));
    });

    it("says of bodies what checks them", async () => {
        const chat = (
            served["paths"] as Record<
                string,
                { post: { requestBody: { content: Record<string, { schema: unknown }> } } }
            >
        )["/v1/chat/completions"]!.post.requestBody.content["application/json"]!.schema as {
            properties: Record<string, { maximum: number }>;
        };
        const beyond = chat.properties["temperature"]!.maximum + 1;
        const response = await fetch(`${server.url}/v1/chat/completions`, {
            method: "POST",
            body: JSON.stringify({ messages: [{ role: "user", content: "x" }], temperature: beyond })
        });
        expect(response.status).toBe(400);
    });
});
