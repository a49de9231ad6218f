// In a fork that stands in for a utility process: process.parentPort, with ports that come over the fork's channel.
import { EventEmitter } from "node:events";
import { StandInPort } from "./ports.mjs";

const ports = new Map();
const parentPort = new EventEmitter();
// What comes before anybody listens waits, as it does in Electron.
const early = [];
parentPort.on("newListener", (name) => {
    if (name === "message") setImmediate(() => early.splice(0).forEach((event) => parentPort.emit("message", event)));
});
Object.defineProperty(process, "parentPort", { value: parentPort });

process.on("message", (message) => {
    if (message.kind === "portData") {
        ports.get(message.id).take(message.data);
        return;
    }
    const moved = message.ports.map((id) => {
        const port = new StandInPort();
        port.peer = { take: (data) => process.send({ id, data }, () => {}) };
        ports.set(id, port);
        return port;
    });
    const event = { data: message.data, ports: moved };
    if (!parentPort.emit("message", event)) early.push(event);
});
// Chromium ends its processes with the browser's.
process.on("disconnect", () => process.exit(1));
