// A process that does to models what an engine will do, so that one that ends a process ends this one.
//
// Arguments: a JSON array of models. Prints a line of JSON for each step (see TrialLine); silence means that it hangs.
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { RastError } from "../errors.js";
import { loadNative } from "../native/binding.js";
import { endWithParent } from "../native/end-with-parent.js";
import type { Adapter } from "../trio/adapters.js";
import type { Rast } from "../engine/engine.js";
import { loadRast } from "./load.js";

/** A model to try. */
export interface TrialJob {
    readonly path: string;
    /** All parts. */
    readonly files: readonly string[];
    readonly bytes: number;
    readonly adapters: readonly Adapter[];
}

/** What the child prints. */
export type TrialLine =
    | { readonly step: "alive" }
    | { readonly step: "trying"; readonly model: number }
    | { readonly step: "fine"; readonly model: number }
    | {
          readonly step: "refused";
          readonly model: number;
          readonly code: string;
          readonly message: string;
          readonly details: Readonly<Record<string, unknown>>;
      };

/** Weights of a model that are read for a trial; of larger ones only what llama.cpp makes of the header is tried. */
const weightsBytes = 4 * 2 ** 30;
/** What a process may map beside the weights and a copy of them in another layout. */
const roomBytes = 8 * 2 ** 30;
const longestMs = 3_600_000;
const contextSize = 64;

const text = "1+2 = three;\n\t a\u00e9\u6f22\u{1F642} <|im_start|></s> ";

function print(line: TrialLine): void {
    process.stdout.write(`${JSON.stringify(line)}\n`);
}

// A disk may be slow, llama.cpp is silent while it reads, and afterwards the pages are there.
async function readThrough(files: readonly string[]): Promise<void> {
    let last = Date.now();
    for (const file of files) {
        const stream = createReadStream(file, { highWaterMark: 1 << 20 });
        stream.on("data", () => {
            if (Date.now() - last < 1000) return;
            last = Date.now();
            print({ step: "alive" });
        });
        await once(stream, "close");
    }
}

async function allowRefusal(action: Promise<unknown>): Promise<void> {
    await action.catch((error: unknown) => {
        if (!(error instanceof RastError)) throw error;
    });
}

async function use(rast: Rast): Promise<void> {
    print({ step: "alive" });
    await allowRefusal(rast.tokenize(text, { addSpecial: true, parseSpecial: true }));
    await allowRefusal(rast.tokenize(text, { addSpecial: false, parseSpecial: false }));
    const { vocabularySize } = rast.info;
    await rast.detokenize(
        Array.from({ length: vocabularySize }, (_, token) => token),
        { showSpecial: true }
    );
    print({ step: "alive" });
    const tokens = [0, 1, 2].map((token) => Math.min(token, vocabularySize - 1));
    const short = { maxTokens: 2, ignoreEos: true, temperature: 1, seed: 1 };
    await rast.complete({ tokens, ...short, logprobs: 2 });
    await allowRefusal(rast.complete({ prompt: "1+2", ...short }));
    print({ step: "alive" });
}

async function tryModel({ path, files, bytes, adapters }: TrialJob): Promise<void> {
    const { addon } = await loadNative();
    if (bytes > weightsBytes) return addon.probeModel(path);
    await readThrough(files);
    const options = { contextSize, batchSize: contextSize, device: "cpu", threads: 1, tryModels: false } as const;
    // as its own expert, as small models are tapped where a base is not
    const pair = bytes < 2 ** 28 ? { expert: path, antiexpert: path } : {};
    const base = { path, lora: adapters };
    const rast = await loadRast({ base, ...pair, ...options, speculation: "off" });
    try {
        await use(rast);
    } finally {
        await rast.dispose();
    }
}

async function main(): Promise<void> {
    endWithParent(longestMs);
    const jobs = JSON.parse(process.argv[2] ?? "[]") as readonly TrialJob[];
    const { addon } = await loadNative();
    const largest = Math.max(0, ...jobs.map(({ bytes }) => (bytes > weightsBytes ? 0 : bytes)));
    addon.limitProcess(roomBytes + 2 * largest);
    for (const [model, job] of jobs.entries()) {
        print({ step: "trying", model });
        try {
            await tryModel(job);
            print({ step: "fine", model });
        } catch (error) {
            const { code, message, details } =
                error instanceof RastError ? error : new RastError("ERR_INTERNAL", String(error));
            print({ step: "refused", model, code, message, details });
        }
    }
}

await main();
