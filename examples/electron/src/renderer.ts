// The page: that of the desktop example, over a MessagePort to the engine's process.
import { Conversation } from "../../chat/conversation.js";
import { EngineClient } from "../../chat/engine-client.js";
import { Page } from "../../chat/page.js";
import type { FromEngine } from "../../chat/protocol.js";
import { portMessage } from "./bridge.js";

const client = new EngineClient();
new Page(client, () => new Conversation());

window.addEventListener("message", ({ source, data, ports: [port] }: MessageEvent<unknown>) => {
    if (source !== window || data !== portMessage || port === undefined) return;
    port.onmessage = ({ data }: MessageEvent<FromEngine>) => client.receive(data);
    client.connect({ send: (message) => port.postMessage(message) });
});
window.engineBridge.onLost((why) => client.disconnect(why));
client.onWanted = () => window.engineBridge.want();
window.engineBridge.ready();
