// The desktop example's app, whose page a test drives: it sends {id, expression}, and hears what the expression gives.
// argv: options of loads and of the app, as JSON.
import { startApp } from "../../../examples/desktop/app.js";
import * as rastLlama from "../../../dist/index.js";

const tell = (message) => process.send?.(message, () => {});
// The random models of the trio "endless" would end at any token, and soon: whatever a page may ask for takes them two
// seconds. Only what takes minutes is still at work when a busy machine gets to stop or kill it.
const eos = 2;
const most = 4096;
async function loadRast(options) {
    if (!options.trio.includes("endless")) return rastLlama.loadRast(options);
    const rast = await rastLlama.loadRast({ ...options, contextSize: 100_000 });
    const generate = rast.generate.bind(rast);
    rast.generate = ({ maxTokens, ...asked }) =>
        generate({ ...asked, maxTokens: maxTokens === most ? 49_000 : maxTokens, logitBias: { [eos]: -100 } });
    return rast;
}

const { window, closed } = await startApp({
    library: { ...rastLlama, loadRast },
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
