import { describe, expect, it } from "vitest";
import { isLoopback, readAddressRange } from "../../../src/workers/address-ranges.js";

const read = (text: string): { bytes: string; bits: number } => {
    const { address, bits } = readAddressRange("allow", text);
    return { bytes: Buffer.from(address).toString("hex"), bits };
};

describe("ranges of addresses", () => {
    it("are bytes and how many of their bits count", () => {
        expect(read("192.168.1.0/24")).toEqual({ bytes: "c0a80100", bits: 24 });
        expect(read("10.0.0.7")).toEqual({ bytes: "0a000007", bits: 32 });
        expect(read("0.0.0.0/0")).toEqual({ bytes: "00000000", bits: 0 });
        expect(read("fd00::/8")).toEqual({ bytes: `fd${"00".repeat(15)}`, bits: 8 });
        expect(read("::1")).toEqual({ bytes: `${"00".repeat(15)}01`, bits: 128 });
        expect(read("2001:db8:1:2:3:4:5:6")).toEqual({ bytes: "20010db8000100020003000400050006", bits: 128 });
        expect(read("1::2:3")).toEqual({ bytes: "00010000000000000000000000020003", bits: 128 });
        expect(read("::ffff:10.1.2.3")).toEqual({ bytes: "00000000000000000000ffff0a010203", bits: 128 });
        expect(read("64:ff9b::192.0.2.33/96")).toEqual({ bytes: "0064ff9b0000000000000000c0000221", bits: 96 });
    });

    it.each(["", "a", "10.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/x", "::/129", "1.2.3.4.5"])(
        "%j is none",
        (text) => {
            expect(() => read(text)).toThrow(expect.objectContaining({ code: "ERR_INVALID_OPTION" }));
        }
    );

    it("tell what only this machine reaches", () => {
        expect(
            ["127.0.0.1", "127.9.9.9", "localhost", "LocalHost.", "::1", "0:0::0:1"].filter(isLoopback)
        ).toHaveLength(6);
        expect(["0.0.0.0", "::", "::2", "1::1", "192.168.1.2", "127.example.org"].filter(isLoopback)).toEqual([]);
    });
});
