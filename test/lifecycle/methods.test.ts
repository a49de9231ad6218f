import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadRast, RastError, type Rast } from "../../dist/index.js";
import { demo } from "../support/demo.js";

const trio = {
    base: demo.base,
    expert: demo.expert,
    antiexpert: demo.antiexpert,
    gpuLayers: 0,
    threads: 1,
    contextSize: 128
} as const;

/** Every kind of wrong argument; what is right somewhere is wrong elsewhere. */
const wrong: readonly (readonly [string, () => unknown])[] = [
    ["nothing", () => undefined],
    ["null", () => null],
    ["true", () => true],
    ["0", () => 0],
    ["-1", () => -1],
    ["1.5", () => 1.5],
    ["NaN", () => NaN],
    ["Infinity", () => Infinity],
    ["2^53", () => 2 ** 53],
    ["a bigint", () => 10n],
    ["an empty text", () => ""],
    ["a NUL", () => "\0"],
    ["a lone surrogate", () => "\ud800"],
    ["a symbol", () => Symbol("s")],
    ["a function", () => () => 1],
    ["an object", () => ({})],
    ["an unknown key", () => ({ prompt: "1+1", promt: 1 })],
    ["a null prototype", () => Object.create(null) as unknown],
    ["an array", () => []],
    ["an array of holes", () => new Array(3)],
    ["an array of objects", () => [{}, null, [[]]]],
    ["negative ids", () => [-1, 2 ** 31, 0.5]],
    ["a typed array", () => new Float64Array([NaN, 1e300])],
    ["a date", () => new Date(NaN)],
    ["a regular expression", () => /x/],
    ["a promise", () => Promise.resolve(1)],
    [
        "a circle",
        () => {
            const circle: Record<string, unknown> = { prompt: "1" };
            circle["jsonSchema"] = circle;
            return circle;
        }
    ],
    [
        "getters that throw",
        () =>
            new Proxy(
                {},
                {
                    get: () => {
                        throw new Error("mine");
                    },
                    ownKeys: () => {
                        throw new Error("mine");
                    }
                }
            )
    ],
    [
        "a revoked proxy",
        () => {
            const { proxy, revoke } = Proxy.revocable({}, {});
            revoke();
            return proxy;
        }
    ]
];

/** Each method with right arguments; one of them is replaced at a time. */
const methods: Readonly<Record<string, readonly unknown[]>> = {
    generate: [{ prompt: "1+1", maxTokens: 1 }],
    complete: [{ prompt: "1+1", maxTokens: 1 }],
    completeMany: [{ prompt: "1+1", maxTokens: 1 }, 2],
    saveState: ["/nonexistent/folder/file", { prompt: "1+1" }],
    loadState: ["/nonexistent/folder/file"],
    measureDecodes: [{ tokens: 1 }],
    tokenize: ["1+1", { addSpecial: true }],
    promptTokens: [{ prompt: "1+1" }],
    detokenize: [[5, 6], { showSpecial: true }],
    tokenBytes: [[5, 6]],
    applyChatTemplate: [[{ role: "user", content: "x" }]],
    grammarOf: [{ type: "integer" }],
    dispose: []
};

/** "value", a code, or what must not be. */
async function outcome(call: () => unknown): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    try {
        const value = call();
        const hang = new Promise((resolve) => (timer = setTimeout(resolve, 30_000, "hang")));
        const whole = isGeneration(value) ? value.result : value;
        return (await Promise.race([whole, hang])) === "hang" ? "hang" : "value";
    } catch (error) {
        return error instanceof RastError ? error.code : `untyped: ${String(error)}`;
    } finally {
        clearTimeout(timer);
    }
}

function isGeneration(value: unknown): value is { readonly result: Promise<unknown> } {
    return typeof value === "object" && value !== null && "result" in value;
}

interface Trial {
    readonly name: string;
    readonly outcome: string;
}

async function tryAll(rast: Rast, names = Object.keys(methods)): Promise<Trial[]> {
    const trials: Trial[] = [];
    for (const name of names) {
        const right = methods[name]!;
        const method = (rast as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!.bind(rast);
        for (let position = 0; position < right.length; ++position) {
            for (const [what, make] of wrong) {
                // a name like any other for a file
                if (name.endsWith("State") && position === 0 && what === "a lone surrogate") continue;
                const args = right.map((argument, i) => (i === position ? make() : argument));
                trials.push({ name: `${name}, ${what} at ${position}`, outcome: await outcome(() => method(...args)) });
            }
        }
        trials.push({ name: `${name}, as it should be`, outcome: await outcome(() => method(...right)) });
    }
    return trials;
}

const bad = (trials: readonly Trial[]): Trial[] =>
    trials.filter((trial) => trial.outcome === "hang" || trial.outcome.startsWith("untyped"));

let total = 0;
const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeAll(() => void process.on("unhandledRejection", note));
afterAll(() => {
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
    console.log(`${total} calls: no signal, no hang, no untyped error`);
});

describe("every method in every state with every kind of wrong argument", () => {
    const using = Object.keys(methods).filter((name) => name !== "dispose");

    it("idle", async () => {
        const rast = await loadRast(trio);
        const trials = await tryAll(rast, using);
        total += trials.length;
        expect(bad(trials)).toEqual([]);
        expect(await outcome(() => rast.complete({ prompt: "1+1" }))).toBe("value");
        await rast.dispose();
    });

    it("busy, its slot and its queue full", async () => {
        const rast = await loadRast({ ...trio, maxQueue: 1 });
        const running = [1, 2].map(() => rast.complete({ prompt: "1+1", ignoreEos: true, logitBias: { 5: 50 } }));
        const trials: Trial[] = [];
        const work = tryAll(rast, using).then((all) => trials.push(...all));
        let going = true;
        // as soon as one is done another begins
        const refill = async (): Promise<void> => {
            while (going) await rast.complete({ prompt: "2+2", ignoreEos: true }).catch(() => tick());
        };
        const others = [refill(), refill()];
        await work;
        going = false;
        await Promise.all([...running, ...others]);
        total += trials.length;
        expect(bad(trials)).toEqual([]);
        await rast.dispose();
    });

    it("disposing and disposed", async () => {
        for (const name of using) {
            const rast = await loadRast(trio);
            const running = rast.complete({ prompt: "1+1", ignoreEos: true });
            await tick();
            const disposing = rast.dispose();
            const trials = [...(await tryAll(rast, [name, "dispose"]))];
            await disposing;
            trials.push(...(await tryAll(rast, [name, "dispose"])));
            total += trials.length;
            expect(bad(trials)).toEqual([]);
            const used = trials.filter(
                (trial) => trial.name.endsWith("as it should be") && !trial.name.startsWith("dispose")
            );
            expect(used.map((trial) => trial.outcome)).toEqual(["ERR_DISPOSED", "ERR_DISPOSED"]);
            expect((await running).stopReason).toBe("abort");
        }
    });

    it("loading: with wrong options, and after a load that failed", async () => {
        const folder = mkdtempSync(join(tmpdir(), "rast-methods-"));
        const damaged = join(folder, "damaged.gguf");
        writeFileSync(damaged, Buffer.concat([Buffer.from("GGUF"), Buffer.alloc(4096, 0x7f)]));
        const trials: Trial[] = [];
        try {
            const keys = [
                "base",
                "expert",
                "pairs",
                "trio",
                "threads",
                "contextSize",
                "signal",
                "onProgress",
                "speculation"
            ];
            for (const [what, make] of wrong) {
                trials.push({ name: `loadRast, ${what}`, outcome: await outcome(() => loadRast(make() as never)) });
                for (const key of keys) {
                    const options = { base: damaged, [key]: make() };
                    trials.push({
                        name: `loadRast, ${key}: ${what}`,
                        outcome: await outcome(() => loadRast(options))
                    });
                }
            }
        } finally {
            rmSync(folder, { recursive: true });
        }
        total += trials.length;
        expect(bad(trials)).toEqual([]);
        expect(trials.filter((trial) => trial.outcome === "value")).toEqual([]);
        const rast = await loadRast(trio);
        expect(await outcome(() => rast.complete({ prompt: "1+1" }))).toBe("value");
        await rast.dispose();
    });
});

function tick(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
}
