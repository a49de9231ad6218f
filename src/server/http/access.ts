// Who may ask: keys, names in the Host header, origins of pages.
import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import { hostname } from "node:os";
import type { FastifyRequest } from "fastify";
import { RequestError } from "./request-error.js";

/** Whether any of the keys is that of a request: in a time that says nothing of how near it is. */
export class KeyRing {
    readonly #hashes: readonly Buffer[];

    constructor(keys: readonly string[]) {
        this.#hashes = keys.map(hash);
    }

    /** Whether every request needs one. */
    get locked(): boolean {
        return this.#hashes.length > 0;
    }

    /** @throws RequestError 401 */
    check({ headers }: Pick<FastifyRequest, "headers">): void {
        if (!this.locked) return;
        const [, bearer] = /^Bearer +(.*)$/is.exec(headers.authorization ?? "") ?? [];
        const other = headers["x-api-key"] ?? headers["api-key"];
        const given = bearer ?? (typeof other === "string" ? other : undefined);
        if (given === undefined) {
            throw new RequestError(401, "No API key was given: send it as Authorization: Bearer KEY.", {
                code: "missing_api_key"
            });
        }
        const own = hash(given.trim());
        // every one of them is looked at
        const fits = this.#hashes.map((key) => timingSafeEqual(key, own)).includes(true);
        if (!fits) throw new RequestError(401, "The API key is not one of this server's.", { code: "invalid_api_key" });
    }
}

function hash(key: string): Buffer {
    return createHash("sha256").update(key).digest();
}

/** Whether an address is reached from this machine alone. */
export function isLoopback(host: string): boolean {
    const name = host.toLowerCase().replace(/^\[|\]$/g, "");
    return name === "localhost" || name === "::1" || /^127(\.\d{1,3}){3}$/.test(name) || name === "::ffff:127.0.0.1";
}

/** Which requests pages may send. */
export interface PageRules {
    /** The address that is listened on. */
    readonly host: string;
    readonly allowedHosts: readonly string[];
    /** "*" for any. */
    readonly corsOrigins: readonly string[];
}

/**
 * Refuses names in the Host header that this server does not have: a page of a name that was bound to this address meanwhile would
 * otherwise be of the same origin. Addresses are nobody's to bind.
 * @throws RequestError 403; 400 where there is none
 */
export function checkHost({ headers }: Pick<FastifyRequest, "headers">, { host, allowedHosts }: PageRules): void {
    const given = headers.host;
    if (given === undefined) throw new RequestError(400, "The request has no Host header.", { code: "host_not_given" });
    const name = hostOf(given);
    if (name !== undefined) {
        if (isIP(name) !== 0 || isLoopback(name) || name.endsWith(".localhost")) return;
        if (name === host.toLowerCase() || allowedHosts.includes(name)) return;
        if (!isLoopback(host) && [hostname().toLowerCase(), `${hostname().toLowerCase()}.local`].includes(name)) return;
    }
    throw new RequestError(
        403,
        "This server does not answer to the name in the Host header; --allow-host NAME adds one.",
        {
            code: "host_not_allowed"
        }
    );
}

// "[::1]:8080" and "localhost:8080" without the port.
function hostOf(header: string): string | undefined {
    const [, six, four] = /^(?:\[([0-9a-f:.]+)\]|([^:\s[\]]+))\.?(?::\d{1,5})?$/i.exec(header) ?? [];
    return (six ?? four)?.toLowerCase().replace(/\.$/, "");
}

/**
 * Refuses pages of other origins that were not allowed: a browser sends simple requests without asking, and only hides the answer.
 * @throws RequestError 403
 */
export function checkOrigin({ headers }: Pick<FastifyRequest, "headers">, { corsOrigins }: PageRules): void {
    const { origin, host } = headers;
    if (origin === undefined || corsOrigins.includes("*") || corsOrigins.includes(origin.toLowerCase())) return;
    if (host !== undefined && /^https?:\/\//i.test(origin) && origin.replace(/^https?:\/\//i, "") === host) return;
    throw new RequestError(403, "Pages of this origin may not ask here; --cors-origin ORIGIN lets them.", {
        code: "origin_not_allowed"
    });
}
