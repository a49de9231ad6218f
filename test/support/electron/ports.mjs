// MessagePortMain between objects of one process, or away from it: enough of Electron's for the example.
import { EventEmitter } from "node:events";

export class StandInPort extends EventEmitter {
    /** The other end. */
    peer;
    /** Takes what comes for this end, where it lives in another process. */
    away;
    #queue = [];
    #started = false;
    #closed = false;

    postMessage(data) {
        if (this.#closed || this.peer === undefined) return;
        this.peer.take(structuredClone(data));
    }

    take(data) {
        if (this.#closed) return;
        if (this.away !== undefined) this.away(data);
        else if (this.#started) this.emit("message", { data, ports: [] });
        else this.#queue.push(data);
    }

    start() {
        this.#started = true;
        for (const data of this.#queue.splice(0)) this.emit("message", { data, ports: [] });
    }

    close() {
        this.#closed = true;
        this.emit("close");
    }
}

/** Two ends that hear each other. */
export function portPair() {
    const port1 = new StandInPort();
    const port2 = new StandInPort();
    port1.peer = port2;
    port2.peer = port1;
    return { port1, port2 };
}
