// From tools beside a conversation to what the engine is asked, and to what reads its answer.
import { isArray, isObject } from "../../checks.js";
import { RastError } from "../../errors.js";
import type { JsonSchema, JsonSchemaOption } from "../../engine/json-schema.js";
import { ReadingSplitter, type HowToRead } from "./calls.js";
import { familyOf, newCallId, type CallGrammar, type ToolFamily } from "./families.js";
import { GrammarText, literal } from "./gbnf.js";
import { writtenMessages, writtenTools } from "./history.js";
import type { ChatEngine, ChatToPrepare, PreparedChat } from "./prepared-chat.js";
import type { Tool, ToolUse } from "./tool.js";
import { isPlainString } from "./xml-arguments.js";

/** Calls of one turn, where a grammar counts them. */
const mostCalls = 16;

/**
 * What a chat asks of the engine, and how its answer is read.
 * @throws a RastError: ERR_INVALID_OPTION for tools that cannot be, or a grammar beside them; ERR_CHAT_TEMPLATE where a call is required of
 *     a model whose way to call is not known; ERR_JSON_SCHEMA for parameters that cannot be kept
 */
export async function prepareChat(chat: ChatToPrepare, engine: ChatEngine): Promise<PreparedChat> {
    const { messages, settings } = chat;
    const template = engine.chatTemplate ?? "";
    const family = familyOf(engine.chatTemplate);
    const written = writtenMessages(messages, template, family);
    const use = offered(chat.use);
    if (use === undefined)
        return {
            messages: written,
            settings,
            splitter: family?.always === true ? splitter(family, false, []) : undefined
        };
    checkTools(use);
    const { grammar } = settings;
    if (grammar !== undefined)
        throw invalid("grammar", "Expected no grammar beside tools that may be called, received both.");
    const withTools = {
        ...settings,
        templateOptions: { ...settings.templateOptions, tools: writtenTools(use.tools, template) }
    };
    if (family === undefined) {
        if (use.choice.kind !== "required") return { messages: written, settings: withTools, splitter: undefined };
        throw new RastError(
            "ERR_CHAT_TEMPLATE",
            "This model's chat template has no way to call tools that is known, so that no call can be required of it. Leave the choice to " +
                "the model: its text is then given as it is.",
            { details: { option: "tools" } }
        );
    }
    const marks = await controlMarks(engine, family);
    const gbnf = await grammarOf(use, settings.jsonSchema, { engine, family, template, marks });
    return {
        messages: written,
        settings: {
            ...withTools,
            ...(gbnf === undefined ? {} : { grammar: gbnf, jsonSchema: undefined }),
            ...(marks.size === 0 || settings.showSpecial === true ? {} : { showSpecial: [...marks.keys()] })
        },
        splitter: splitter(family, gbnf !== undefined, use.tools)
    };
}

function splitter(family: ToolFamily, certain: boolean, tools: readonly Tool[]): NonNullable<PreparedChat["splitter"]> {
    const how: HowToRead = { certain, parameters: new Map(tools.map(({ name, parameters }) => [name, parameters])) };
    return () => new ReadingSplitter(family.read, () => newCallId(family), how);
}

/** Tools that may be called at all. */
function offered(use: ToolUse | undefined): ToolUse | undefined {
    return use === undefined || use.tools.length === 0 || use.choice.kind === "none" ? undefined : use;
}

function checkTools({ tools, choice }: ToolUse): void {
    const names = new Set<string>();
    tools.forEach(({ name, parameters }, index) => {
        if (!/^[A-Za-z0-9_.:/-]{1,256}$/.test(name)) {
            throw invalid(`tools[${index}].name`, `Expected letters, digits, _ and - for tools[${index}].name.`);
        }
        if (names.has(name)) throw invalid(`tools[${index}].name`, `Two tools have the name ${name}.`);
        names.add(name);
        const type = parameters?.["type"];
        if (type !== undefined && type !== "object") {
            throw invalid(
                `tools[${index}].parameters`,
                `Expected a schema of an object for tools[${index}].parameters.`
            );
        }
    });
    const unknown = choice.kind === "required" ? choice.names.find((name) => !names.has(name)) : undefined;
    if (unknown !== undefined)
        throw invalid("tool_choice", `Expected a tool that is offered for tool_choice, received ${unknown}.`);
}

function invalid(option: string, message: string): RastError {
    return new RastError("ERR_INVALID_OPTION", message, { details: { option } });
}

/** Marks of the family that are control tokens of this model, which no text shows unless it is asked for them. */
async function controlMarks(engine: ChatEngine, { marks }: ToolFamily): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    for (const mark of marks) {
        const tokens = await engine.tokenize(mark);
        if (tokens.length === 1 && (await engine.detokenize(tokens)) === "") found.set(mark, tokens[0]!);
    }
    return found;
}

interface GrammarNeeds {
    readonly engine: ChatEngine;
    readonly family: ToolFamily;
    readonly template: string;
    readonly marks: ReadonlyMap<string, number>;
}

/** What an answer must follow; undefined where any text will do. */
async function grammarOf(
    { tools, choice, parallel }: ToolUse,
    answer: JsonSchema | JsonSchemaOption | undefined,
    { engine, family, template, marks }: GrammarNeeds
): Promise<string | undefined> {
    const required = choice.kind === "required";
    if (!required && answer === undefined && tools.every(({ strict }) => !strict)) return undefined;
    const text = new GrammarText();
    const form = family.grammar(template);
    const mark = (word: string): string => (marks.has(word) ? `<[${marks.get(word)!}]>` : literal(word));
    const callable = choice.kind === "required" ? tools.filter(({ name }) => choice.names.includes(name)) : tools;
    const calls: string[] = [];
    for (const tool of callable) {
        const args =
            form.parameter === undefined
                ? await objectOf(tool, engine, text)
                : await parametersOf(tool, form, engine, text);
        calls.push(text.rule(form.call(tool.name, { mark, arguments: args })));
    }
    const one = text.rule(calls.join(" | "));
    const open = form.open === undefined ? "" : mark(form.open);
    const next = form.repeatsOpen ? `${form.between} ${open} ${one}` : `${form.between} ${one}`;
    const several = parallel && family.parallel ? `${one} (${next}){0,${mostCalls - 1}}` : one;
    const close = form.close === undefined ? "" : mark(form.close);
    const all = text.rule(`${form.before} ${several} ${form.after} ${close}`);
    if (required) return text.write(`${open} ${all}`);
    const begins = form.aroundText === undefined ? "" : `${literal(form.aroundText[0])} `;
    if (answer !== undefined) {
        return text.write(`${begins}${text.embed(await engine.grammarOf(answer))} | ${open} ${all}`);
    }
    if (form.open !== undefined) {
        return text.write(marks.has(form.open) ? `.* (${open} ${all})?` : text.textUpTo(form.open, all, true));
    }
    // calls from the first letter on, or text: an object at the beginning is a call
    const spoken =
        form.aroundText === undefined
            ? "([^{ \\t\\r\\n] .*)?"
            : `${begins}${text.textUpTo(form.aroundText[1], all, true)}`;
    return text.write(`${spoken} | ${all}`);
}

/** A tool's arguments as a JSON object, by its schema; what cannot be kept is refused where the tool is strict. */
async function objectOf({ parameters, strict }: Tool, engine: ChatEngine, text: GrammarText): Promise<string> {
    const named = isObject(parameters?.["properties"]) && Object.keys(parameters["properties"]).length > 0;
    const free = ["additionalProperties", "patternProperties", "$ref", "anyOf", "oneOf", "allOf"];
    const none = !named && free.every((key) => parameters?.[key] === undefined);
    const schema = { type: "object", ...parameters, ...(none ? { properties: {}, additionalProperties: false } : {}) };
    return text.embed(await engine.grammarOf({ schema, unsupported: strict ? "refuse" : "ignore" }));
}

/** A tool's arguments one by one, where they are no JSON: strings as they are, up to the mark behind them. */
async function parametersOf(
    { parameters, strict }: Tool,
    { parameter, parameterEnds }: CallGrammar,
    engine: ChatEngine,
    text: GrammarText
): Promise<string> {
    const properties = isObject(parameters?.["properties"]) ? parameters["properties"] : {};
    const required: readonly unknown[] = isArray(parameters?.["required"]) ? parameters["required"] : [];
    const definitions = Object.fromEntries(
        ["$defs", "definitions"].filter((key) => parameters?.[key] !== undefined).map((key) => [key, parameters![key]])
    );
    const ended = literal(parameterEnds!);
    const valueOf = async (schema: unknown): Promise<string> => {
        if (!isPlainString(schema, parameters)) {
            const own = isObject(schema) ? { ...definitions, ...schema } : true;
            const gbnf = await engine.grammarOf({ schema: own, unsupported: strict ? "refuse" : "ignore" });
            return `${text.embed(gbnf)} ${ended}`;
        }
        const choices = isObject(schema) && isArray(schema["enum"]) ? schema["enum"] : [];
        if (choices.length === 0) return text.textUpTo(parameterEnds!, '""', false);
        return `(${choices.map((choice) => literal(String(choice))).join(" | ")}) ${ended}`;
    };
    const items: string[] = [];
    for (const [name, schema] of Object.entries(properties)) {
        const whole = parameter!(name, await valueOf(schema));
        items.push(required.includes(name) ? whole : `(${whole})?`);
    }
    return items.length === 0 ? '""' : items.join(" ");
}
