import { App } from "./app.js";
import { Client } from "./api/client.js";
import { History } from "./chats/history.js";
import { loadSettings } from "./settings.js";
import { browserStorage } from "./storage.js";

const storage = browserStorage("localStorage");
const session = browserStorage("sessionStorage");
const settings = loadSettings(storage);

new App({ client: new Client(), history: new History(storage), storage, session, settings }).start();
