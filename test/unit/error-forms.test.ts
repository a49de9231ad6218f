import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { RastError } from "../../src/errors.js";
import { plainValue } from "../../src/plain-value.js";

const native = Object.assign(new Error("below"), { code: "ERR_DECODE", details: { role: "base", bytes: 5 } });
const inner = new RastError("ERR_MODEL_LOAD", "The model does not load.", {
    details: { path: "a.gguf" },
    cause: native
});
const outer = new RastError("ERR_DECODE", "It failed.", {
    details: { tokens: [1, 2], sizes: { a: null } },
    cause: inner
});

function expectOuter(error: RastError): void {
    expect(error).toBeInstanceOf(RastError);
    expect(error).toMatchObject({ name: "RastError", code: "ERR_DECODE", message: "It failed.", stack: outer.stack });
    expect(error.details).toEqual(outer.details);
    const middle = error.cause as RastError;
    expect(middle).toBeInstanceOf(RastError);
    expect(middle).toMatchObject({ code: "ERR_MODEL_LOAD", message: inner.message, details: inner.details });
    expect(middle.cause).toBeInstanceOf(Error);
    expect(middle.cause).toMatchObject({ message: "below", code: "ERR_DECODE", details: { role: "base", bytes: 5 } });
}

describe("a RastError on its way", () => {
    test("through JSON", () => {
        expectOuter(RastError.from(JSON.parse(JSON.stringify(outer))));
        expect(JSON.parse(JSON.stringify({ failed: outer }))).toMatchObject({ failed: { code: "ERR_DECODE" } });
    });

    test("through structuredClone, its plain form", () => {
        expectOuter(RastError.from(structuredClone(outer.toJSON())));
    });

    test("through structuredClone, itself: all but the details", () => {
        const error = RastError.from(structuredClone(outer));
        expect(error).toBeInstanceOf(RastError);
        expect(error).toMatchObject({ code: "ERR_DECODE", message: "It failed.", stack: outer.stack, details: {} });
        expect(error.cause).toMatchObject({ code: "ERR_MODEL_LOAD", message: inner.message });
        expect((error.cause as RastError).cause).toMatchObject({ message: "below" });
    });

    test("through a message port and a worker thread", async () => {
        const { port1, port2 } = new MessageChannel();
        port1.postMessage([outer.toJSON(), outer]);
        const [[plain, clone]] = (await once(port2, "message")) as [[unknown, unknown]];
        port1.close();
        expectOuter(RastError.from(plain));
        expect(RastError.from(clone).code).toBe("ERR_DECODE");

        const echo = new Worker(
            "const { parentPort } = require('node:worker_threads'); parentPort.once('message', (m) => parentPort.postMessage(m))",
            { eval: true }
        );
        echo.postMessage(outer.toJSON());
        expectOuter(RastError.from((await once(echo, "message"))[0]));
        await echo.terminate();
    });

    test.each(["json", "advanced"] as const)("through a child process, %s", async (serialization) => {
        const folder = mkdtempSync(join(tmpdir(), "rast-errors-"));
        const script = join(folder, "echo.mjs");
        writeFileSync(script, "process.once('message', (m) => process.send(m, () => process.disconnect()))");
        const child = fork(script, [], { serialization, execArgv: [] });
        child.send({ plain: outer.toJSON(), itself: outer });
        const [reply] = (await once(child, "message")) as [{ plain: unknown; itself: unknown }];
        await once(child, "close");
        rmSync(folder, { recursive: true });
        expectOuter(RastError.from(reply.plain));
        expect(RastError.from(reply.itself)).toMatchObject({ code: "ERR_DECODE", message: "It failed." });
    });
});

describe("the plain form", () => {
    test("holds whatever is in details, and never throws", () => {
        const circle: Record<string, unknown> = { list: [] };
        circle["self"] = circle;
        (circle["list"] as unknown[]).push(circle);
        const details: Record<string, unknown> = {
            circle,
            big: 12345678901234567890n,
            nan: Number.NaN,
            infinite: -Infinity,
            call: () => 1,
            symbol: Symbol("s"),
            missing: undefined,
            nothing: null,
            date: new Date(0),
            badDate: new Date(Number.NaN),
            pattern: /a/g,
            set: new Set([1]),
            map: new Map([["k", 2]]),
            floats: Float32Array.of(0.5, Infinity),
            bytes: Buffer.from([1, 2]),
            ["__proto__"]: { polluted: true },
            get broken(): never {
                throw new Error("no");
            },
            proxy: new Proxy(
                {},
                {
                    ownKeys: () => {
                        throw new Error("no");
                    }
                }
            ),
            deep: Array.from({ length: 30 }).reduce<unknown>((inside) => ({ inside }), "bottom"),
            long: "x".repeat(100_000),
            many: new Array(100_000).fill(1),
            error: new TypeError("inside")
        };
        Object.defineProperty(details, "__proto__", { value: { polluted: true }, enumerable: true });
        const plain = new RastError("ERR_INTERNAL", "x", { details }).toJSON();
        const text = JSON.stringify(plain);
        expect(text.length).toBeLessThan(200_000);
        expect(JSON.parse(text)).toEqual(structuredClone(plain));
        expect(plain.details).toMatchObject({
            circle: { self: "[circular]", list: ["[circular]"] },
            big: "12345678901234567890",
            nan: "NaN",
            infinite: "-Infinity",
            call: "[function]",
            symbol: "Symbol(s)",
            nothing: null,
            date: String(new Date(0)),
            pattern: "/a/g",
            set: [1],
            map: [["k", 2]],
            floats: [0.5, "Infinity"],
            bytes: [1, 2],
            broken: "[unreadable]",
            proxy: "[unreadable]"
        });
        expect(plain.details).not.toHaveProperty("missing");
        expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    });

    test("is cut exactly where it says", () => {
        expect(plainValue("x".repeat(16_384))).toBe("x".repeat(16_384));
        expect(plainValue("x".repeat(16_385))).toBe(`${"x".repeat(16_384)}[...]`);
        expect(plainValue(new Array(2000).fill(1))).toEqual(new Array(2000).fill(1));
        expect(plainValue(new Array(2001).fill(1))).toEqual([...new Array<number>(2000).fill(1), "[...]"]);
        const fields = (count: number): object =>
            Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));
        expect(plainValue(fields(2000))).toEqual(fields(2000));
        expect(plainValue(fields(2001))).toEqual(fields(2000));
        const nested = (levels: number): unknown => (levels === 0 ? 5 : [nested(levels - 1)]);
        expect(plainValue(nested(8))).toEqual(nested(8));
        expect(JSON.stringify(plainValue(nested(9)))).toBe('[[[[[[[["[...]"]]]]]]]]');
        // An error and its details are two of the levels.
        const { details } = new RastError("ERR_INTERNAL", "x", {
            details: { six: nested(6), seven: nested(7) }
        }).toJSON();
        expect(details["six"]).toEqual(nested(6));
        expect(JSON.stringify(details["seven"])).toBe('[[[[[["[...]"]]]]]]');
    });

    test("ends chains of causes that are long or closed", () => {
        let chain = new RastError("ERR_INTERNAL", "0");
        for (let i = 1; i < 10_000; ++i) chain = new RastError("ERR_INTERNAL", String(i), { cause: chain });
        expect(JSON.stringify(chain).length).toBeLessThan(100_000);
        const closed = new RastError("ERR_INTERNAL", "a") as RastError & { cause?: unknown };
        closed.cause = new RastError("ERR_DECODE", "b", { cause: closed });
        expect(RastError.from(closed.toJSON()).cause).toMatchObject({ code: "ERR_DECODE", cause: "[circular]" });
    });

    test("keeps causes of any kind", () => {
        const reasons: [unknown, unknown][] = [
            ["text", "text"],
            [7, 7],
            [null, null],
            [{ why: "because" }, { why: "because" }],
            [() => 1, "[function]"]
        ];
        for (const [cause, expected] of reasons) {
            expect(RastError.from(new RastError("ERR_LOAD_ABORTED", "x", { cause }).toJSON()).cause).toEqual(expected);
        }
        const aborted = RastError.from(
            new RastError("ERR_LOAD_ABORTED", "x", { cause: AbortSignal.abort().reason }).toJSON()
        );
        expect(aborted.cause).toBeInstanceOf(Error);
        expect(aborted.cause).toMatchObject({ name: "AbortError" });
        expect("cause" in RastError.from(new RastError("ERR_INTERNAL", "x").toJSON())).toBe(false);
    });

    test("of anything else is an internal error with it as the cause", () => {
        for (const value of [undefined, null, 5, "x", {}, { name: "RastError", code: "ERR_NOPE", message: 5 }, []]) {
            expect(RastError.from(value)).toMatchObject({ code: "ERR_INTERNAL", cause: value });
        }
        expect(RastError.from(new TypeError("t"))).toMatchObject({ code: "ERR_INTERNAL", message: "t" });
        expect(RastError.from(outer)).toBe(outer);
        expect(plainValue(new Date(Number.NaN))).toBe("Invalid Date");
    });
});
