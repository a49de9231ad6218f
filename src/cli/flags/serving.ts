// Flags of `rast serve`, by names of `ServeOptions`.
import type { LogLevel } from "../../server/options.js";
import { serverLimits } from "../../server/limits.js";
import { numberFlag, repeatableFlag, switchFlag, textFlag, under, valueFlag, wrongFlag, type Flag } from "../flag.js";

const seconds: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** A time: "90", "90s", "10m", "1.5h". */
export function durationFlag(usage: string, description: string): Flag<number> {
    return valueFlag(usage, description, (text, name) => {
        const [, number, unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim()) ?? [];
        if (number === undefined) throw wrongFlag(name, "a time, such as 90s, 10m or 1h", text);
        return Number(number) * seconds[unit]!;
    });
}

const units: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

const sizeName = (bytes: number): string => (bytes >= 2 ** 20 ? `${bytes / 2 ** 20}M` : `${bytes / 1024}K`);

/** A size: "8M", "65536", "1 GiB". @param least in bytes; who writes less has forgotten the unit */
export function bytesFlag(usage: string, description: string, least: number): Flag<number> {
    return valueFlag(usage, description, (text, name) => {
        const [, number, unit = ""] = /^(\d+)\s*([kmg]?)(?:i?b)?$/i.exec(text.trim()) ?? [];
        if (number === undefined) throw wrongFlag(name, "a size, such as 8M", text);
        const bytes = Number(number) * units[unit.toLowerCase()]!;
        if (bytes >= least) return bytes;
        const advice = unit === "" && bytes > 0 ? `A number alone is bytes: ${number}M and ${number}G are larger.` : "";
        throw wrongFlag(name, `a size of at least ${sizeName(least)}`, text, advice);
    });
}

/** Where it listens, and who may ask. */
export const listeningFlags = under("Network", {
    host: textFlag("--host <address>", "address to listen on (default 127.0.0.1; 0.0.0.0 is every one)"),
    port: numberFlag("--port <integer>", "0 takes a free one (default 8080)"),
    corsOrigins: repeatableFlag(
        "--cors-origin <origin>",
        "an origin whose pages may ask, such as http://localhost:3000; * is any; repeatable",
        (texts) => texts
    ),
    allowedHosts: repeatableFlag(
        "--allow-host <name>",
        "a name of this machine that clients may use; repeatable",
        (texts) => texts
    )
});

/** How models come and go. */
export const shelfFlags = under("Models", {
    lazy: switchFlag("--lazy", "load no model before it is asked for"),
    idleSeconds: durationFlag("--idle <time>", "unload a model that nobody has asked for so long: 10m (default never)"),
    maxLoaded: numberFlag("--max-loaded <integer>", "models in memory together (default as many as fit)"),
    loadWaitSeconds: durationFlag("--load-wait <time>", "how long a request waits for its model to load (default 60s)")
});

/** What clients may ask for. */
export const boundFlags = under("Limits", {
    maxRequests: numberFlag("--max-requests <integer>", "requests at work or waiting; more are 429 (default 256)"),
    maxChoices: numberFlag("--max-choices <integer>", "prompts times choices of one request (default 128)"),
    maxPromptTokens: numberFlag("--max-prompt-tokens <integer>", "tokens of a prompt (default what the context holds)"),
    maxTokens: numberFlag("--max-tokens <integer>", "tokens drawn for a choice (default what the context holds)"),
    maxBodyBytes: bytesFlag("--max-body <size>", "of a request (default 8M)", serverLimits.maxBodyBytes.min),
    maxJsonDepth: numberFlag("--max-json-depth <integer>", "levels of a request's JSON (default 64)"),
    maxConnections: numberFlag("--max-connections <integer>", "open at a time (default 1024)"),
    timeoutSeconds: durationFlag("--timeout <time>", "one request, to its last token (default 1h)"),
    headerSeconds: durationFlag("--header-timeout <time>", "for a request's headers to come (default 15s)"),
    receiveSeconds: durationFlag("--receive-timeout <time>", "for a whole request to come (default 60s)"),
    keepAliveSeconds: durationFlag("--keep-alive <time>", "a connection without requests (default 30s)"),
    stallSeconds: durationFlag("--stall <time>", "a client that takes nothing of its stream (default 30s)"),
    maxUnreadBytes: bytesFlag(
        "--max-unread <size>",
        "what may wait for such a client (default 4M)",
        serverLimits.maxUnreadBytes.min
    ),
    graceSeconds: durationFlag("--grace <time>", "for requests at work, after SIGTERM or Ctrl-C (default 20s)")
});

/** What is said of it. */
export const logFlags = under("Output", {
    logLevel: textFlag(
        "--log-level <level>",
        "silent, error, warn, info or debug: lines of JSON on stderr, without any text of a prompt or an answer (default info)"
    ) as Flag<LogLevel>
});
