// The app's main process: a window and the engine's process. No model is ever in this one.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
    app,
    BrowserWindow,
    ipcMain,
    MessageChannelMain,
    session,
    utilityProcess,
    type MessagePortMain
} from "electron";
import { channels } from "./bridge.js";
import { EngineSupervisor, type EngineProcess } from "./engine-supervisor.js";

const here = join(app.getAppPath(), "dist");
const pageFile = join(here, "index.html");
const keptLines = 20;

function startEngine(): EngineProcess<MessagePortMain> {
    const child = utilityProcess.fork(join(here, "engine.js"), [], {
        serviceName: "RAST engine",
        stdio: ["ignore", "ignore", "pipe"]
    });
    let stderr: string[] = [];
    child.stderr?.on("data", (data: Buffer) => {
        const lines = data
            .toString()
            .split("\n")
            .filter((line) => line !== "");
        stderr = [...stderr, ...lines].slice(-keptLines);
    });
    return {
        post: (message, ports) => child.postMessage(message, [...ports]),
        kill: () => void child.kill(),
        onEnd: (listener) => void child.once("exit", (exitCode) => listener({ exitCode, stderr }))
    };
}

const engine = new EngineSupervisor<MessagePortMain>({
    start: startEngine,
    channel: () => {
        const { port1, port2 } = new MessageChannelMain();
        return [port1, port2];
    }
});

function openWindow(): void {
    const window = new BrowserWindow({
        width: 1040,
        height: 680,
        webPreferences: {
            preload: join(here, "preload.cjs"),
            contextIsolation: true,
            sandbox: true,
            nodeIntegration: false
        }
    });
    const { webContents } = window;
    // The page is the only one there is: it opens nothing and goes nowhere.
    webContents.setWindowOpenHandler(() => ({ action: "deny" }));
    webContents.on("will-navigate", (event) => event.preventDefault());
    void window.loadFile(pageFile);
}

/** Whether a message comes from our page, and whose it is. */
function ownPage({ sender, senderFrame }: Electron.IpcMainEvent): Electron.WebContents | undefined {
    return senderFrame?.url === pathToFileURL(pageFile).href ? sender : undefined;
}

ipcMain.on(channels.ready, (event) => {
    const page = ownPage(event);
    if (page === undefined) return;
    engine.pageIs({
        connect: (port) => {
            if (!page.isDestroyed()) page.postMessage(channels.port, null, [port]);
        },
        lost: (why) => {
            if (!page.isDestroyed()) page.send(channels.lost, why);
        }
    });
});
ipcMain.on(channels.want, (event) => {
    if (ownPage(event) !== undefined) engine.want();
});

let hasStopped = false;
app.on("before-quit", (event) => {
    if (hasStopped) return;
    event.preventDefault();
    void engine.stop().finally(() => {
        hasStopped = true;
        app.quit();
    });
});
app.on("window-all-closed", () => app.quit());
app.on("second-instance", () => BrowserWindow.getAllWindows()[0]?.focus());

if (app.requestSingleInstanceLock()) {
    void app.whenReady().then(() => {
        session.defaultSession.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
        openWindow();
    });
} else {
    app.quit();
}
