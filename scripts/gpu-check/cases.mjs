// The tests of step "test": what runs, and what its output must say. The native test program has tolerances of its own
// and fails beyond them (native/test); test/parity and test/e2e run the same on the CPU and on software Vulkan.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A number that a program printed after a label. */
export function figure(output, label) {
    const found = new RegExp(`${label} ([-+.\\de]+)`).exec(output);
    if (found === null) throw new Error(`no "${label}" in the output`);
    return Number(found[1]);
}

function expect(condition, what) {
    if (!condition) throw new Error(what);
}

const rowsWithin = (output) => ({
    rows: figure(output, "ok rows"),
    nearTies: figure(output, "near-ties"),
    hostFinished: figure(output, "host-finished")
});

const graphFigures = (output) => ({ ...rowsWithin(output), worstLogit: figure(output, "worst-logit") });
const parityFigures = (output) => ({ ...rowsWithin(output), worstLogprob: figure(output, "worst-logprob") });

const draftFigures = (output) => ({
    sequences: figure(output, "ok sequences"),
    nearTies: figure(output, "near-ties"),
    rounds: figure(output, "rounds"),
    drafted: figure(output, "drafted"),
    accepted: figure(output, "accepted")
});

// Device rows of the sampler's graph against double precision; made-up logits, so no model is needed.
function graphCases({ rounds }) {
    const one = (name, options) => ({
        name: `graph: ${name}`,
        run: async ({ native }) => graphFigures(await native("graph", { rounds, ...options }))
    });
    return [
        ...[1, 2, 3].map((pairs) => one(`${pairs} pairs, all candidates sorted`, { vocab: 32, pairs })),
        one("more tokens than are sorted", { vocab: 5003, pairs: 3 }),
        ...[151936, 152064].map((vocab) => one(`${vocab} tokens`, { vocab, pairs: 1, rounds: Math.min(rounds, 10) }))
    ];
}

// The engine against contexts of llama.cpp whose logits are read whole and drawn from in double precision.
function parityCases({ requests, tokens, gpu }) {
    const one = (name, models, options = {}) => ({
        name: `parity: ${name}`,
        run: async ({ native, models: all }) => {
            const output = await native("parity", { requests, tokens, ...(await models(all)), ...options });
            const figures = parityFigures(output);
            if (options.sampler === "host") {
                expect(
                    figures.hostFinished === figures.rows,
                    "rows were drawn on the device in spite of the host path"
                );
            } else if (gpu) {
                expect(/^path device /m.test(output), `rows were not drawn on the device: ${output.split("\n")[0]}`);
            }
            return figures;
        }
    });
    const demo = ({ demo: d }) => ({ base: d.base, experts: d.expert, antiexperts: d.antiexpert });
    const wide = (base, small) => async (models) => {
        const trio = await models.shaped(base, small);
        const prompt = "Q: 12+3=? abc\n";
        return {
            base: trio.base,
            experts: trio.expert,
            antiexperts: trio.antiexpert,
            prompt,
            tokens: Math.min(tokens, 8)
        };
    };
    return [
        one("demo models, one pair", demo),
        one("demo models, two pairs", ({ demo: d }) => ({
            base: d.base,
            experts: `${d.expert},${d.strongExpert}`,
            antiexperts: `${d.antiexpert},${d.strongAntiexpert}`
        })),
        one("demo models, three pairs", ({ demo: d }) => ({
            base: d.base,
            experts: `${d.expert},${d.strongExpert},${d.strongAntiexpert}`,
            antiexperts: `${d.antiexpert},${d.strongAntiexpert},${d.antiexpert}`
        })),
        one("demo models, host path", demo, { sampler: "host" }),
        one("padding that differs per model", async (models) => {
            const trio = await models.tiny({ padding: { base: 9, expert: 3 } });
            return { base: trio.base, experts: trio.expert, antiexperts: trio.antiexpert, prompt: "ab c" };
        }),
        one("base 151936 wide, small models 151936", wide(151936, 151936)),
        one("base 152064 wide, small models 151936", wide(152064, 151936)),
        one("base 151936 wide, small models 152064", wide(151936, 152064)),
        ...(gpu
            ? [
                  one("expert on the CPU", demo, { "expert-gpu-layers": 0, tokens: 6 }),
                  one("both small models on the CPU", demo, {
                      "expert-gpu-layers": 0,
                      "antiexpert-gpu-layers": 0,
                      tokens: 6
                  }),
                  one("half of the base on the CPU", demo, { "base-gpu-layers": 2, tokens: 6 })
              ]
            : []),
        {
            name: "parity: lambda 0, equal experts, mode expert, all modes side by side",
            run: async ({ native, models: all }) => {
                const output = await native("modes", { ...demo(all), tokens: Math.max(tokens, 8) });
                const differing = figure(output, "differing in company");
                expect(differing <= 1, `${differing} of 7 requests differ in company`);
                return { differing };
            }
        },
        {
            name: "no graph split is added",
            run: async ({ native, models: all }) => {
                const output = await native("parity", { ...demo(all), requests: 3, tokens: 1 });
                const splits = /splits (\d+)\/(\d+)\/(\d+), without sampler (\d+)/.exec(output);
                expect(splits !== null, "the output names no splits");
                const [base, expert, antiexpert, plain] = splits.slice(1).map(Number);
                const all3 = [base, expert, antiexpert].every((count) => count === plain);
                expect(all3, `splits ${base}/${expert}/${antiexpert}, without the sampler ${plain}`);
                return { base, expert, antiexpert, plain };
            }
        }
    ];
}

// Drafted against plain, and many together against one after the other: the same tokens, but for proven near-ties.
function draftCases({ requests, tokens, draftRequests }) {
    const lengths = "0,1,2,4,8,auto";
    const one = (name, models, options, check = () => {}) => ({
        name: `drafts: ${name}`,
        run: async ({ native, models: all }) => {
            const wanted = { requests: draftRequests, tokens, "max-draft": 8, lengths };
            const figures = draftFigures(await native("drafts", { ...wanted, ...(await models(all)), ...options }));
            check(figures);
            return figures;
        }
    });
    const demo = ({ demo: d }) => ({ base: d.base, experts: d.expert, antiexperts: d.antiexpert });
    // in F32 without flash attention batches of other shapes differ by rounding alone
    const wide = async (models) => ({ ...demo({ demo: await models.wideDemo() }), "flash-attention": "off" });
    const together = { "max-draft": 6, context: 160, batch: 64, mixed: 1, reuse: 1, lengths: "0,3,auto" };
    return [
        one("demo models", demo, {}),
        one(
            "full agreement",
            ({ demo: d }) => ({ base: d.base, experts: d.base, antiexperts: d.base }),
            { requests, "max-draft": 15, lengths: "4,15,auto" },
            ({ drafted, accepted }) => expect(accepted > 0.98 * drafted, `${accepted} of ${drafted} drafts accepted`)
        ),
        one(
            "an expert with nothing to say",
            async (models) => {
                const trio = await models.tiny({ padding: { base: 9, expert: 3 } });
                return { base: trio.base, experts: trio.expert, antiexperts: trio.antiexpert, prompt: "ab c" };
            },
            { requests, lambda: 0.01 },
            ({ drafted, accepted }) => expect(accepted < 0.1 * drafted, `${accepted} of ${drafted} drafts accepted`)
        ),
        one("F32, one slot", wide, {}),
        one("F32, four slots", wide, { slots: 4 }),
        one(
            "base 152064 wide, small models 151936",
            async (models) => {
                const trio = await models.shaped(152064, 151936);
                const prompt = "Q: 12+3=? abc\n";
                return { base: trio.base, experts: trio.expert, antiexperts: trio.antiexpert, prompt };
            },
            { requests: Math.min(requests, 8), tokens: Math.min(tokens, 8), "max-draft": 4, lengths: "1,4,auto" }
        ),
        one("together, 4 slots", wide, { ...together, slots: 4 }),
        one("together, 16 slots", wide, { ...together, slots: 16 }),
        { name: "drafts: the choice of a length", run: async ({ native }) => void (await native("draft-length", {})) }
    ];
}

const width = 151936;

// A library preloaded into the process counts every read from the device, whoever makes it.
function byteCases({ gpu, byteTokens }) {
    const generate = async ({ rast, folder, models }, ...more) => {
        const trio = await models.shaped(width, width);
        const file = join(folder, "reads.json");
        const args = Object.entries(trio).flatMap(([role, path]) => [`--${role}`, path]);
        const settings = ["--max-tokens", String(byteTokens), "--seed", "5", "--ignore-eos", "--context-size", "256"];
        const layers = ["--gpu-layers", gpu ? "99" : "0", "--json"];
        const output = await rast(["generate", ...args, ...settings, ...layers, ...more, "Q: 12+3=? abc"], {
            preload: true,
            env: { RAST_READS_FILE: file }
        });
        const result = JSON.parse(output);
        const { smallBytes, wideBytes, wideCalls } = JSON.parse(readFileSync(file, "utf8"));
        const { hostBytes, hostRows, hostRowBytes } = result;
        const tokens = result.usage.completionTokens;
        const perToken = smallBytes / tokens;
        return {
            result,
            figures: { tokens, perToken, smallBytes, wideBytes, wideCalls, hostBytes, hostRows, hostRowBytes }
        };
    };
    const within = ({ perToken }) => expect(perToken <= 64, `${perToken.toFixed(1)} bytes a token`);
    const cases = [
        {
            name: `bytes to the host, ${width} tokens: paper's settings`,
            run: async (tools) => {
                const { result, figures } = await generate(tools, "--draft", "off");
                expect(result.path === "device", `path ${result.path}`);
                within(figures);
                const { tokens, hostRows } = figures;
                expect(hostRows <= 0.01 * tokens, `${hostRows} of ${tokens} rows were finished on the host`);
                if (gpu) {
                    const { smallBytes, wideCalls, wideBytes, hostBytes, hostRowBytes } = figures;
                    expect(smallBytes === hostBytes, `${smallBytes} bytes were read, the result says ${hostBytes}`);
                    expect(
                        wideCalls === hostRows && wideBytes === hostRowBytes,
                        `${wideCalls} rows of ${wideBytes} bytes were read, the result says ${hostRows} and ${hostRowBytes}`
                    );
                }
                return figures;
            }
        },
        {
            name: `bytes to the host, ${width} tokens: drafted`,
            run: async (tools) => {
                const { figures } = await generate(tools, "--draft", "auto");
                within(figures);
                return figures;
            }
        },
        {
            name: `bytes to the host, ${width} tokens: five log-probabilities`,
            run: async (tools) => {
                const { result, figures } = await generate(tools, "--draft", "off", "--logprobs", "5");
                expect(result.logprobs.length === figures.tokens, `${result.logprobs.length} log-probabilities`);
                within(figures);
                return figures;
            }
        }
    ];
    if (gpu) {
        cases.push({
            name: `bytes to the host, ${width} tokens: host path, so that the count can fail`,
            run: async (tools) => {
                const { figures } = await generate(tools, "--draft", "off", "--sampler", "host", "--max-tokens", "3");
                const { wideBytes } = figures;
                expect(wideBytes === 3 * width * 4, `${wideBytes} bytes, expected ${3 * width * 4}`);
                return figures;
            }
        });
    }
    return cases;
}

// Processes that end, abort and load again; scripts of test/lifecycle and lifecycle.mjs beside this file.
function lifeCases({ quick }) {
    const own = (name, ...args) => ({
        name: `lifecycle: ${name}`,
        run: async ({ script }) => JSON.parse(await script("scripts/gpu-check/lifecycle.mjs", args))
    });
    const ending = (name, how, code) => ({
        name: `lifecycle: ${name}`,
        run: async ({ script }) => void (await script("test/lifecycle/scripts/forgetful.mjs", [how], { code }))
    });
    const times = (many, few) => String(quick ? few : many);
    return [
        own("aborts at random moments", "aborts", times(60, 8)),
        own("loads aborted at random moments", "loads", times(20, 4)),
        own("loads again and again", "again", times(40, 6)),
        ...["loading", "running", "finished"].map((phase) =>
            own(`a worker that ends while ${phase}`, "workers", phase, times(5, 2))
        ),
        ending("a script that forgets to dispose, idle", "idle", 0),
        ending("a script that forgets to dispose, mid-generation", "running", 0),
        ending("process.exit while loading", "exit-loading", 3),
        ending("process.exit while generating", "exit-running", 3)
    ];
}

/**
 * All cases. Each has a name and `run(tools)`, which returns figures for the record or throws what is wrong.
 * @param {{ gpu: boolean, quick: boolean, versions: object }} options quick: fewer requests and repetitions
 */
export function casesFor({ gpu, quick, versions }) {
    const sizes = quick
        ? { rounds: 4, requests: 8, tokens: 6, draftRequests: 8, byteTokens: 20 }
        : { rounds: 30, requests: 16, tokens: 24, draftRequests: 64, byteTokens: 101 };
    const options = { ...sizes, gpu, quick };
    return [
        {
            name: "devices",
            run: async ({ rast }) => {
                const { backend, reason, devices, libraries } = JSON.parse(await rast(["devices", "--json"]));
                expect(backend === (gpu ? "cuda" : "cpu"), `backend ${backend}: ${reason}`);
                const found = `${libraries.ggmlVersion} ${libraries.ggmlCommit}`;
                expect(found === `${versions.ggml} ${versions.ggmlCommit}`, `ggml is ${found}`);
                return { devices: devices.map(({ name, description }) => `${name}: ${description}`) };
            }
        },
        ...graphCases(options),
        ...parityCases(options),
        ...draftCases(options),
        ...byteCases(options),
        ...lifeCases(options),
        {
            name: "demo: accuracies",
            run: async ({ rast }) => {
                const { trios } = JSON.parse(await rast(["demo", "--json", "--problems", quick ? "20" : "200"]));
                return { trios };
            }
        }
    ];
}
