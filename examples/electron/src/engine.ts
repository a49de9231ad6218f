// The utility process: rast-llama, and the engine's end of the protocol. It is the process that a crash takes along, so that
// the engine needs none of its own. Another page is another port; the engine stays.
import * as library from "rast-llama";
import { EngineService } from "../../chat/engine-service.js";
import type { FromEngine } from "../../chat/protocol.js";
import type { ToEngineProcess } from "./engine-supervisor.js";

let port: Electron.MessagePortMain | undefined;
const service = new EngineService(library, {
    send: (message: FromEngine) => port?.postMessage(message),
    isolate: false
});

process.parentPort.on("message", ({ data, ports }) => {
    const message = data as ToEngineProcess;
    if (message.kind === "quit") {
        void service.close().finally(() => process.exit(0));
        return;
    }
    service.abortAll(); // the page that asked for it has gone
    port?.close();
    const [next] = ports;
    port = next;
    next?.on("message", ({ data }) => service.receive(data));
    next?.start();
});
