// Stands in for the module "electron" in a main process under plain Node.js. Utility processes are forks; the window is whoever
// started this process: it opens the page, and speaks for it over the channel.
import { fork } from "node:child_process";
import { EventEmitter } from "node:events";
import { pathToFileURL } from "node:url";
import { portPair } from "./ports.mjs";

const utilityShim = new URL("./utility-process.mjs", import.meta.url).href;
const tell = (message) => process.send?.(message, () => {});
// Ports whose one end is in another process, by the number that both know.
const ports = new Map();
let lastPort = 0;

function sendAway(port, send) {
    const id = ++lastPort;
    ports.set(id, port);
    port.away = (data) => send({ kind: "portData", id, data });
    return id;
}

class App extends EventEmitter {
    getAppPath() {
        return process.env.STAND_IN_APP;
    }

    requestSingleInstanceLock() {
        return true;
    }

    async whenReady() {}

    quit() {
        let isPrevented = false;
        this.emit("before-quit", { preventDefault: () => (isPrevented = true) });
        if (!isPrevented) process.exit(0);
    }
}

export const app = new App();
export const ipcMain = new EventEmitter();
export const session = { defaultSession: { setPermissionRequestHandler: () => {} } };

export class MessageChannelMain {
    constructor() {
        Object.assign(this, portPair());
    }
}

class WebContents extends EventEmitter {
    postMessage(channel, _message, [port]) {
        tell({ kind: "port", channel, id: sendAway(port, tell) });
    }

    send(channel, ...args) {
        tell({ kind: "send", channel, args });
    }

    isDestroyed() {
        return false;
    }

    setWindowOpenHandler() {}
}

export class BrowserWindow {
    webContents = new WebContents();
    #preferences;

    constructor({ webPreferences }) {
        this.#preferences = webPreferences;
        process.on("message", (message) => {
            const { webContents } = this;
            const senderFrame = { url: message.url };
            if (message.kind === "ipc") ipcMain.emit(message.channel, { sender: webContents, senderFrame });
            else if (message.kind === "portData") ports.get(message.id).postMessage(message.data);
            else if (message.kind === "closed") app.emit("window-all-closed");
        });
    }

    static getAllWindows() {
        return [];
    }

    async loadFile(file) {
        tell({ kind: "page", url: pathToFileURL(file).href, preferences: this.#preferences });
    }
}

class UtilityProcess extends EventEmitter {
    #child;

    constructor(script, args, { stdio }) {
        super();
        this.#child = fork(script, args, {
            execArgv: ["--import", utilityShim],
            stdio: [...stdio, "ipc"],
            serialization: "advanced"
        });
        this.stderr = this.#child.stderr;
        this.pid = this.#child.pid;
        this.#child.on("message", ({ id, data }) => ports.get(id).postMessage(data));
        // Electron gives the status of a process that a signal has ended.
        this.#child.once("exit", (code) => this.emit("exit", code ?? 1));
    }

    postMessage(data, moved = []) {
        const send = (message) => this.#child.send(message, () => {});
        send({ kind: "message", data, ports: moved.map((port) => sendAway(port, send)) });
    }

    kill() {
        return this.#child.kill("SIGKILL");
    }
}

export const utilityProcess = { fork: (script, args, options) => new UtilityProcess(script, args, options) };

// Whoever started this may end before it has asked for a page.
process.on("disconnect", () => process.exit(1));
