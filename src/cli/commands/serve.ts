import { readFile } from "node:fs/promises";
import { shortenMiddle } from "../../checks.js";
import { RastError } from "../../errors.js";
import { systemError } from "../../models/files.js";
import type { LoadOptions } from "../../loading/load-options.js";
import { checkName, type ServedModelOptions, type ServeOptions } from "../../server/options.js";
import type { RastServer } from "../../server/serve.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodeOf, exitCodes, type ExitCode, type InterruptingSignal } from "../exit-codes.js";
import { expandHome, fileFlag, numberFlag, readFlags, repeatableFlag, switchFlag, under } from "../flag.js";
import { engineFlags, readEngineFlags } from "../flags/engine.js";
import { quietFlag } from "../flags/files.js";
import { pullFlags } from "../flags/pulling.js";
import { boundFlags, listeningFlags, logFlags, shelfFlags } from "../flags/serving.js";
import type { CommandIo } from "../io.js";
import { assurePulled } from "../offer-pull.js";

const servedFlags = under("Models", {
    trio: repeatableFlag(
        "--trio <name|file>",
        "a trio by its name, its file (JSON), or the folder of its file; repeatable",
        (texts) => texts.map(expandHome)
    ),
    name: repeatableFlag(
        "--name <name>",
        "what clients call the model, once for each --trio (default the trio's or the file's name)",
        (texts) => texts
    ),
    parallel: numberFlag("--parallel <integer>", "texts that a model works on together (default 4)"),
    maxQueue: numberFlag("--max-queue <integer>", "texts that wait for a model; more are 429 (default 128)")
});

const keyFlags = under("Network", {
    apiKeys: repeatableFlag("--api-key <key>", "what clients must send (RAST_API_KEY); repeatable", (texts) => texts),
    apiKeyFile: fileFlag("--api-key-file <file>", "a file with a key in each line")
});

const outputFlags = {
    ...under("Output", {
        json: switchFlag("--json", "say where it listens as one JSON object; errors as JSON, too")
    }),
    quiet: quietFlag
};

/** `rast serve`: models over HTTP. */
export const serve: CommandDeclaration = {
    name: "serve",
    description: "serve models over HTTP, as OpenAI, Anthropic, Ollama and llama-server do, with a page to try them on",
    examples: [
        ["rast serve --trio demo-chat", "At http://127.0.0.1:8080: a page, and /v1 for clients."],
        ["rast serve --trio a --trio b --idle 10m", "Two trios, each in memory when it is asked for."],
        ["rast serve --trio a --host 0.0.0.0 --api-key SECRET", "For other machines, with a key."]
    ],
    flags: {
        ...engineFlags,
        ...servedFlags,
        ...pullFlags,
        ...shelfFlags,
        ...listeningFlags,
        ...keyFlags,
        ...boundFlags,
        ...logFlags,
        ...outputFlags
    },
    aliases: { pairs: "--expert given twice", models: "--trio" },
    run
};

async function run({ io, typed }: CommandCall): Promise<ExitCode> {
    const { trio: trios, name: names = [], ...sizes } = readFlags(servedFlags, typed);
    const { json = false, quiet = false } = readFlags(outputFlags, typed);
    const { pull } = readFlags(pullFlags, typed);
    const engines = await enginesOf(typed, trios);
    if (names.length > 0 && names.length !== engines.length) {
        const expected =
            engines.length === 1 ? "once, as there is one model" : `${engines.length} times, once for each --trio`;
        throw new RastError("ERR_INVALID_OPTION", `Expected --name ${expected}; received it ${names.length} times.`, {
            details: { option: "name" }
        });
    }
    for (const name of names) checkName("name", name);
    for (const engine of engines) {
        const ended = await assurePulled(engine.trio, pull, io);
        if (ended !== undefined) return exitCodeOf(ended);
    }
    const { logLevel = quiet ? "error" : "info" } = readFlags(logFlags, typed);
    const options: ServeOptions = {
        models: engines.map((engine, index): ServedModelOptions => ({
            ...engine,
            ...sizes,
            ...(names[index] === undefined ? {} : { name: names[index] })
        })),
        ...readFlags(shelfFlags, typed),
        ...readFlags(listeningFlags, typed),
        ...readFlags(boundFlags, typed),
        apiKeys: await keysOf(typed, io.env),
        logLevel,
        logStream: io.stderr
    };
    const { serve: start } = await import("../../server/serve.js");
    const ending = new Ending(io);
    try {
        const server = await start(options);
        ending.serve(server);
        io.stdout.write(
            json
                ? `${JSON.stringify({ type: "listening", url: server.url, port: server.port, warnings: server.warnings })}\n`
                : `Listening on ${server.url}\n`
        );
        await Promise.race([server.ready, ending.over]).catch(async (error: unknown) => {
            await server.close({ graceSeconds: 0 });
            // what was ended while it loaded has not failed
            if (!ending.begun) throw error;
        });
        await ending.over;
    } finally {
        ending.forget();
    }
    return exitCodes.ok;
}

/** One for each trio, with the same flags. */
async function enginesOf(
    typed: CommandCall["typed"],
    trios: readonly string[] | undefined
): Promise<readonly LoadOptions[]> {
    if (trios === undefined) return [await readEngineFlags(typed)];
    return Promise.all(trios.map((trio) => readEngineFlags({ ...typed, trio })));
}

/** @throws ERR_FILE_NOT_FOUND and its kin, ERR_INVALID_OPTION for a file without keys */
async function keysOf(typed: CommandCall["typed"], env: CommandIo["env"]): Promise<readonly string[]> {
    const { apiKeys, apiKeyFile } = readFlags(keyFlags, typed);
    const ofEnvironment = env["RAST_API_KEY"];
    const given = apiKeys ?? (ofEnvironment === undefined || ofEnvironment === "" ? [] : [ofEnvironment]);
    if (apiKeyFile === undefined) return given;
    const text = await readFile(apiKeyFile, "utf8").catch((error: unknown) => {
        throw systemError(error, apiKeyFile, { what: "keys" });
    });
    const lines = text
        .replace(/^\uFEFF/, "")
        .split(/\r?\n/)
        .map((line) => line.trim())
        .filter((line) => line !== "" && !line.startsWith("#"));
    if (lines.length === 0) {
        throw new RastError(
            "ERR_INVALID_OPTION",
            `The file for --api-key-file has no key: ${shortenMiddle(apiKeyFile)}`,
            {
                details: { option: "--api-key-file" }
            }
        );
    }
    return [...given, ...lines];
}

const signalNames: readonly InterruptingSignal[] = ["SIGINT", "SIGTERM"];

/** What signals do: the first lets requests come to their end, the second cuts them, the third is the system's. */
class Ending {
    /** Resolves when the server is closed. */
    readonly over: Promise<void>;
    readonly #io: CommandIo;
    readonly #listener: (name: NodeJS.Signals) => void;
    #server: RastServer | undefined;
    #signals = 0;
    #settle!: { resolve(): void; reject(error: unknown): void };

    constructor(io: CommandIo) {
        this.#io = io;
        this.over = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
        this.over.catch(() => {});
        this.#listener = (name) => this.#take(name);
        for (const name of signalNames) io.signals.on(name, this.#listener);
    }

    get begun(): boolean {
        return this.#signals > 0;
    }

    /** From now on signals close this server; one that came before does so at once. */
    serve(server: RastServer): void {
        this.#server = server;
        if (this.begun) this.#close({});
    }

    forget(): void {
        for (const name of signalNames) this.#io.signals.off(name, this.#listener);
    }

    #take(name: NodeJS.Signals): void {
        this.#signals += 1;
        if (this.#signals > 2) {
            this.forget();
            this.#io.signals.raise(name);
        } else this.#close(this.#signals === 1 ? {} : { graceSeconds: 0 });
    }

    #close(options: { graceSeconds?: number }): void {
        this.#server?.close(options).then(this.#settle.resolve, this.#settle.reject);
    }
}
