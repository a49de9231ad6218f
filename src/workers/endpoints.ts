// Where workers listen, as people write it: "10.0.0.2:50052", "gpu-box", "[fe80::1]:50052".
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
    const expected = `"host:port" or an array of such, at most ${mostWorkers}`;
    const list = typeof value === "string" ? value.split(",") : readArray(option, expected, value, mostWorkers);
    const endpoints = list.map((item) => readEndpoint(option, typeof item === "string" ? item.trim() : item));
    if (endpoints.length === 0 || endpoints.length > mostWorkers) throw invalidOption(option, expected, value);
    const texts = endpoints.map(endpointText);
    if (new Set(texts).size < texts.length) throw invalidOption(option, "every worker once", value);
    return endpoints;
}

const pattern = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/;

function readEndpoint(option: string, value: unknown): WorkerEndpoint {
    const [, literal, name, port = String(defaultWorkerPort)] =
        pattern.exec(typeof value === "string" ? value : "") ?? [];
    const host = literal ?? name;
    if (host === undefined || host.length > 253 || Number(port) < 1 || Number(port) > 65_535) {
        throw invalidOption(option, '"host:port"', value);
    }
    return { host, port: Number(port) };
}
