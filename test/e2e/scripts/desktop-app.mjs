// The desktop example's app, whose page a test drives: it sends {id, expression}, and hears what the expression gives.
// argv: options of loads and of the app, as JSON.
import { startApp } from "../../../examples/desktop/app.js";
import * as library from "../../../dist/index.js";

const tell = (message) => process.send?.(message, () => {});
const { window, closed } = await startApp({
    library,
    ...JSON.parse(process.argv[2]),
    onStranger: (text) => tell(JSON.parse(text)),
    onPage: () => tell({ page: true })
});
process.on("message", ({ id, expression }) => {
    window.evaluate(
        `window.ipc.postMessage(JSON.stringify({ id: ${id}, value: (() => { try { return (${expression}) ?? null; } catch (error) { return String(error); } })() }))`
    );
});
// Whoever drives it may be gone; the window decides how long it lives.
process.channel?.unref();
await closed;
process.exit(0);
