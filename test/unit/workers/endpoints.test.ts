import { describe, expect, it } from "vitest";
import { endpointText, mostWorkers, readEndpoints } from "../../../src/workers/endpoints.js";

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

    it.each([
        "",
        ",",
        "a:0",
        "a:65536",
        "a:b",
        "a b",
        "fd00::7",
        "[::1",
        "a,a:50052",
        "http://a",
        [],
        [7],
        7,
        null,
        "x".repeat(254),
        Array.from({ length: mostWorkers + 1 }, (_, index) => `a${index}`)
    ])("%j is none", (value) => {
        expect(() => read(value)).toThrow(expect.objectContaining({ code: "ERR_INVALID_OPTION" }));
    });
});
