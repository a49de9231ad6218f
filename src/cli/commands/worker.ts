import { checkNumber, checkString, invalidOption } from "../../checks.js";
import type { WorkerEvent } from "../../workers/supervisor.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodeOf, exitCodes, type ExitCode } from "../exit-codes.js";
import { fileFlag, listFlag, numberFlag, readFlags, switchFlag, textFlag, under } from "../flag.js";
import { quietFlag } from "../flags/files.js";
import { bytesFlag } from "../flags/serving.js";
import { interruptible } from "../interruption.js";
import type { CommandIo } from "../io.js";
import { formatBytes } from "../output.js";

const sizes = { min: 1_048_576, max: Number.MAX_SAFE_INTEGER, integer: true };

const flags = {
    ...under("Network", {
        host: textFlag(
            "--host <address>",
            "where clients find it (default 127.0.0.1, this machine alone; 0.0.0.0 is every address)"
        ),
        port: numberFlag("--port <integer>", "0 takes a free one (default 50052)"),
        allow: listFlag(
            "--allow <address>[,<address>]",
            "who may connect, e.g. 192.168.1.0/24 (default: whoever can)",
            (text) => text
        ),
        maxConnections: numberFlag("--max-connections <integer>", "clients at the same time (default 8)")
    }),
    ...under("What it offers", {
        devices: listFlag(
            "--devices <name>[,<name>]",
            "as `rast devices` names them (default: all GPUs, or else CPU)",
            (text) => text
        ),
        threads: numberFlag("--threads <integer>", "CPU threads, where the CPU is offered (default: physical cores)"),
        memory: bytesFlag(
            "--memory <size>",
            "main memory that clients may take together, e.g. 16G (default: what is available)",
            sizes.min
        ),
        cache: fileFlag("--cache <folder>", "keep weights here, so that they are sent once")
    }),
    ...under("Output", {
        json: switchFlag("--json", "say what happens as lines of JSON; errors as JSON, too")
    }),
    quiet: quietFlag
};

/** `rast worker`: lends this machine's devices to engines on others. */
export const worker: CommandDeclaration = {
    name: "worker",
    description: "lend this machine's devices to engines on other machines (their --rpc)",
    examples: [
        ["rast worker", "For this machine alone, or the end of a tunnel, at 127.0.0.1:50052."],
        [
            "rast worker --host 0.0.0.0 --allow 192.168.1.5 --cache ~/weights",
            "For one other machine; weights are sent once."
        ]
    ],
    flags,
    run
};

async function run({ io, typed }: CommandCall): Promise<ExitCode> {
    const {
        host: wanted = "127.0.0.1",
        port,
        allow = [],
        maxConnections,
        devices = [],
        threads,
        memory,
        cache,
        json,
        quiet
    } = readFlags(flags, typed);
    const { limits } = await import("../../limits.js");
    const { isLoopback, readAddressRange } = await import("../../workers/address-ranges.js");
    const { defaultWorkerPort, endpointText, readListenHost } = await import("../../workers/endpoints.js");
    const { reachableAt } = await import("../../workers/own-addresses.js");
    const { WorkerSupervisor } = await import("../../workers/supervisor.js");
    const allowed = allow.map((text) => readAddressRange("allow", text));
    const host = readListenHost("host", checkString("host", wanted));
    const settings = {
        host,
        port: checkNumber("port", port ?? defaultWorkerPort, { min: 0, max: 65_535, integer: true }),
        devices: checkDevices(devices),
        ...(threads === undefined ? {} : { threads: checkNumber("threads", threads, limits.threads) }),
        ...(memory === undefined ? {} : { mainMemoryBytes: checkNumber("memory", memory, sizes) }),
        cacheFolder: cache ?? "",
        maxConnections: checkNumber("maxConnections", maxConnections ?? 8, { min: 1, max: 1024, integer: true }),
        allowed: allowed.map(({ address, bits }) => ({ address: [...address], bits }))
    };
    let isOpen = !isLoopback(host);
    const supervisor = new WorkerSupervisor(settings, (event) => {
        if (isOpen && event.event === "listening") {
            warn(io, allowed.length > 0);
            isOpen = false;
        }
        if (json === true) io.stdout.write(`${JSON.stringify(event)}\n`);
        else if (event.event === "listening") {
            const others = reachableAt(host).map((address) => endpointText({ host: address, port: event.port }));
            sayListening(io, endpointText({ host, port: event.port }), others, event.devices);
        } else if (quiet !== true) say(io, event);
    });
    const { interruptedBy } = await interruptible(io.signals, async (signal) => {
        supervisor.start();
        const interrupted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        await Promise.race([interrupted, supervisor.failed]);
    }).finally(() => supervisor.stop());
    return interruptedBy === undefined ? exitCodes.ok : exitCodeOf(interruptedBy);
}

function checkDevices(names: readonly string[]): readonly string[] {
    const different = new Set(names.map((name) => name.toLowerCase()));
    if (names.includes("") || different.size < names.length) {
        throw invalidOption("devices", "names of devices, each once", names.join());
    }
    return names;
}

function warn(io: CommandIo, isLimited: boolean): void {
    const who = isLimited ? "The machines that --allow names" : "Everybody who reaches this address";
    io.stderr.write(
        `rast: ${who} can use the devices, and llama.cpp's protocol trusts them: it knows no passwords, nothing is encrypted, and a ` +
            "hostile client may run code as this user. Use a tunnel (docs/machines.md).\n"
    );
}

function sayListening(
    io: CommandIo,
    at: string,
    others: readonly string[],
    devices: Extract<WorkerEvent, { event: "listening" }>["devices"]
): void {
    io.stdout.write(`listening at ${at}\n`);
    for (const address of others) io.stdout.write(`  elsewhere: --rpc ${address}\n`);
    for (const { name, description, memoryFreeBytes } of devices) {
        io.stdout.write(`  ${name.padEnd(9)}${description}, ${formatBytes(memoryFreeBytes)} free\n`);
    }
}

function say(io: CommandIo, event: Exclude<WorkerEvent, { event: "listening" }>): void {
    const line = (text: string): void => void io.stderr.write(`rast: ${text}\n`);
    switch (event.event) {
        case "connected":
            return line(`${event.peer} has connected`);
        case "refused":
            return line(`${event.peer} was refused: ${event.why}`);
        case "ended": {
            const cached =
                event.cachedBytes === 0 ? "" : `, ${formatBytes(event.cachedBytes)} of weights were here already`;
            return line(
                `${event.peer} has gone (${event.why}): ${formatBytes(event.receivedBytes)} came, ${formatBytes(event.sentBytes)} went${cached}`
            );
        }
        case "crashed":
            return line(`a client ended the worker (${event.why}); it comes back in ${event.restartMs} ms`);
    }
}
