// llama-server's own endpoints: tokens and texts, templates, what is loaded, what is at work, figures.
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { limits } from "../../limits.js";
import type { RastInfo } from "../../engine/info.js";
import type { EngineDesk } from "../ask/engine-desk.js";
import type { ProtocolContext } from "../ask/protocol.js";
import type { SlotBoard } from "../ask/slot-board.js";
import { clientSignal } from "../http/client-signal.js";
import { errorSender, promptField } from "../http/error-form.js";
import type { Metrics } from "../http/metrics.js";
import { RequestError } from "../http/request-error.js";
import { flag, maxMessages, object, optional, text } from "../http/schema.js";
import type { ShelfState } from "../shelf.js";
import { completion, llamaErrors } from "./completion.js";

/** What these endpoints tell of. */
export interface LlamaContext extends ProtocolContext {
    readonly desk: EngineDesk;
    readonly shelf: { states(): readonly ShelfState[] };
    readonly metrics: Metrics;
    /** Which request has which slot. */
    readonly board: SlotBoard;
    readonly version: string;
}

interface TokenizeBody {
    readonly model?: string | null;
    readonly content: string;
    readonly add_special?: boolean | null;
    readonly parse_special?: boolean | null;
    readonly with_pieces?: boolean | null;
}

interface DetokenizeBody {
    readonly model?: string | null;
    readonly tokens: readonly number[];
}

interface TemplateBody {
    readonly model?: string | null;
    readonly messages: readonly { readonly role: string; readonly content: string }[];
    readonly chat_template_kwargs?: Readonly<Record<string, unknown>> | null;
}

const tags = ["llama-server"];
const model = text("Of a model's name only which trio it is of matters.");

const tokenizeBody = object(
    {
        model,
        content: { type: "string" },
        add_special: flag("A beginning of sequence in front, where the model has one."),
        parse_special: flag("Control tokens as what they stand for; default true."),
        with_pieces: flag("With the text of each token, or its bytes.")
    },
    ["content"]
);
const detokenizeBody = object({ model, tokens: { type: "array", items: { type: "integer" } } }, ["tokens"]);
const templateBody = object(
    {
        model,
        messages: {
            type: "array",
            minItems: 1,
            maxItems: maxMessages,
            items: object({ role: { type: "string" } }, ["role"])
        },
        chat_template_kwargs: optional({ type: "object" })
    },
    ["messages"]
);

/** Errors are OpenAI's, as llama-server has them: with the status in `code`. */
export const llama: FastifyPluginAsync<LlamaContext> = async (app, context) => {
    const { desk, shelf, metrics } = context;
    app.setErrorHandler(
        errorSender({
            fieldOf: (option, body) =>
                option === "templateOptions"
                    ? "chat_template_kwargs"
                    : option === "prompt"
                      ? promptField(body)
                      : option,
            ...llamaErrors
        })
    );

    await app.register(completion, context);

    const health = async (_request: FastifyRequest, reply: FastifyReply): Promise<Record<string, unknown>> => {
        const states = shelf.states();
        // models that nobody has asked for yet are no reason to wait
        const first = states[0]!;
        if (first.state !== "loading" || states.some(({ state }) => state === "loaded")) return { status: "ok" };
        void reply.status(503).header("retry-after", "1");
        return { error: { code: 503, message: "Loading model", type: "unavailable_error" } };
    };
    for (const path of ["/health", "/v1/health"])
        app.get(path, { schema: { summary: "Whether it can answer", tags } }, health);

    // llama-server's for code between two texts: the parts that models mark it with are none of a trio's
    app.post("/infill", { schema: { summary: "Not offered", tags } }, async () => {
        throw new RequestError(
            501,
            "Texts are not filled in between here: take /v1/completions, which goes on with one.",
            {
                code: "not_supported"
            }
        );
    });

    app.get("/metrics", { schema: { summary: "Figures for Prometheus", tags } }, async (_request, reply) => {
        const { contentType, body } = await metrics.text();
        void reply.type(contentType);
        return body;
    });

    app.get<{ Querystring: { readonly model?: string | readonly string[] } }>(
        "/props",
        { schema: { summary: "What is loaded; ?model=NAME of one model", tags } },
        async ({ query }) => props(context, [query.model].flat()[0])
    );

    app.get("/slots", { schema: { summary: "What is at work", tags } }, async () =>
        shelf.states().flatMap(({ name, state, rast }) => {
            if (rast === undefined || state !== "loaded") return [];
            const { parallel, contextSize, maxDraft } = rast.info;
            return Array.from({ length: parallel }, (_, id) => {
                const work = context.board.at(name, id);
                return {
                    id,
                    id_task: work?.number ?? -1,
                    n_ctx: contextSize,
                    speculative: maxDraft > 0,
                    is_processing: work !== undefined,
                    rast: { model: name, request: work?.request ?? null, choice: work?.choice ?? null }
                };
            });
        })
    );

    app.post<{ Body: TokenizeBody }>(
        "/tokenize",
        { schema: { body: tokenizeBody, summary: "Tokens of a text", tags } },
        async ({ body }, reply) =>
            desk.with(body.model ?? undefined, clientSignal(reply), async (rast) => {
                const tokens = await rast.tokenize(body.content, {
                    addSpecial: body.add_special ?? false,
                    parseSpecial: body.parse_special ?? true
                });
                if (body.with_pieces !== true) return { tokens };
                const pieces = await rast.tokenBytes(tokens);
                return { tokens: tokens.map((id, index) => ({ id, piece: pieceOf(pieces[index]!) })) };
            })
    );

    app.post<{ Body: DetokenizeBody }>(
        "/detokenize",
        { schema: { body: detokenizeBody, summary: "Text of tokens", tags } },
        async ({ body }, reply) =>
            desk.with(body.model ?? undefined, clientSignal(reply), async (rast) => ({
                content: await rast.detokenize(body.tokens, { showSpecial: true })
            }))
    );

    app.post<{ Body: TemplateBody }>(
        "/apply-template",
        { schema: { body: templateBody, summary: "A chat as its model reads it", tags } },
        async ({ body }, reply) =>
            desk.with(body.model ?? undefined, clientSignal(reply), async (rast) => ({
                prompt: await rast.applyChatTemplate(
                    body.messages,
                    body.chat_template_kwargs === undefined || body.chat_template_kwargs === null
                        ? {}
                        : { templateOptions: body.chat_template_kwargs }
                )
            }))
    );
};

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// llama-server writes bytes where they are no text.
function pieceOf(bytes: Uint8Array): string | readonly number[] {
    try {
        return strict.decode(bytes);
    } catch {
        return Array.from(bytes);
    }
}

// Of a model by its name, else of the first that is loaded. @throws RequestError 404
function props({ shelf, version, bounds, desk }: LlamaContext, named: string | undefined): Record<string, unknown> {
    const states = shelf.states();
    const trio = named === undefined ? undefined : desk.find(named).trio;
    const first =
        trio === undefined
            ? (states.find(({ state }) => state === "loaded") ?? states[0]!)
            : states.find(({ name }) => name === trio)!;
    const info = first.rast?.info;
    return {
        default_generation_settings: { n_ctx: info?.contextSize ?? 0, params: {} },
        total_slots: info?.parallel ?? 0,
        model_alias: first.name,
        model_path: info?.base.path ?? "",
        modalities: { vision: false, audio: false },
        endpoint_slots: true,
        endpoint_props: false,
        endpoint_metrics: true,
        chat_template: first.rast?.chatTemplate ?? "",
        build_info: `rast-llama ${version}`,
        rast: {
            version,
            limits: { lambda: limits.lambda, maxChoices: bounds.maxChoices },
            models: states.map((state) => ({
                name: state.name,
                state: state.state,
                progress: state.progress,
                waits_for_room: state.waitsForRoom,
                active: state.leases,
                waiting: state.waiting,
                loads: state.loads,
                ...(state.rast === undefined ? {} : describe(state.rast.info))
            }))
        }
    };
}

function describe(info: RastInfo): Record<string, unknown> {
    return {
        base: info.base.description,
        pairs: info.pairs.map(({ expert, antiexpert, lambda }) => ({
            expert: expert.description,
            antiexpert: antiexpert.description,
            lambda
        })),
        path: info.path,
        path_reason: info.pathReason,
        device: info.base.device,
        n_ctx: info.contextSize,
        parallel: info.parallel,
        max_draft: info.maxDraft,
        has_chat_template: info.hasChatTemplate,
        notes: info.notes
    };
}
