import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import { listFlag, readFlags, switchFlag } from "../flag.js";
import { formatBytes } from "../output.js";

const flags = {
    rpc: listFlag(
        "--rpc <host:port>[,<host:port>]",
        "machines that run `rast worker`: list their devices, too",
        (text) => text
    ),
    json: switchFlag("--json", "print one JSON object; errors as JSON, too")
};

/** `rast devices`: what llama.cpp runs on here, and why. */
export const devices: CommandDeclaration = {
    name: "devices",
    description: "list backends and devices, and say what was loaded and why",
    flags,
    run
};

async function run({ io, typed }: CommandCall): Promise<ExitCode> {
    const { loadNative } = await import("../../native/binding.js");
    const { askWorkers } = await import("../../workers/worker-info.js");
    const { readEndpoints } = await import("../../workers/endpoints.js");
    const { rpc, json } = readFlags(flags, typed);
    const endpoints = rpc === undefined ? [] : readEndpoints("rpc", rpc);
    const { addon, libraries, choice } = await loadNative();
    const remote = await askWorkers(addon, endpoints);
    const found = [...(await addon.devices()), ...remote.devices];
    const build = addon.buildInfo();
    const { attempts } = choice;
    const own = remote.workers.flatMap((worker) => worker.devices);
    const ownTypes = new Map(remote.devices.map(({ name }, index) => [name, own[index]!.type]));
    if (json === true) {
        const { backend, reason } = choice;
        const workers = endpoints.length === 0 ? {} : { workers: remote.workers };
        io.stdout.write(
            `${JSON.stringify({ backend, reason, attempts, devices: found, ...workers, libraries, build })}\n`
        );
        return exitCodes.ok;
    }
    const lines = [
        `backend  ${choice.backend}: ${choice.reason}`,
        // Several packages of a kind may fail alike.
        ...new Set(
            attempts.map(({ kind, outcome, reason, install }) => {
                const advice = install === undefined ? "" : `. ${install}`;
                return `  ${kind.padEnd(7)}${outcome}: ${reason}${advice}`;
            })
        ),
        "devices",
        ...found.map(({ name, type: used, description, worker, memoryFreeBytes, memoryTotalBytes }) => {
            // a worker's are used as GPUs, whatever they are
            const type = typeof worker === "string" ? ownTypes.get(name)! : used;
            const memory =
                memoryTotalBytes > 0
                    ? `, ${formatBytes(memoryFreeBytes)} free of ${formatBytes(memoryTotalBytes)}`
                    : "";
            const where = typeof worker === "string" ? ` at ${worker}` : "";
            return `  ${name.padEnd(9)}${type}, ${description}${where}${memory}`;
        }),
        ...(remote.workers.length === 0 ? [] : ["workers"]),
        ...remote.workers.map(
            ({ worker, version, roundTripMs, connections, cache }) =>
                `  ${worker}  rast-llama ${version}, ${roundTripMs.toFixed(2)} ms there and back, ` +
                `${connections} ${connections === 1 ? "client" : "clients"}, ${cache ? "keeps weights" : "no cache of weights"}`
        ),
        `llama.cpp ${build.llamaTag}, ggml ${libraries.ggmlVersion} (${libraries.ggmlCommit}), addon ${build.addonVersion}`
    ];
    io.stdout.write(`${lines.join("\n")}\n`);
    return exitCodes.ok;
}
