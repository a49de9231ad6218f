// Where workers listen, as people write it: "10.0.0.2:50052", "gpu-box", "[fe80::1]:50052".
import { isIPv4, isIPv6 } from "node:net";
import { invalidOption, readArray } from "../checks.js";

/** Where a worker listens unless told otherwise. */
export const defaultWorkerPort = 50_052;
/** Workers of one engine. */
export const mostWorkers = 16;

/** A worker's address. */
export interface WorkerEndpoint {
    /** A name or a literal address, without brackets. */
    readonly host: string;
    readonly port: number;
}

/** As it is shown, and as native code names it. */
export function endpointText({ host, port }: WorkerEndpoint): string {
    return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Reads a list of workers; a text may name several between commas.
 * @throws ERR_INVALID_OPTION naming `option`
 */
export function readEndpoints(option: string, value: unknown): readonly WorkerEndpoint[] {
    const expected = `"host:port" or an array of such, from 1 to ${mostWorkers}`;
    const list = typeof value === "string" ? value.split(",") : readArray(option, expected, value, mostWorkers);
    const endpoints = list.map((item) => readEndpoint(option, typeof item === "string" ? item.trim() : item));
    if (endpoints.length === 0 || endpoints.length > mostWorkers) throw invalidOption(option, expected, value);
    const texts = endpoints.map(endpointText);
    if (new Set(texts).size < texts.length) throw invalidOption(option, "every worker once", value);
    return endpoints;
}

/**
 * Reads where a worker is to listen: a name or an address, that of IPv6 with or without brackets.
 * @throws ERR_INVALID_OPTION naming `option`
 */
export function readListenHost(option: string, value: string): string {
    const text = value.trim();
    const host = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
    if (isIPv6(host)) return host;
    const isBare = host === text && !host.includes(":");
    const what = isBare ? hostFault(host) : "a name or an address without a port, which is an option of its own";
    if (what !== undefined) throw invalidOption(option, what, value);
    return host;
}

function readEndpoint(option: string, value: unknown): WorkerEndpoint {
    const text = typeof value === "string" ? value : "";
    const fail = (expected: string): never => {
        throw invalidOption(option, expected, value);
    };
    if (text.includes("://")) fail('"host:port" without a scheme');
    if (/^[^[].*:.*:/.test(text) || isIPv6(text))
        fail('an address of IPv6 in brackets, "[fd00::7]" or "[fd00::7]:50052"');
    const [, literal, name, port] = /^(?:\[([^[\]]*)\]|([^:[\]]*))(?::(.*))?$/.exec(text) ?? [];
    const host = literal ?? name ?? "";
    if (host === "") fail('"host:port"');
    const fault =
        literal === undefined ? hostFault(host) : isIPv6(literal) ? undefined : "an address of IPv6 in the brackets";
    if (fault !== undefined) fail(fault);
    const number = port === undefined ? defaultWorkerPort : /^\d{1,5}$/.test(port) ? Number(port) : 0;
    if (number < 1 || number > 65_535)
        fail(`"host:port" with a port from 1 to 65535 (without one, ${defaultWorkerPort})`);
    return { host, port: number };
}

const label = /^(?!-)[\p{L}\p{M}\p{N}_-]{1,63}(?<!-)$/u;

// What should be there in place of a host that no resolver need be asked for: some take "50052" for an address.
function hostFault(host: string): string | undefined {
    if (isIPv4(host)) return undefined;
    const labels = host.replace(/\.$/, "").split(".");
    if (labels.length === 1 && /^\d+$/.test(host)) return 'a host, which may have a port behind it ("gpu-box:50052"),';
    if (/^\d+$/.test(labels.at(-1)!)) return "an address of IPv4, four numbers from 0 to 255,";
    if (host.includes("@")) return '"host:port" without a user';
    const isName = host.length <= 253 && labels.every((one) => label.test(one));
    return isName ? undefined : 'the name or address of a host, with or without a port ("gpu-box:50052"),';
}
