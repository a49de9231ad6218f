// Made-up records: as `rast bench` writes them, with round numbers.
import {
    recordSchema,
    type BenchCase,
    type BenchMemory,
    type BenchModel,
    type BenchRecord,
    type BenchResult
} from "../../src/bench/record/schema.js";

const mebibyte = 1_048_576;

const base: BenchModel = {
    role: "base",
    pair: 0,
    file: "base-q4.gguf",
    fileBytes: 1024 * mebibyte,
    name: null,
    description: "qwen2 1.5B Q4_0",
    quantization: "Q4_0",
    parameterCount: 1_540_000_000,
    vocabularySize: 151_936
};
const expert: BenchModel = {
    ...base,
    role: "expert",
    file: "expert-q4.gguf",
    fileBytes: 256 * mebibyte,
    description: "qwen2 0.5B Q4_0",
    parameterCount: 490_000_000
};

/** One base and its pair, or more pairs. */
export function someModels(pairs = 1): BenchModel[] {
    const ofPair = (pair: number): BenchModel[] => [
        { ...expert, pair },
        { ...expert, pair, role: "antiexpert", file: "antiexpert-q4.gguf" }
    ];
    return [base, ...Array.from({ length: pairs }, (_, pair) => ofPair(pair)).flat()];
}

/** A row: tg128 on the device path, three samples; nothing else was measured. */
export function someResult(changes: Partial<BenchResult> = {}): BenchResult {
    const mode = changes.mode ?? "device";
    return {
        test: "tg128",
        kind: "tg",
        mode,
        tokens: 128,
        depth: 0,
        sequences: 1,
        threads: 2,
        gpuLayers: 0,
        kvType: "f16",
        lambdas: mode === "base" ? [] : [1],
        temperature: 1,
        topP: 0.95,
        samples: [10, 11, 12],
        idealSamples: [],
        hostBytesPerToken: null,
        shares: null,
        stepMs: null,
        agreement: null,
        tokensPerRound: null,
        network: null,
        path: "device: CPU",
        noise: null,
        warnings: [],
        ...changes
    };
}

/** An engine's memory. */
export function someMemory(changes: Partial<BenchMemory> = {}): BenchMemory {
    const part = {
        repackedBytes: 0,
        cacheBytes: 32 * mebibyte,
        computeBytes: 64 * mebibyte,
        outputBytes: mebibyte,
        samplerBytes: 2 * mebibyte
    };
    const models = [base, expert, expert].map(({ fileBytes }, index) => ({
        role: (["base", "expert", "antiexpert"] as const)[index]!,
        pair: 0,
        fileBytes,
        ...part
    }));
    return {
        threads: 2,
        gpuLayers: 0,
        kvType: "f16",
        sampler: "device",
        speculation: false,
        contextSize: 4096,
        sequences: 1,
        models,
        accountedBytes: (1536 + 3 * 99) * mebibyte,
        peakBytes: 1900 * mebibyte,
        deviceBytes: null,
        ...changes
    };
}

/** A record of one row, or of what is given. */
export function someRecord(changes: Partial<BenchRecord> = {}): BenchRecord {
    return {
        schema: recordSchema,
        date: "2026-11-25T07:09:50Z",
        command: "rast bench --trio my-trio.json",
        machine: {
            cpu: "Some CPU",
            cores: 2,
            memoryBytes: 8 * 1024 * mebibyte,
            platform: "linux",
            arch: "x64",
            release: "6.1.0",
            node: "v20.20.2",
            devices: [],
            driver: null
        },
        versions: {
            rast: "0.1.0",
            nodeLlamaCpp: "3.22.1",
            llamaCpp: "v0.5.0",
            ggml: "0.9.4",
            ggmlCommit: "a1b2c3d"
        },
        backend: "CPU",
        backendReason: "no GPU was found",
        trio: null,
        models: someModels(),
        repetitions: 3,
        loads: 1,
        activity: null,
        warnings: [],
        seed: 1,
        memory: [],
        results: [someResult()],
        ...changes
    };
}

const speeds: Readonly<Record<BenchCase["mode"], number>> = {
    base: 21.6,
    host: 11.2,
    device: 12.9,
    draft: 17.4,
    "node-llama-cpp": 4.1
};

const shares = {
    base: { base: 0.97, expert: 0, antiexpert: 0, sampling: 0.01, overhead: 0.02 },
    host: { base: 0.56, expert: 0.14, antiexpert: 0.14, sampling: 0.11, overhead: 0.05 },
    device: { base: 0.65, expert: 0.16, antiexpert: 0.16, sampling: 0.012, overhead: 0.018 },
    draft: { base: 0.48, expert: 0.31, antiexpert: 0.17, sampling: 0.02, overhead: 0.02 }
};

/** A row of the full record: six samples around a speed, with all that such a row has. */
function fullResult(changes: Partial<BenchResult> & Pick<BenchResult, "mode">, factor = 1): BenchResult {
    const { mode, kind = "tg" } = changes;
    const speed = speeds[mode] * factor;
    const samples = [1, 0.98, 1.03, 0.99, 1.01, 0.97].map((noise) => speed * noise);
    const drawn = kind === "tg" && mode !== "node-llama-cpp" ? mode : null;
    return someResult({
        samples,
        idealSamples: kind === "tg" ? samples.map((value, index) => value * (1.04 + index / 200)) : [],
        hostBytesPerToken: drawn === null ? null : drawn === "host" ? 3 * 4 * 151_936 : 16,
        shares: drawn === null ? null : shares[drawn],
        stepMs: drawn === null ? null : (1000 / speed) * (drawn === "draft" ? 3.2 : 1),
        agreement: drawn === "draft" ? 0.83 : null,
        tokensPerRound: drawn === "draft" ? 3.2 : null,
        ...(mode === "node-llama-cpp" ? { path: "" } : {}),
        ...changes
    });
}

/** All modes, several sequences and depths, prompts, a peer, a GPU, memory of each engine. */
export function fullRecord(): BenchRecord {
    const modes = ["base", "host", "device", "draft"] as const;
    const prompts = modes.slice(0, 3).map((mode) => fullResult({ mode, test: "pp512", kind: "pp", tokens: 512 }, 14));
    const generated = [...modes, "node-llama-cpp" as const].map((mode) => fullResult({ mode }));
    const deep = [1024, 4096, 32_768].flatMap((depth) =>
        modes.map((mode) => fullResult({ mode, test: `tg128 @ d${depth}`, depth }, 1 / (1 + depth / 16_000)))
    );
    const together = [2, 4, 8, 16].flatMap((sequences) =>
        modes.map((mode) => fullResult({ mode, sequences }, sequences ** 0.6))
    );
    const machine = {
        ...someRecord().machine,
        cpu: "AMD EPYC 7B13",
        devices: [
            {
                name: "Vulkan0",
                description: "Some GPU 24 GB",
                backend: "Vulkan",
                memoryTotalBytes: 24 * 1024 * mebibyte
            }
        ],
        driver: "550.54.14"
    };
    return someRecord({
        command: "rast bench --trio my-trio.json --modes base,host,device,draft --depths 0,1024,4096,32768 --peers",
        machine,
        repetitions: 6,
        memory: [
            someMemory({ sampler: "host" }),
            someMemory(),
            someMemory({ speculation: true, sequences: 16, peakBytes: 2100 * mebibyte })
        ],
        results: [...prompts, ...generated, ...deep, ...together]
    });
}

/** Strings that would be markup if they were not escaped, or would break a table or a terminal. */
export const hostileText = `<script>alert(1)</script>"'&|\u001b[31m\u202e`;

/** A record whose every free string is hostile. */
export function hostileRecord(): BenchRecord {
    const record = fullRecord();
    return {
        ...record,
        command: `rast bench --base ${hostileText}`,
        machine: {
            ...record.machine,
            cpu: hostileText,
            platform: hostileText,
            arch: hostileText,
            release: hostileText,
            node: hostileText,
            devices: [{ name: hostileText, description: hostileText, backend: hostileText, memoryTotalBytes: 1 }],
            driver: hostileText
        },
        versions: {
            rast: hostileText,
            nodeLlamaCpp: hostileText,
            llamaCpp: hostileText,
            ggml: hostileText,
            ggmlCommit: hostileText
        },
        backend: hostileText,
        backendReason: hostileText,
        trio: hostileText,
        warnings: [hostileText],
        models: record.models.map((model) => ({
            ...model,
            name: hostileText,
            file: hostileText,
            description: hostileText
        })),
        memory: record.memory.map((memory) => ({ ...memory, kvType: hostileText })),
        results: record.results.map((row, index) => ({
            ...row,
            test: `${row.test} ${hostileText}`,
            kvType: index % 2 === 0 ? "f16" : hostileText,
            path: hostileText,
            warnings: index % 3 === 0 ? [hostileText] : []
        }))
    };
}
