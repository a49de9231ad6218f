// Who may use a worker: "192.168.1.0/24", "10.0.0.7", "fd00::/8".
import { isIPv4, isIPv6 } from "node:net";
import { invalidOption } from "../checks.js";

/** Addresses with the same first bits. */
export interface AddressRange {
    /** 4 bytes of IPv4, or 16. */
    readonly address: Uint8Array;
    readonly bits: number;
}

/** @throws ERR_INVALID_OPTION naming `option` */
export function readAddressRange(option: string, text: string): AddressRange {
    const [address = "", bits, more] = text.trim().split("/");
    const bytes = isIPv4(address) ? bytesOfIPv4(address) : isIPv6(address) ? bytesOfIPv6(address) : undefined;
    const most = 8 * (bytes?.length ?? 0);
    const count = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (bytes === undefined || more !== undefined || count < 0 || count > most) {
        throw invalidOption(option, 'an address or a range such as "192.168.1.0/24"', text);
    }
    return { address: bytes, bits: count };
}

/** Whether only programs of the same machine reach somebody who listens there. */
export function isLoopback(host: string): boolean {
    if (isIPv6(host)) return bytesOfIPv6(host.replace(/%.*$/, "")).every((byte, at) => byte === (at === 15 ? 1 : 0));
    return /^localhost\.?$/i.test(host) || (isIPv4(host) && host.startsWith("127."));
}

function bytesOfIPv4(text: string): Uint8Array {
    return Uint8Array.from(text.split("."), Number);
}

function bytesOfIPv6(text: string): Uint8Array {
    // the end may be written as an IPv4 address
    const tail = /(?<=:)[\d.]+\.[\d.]+$/.exec(text)?.[0];
    const v4 = tail === undefined ? undefined : bytesOfIPv4(tail);
    const words =
        v4 === undefined
            ? text
            : text.slice(0, -tail!.length) +
              ((v4[0]! << 8) | v4[1]!).toString(16) +
              ":" +
              ((v4[2]! << 8) | v4[3]!).toString(16);
    const [head = "", rest] = words.split("::");
    const parts = (side: string): number[] => (side === "" ? [] : side.split(":").map((word) => parseInt(word, 16)));
    const [first, last] = [parts(head), rest === undefined ? [] : parts(rest)];
    const all = [...first, ...Array<number>(Math.max(0, 8 - first.length - last.length)).fill(0), ...last];
    return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}
