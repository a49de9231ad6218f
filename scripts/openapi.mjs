// Writes docs/openapi.json, which the server itself makes of the schemas that check its bodies. With --check it only compares.
import { readFileSync, writeFileSync } from "node:fs";
import { serve } from "../dist/server/index.js";

const file = new URL("../docs/openapi.json", import.meta.url);
const server = await serve({ models: ["demo-chat"], port: 0, lazy: true, logLevel: "silent" });
const description = await (await fetch(`${server.url}/openapi.json`)).json();
await server.close({ graceSeconds: 0 });

const text = `${JSON.stringify(description, null, 4)}\n`;
if (!process.argv.includes("--check")) {
    writeFileSync(file, text);
} else if (readFileSync(file, "utf8") !== text) {
    console.error("docs/openapi.json is not what the server says. Run `node scripts/openapi.mjs`.");
    process.exitCode = 1;
}
