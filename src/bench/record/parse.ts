// Reads a record that comes from outside: what it lets through, printers, comparison and page can show.
import { RastError } from "../../errors.js";
import { limits } from "../../limits.js";
import { caseKey } from "./cases.js";
import {
    benchModes,
    benchPeers,
    benchRoles,
    readableSchemas,
    type BenchActivity,
    type BenchMachine,
    type BenchMemory,
    type BenchModel,
    type BenchNetwork,
    type BenchNoise,
    type BenchRecord,
    type BenchResult,
    type BenchShares
} from "./schema.js";
import { flag, listOf, name, numberOf, objectOf, oneOf, orAbsent, orNull, remark, textLike } from "./readers.js";

const integer = (min: number, max = Number.MAX_SAFE_INTEGER) => numberOf({ min, max, integer: true });
const count = integer(1, 1_000_000_000);
const bytes = integer(0);
// Far beyond any machine, and near enough that sums and ratios stay finite.
const rate = numberOf({ min: 1e-6, max: 1e12 });
const share = numberOf({ min: 0, max: 1 });
const role = oneOf(benchRoles);
const pair = integer(0, 2);

const machine = objectOf<BenchMachine>({
    cpu: name,
    cores: count,
    memoryBytes: bytes,
    platform: name,
    arch: name,
    release: remark,
    node: name,
    devices: listOf(objectOf({ name, description: remark, backend: name, memoryTotalBytes: bytes }), { max: 64 }),
    driver: orNull(remark)
});

const model = objectOf<BenchModel>({
    role,
    pair,
    file: name,
    fileBytes: bytes,
    name: orAbsent(orNull(remark), null),
    description: name,
    quantization: orNull(remark),
    parameterCount: bytes,
    vocabularySize: count
});

const positive = numberOf({ min: 0, max: 1e12 });
const warnings = orAbsent(listOf(remark, { max: 100 }), []);

const noise = objectOf<BenchNoise>({
    yardstickMs: listOf(numberOf({ min: 1e-6, max: 1e12 })),
    othersCpus: orNull(positive),
    stealShare: orNull(positive),
    throttledShare: orNull(positive)
});

const activity = objectOf<BenchActivity>({
    loadBefore: orNull(positive),
    loadAfter: orNull(positive),
    waitedMs: orNull(positive)
});

const result = objectOf<BenchResult>({
    test: name,
    kind: oneOf(["pp", "tg"]),
    mode: oneOf([...benchModes, ...benchPeers]),
    tokens: count,
    depth: integer(0, 1_000_000_000),
    sequences: count,
    threads: count,
    gpuLayers: integer(0, 1_000_000),
    kvType: name,
    lambdas: listOf(numberOf(limits.lambda), { max: 3 }),
    temperature: numberOf(limits.temperature),
    topP: numberOf(limits.topP),
    samples: listOf(rate, { min: 1 }),
    idealSamples: listOf(rate),
    hostBytesPerToken: orNull(numberOf({ min: 0, max: 1e12 })),
    shares: orNull(
        objectOf<BenchShares>({ base: share, expert: share, antiexpert: share, sampling: share, overhead: share })
    ),
    stepMs: orNull(numberOf({ min: 0, max: 1e12 })),
    agreement: orNull(share),
    tokensPerRound: orNull(numberOf({ min: 0, max: 1e6 })),
    network: orAbsent(
        orNull(
            objectOf<BenchNetwork>({
                bytes: positive,
                networkMs: positive,
                workerMs: positive,
                hereMs: positive,
                waits: positive
            })
        ),
        null
    ),
    path: remark,
    noise: orAbsent(orNull(noise), null),
    warnings
});

const memory = objectOf<BenchMemory>({
    threads: count,
    gpuLayers: integer(0, 1_000_000),
    kvType: name,
    sampler: oneOf(["device", "host"]),
    speculation: flag,
    contextSize: count,
    sequences: count,
    models: listOf(
        objectOf({
            role,
            pair,
            fileBytes: bytes,
            repackedBytes: bytes,
            cacheBytes: bytes,
            computeBytes: bytes,
            outputBytes: bytes,
            samplerBytes: bytes
        }),
        { min: 1, max: 7 }
    ),
    accountedBytes: bytes,
    peakBytes: orNull(bytes),
    deviceBytes: orNull(bytes)
});

const record = objectOf<BenchRecord>({
    schema: oneOf(readableSchemas),
    date: textLike(
        /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-6]\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$/,
        "a date and time in ISO 8601"
    ),
    command: remark,
    machine,
    versions: objectOf({ rast: name, nodeLlamaCpp: name, llamaCpp: name, ggml: name, ggmlCommit: name }),
    backend: name,
    backendReason: remark,
    trio: orAbsent(orNull(remark), null),
    models: listOf(model, { min: 1, max: 7 }),
    repetitions: count,
    loads: orAbsent(count, 1),
    activity: orAbsent(orNull(activity), null),
    warnings,
    seed: numberOf({ min: 0, max: Number.MAX_VALUE }),
    memory: listOf(memory),
    results: listOf(result, { min: 1 })
});

/**
 * Reads a record, whoever wrote it.
 * @param text JSON
 * @param what names it in errors, e.g. the file
 * @throws ERR_BENCH_RECORD naming the field that does not fit
 */
export function parseRecord(text: string, what: string): BenchRecord {
    let content: unknown;
    try {
        content = JSON.parse(text.replace(/^\uFEFF/, ""));
    } catch (cause) {
        throw recordError(what, "it is not JSON", cause);
    }
    let read: BenchRecord;
    try {
        read = record(content, "");
    } catch (cause) {
        if (!(cause instanceof RastError)) throw cause;
        const { message } = cause;
        throw recordError(what, message.charAt(0).toLowerCase() + message.slice(1).replace(/\.$/, ""), cause);
    }
    const fault = faultOfModels(read.models) ?? faultOfResults(read);
    if (fault !== undefined) throw recordError(what, fault);
    return read;
}

function recordError(what: string, reason: string, cause?: unknown): RastError {
    return new RastError("ERR_BENCH_RECORD", `${what} is not a benchmark record: ${reason}.`, {
        details: { what },
        ...(cause === undefined ? {} : { cause })
    });
}

// One base, and for every expert its antiexpert.
function faultOfModels(models: readonly BenchModel[]): string | undefined {
    const places = models.map((one) => `${one.role} ${one.pair}`);
    const twice = places.find((place, index) => places.indexOf(place) !== index);
    if (twice !== undefined) return `models has two of ${twice}`;
    if (!places.includes("base 0")) return "models has no base";
    for (const one of models) {
        if (one.role === "base" && one.pair !== 0) return "models has a base in pair 1 or 2";
        if (one.role === "base") continue;
        const other = one.role === "expert" ? "antiexpert" : "expert";
        if (!places.includes(`${other} ${one.pair}`)) return `models has no ${other} of pair ${one.pair}`;
    }
    return undefined;
}

function faultOfResults({ models, results }: BenchRecord): string | undefined {
    const pairs = models.filter((one) => one.role === "expert").length;
    const seen = new Map<string, number>();
    for (const [index, one] of results.entries()) {
        const where = `results[${index}]`;
        const { samples, idealSamples, shares, lambdas } = one;
        if (idealSamples.length !== 0 && idealSamples.length !== samples.length) {
            return `${where} has ${samples.length} samples and ${idealSamples.length} idealSamples`;
        }
        const expected = one.mode === "base" ? 0 : pairs;
        if (one.mode !== "base" && pairs === 0) return `${where} has mode ${one.mode}, and models has no pair`;
        if (lambdas.length !== expected) {
            return `${where} has ${lambdas.length} lambdas, expected ${expected} for mode ${one.mode}`;
        }
        if (shares !== null) {
            const { base, expert, antiexpert, sampling, overhead } = shares;
            const sum = base + expert + antiexpert + sampling + overhead;
            if (Math.abs(sum - 1) > 0.01) return `${where}.shares add up to ${sum.toFixed(3)}, expected 1`;
        }
        const before = seen.get(caseKey(one));
        if (before !== undefined) return `${where} is the same case as results[${before}]`;
        seen.set(caseKey(one), index);
    }
    return undefined;
}
