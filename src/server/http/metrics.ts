// Figures of a server, for Prometheus: llama-server's names, and ours.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, Histogram, Registry } from "../packages.js";

/** What one generation came to. */
export interface GenerationFigures {
    readonly promptTokens: number;
    readonly cachedPromptTokens: number;
    readonly promptMs: number;
    readonly completionTokens: number;
    readonly completionMs: number;
    /** Decodes of the base. */
    readonly rounds: number;
    readonly drafted: number;
    readonly accepted: number;
    /** null where no token was drawn. */
    readonly firstTokenMs: number | null;
    readonly queueMs: number;
}

/** What is true at the moment. */
export interface ServerFigures {
    /** Generations in slots. */
    readonly processing: number;
    /** Generations and requests that wait. */
    readonly deferred: number;
    readonly models: readonly { readonly name: string; readonly state: string }[];
}

const seconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Counters and gauges of one server, apart from any others of this process. */
export class Metrics {
    readonly #registry = new Registry();
    readonly #delay = monitorEventLoopDelay({ resolution: 20 });
    readonly #promptTokens = this.#counter("llamacpp:prompt_tokens_total", "Number of prompt tokens processed.");
    readonly #promptSeconds = this.#counter("llamacpp:prompt_seconds_total", "Prompt process time");
    readonly #drawn = this.#counter("llamacpp:tokens_predicted_total", "Number of generation tokens processed.");
    readonly #drawnSeconds = this.#counter("llamacpp:tokens_predicted_seconds_total", "Predict process time");
    readonly #decodes = this.#counter("llamacpp:n_decode_total", "Total number of llama_decode() calls of the base");
    readonly #cached = this.#counter("rast:prompt_tokens_cached_total", "Prompt tokens that a cache held already.");
    readonly #drafted = this.#counter("rast:tokens_drafted_total", "Tokens that were drafted and verified.");
    readonly #accepted = this.#counter("rast:tokens_accepted_total", "Drafted tokens that the ensemble drew as well.");
    readonly #requests = new Counter({
        name: "rast:requests_total",
        help: "Requests by route and status.",
        labelNames: ["route", "status"] as const,
        registers: [this.#registry]
    });
    readonly #requestSeconds = this.#histogram("rast:request_seconds", "From a request to its last byte.");
    readonly #firstToken = this.#histogram("rast:first_token_seconds", "From submission to the first token.");
    readonly #queueSeconds = this.#histogram("rast:queue_seconds", "Waiting for a free slot.");
    // Since the figures were last read, as llama-server has its rates.
    #recent = { promptTokens: 0, promptMs: 0, drawn: 0, drawnMs: 0 };

    constructor(now: () => ServerFigures) {
        this.#delay.enable();
        const gauge = (name: string, help: string, value: () => number): void => {
            new Gauge({
                name,
                help,
                registers: [this.#registry],
                collect() {
                    this.set(value());
                }
            });
        };
        const rate = (tokens: number, ms: number): number => (ms > 0 ? (1000 * tokens) / ms : 0);
        gauge("llamacpp:prompt_tokens_seconds", "Average prompt throughput in tokens/s.", () =>
            rate(this.#recent.promptTokens, this.#recent.promptMs)
        );
        gauge("llamacpp:predicted_tokens_seconds", "Average generation throughput in tokens/s.", () =>
            rate(this.#recent.drawn, this.#recent.drawnMs)
        );
        gauge("llamacpp:requests_processing", "Number of requests processing.", () => now().processing);
        gauge("llamacpp:requests_deferred", "Number of requests deferred.", () => now().deferred);
        gauge("rast:event_loop_delay_seconds", "99th percentile since the figures were last read.", () => {
            const p99 = this.#delay.percentile(99);
            this.#delay.reset();
            return Number.isFinite(p99) ? Math.max(0, p99 / 1e9 - 0.02) : 0;
        });
        gauge("rast:resident_memory_bytes", "Of the server's process.", () => process.memoryUsage.rss());
        const registers = [this.#registry];
        new Gauge({
            name: "rast:model_loaded",
            help: "Whether a model is in memory.",
            labelNames: ["model"] as const,
            registers,
            collect() {
                for (const { name, state } of now().models) this.set({ model: name }, state === "loaded" ? 1 : 0);
            }
        });
    }

    /** A generation has come to its end. */
    generated(figures: GenerationFigures): void {
        const { promptTokens, cachedPromptTokens, promptMs, completionTokens, completionMs } = figures;
        const decoded = Math.max(0, promptTokens - cachedPromptTokens);
        this.#promptTokens.inc(decoded);
        this.#cached.inc(cachedPromptTokens);
        this.#promptSeconds.inc(promptMs / 1000);
        this.#drawn.inc(completionTokens);
        this.#drawnSeconds.inc(completionMs / 1000);
        this.#decodes.inc(figures.rounds);
        this.#drafted.inc(figures.drafted);
        this.#accepted.inc(figures.accepted);
        this.#queueSeconds.observe(figures.queueMs / 1000);
        if (figures.firstTokenMs !== null) this.#firstToken.observe(figures.firstTokenMs / 1000);
        this.#recent.promptTokens += decoded;
        this.#recent.promptMs += promptMs;
        this.#recent.drawn += completionTokens;
        this.#recent.drawnMs += completionMs;
    }

    /** A response was sent, or its client has gone. @param route as it was declared, so that there are only so many */
    responded(route: string, status: number, ms: number): void {
        this.#requests.inc({ route, status: String(status) });
        this.#requestSeconds.observe(ms / 1000);
    }

    /** In Prometheus' own format. */
    async text(): Promise<{ readonly contentType: string; readonly body: string }> {
        const body = await this.#registry.metrics();
        this.#recent = { promptTokens: 0, promptMs: 0, drawn: 0, drawnMs: 0 };
        return { contentType: this.#registry.contentType, body };
    }

    /** Ends what measures. */
    close(): void {
        this.#delay.disable();
        this.#registry.clear();
    }

    #counter(name: string, help: string): Counter {
        return new Counter({ name, help, registers: [this.#registry] });
    }

    #histogram(name: string, help: string): Histogram {
        return new Histogram({ name, help, buckets: seconds, registers: [this.#registry] });
    }
}
