import type { NetworkInterfaceInfo } from "node:os";
import { describe, expect, it } from "vitest";
import { reachableAt } from "../../../src/workers/own-addresses.js";

const one = (address: string, internal = false): NetworkInterfaceInfo => {
    const shared = { address, netmask: "", mac: "", internal, cidr: null };
    return address.includes(":") ? { ...shared, family: "IPv6", scopeid: 0 } : { ...shared, family: "IPv4" };
};

const interfaces = {
    lo: [one("127.0.0.1", true), one("::1", true)],
    eth0: [one("192.168.1.20"), one("fd00::7"), one("fe80::1")],
    wg0: [one("10.8.0.2")],
    gone: undefined
};

describe("addresses for others to type", () => {
    it.each([
        ["0.0.0.0", ["192.168.1.20", "10.8.0.2"]],
        ["::", ["192.168.1.20", "fd00::7", "10.8.0.2"]],
        ["192.168.1.20", []],
        ["127.0.0.1", []],
        ["::1", []],
        ["localhost", []]
    ])("of who listens at %s are %j", (host, addresses) => {
        expect(reachableAt(host, interfaces)).toEqual(addresses);
    });
});
