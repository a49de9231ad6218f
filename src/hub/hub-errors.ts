import { quote, shortenMiddle } from "../checks.js";
import { RastError, type ErrorCode } from "../errors.js";
import type { HubFile } from "./hub-path.js";

/** A failure that may pass by itself: a connection that broke, a server that is busy. */
export class PassingFailure extends Error {
    /** Milliseconds that the server asks to wait; undefined where it does not say. */
    readonly waitMs: number | undefined;
    /** A server has answered. */
    readonly answered: boolean;

    constructor(message: string, extra: { cause?: unknown; waitMs?: number | undefined; answered?: boolean } = {}) {
        super(message, "cause" in extra ? { cause: extra.cause } : undefined);
        this.waitMs = extra.waitMs;
        this.answered = extra.answered ?? false;
    }
}

/** The error of the hub for something. */
export function hubError(code: ErrorCode, message: string, details: object, cause?: unknown): RastError {
    return new RastError(code, message, { details: { ...details }, ...(cause === undefined ? {} : { cause }) });
}

/** What is said where nobody answers any more. */
export function unreachable(failure: PassingFailure, endpoint: string, hasProxy: boolean): RastError {
    const proxy = hasProxy
        ? " A proxy is set: Node.js uses it from 24 on (or 22.21), with NODE_USE_ENV_PROXY=1 in the environment."
        : "";
    const said = failure.answered
        ? `The hub ${shortenMiddle(endpoint)} does not serve any more: ${failure.message}.`
        : `The hub ${shortenMiddle(endpoint)} cannot be reached: ${failure.message}.${proxy}`;
    return hubError("ERR_HUB_UNREACHABLE", said, { endpoint }, failure);
}

/** An answer of the hub itself that is none of what was hoped for. */
export interface Refusal {
    readonly status: number;
    /** The hub's own word: "RepoNotFound", "EntryNotFound", "RevisionNotFound", "GatedRepo". */
    readonly reason: string | undefined;
    /** The hub's own sentence. */
    readonly message: string | undefined;
    /** Whether a token was sent. */
    readonly withToken: boolean;
}

/** The typed error for a refusal. */
export function refused(refusal: Refusal, file: HubFile, endpoint: string): RastError {
    const { status, reason, message, withToken } = refusal;
    const { repository, path, revision } = file;
    const page = `${endpoint}/${repository}`;
    const details = { repository, path, revision, status, page };
    const said = message === undefined ? "" : ` It says: ${quote(message)}.`;
    if (reason === "EntryNotFound") {
        return hubError("ERR_HUB_NOT_FOUND", `The hub has no file ${quote(path)} in ${repository}.`, details);
    }
    if (reason === "RevisionNotFound") {
        return hubError("ERR_HUB_NOT_FOUND", `The hub has no revision ${quote(revision)} of ${repository}.`, details);
    }
    if (reason === "GatedRepo" || status === 403) {
        const token = withToken
            ? "and see that HF_TOKEN is of the account that accepted them, and may read such repositories"
            : `and set HF_TOKEN to a token of yours (${endpoint}/settings/tokens)`;
        return hubError(
            "ERR_HUB_ACCESS",
            `The hub gives ${repository} only to those who accepted its terms: accept them at ${page}, ${token}.${said}`,
            details
        );
    }
    if (status === 401 && withToken && reason !== "RepoNotFound") {
        return hubError(
            "ERR_HUB_ACCESS",
            `The hub does not know the token in HF_TOKEN: make a new one at ${endpoint}/settings/tokens.${said}`,
            details
        );
    }
    // The hub does not tell strangers which private repositories there are.
    if (status === 401 || reason === "RepoNotFound") {
        const token = withToken ? "or the token in HF_TOKEN may not see it" : "or it is private: then set HF_TOKEN";
        return hubError(
            "ERR_HUB_NOT_FOUND",
            `The hub shows no repository ${repository}: its name is wrong, ${token}.`,
            details
        );
    }
    if (status === 404) {
        const what = path === "" ? repository : `${path} in ${repository}`;
        return hubError("ERR_HUB_NOT_FOUND", `The hub has no ${what} (404).`, details);
    }
    return hubError(
        "ERR_HUB_ANSWER",
        `The hub answers with ${status} for ${path === "" ? repository : `${repository}/${path}`}.${said}`,
        details
    );
}

/** The code of a failed connection, as the system or Node.js has it: "ECONNREFUSED". */
export function connectionCode(error: unknown): string {
    for (let one = error; one instanceof Error; one = one.cause) {
        const { code } = one as NodeJS.ErrnoException;
        if (typeof code === "string" && code !== "") return code;
        if (one instanceof AggregateError && one.errors.length > 0) one.cause ??= one.errors[0];
    }
    return error instanceof Error ? shortenMiddle(error.message, 100) : "it failed";
}
