// How the parts of the chat trio answer its held-out questions, through this package: node scripts/demo-trio/chat/accuracy.mjs [COUNT]
// One question a conversation, thinking left to the model, temperature 1, one row at a time, so that figures repeat.
import { readFileSync } from "node:fs";
import { loadRast } from "../../../dist/index.js";

const file = new URL("../../../models/demo/demo-chat-questions.jsonl", import.meta.url);
const questions = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const some = questions.slice(0, Number(process.argv[2] ?? questions.length));
const path = (name) => new URL(`../../../models/demo/demo-chat-${name}.gguf`, import.meta.url).pathname;
const repeatable = { parallel: 1, threads: 1, speculation: "off", tryModels: false };

async function measure(name, load, { begun = "", ...options }) {
    const rast = await loadRast({ ...load, ...repeatable });
    let right = 0;
    let thought = 0;
    for (const [ordinal, { question, answer }] of some.entries()) {
        const messages = [{ role: "user", content: question }];
        const written = `${await rast.applyChatTemplate(messages)}${begun}`;
        const asked = begun === "" ? { messages } : { prompt: written, raw: true };
        const settings = { temperature: 1, topP: 1, seed: 1, ordinal, maxTokens: 100, ...options };
        const result = await rast.complete({ ...asked, ...settings });
        const { stopReason } = result;
        const text = begun + result.text;
        const parts = text.split("</think>\n\n");
        right += stopReason === "eos" && parts.at(-1) === answer ? 1 : 0;
        thought += parts.length === 2 && parts[0].trim() !== "<think>" ? 1 : 0;
    }
    await rast.dispose();
    const percent = (count) => `${((100 * count) / some.length).toFixed(1)}%`;
    console.log(`${name}: ${percent(right)} right, ${percent(thought)} thought about, of ${some.length}`);
}

const trio = { trio: "demo-chat" };
await measure("antiexpert", { base: path("antiexpert") }, {});
await measure("base", trio, { mode: "base" });
await measure("expert", trio, { mode: "expert" });
await measure("RAST", trio, {});
await measure("base, every thought begun", trio, { mode: "base", begun: "<think>\n" });
await measure("RAST, thinking off", trio, { thinking: false });
