// In a world of its own, before the page: hands the engine's port over, and three functions.
import { contextBridge, ipcRenderer } from "electron";
import type { PlainEngineError } from "../../chat/protocol.js";
import { channels, portMessage, type EngineBridge } from "./bridge.js";

ipcRenderer.on(channels.port, ({ ports }) => window.postMessage(portMessage, "*", [...ports]));

const bridge: EngineBridge = {
    ready: () => ipcRenderer.send(channels.ready),
    want: () => ipcRenderer.send(channels.want),
    onLost: (listener) => void ipcRenderer.on(channels.lost, (_, why: PlainEngineError) => listener(why))
};
contextBridge.exposeInMainWorld("engineBridge", bridge);
