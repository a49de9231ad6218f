import { describe, expect, it } from "vitest";
import { endpointText, mostWorkers, readEndpoints, readListenHost } from "../../../src/workers/endpoints.js";

const read = (value: unknown): string[] => readEndpoints("rpc", value).map(endpointText);

describe("addresses of workers", () => {
    it("have a port unless it is the usual one, and may stand in a list or between commas", () => {
        expect(read("gpu-box")).toEqual(["gpu-box:50052"]);
        expect(read("10.0.0.2:1, gpu-box.lan:65535")).toEqual(["10.0.0.2:1", "gpu-box.lan:65535"]);
        expect(read(["10.0.0.2", "10.0.0.2:50053"])).toEqual(["10.0.0.2:50052", "10.0.0.2:50053"]);
    });

    it("of IPv6 stand in brackets", () => {
        expect(read("[fd00::7]:1234,[::1]")).toEqual(["[fd00::7]:1234", "[::1]:50052"]);
        expect(readEndpoints("rpc", "[fe80::1%eth0]:5")).toEqual([{ host: "fe80::1%eth0", port: 5 }]);
    });

    it("may be names of any letters, with a dot at the end, an underscore, or a number in front", () => {
        const names = ["büro", "gpu-box.lan.", "gpu_1", "3090.lan", "xn--bro-hoa.example"];
        expect(read(names)).toEqual(names.map((name) => `${name}:50052`));
    });

    const port = '"host:port" with a port from 1 to 65535 (without one, 50052)';
    const v4 = "an address of IPv4, four numbers from 0 to 255,";
    const v6 = 'an address of IPv6 in brackets, "[fd00::7]" or "[fd00::7]:50052"';
    const name = 'the name or address of a host, with or without a port ("gpu-box:50052"),';
    const list = `"host:port" or an array of such, from 1 to ${mostWorkers}`;
    it.each([
        ["", '"host:port"'],
        [",", '"host:port"'],
        [":50052", '"host:port"'],
        ["a:0", port],
        ["a:00", port],
        ["a:65536", port],
        ["127.0.0.1:70000", port],
        ["a:", port],
        ["127.0.0.1:-5", port],
        ["a:b", port],
        ["a:1e3", port],
        ["[::1]:0", port],
        ["[::1]50052", '"host:port"'],
        ["a:1:2", v6],
        ["fd00:::7", v6],
        ["50052", 'a host, which may have a port behind it ("gpu-box:50052"),'],
        ["256.1.1.1", v4],
        ["10.0.0:50052", v4],
        ["10.0.0.2.3", v4],
        ["fd00::7", v6],
        ["::1", v6],
        ["fe80::1%eth0", v6],
        ["[::1", '"host:port"'],
        ["[gpu-box]:1", "an address of IPv6 in the brackets"],
        ["[10.0.0.2]", "an address of IPv6 in the brackets"],
        ["http://127.0.0.1:50052", '"host:port" without a scheme'],
        ["tcp://[::1]:50052", '"host:port" without a scheme'],
        ["user@box", '"host:port" without a user'],
        ["-1", name],
        ["*", name],
        ["a b", name],
        ["a..b", name],
        ["a/b", name],
        ["a\0b", name],
        ["x".repeat(64), name],
        ["x.".repeat(127) + "x", name],
        ["a,a:50052", "every worker once"],
        [[], list],
        [7, list],
        [null, list],
        [Array.from({ length: mostWorkers + 1 }, (_, index) => `a${index}`), list],
        [[7], '"host:port"']
    ])("%j is none, and what should be there is said", (value, expected) => {
        expect(() => read(value)).toThrow(
            expect.objectContaining({ code: "ERR_INVALID_OPTION", details: { option: "rpc", expected } })
        );
    });
});

describe("where to listen", () => {
    it.each([
        ["127.0.0.1", "127.0.0.1"],
        ["gpu-box.lan", "gpu-box.lan"],
        ["::", "::"],
        ["[::1]", "::1"],
        ["fe80::1%eth0", "fe80::1%eth0"]
    ])("%s is a host", (text, host) => {
        expect(readListenHost("host", text)).toBe(host);
    });

    it.each([
        ["127.0.0.1:50055", "a name or an address without a port, which is an option of its own"],
        ["[::1]:50055", "a name or an address without a port, which is an option of its own"],
        ["[box]", "a name or an address without a port, which is an option of its own"],
        ["256.1.1.1", "an address of IPv4, four numbers from 0 to 255,"],
        ["-x", 'the name or address of a host, with or without a port ("gpu-box:50052"),']
    ])("%s is none", (text, expected) => {
        expect(() => readListenHost("host", text)).toThrow(
            expect.objectContaining({ details: { option: "host", expected } })
        );
    });
});
