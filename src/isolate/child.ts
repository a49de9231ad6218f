// The child process of an isolated engine: the addon behind messages, and no more, as every import costs time at the start.
import { RastError } from "../errors.js";
import { loadNative } from "../native/binding.js";
import { endWithParent } from "../native/end-with-parent.js";
import type { EngineHost } from "../native/engine-host.js";
import type { KnownLibraries } from "../native/libraries.js";
import type { CallName, ChildCalls, FromChild, ToChild } from "./protocol.js";

const watchAfterMs = 1000;

// Whoever interrupts the program lets it decide what becomes of the engine. (On Windows all of a console get Ctrl+C.)
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
// Not an orderly end: nobody is left to hear of it, and a decode would hold it up.
process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));

function send(message: FromChild): void {
    // A channel that is closed is "disconnect"'s business.
    if (process.connected) process.send!(message, undefined, {}, () => {});
}

let open!: (known: KnownLibraries | undefined) => void;
const native = new Promise<KnownLibraries | undefined>((resolve) => (open = resolve)).then(loadNative);
native.then(
    ({ libraries, choice }) => send({ kind: "opened", opened: { libraries, choice } }),
    (error: unknown) => send({ kind: "failed", error: RastError.from(error).toJSON() })
);
send({ kind: "started" });

// A thread takes its time to start, and until there is an engine nothing keeps this one from hearing of the end.
let watched = false;
function watchParent(): void {
    if (!watched) endWithParent();
    watched = true;
}
setTimeout(watchParent, watchAfterMs).unref();

let engine: number | undefined;

function handle(): number {
    if (engine === undefined) throw new RastError("ERR_DISPOSED", "There is no engine in this process.");
    return engine;
}

function callsOf(addon: EngineHost): ChildCalls {
    return {
        devices: () => addon.devices(),
        connectWorkers: (workers) => addon.connectWorkers(workers),
        inspectModel: (path) => addon.inspectModel(path),
        inspectAdapter: (path, model) => addon.inspectAdapter(path, model),
        compareTokenizers: (paths, rule) => addon.compareTokenizers(paths, rule),
        grammarOfSchema: (schema, ignoreUnsupported) => addon.grammarOfSchema(schema, ignoreUnsupported),
        engineCreate: (config) => {
            const created = addon.engineCreate(
                config,
                (progress) => send({ kind: "progress", progress }),
                (steps) => send({ kind: "steps", steps })
            );
            engine = created.handle;
            created.ready.then(watchParent, watchParent);
            return created.ready;
        },
        prepareGrammar: (grammar, gbnf, showSpecial) => addon.prepareGrammar(handle(), grammar, gbnf, showSpecial),
        engineDispose: () => addon.engineDispose(handle()),
        engineSaveState: (path, tokens) => addon.engineSaveState(handle(), path, tokens),
        engineLoadState: (path) => addon.engineLoadState(handle(), path),
        engineMeasure: (decodes) => addon.engineMeasure(handle(), decodes),
        tokenize: (...args) => addon.tokenize(handle(), ...args),
        detokenize: (...args) => addon.detokenize(handle(), ...args),
        tokenBytes: (tokens) => addon.tokenBytes(handle(), tokens)
    };
}

async function answer(call: number, name: CallName, args: readonly unknown[]): Promise<void> {
    try {
        const { addon } = await native;
        const run = callsOf(addon)[name] as (...args: readonly unknown[]) => Promise<unknown>;
        send({ kind: "value", call, value: await run(...args) });
    } catch (error) {
        send({ kind: "error", call, error: RastError.from(error).toJSON() });
    }
}

async function take(message: ToChild): Promise<void> {
    if (message.kind === "open") return open(message.known);
    if (message.kind === "call") return answer(message.call, message.name, message.args);
    const { addon } = await native;
    if (message.kind !== "submit") {
        if (engine === undefined) return; // nothing to end
        if (message.kind === "cancel") addon.engineCancel(engine, message.request);
        else if (message.kind === "stopTokenizing") addon.stopTokenizing(engine, message.id);
        else addon.dropGrammar(engine, message.id);
        return;
    }
    const { request } = message;
    try {
        addon.engineSubmit(handle(), request, message.what);
    } catch (thrown) {
        const { code, message: text, details } = RastError.from(thrown).toJSON();
        send({
            kind: "steps",
            steps: [{ request, tokens: new Int32Array(0), text: "", error: { code, message: text, details } }]
        });
    }
}

process.on("message", (message) => void take(message as ToChild));
