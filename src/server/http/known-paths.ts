import type { FastifyInstance, RouteOptions } from "fastify";

/** Which methods every path takes. */
export class KnownPaths {
    readonly #routes = new Map<string, { readonly path: RegExp; readonly methods: Set<string> }>();

    /** Learns of all routes that are registered behind it. */
    constructor(app: FastifyInstance) {
        app.addHook("onRoute", ({ method, url }: RouteOptions) => {
            const known = this.#routes.get(url) ?? { path: patternOf(url), methods: new Set() };
            this.#routes.set(url, known);
            for (const one of [method].flat()) known.methods.add(one);
        });
    }

    /** A path that is there, for one that a client came to by a base URL with `/v1` too many, or too few, or a slash at its end. */
    nearest(path: string): string | undefined {
        const plain = path.replace(/\/{2,}/g, "/").toLowerCase();
        const bare = plain.replace(/^(?:\/v1)+(?=\/)/, "");
        const ends = ["/chat/completions", "/messages", "/api/chat"].map((end) =>
            plain.endsWith(end + end) ? plain.slice(0, -end.length) : plain
        );
        const near = [plain, `/v1${bare}`, bare, ...ends].find((one) => one !== "/" && this.methodsOf(one).length > 0);
        return near === path ? undefined : near;
    }

    /** @param path without a query @returns none of a path that is not there */
    methodsOf(path: string): readonly string[] {
        const all = [...this.#routes.values()].filter((route) => route.path.test(path));
        return [...new Set(all.flatMap(({ methods }) => [...methods]))].sort();
    }
}

// "/v1/responses/:id" holds for any id; "*" is what answers preflights of browsers.
function patternOf(url: string): RegExp {
    if (url.includes("*")) return /^(?!)/;
    const parts = url.split("/").map((part) => (part.startsWith(":") ? "[^/]+" : part.replace(/[^\w-]/g, "\\$&")));
    return new RegExp(`^${parts.join("/")}/?$`);
}
