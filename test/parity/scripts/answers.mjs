// Answers as JSON: node answers.mjs '{"load": ..., "requests": [...]}'
import { loadRast } from "../../../dist/index.js";

const { load, requests } = JSON.parse(process.argv[2]);
const rast = await loadRast(load);
const results = [];
for (const request of requests) {
    const { tokens, logprobs } = await rast.complete(request);
    results.push({ tokens: [...tokens], logprobs: (logprobs ?? []).map(({ logprob }) => logprob) });
}
const { base, pairs, path } = rast.info;
const devices = [base, ...pairs.flatMap(({ expert, antiexpert }) => [expert, antiexpert])].map(({ device }) => device);
const moved = pairs.flatMap(({ expert, antiexpert }) => [expert.specialTokens.length, antiexpert.specialTokens.length]);
console.log(JSON.stringify({ results, devices, path, moved }));
await rast.dispose();
