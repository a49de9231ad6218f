// Engines for evaluations that answer as a test says, without a model.
import type { Rast } from "../../src/engine/engine.js";
import type { GenerateOptions } from "../../src/engine/generate-options.js";
import type { EvalTools } from "../../src/eval/evaluate.js";
import type { LoadOptions } from "../../src/loading/load-options.js";

/** What was done with them. */
export interface EvalEngines extends EvalTools {
    /** Loads and disposals, by trio or base. */
    readonly log: string[];
    readonly loads: LoadOptions[];
    readonly asked: (GenerateOptions & { readonly engine: string })[];
    /** Requests of one engine at a time, at most. */
    most: number;
}

type Answer = (options: GenerateOptions) => string | Promise<string>;

/** @param answer of a request; "abort" it with the request's signal @param bytes of the models */
export function evalEngines(answer: Answer = () => "It is \\boxed{8}.", bytes = 1000): EvalEngines {
    const engines: EvalEngines = {
        log: [],
        loads: [],
        asked: [],
        most: 0,
        waitMs: 1,
        load: async (options) => {
            const name = (options.trio ?? options.base) as string;
            engines.log.push(`load ${name}`);
            engines.loads.push(options);
            let now = 0;
            return {
                info: {},
                complete: async (request: GenerateOptions) => {
                    engines.asked.push({ ...request, engine: name });
                    engines.most = Math.max(engines.most, ++now);
                    try {
                        await new Promise((resolve) => setImmediate(resolve));
                        const text = await answer(request);
                        const usage = { completionTokens: text.length };
                        return { text, answer: text, stopReason: "eos", usage };
                    } finally {
                        now -= 1;
                    }
                },
                dispose: async () => void engines.log.push(`dispose ${name}`)
            } as unknown as Rast;
        },
        identify: async (options) => {
            const name = (options.trio ?? options.base) as string;
            const model = (kind: "base" | "expert" | "antiexpert"): object => ({
                role: kind,
                kind,
                file: `${name}-${kind}.gguf`,
                fingerprint: Buffer.from(`${name} ${kind}`).toString("hex").padEnd(64, "0").slice(0, 64),
                adapters: []
            });
            const kinds =
                options.trio === undefined && options.expert === undefined
                    ? ["base"]
                    : ["base", "expert", "antiexpert"];
            return { models: kinds.map((kind) => model(kind as "base")), bytes } as unknown as Awaited<
                ReturnType<EvalTools["identify"]>
            >;
        }
    };
    return engines;
}
