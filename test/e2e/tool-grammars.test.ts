// Calls that a grammar holds to, at a temperature where the model draws nothing of the kind by itself: every call is the grammar's doing.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadRast, RastError, type Rast } from "../../dist/index.js";
import { prepareChat } from "../../dist/server/tools/prepare-chat.js";
import type { ChatEngine } from "../../dist/server/tools/prepared-chat.js";
import type { Tool, ToolUse } from "../../dist/server/tools/tool.js";
import { root } from "../support/native.js";
import { size } from "../support/size.js";
import { bundledModels, vocabularyModel } from "../support/vocabularies.js";

const templates: Readonly<Record<string, string>> = {
    hermes: "Qwen-Qwen2.5-7B-Instruct",
    "qwen-xml": "Qwen3-Coder",
    mistral: "mistralai-Mistral-Nemo-Instruct-2407",
    "mistral of 2025": "unsloth-mistral-Devstral-Small-2507",
    "functionary 3.1": "meetkai-functionary-medium-v3.1",
    "functionary 3.2": "meetkai-functionary-medium-v3.2",
    "llama 3": "meta-llama-Llama-3.1-8B-Instruct",
    glm: "GLM-4.6",
    deepseek: "deepseek-ai-DeepSeek-V3.1",
    "deepseek until v3": "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B",
    kimi: "moonshotai-Kimi-K2",
    minimax: "MiniMax-M2",
    harmony: "openai-gpt-oss-120b"
};

const tools: readonly Tool[] = [
    {
        name: "weather",
        description: "Tells the weather.",
        parameters: {
            type: "object",
            properties: {
                city: { type: "string", maxLength: 8 },
                unit: { type: "string", enum: ["C", "F"] },
                days: { $ref: "#/$defs/few" }
            },
            required: ["city", "days"],
            additionalProperties: false,
            $defs: { few: { type: "integer", minimum: 1, maximum: 9 } }
        },
        strict: true
    },
    { name: "now", description: "Tells the time.", parameters: undefined, strict: false }
];
const messages = [{ role: "user", content: "How is Rome?" }];
const ajv = new Ajv();

let rast: Rast;
beforeAll(async () => {
    const base = size(join(root, "models", "demo", "demo-chat-base.gguf"), await vocabularyModel("qwen2"));
    rast = await loadRast({ base, gpuLayers: 0, threads: 1, contextSize: 1024, parallel: 2, tryModels: false });
});
afterAll(() => rast.dispose());

function engineOf(template: string): ChatEngine {
    return {
        chatTemplate: readFileSync(join(bundledModels(), "templates", `${template}.jinja`), "utf8"),
        tokenize: (text) => rast.tokenize(text),
        detokenize: (tokens) => rast.detokenize(tokens),
        grammarOf: (schema) => rast.grammarOf(schema)
    };
}

interface Drawn {
    readonly text: string;
    readonly calls: { name: string; arguments: string }[];
    readonly raw: string;
    readonly whole: boolean;
}

async function draw(template: string, use: ToolUse, settings: object, seed: number): Promise<Drawn> {
    const made = await prepareChat({ messages, use, settings }, engineOf(template));
    const { grammar, jsonSchema, showSpecial } = made.settings;
    const result = await rast.complete({
        prompt: "x",
        seed,
        temperature: 2,
        topP: 1,
        maxTokens: 300,
        ...(grammar === undefined ? {} : { grammar }),
        ...(jsonSchema === undefined ? {} : { jsonSchema }),
        ...(showSpecial === undefined ? {} : { showSpecial })
    });
    const splitter = made.splitter!();
    const pieces = [...splitter.push(result.text), ...splitter.end()];
    const calls: { name: string; arguments: string }[] = [];
    for (const piece of pieces) {
        if (piece.kind === "toolCall") calls.push({ name: piece.name, arguments: "" });
        if (piece.kind === "toolArguments") calls[piece.call]!.arguments += piece.text;
    }
    const text = pieces.flatMap((piece) => (piece.kind === "text" ? piece.text : [])).join("");
    return { text, calls, raw: result.text, whole: result.stopReason === "eos" };
}

function checkCalls({ calls, raw }: Drawn): void {
    for (const { name, arguments: text } of calls) {
        const tool = tools.find((one) => one.name === name);
        expect(tool, raw).toBeDefined();
        const args = JSON.parse(text) as unknown;
        expect(args, raw).toBeTypeOf("object");
        if (tool!.parameters !== undefined) expect(ajv.validate(tool!.parameters, args), raw).toBe(true);
    }
}

describe.each(Object.entries(templates))("%s", (_, template) => {
    test("a required call is there and valid", async () => {
        let whole = 0;
        for (let seed = 0; seed < size(3, 12); seed++) {
            const choice = { kind: "required", names: ["weather", "now"] } as const;
            const drawn = await draw(template, { tools, choice, parallel: false }, {}, seed);
            if (!drawn.whole) continue;
            whole++;
            expect(drawn.text, drawn.raw).toBe("");
            expect(drawn.calls, drawn.raw).toHaveLength(1);
            checkCalls(drawn);
        }
        expect(whole).toBeGreaterThan(0);
    });

    test("a named one is that one", async () => {
        const choice = { kind: "required", names: ["weather"] } as const;
        for (let seed = 100; seed < size(101, 106); seed++) {
            const drawn = await draw(template, { tools, choice, parallel: true }, {}, seed);
            if (!drawn.whole) continue;
            expect(drawn.calls.length, drawn.raw).toBeGreaterThan(0);
            expect(new Set(drawn.calls.map(({ name }) => name))).toEqual(new Set(["weather"]));
            checkCalls(drawn);
        }
    });

    test("a strict tool leaves text as it is, and holds a call to its schema", async () => {
        const use = { tools, choice: { kind: "auto" }, parallel: true } as const;
        for (let seed = 200; seed < size(201, 206); seed++) {
            const drawn = await draw(template, use, {}, seed);
            checkCalls({ ...drawn, calls: drawn.whole ? drawn.calls : drawn.calls.slice(0, -1) });
        }
    });
});

describe("beside a schema of the answer", () => {
    test("it is either of both", async () => {
        const use = { tools, choice: { kind: "auto" }, parallel: false } as const;
        const jsonSchema = { type: "array", items: { type: "integer", maximum: 9, minimum: 0 }, maxItems: 3 };
        for (let seed = 0; seed < size(6, 20); seed++) {
            const drawn = await draw("Qwen-Qwen2.5-7B-Instruct", use, { jsonSchema }, seed);
            if (!drawn.whole) continue;
            checkCalls(drawn);
            if (drawn.calls.length === 0)
                expect(ajv.validate(jsonSchema, JSON.parse(drawn.text)), drawn.raw).toBe(true);
            else expect(drawn.text).toBe("");
        }
    });
});

describe("what cannot be", () => {
    const use = (changes: Partial<ToolUse>): ToolUse => ({
        tools,
        choice: { kind: "auto" },
        parallel: true,
        ...changes
    });
    const prepared = (of: ToolUse, settings = {}, template = "Qwen-Qwen2.5-7B-Instruct"): Promise<unknown> =>
        prepareChat({ messages, use: of, settings }, engineOf(template));

    test.each([
        ["a grammar beside tools", use({}), { grammar: 'root ::= "a"' }, "ERR_INVALID_OPTION"],
        ["a name with other letters", use({ tools: [{ ...tools[1]!, name: 'a"b' }] }), {}, "ERR_INVALID_OPTION"],
        ["two of one name", use({ tools: [tools[1]!, tools[1]!] }), {}, "ERR_INVALID_OPTION"],
        ["one that is not offered", use({ choice: { kind: "required", names: ["x"] } }), {}, "ERR_INVALID_OPTION"],
        [
            "arguments that are no object",
            use({ tools: [{ ...tools[1]!, parameters: { type: "string" } }] }),
            {},
            "ERR_INVALID_OPTION"
        ],
        [
            "a strict schema that cannot be kept",
            use({
                tools: [
                    {
                        ...tools[0]!,
                        parameters: { type: "object", properties: { a: { type: "string", pattern: "(?=x)" } } }
                    }
                ]
            }),
            {},
            "ERR_JSON_SCHEMA"
        ]
    ])("%s", async (_, of, settings, code) => {
        const error: unknown = await prepared(of, settings).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(RastError);
        expect(error).toMatchObject({ code });
    });

    test("a required call of a model whose way to call is not known", async () => {
        const required = use({ choice: { kind: "required", names: ["now"] } });
        await expect(prepared(required, {}, "google-gemma-2-2b-it")).rejects.toMatchObject({
            code: "ERR_CHAT_TEMPLATE"
        });
        const free = await prepareChat({ messages, use: use({}), settings: {} }, engineOf("google-gemma-2-2b-it"));
        expect(free.splitter).toBeUndefined();
    });
});

describe("marks that are control tokens", () => {
    // <|im_start|> stands for [TOOL_CALLS], which this vocabulary lacks
    const start = "<|im_start|>";

    test("are drawn as those tokens, and are seen", async () => {
        const plain = engineOf("mistralai-Mistral-Nemo-Instruct-2407");
        const engine: ChatEngine = {
            ...plain,
            tokenize: (text) => plain.tokenize(text === "[TOOL_CALLS]" ? start : text)
        };
        const choice = { kind: "required", names: ["now"] } as const;
        const { settings, splitter } = await prepareChat(
            { messages, use: { tools, choice, parallel: false }, settings: {} },
            engine
        );
        const [token] = await rast.tokenize(start);
        expect(settings.grammar).toContain(`<[${token!}]>`);
        expect(settings.showSpecial).toEqual(["[TOOL_CALLS]"]);
        const { grammar } = settings;
        const { text, tokens } = await rast.complete({
            prompt: "x",
            grammar: grammar!,
            showSpecial: [start],
            maxTokens: 200,
            seed: 1
        });
        expect(tokens[0]).toBe(token);
        expect(text.startsWith(`${start}[{"name": "now"`)).toBe(true);
        const read = splitter!();
        const pieces = [...read.push(text.replace(start, "[TOOL_CALLS]")), ...read.end()];
        expect(pieces.map(({ kind }) => kind)).toEqual(["toolCall", "toolArguments"]);
        expect(pieces[0]).toMatchObject({ name: "now", id: expect.stringMatching(/^[A-Za-z0-9]{9}$/) });
    });
});
