import { describe, expect, it } from "vitest";
import { serverLimits } from "../../../src/server/limits.js";
import { resolveServeOptions } from "../../../src/server/options.js";

const models = ["demo"];

describe("options of serve", () => {
    it("have defaults", () => {
        expect(resolveServeOptions({ models })).toMatchObject({
            models: [{ trio: "demo" }],
            host: "127.0.0.1",
            port: 8080,
            apiKeys: [],
            lazy: false,
            logLevel: "silent",
            timeoutSeconds: 3600,
            maxBodyBytes: 8 * 2 ** 20
        });
    });

    it("have limits, each", () => {
        for (const [name, { min, max }] of Object.entries(serverLimits)) {
            for (const right of [min, max])
                expect(resolveServeOptions({ models, [name]: right })).toMatchObject({ [name]: right });
            for (const wrong of [min - 1, max + 1, Number.NaN, "5", null]) {
                expect(() => resolveServeOptions({ models, [name]: wrong }), `${name}: ${String(wrong)}`).toThrow(
                    `for ${name}`
                );
            }
        }
    });

    it.each([
        ["::1", "::1"],
        ["[::1]", "::1"],
        ["[fe80::1%eth0]", "fe80::1%eth0"],
        ["0.0.0.0", "0.0.0.0"],
        ["box.example", "box.example"]
    ])("take %s for a host", (host, expected) => {
        expect(resolveServeOptions({ models, host }).host).toBe(expected);
    });

    it.each(["127.0.0.1:8081", "box:8081", "[::1]:8081", "http://box", "[box:1]", "::1:::2"])(
        "take no %s for a host",
        (host) => {
            expect(() => resolveServeOptions({ models, host })).toThrow(
                "Expected a name or an address without a port, which is an option of its own for host"
            );
        }
    );

    it.each([
        [{}, "for models"],
        [{ models: [] }, "for models"],
        [{ models: "demo" }, "for models"],
        [{ models: [5] }, "models[0]"],
        [{ models: [""] }, "models[0]"],
        [{ models: [{ trio: "a", name: "a b" }] }, "models[0].name"],
        [{ models: [{ trio: "a", name: "a:base" }] }, "models[0].name"],
        [{ models: [{ trio: "a", signal: new AbortController().signal }] }, "models[0].signal"],
        [{ models, apiKeys: "x" }, "apiKeys"],
        [{ models, apiKeys: ["a b"] }, "apiKeys[0]"],
        [{ models, apiKeys: [""] }, "apiKeys[0]"],
        [{ models, corsOrigins: ["http://a/b"] }, "corsOrigins[0]"],
        [{ models, corsOrigins: ["localhost"] }, "corsOrigins[0]"],
        [{ models, allowedHosts: ["a.b", "a/b"] }, "allowedHosts[1]"],
        [{ models, allowedHosts: ["a:80"] }, "allowedHosts[0]"],
        [{ models, allowedHosts: ["http://a"] }, "allowedHosts[0]"],
        [{ models, lazy: 1 }, "lazy"],
        [{ models, logLevel: "loud" }, "logLevel"],
        [{ models, logStream: {} }, "logStream"],
        [{ models, hosts: "x" }, "Unknown option hosts in serve. Did you mean host?"]
    ])("%o is refused", (options, message) => {
        expect(() => resolveServeOptions(options)).toThrow(message);
    });

    it("a key is in no message", () => {
        expect(() => resolveServeOptions({ models, apiKeys: ["se cret"] })).not.toThrow("se cret");
    });
});
