// Scores and a generation that explains itself, for bytes.test.ts: node score-bytes.mjs BASE EXPERT ANTIEXPERT
import { loadRast } from "../../../dist/index.js";

const [base, expert, antiexpert] = process.argv.slice(2);
const rast = await loadRast({ base, expert, antiexpert, contextSize: 256, learned: false, speculation: "off" });
const prompt = "Q: 12+3=?";
const scored = await rast.score({ prompt, completion: " abc", top: 5 });
const drawn = await rast.complete({ prompt, seed: 5, maxTokens: 3, ignoreEos: true, explain: true });
await rast.dispose();
const counts = ({ hostBytes, hostRows, hostRowBytes, tokens }) => ({
    hostBytes,
    hostRows,
    hostRowBytes,
    tokens: tokens.length
});
process.stdout.write(JSON.stringify({ scored: counts(scored), drawn: counts(drawn), path: scored.path }));
