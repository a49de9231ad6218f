// RAST with node-llama-cpp's public interface alone: what a JavaScript user can write without this package. For every
// token the full distributions of three models come to JavaScript, where they are fused and drawn from.
//
// A child process, driven over IPC, one command after the other (src/bench/measure/peer.ts is its client):
//   {load: {base, expert, antiexpert, contextSize, threads, gpu}} -> {loaded: {backend, vocabularySize, loadMs}}
//   {generate: {tokens, maxTokens, temperature, topP, lambda, seed}} -> {tokens, ms, firstTokenMs}
//   {dispose: true} -> {disposed: true}, and the process ends
// What fails is answered with {error: message}.
import { getLlama, LlamaLogLevel } from "node-llama-cpp";

// What makes this interface give all logits soonest. `logits` instead of `probabilities` spares an exponential there and
// a logarithm here. They come sorted whatever is asked; top-k over the whole vocabulary sorts by buckets, which is
// quicker than what follows a greedy draw. Temperature 1 and top-p 1 change no logit and drop none.
const allLogits = { generateNext: { logits: true, options: { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 1 } } };

let loaded;
let problems = [];

async function load({ base, expert, antiexpert, contextSize, threads, gpu }) {
    if (loaded !== undefined) throw new Error("models are loaded already");
    const start = performance.now();
    const llama = await getLlama({
        gpu,
        maxThreads: gpu === false ? threads : 0,
        build: "never",
        skipDownload: true,
        progressLogs: false,
        logLevel: LlamaLogLevel.error,
        logger: (_, message) => problems.push(message.trim())
    });
    const models = [];
    for (const modelPath of [base, expert, antiexpert]) {
        const model = await llama.loadModel({ modelPath, gpuLayers: gpu === false ? 0 : "max" });
        // One place more than asked for, as it leaves the last one free. The three contexts may share the threads.
        const context = await model.createContext({
            contextSize: contextSize + 1,
            threads: { ideal: threads, min: 1 }
        });
        models.push({ model, sequence: context.getSequence(), width: [...model.iterateAllTokens()].length });
    }
    const width = Math.min(...models.map((one) => one.width));
    loaded = {
        models,
        contextSize,
        neverDrawn: idsThatAreNoText(models, width),
        fused: new Float32Array(width),
        delta: new Float32Array(width),
        mass: new Float64Array(width)
    };
    return {
        backend: llama.gpu === false ? "cpu" : llama.gpu,
        vocabularySize: models[0].width,
        loadMs: performance.now() - start
    };
}

function idsThatAreNoText(models, width) {
    const ids = Array.from({ length: width }, (_, id) => id);
    return ids.filter((id) =>
        models.some(({ model }) => {
            const attributes = model.getTokenAttributes(id);
            return attributes.unused || attributes.undefined;
        })
    );
}

// Logits after these tokens, of each model. All are asked for at once, the small ones first, so that their logits are
// sorted and converted while the base decodes. Measured on two cores, that is 40% quicker than one after the other at a
// vocabulary of 32,000, 15% at 151,936; all at once with equal shares of the threads lies between.
function evaluate(tokens) {
    const input = tokens.map((token, index) => (index === tokens.length - 1 ? [token, allLogits] : token));
    const one = async ({ sequence }) => (await sequence.controlledEvaluate(input))[tokens.length - 1].next.logits;
    const [base, expert, antiexpert] = loaded.models;
    const small = [one(expert), one(antiexpert)];
    return Promise.all([one(base), ...small]);
}

// base + lambda * (expert - antiexpert), over the ids that all models have.
function fuse([base, expert, antiexpert], lambda) {
    const { fused, delta, neverDrawn } = loaded;
    const width = fused.length;
    for (const [id, logit] of base) if (id < width) fused[id] = logit;
    for (const [id, logit] of expert) if (id < width) delta[id] = logit;
    for (const [id, logit] of antiexpert) if (id < width) delta[id] -= logit;
    for (let id = 0; id < width; ++id) fused[id] += lambda * delta[id];
    for (const id of neverDrawn) fused[id] = -Infinity;
    return fused;
}

function largest(logits) {
    let best = 0;
    for (let id = 1; id < logits.length; ++id) if (logits[id] > logits[best]) best = id;
    return best;
}

const depth = 46; // e^-46 of a whole vocabulary is lost to rounding
const masses = new Float64Array(512); // by how far a logit lies below the largest

// Temperature, the fewest tokens whose mass reaches topP of all, then the inverse of their cumulative distribution.
function draw(logits, temperature, topP, random) {
    const { mass } = loaded;
    const best = logits[largest(logits)];
    const perBucket = masses.length / depth;
    let all = 0;
    masses.fill(0);
    for (let id = 0; id < logits.length; ++id) {
        const below = (best - logits[id]) / temperature;
        mass[id] = below < depth ? Math.exp(-below) : 0;
        if (mass[id] === 0) continue;
        masses[Math.floor(below * perBucket)] += mass[id];
        all += mass[id];
    }
    // Only what lies in the buckets that the wanted mass reaches into has to be sorted.
    let bucket = 0;
    for (let sum = masses[0]; sum < topP * all && bucket + 1 < masses.length; ++bucket) sum += masses[bucket + 1];
    const limit = (bucket + 1) / perBucket;
    const kept = [];
    for (let id = 0; id < logits.length; ++id) if ((best - logits[id]) / temperature < limit) kept.push(id);
    kept.sort((a, b) => mass[b] - mass[a] || a - b);
    let sum = 0;
    let count = 0;
    while (count < kept.length && (sum < topP * all || count === 0)) sum += mass[kept[count++]];
    let rest = random() * sum;
    for (let at = 0; at < count - 1; ++at) {
        rest -= mass[kept[at]];
        if (rest < 0) return kept[at];
    }
    return kept[count - 1];
}

// mulberry32
function generator(seed) {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) | 0;
        let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
        mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
}

async function generate({ tokens: prompt, maxTokens, temperature, topP, lambda, seed }) {
    if (loaded === undefined) throw new Error("no models are loaded");
    const { models, contextSize, fused } = loaded;
    if (prompt.length + maxTokens > contextSize + 1) {
        throw new Error(`${prompt.length} + ${maxTokens} tokens do not fit into a context of ${contextSize}`);
    }
    if (!prompt.every((id) => id < fused.length)) throw new Error(`expected tokens below ${fused.length}`);
    const random = generator(seed);
    for (const { sequence } of models) await sequence.clearHistory();
    // what stands before counts for nothing, as in the engine's own rows
    const before = prompt.slice(0, -1);
    if (before.length > 0) {
        await Promise.all(models.map(({ sequence }) => sequence.controlledEvaluate(before)));
    }
    const start = performance.now();
    const tokens = [];
    let first = start;
    for (let pending = prompt.slice(-1); tokens.length < maxTokens; pending = tokens.slice(-1)) {
        const logits = fuse(await evaluate(pending), lambda);
        tokens.push(temperature < 0.0001 ? largest(logits) : draw(logits, temperature, topP, random));
        if (tokens.length === 1) first = performance.now();
    }
    return { tokens, ms: performance.now() - start, firstTokenMs: first - start };
}

// ---- commands

const isText = (value) => typeof value === "string" && value.length > 0;
const isNumber = (low, high) => (value) => typeof value === "number" && value >= low && value <= high;
const isCount = (low) => (value) => Number.isSafeInteger(value) && value >= low;
const isTokens = (value) => Array.isArray(value) && value.length > 0 && value.every(isCount(0));

const commands = {
    load: {
        fields: {
            base: isText,
            expert: isText,
            antiexpert: isText,
            contextSize: isCount(8),
            threads: isCount(1),
            gpu: (value) => [false, "auto", "cuda", "vulkan", "metal"].includes(value)
        },
        run: async (fields) => ({ loaded: await load(fields) })
    },
    generate: {
        fields: {
            tokens: isTokens,
            maxTokens: isCount(1),
            temperature: isNumber(0, Infinity),
            topP: isNumber(0, 1),
            lambda: isNumber(-Infinity, Infinity),
            seed: isCount(0)
        },
        run: generate
    }
};

async function answer(message) {
    const name = Object.keys(commands).find((key) => typeof message?.[key] === "object" && message[key] !== null);
    if (name === undefined) return { error: `expected a command: ${Object.keys(commands).join(", ")} or dispose` };
    const wrong = Object.entries(commands[name].fields).find(([key, fits]) => !fits(message[name][key]));
    if (wrong !== undefined) return { error: `${name}: ${wrong[0]} is missing or wrong` };
    problems = [];
    try {
        return await commands[name].run(message[name]);
    } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return { error: [why, ...problems].join("; ") };
    }
}

let queue = Promise.resolve();
process.on("message", (message) => {
    queue = queue.then(async () => {
        const isLast = message?.dispose === true;
        const reply = isLast ? { disposed: true } : await answer(message);
        process.send(reply, () => isLast && process.exit(0));
    });
});
// Without a parent there is no work; an orderly exit would wait for the decode that is running.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
