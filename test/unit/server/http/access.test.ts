import { hostname } from "node:os";
import { describe, expect, it } from "vitest";
import { checkHost, checkOrigin, isLoopback, KeyRing } from "../../../../src/server/http/access.js";

const rules = { host: "127.0.0.1", allowedHosts: ["rast.example"], corsOrigins: ["http://page.example"] };
const codeOf = (check: () => void): string | null => {
    try {
        check();
        return null;
    } catch (error) {
        return (error as { failure: { code: string } }).failure.code;
    }
};

describe("keys", () => {
    const ring = new KeyRing(["alpha", "beta"]);
    it.each([
        [{ authorization: "Bearer alpha" }, null],
        [{ authorization: "bearer   beta" }, null],
        [{ "x-api-key": "beta" }, null],
        [{ "api-key": "alpha" }, null],
        [{}, "missing_api_key"],
        [{ authorization: "alpha" }, "missing_api_key"],
        [{ authorization: "Bearer alphA" }, "invalid_api_key"],
        [{ authorization: "Bearer " }, "invalid_api_key"],
        [{ authorization: "Bearer wrong", "x-api-key": "alpha" }, "invalid_api_key"],
        [{ "x-api-key": "alphabeta" }, "invalid_api_key"]
    ])("%o: %s", (headers, code) => {
        expect(codeOf(() => ring.check({ headers }))).toBe(code);
    });

    it("none are asked for where there are none", () => {
        expect(new KeyRing([]).locked).toBe(false);
        expect(codeOf(() => new KeyRing([]).check({ headers: {} }))).toBe(null);
    });
});

describe("hosts", () => {
    it.each([
        ["localhost", null],
        ["LocalHost:8080", null],
        ["localhost.", null],
        ["a.localhost:1", null],
        ["127.0.0.1:8080", null],
        ["[::1]:8080", null],
        ["10.0.0.7", null],
        ["rast.example", null],
        ["RAST.example:9", null],
        ["evil.example", "host_not_allowed"],
        ["rast.example.evil", "host_not_allowed"],
        ["rast.example@evil", "host_not_allowed"],
        ["[evil]", "host_not_allowed"],
        ["", "host_not_allowed"],
        [undefined, "host_not_given"],
        ["localhost:123456", "host_not_allowed"],
        [hostname(), hostname() === "localhost" ? null : "host_not_allowed"]
    ])("%s: %s", (host, code) => {
        expect(codeOf(() => checkHost({ headers: { host } }, rules))).toBe(code);
    });

    it("this machine's own name is one, where other machines may ask", () => {
        const wide = { ...rules, host: "0.0.0.0" };
        expect(codeOf(() => checkHost({ headers: { host: `${hostname()}:8080` } }, wide))).toBe(null);
        expect(codeOf(() => checkHost({ headers: { host: "evil.example" } }, wide))).toBe("host_not_allowed");
    });
});

describe("origins", () => {
    it.each([
        [undefined, null],
        ["http://localhost:8080", null],
        ["http://page.example", null],
        ["HTTP://PAGE.example", null],
        ["https://page.example", "origin_not_allowed"],
        ["http://localhost:3000", "origin_not_allowed"],
        ["null", "origin_not_allowed"],
        ["http://localhost:8080.evil", "origin_not_allowed"]
    ])("%s: %s", (origin, code) => {
        expect(codeOf(() => checkOrigin({ headers: { host: "localhost:8080", origin } }, rules))).toBe(code);
    });

    it("any, where any may", () => {
        expect(codeOf(() => checkOrigin({ headers: { origin: "null" } }, { ...rules, corsOrigins: ["*"] }))).toBe(null);
    });
});

it.each([
    ["127.0.0.1", true],
    ["127.8.9.10", true],
    ["::1", true],
    ["[::1]", true],
    ["localhost", true],
    ["0.0.0.0", false],
    ["::", false],
    ["192.168.0.1", false],
    ["127.example", false]
])("%s is loopback: %s", (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
});
