import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadRast, RastError, type LoadOptions, type Rast } from "../../dist/index.js";
import { demo, prompt } from "../support/demo.js";
import { root } from "../support/native.js";
import { size } from "../support/size.js";
import { readStateFile, writeStateFile, type StateFile } from "../support/state-files.js";

const folder = mkdtempSync(join(tmpdir(), "rast-states-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const trio = { base: demo.base, expert: demo.expert, antiexpert: demo.antiexpert, gpuLayers: 0, threads: 1 } as const;
const load = (options: Partial<LoadOptions> = {}): Promise<Rast> =>
    loadRast({ ...trio, speculation: "off", contextSize: 128, ...options });

function errorOf(promise: Promise<unknown>): Promise<RastError> {
    return promise.then(
        () => expect.fail("no error"),
        (error: unknown) => error as RastError
    );
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
    try {
        await promise;
        return "none";
    } catch (error) {
        if (error instanceof RastError) return error.code;
        throw error;
    }
}

const good = join(folder, "good.state");

describe("forged states", () => {
    let rast: Rast;
    let expected: readonly number[];
    const text = (): Promise<readonly number[]> =>
        rast.complete({ prompt, temperature: 0, maxTokens: 8 }).then((result) => result.tokens);

    beforeAll(async () => {
        // two caches' layouts: V is transposed without flash attention
        rast = await load({ flashAttention: false, kvType: "f32" });
        await rast.saveState(good, { prompt: prompt.repeat(2) });
        expected = await text();
    });
    afterAll(() => rast.dispose());

    const forge = async (change: (state: StateFile) => void): Promise<string> => {
        const state = readStateFile(good);
        change(state);
        const path = join(folder, "forged.state");
        writeFileSync(path, writeStateFile(state));
        return codeOf(rast.loadState(path));
    };

    const written = async (bytes: Buffer): Promise<string> => {
        const path = join(folder, "written.state");
        writeFileSync(path, bytes);
        const error = await errorOf(rast.loadState(path));
        expect(error.code).toBe("ERR_STATE_FILE");
        return error.message;
    };

    it("are taken when nothing is forged", async () => {
        expect(await forge(() => {})).toBe("none");
        expect(await text()).toEqual(expected);
    });

    const first = (state: StateFile): Buffer => state.contexts[0]!.bytes;
    // magic, sequence, streams, cells, then position, sequences, sequence of each cell
    const cellsAt = 12;
    const cells = (state: StateFile): number => first(state).readUInt32LE(cellsAt);
    const rowsAt = (state: StateFile): number => cellsAt + 4 + cells(state) * 12;
    const forgeries: [string, (state: StateFile) => void][] = [
        ["no tokens", (s) => void (s.tokenCount = 0)],
        ["2^32 - 1 tokens", (s) => void (s.tokenCount = 0xffffffff)],
        ["2^30 tokens: in 32 bits their size is 0", (s) => void (s.tokenCount = 0x40000000)],
        ["more tokens than the context", (s) => (s.tokens = Array<number>((s.tokenCount = 129)).fill(3))],
        ["a token beyond the vocabulary", (s) => void (s.tokens[0] = 100000)],
        ["a negative token", (s) => void (s.tokens[1] = -1)],
        ["more held than tokens", (s) => void (s.contexts[0]!.held = s.tokenCount + 1)],
        ["held without a state", (s) => Object.assign(s.contexts[0]!, { size: 0n, bytes: Buffer.alloc(0) })],
        ["a state that is not held", (s) => void (s.contexts[1]!.held = 0)],
        ["a state of 2^63 bytes", (s) => void (s.contexts[0]!.size = 1n << 63n)],
        ["a state of 2^40 bytes", (s) => void (s.contexts[2]!.size = 1n << 40n)],
        ["another magic", (s) => first(s).writeUInt32LE(7, 0)],
        ["several streams", (s) => first(s).writeUInt32LE(2, 8)],
        ["no streams", (s) => first(s).writeUInt32LE(0, 8)],
        ["no cells", (s) => first(s).writeUInt32LE(0, cellsAt)],
        ["2^32 - 1 cells", (s) => first(s).writeUInt32LE(0xffffffff, cellsAt)],
        ["2^31 cells", (s) => first(s).writeUInt32LE(0x80000000, cellsAt)],
        ["one cell less", (s) => first(s).writeUInt32LE(cells(s) - 1, cellsAt)],
        ["one cell more", (s) => first(s).writeUInt32LE(cells(s) + 1, cellsAt)],
        ["a position twice", (s) => first(s).copy(first(s), cellsAt + 16, cellsAt + 4, cellsAt + 8)],
        ["a negative position", (s) => first(s).writeInt32LE(-1, cellsAt + 4)],
        ["a position beyond the context", (s) => first(s).writeInt32LE(2 ** 31 - 1, cellsAt + 4)],
        ["a cell of no sequence", (s) => first(s).writeUInt32LE(0, cellsAt + 8)],
        ["a cell of 2^32 - 1 sequences", (s) => first(s).writeUInt32LE(0xffffffff, cellsAt + 8)],
        ["V the other way round", (s) => first(s).writeUInt32LE(0, rowsAt(s))],
        ["no layers", (s) => first(s).writeUInt32LE(0, rowsAt(s) + 4)],
        ["2^32 - 1 layers", (s) => first(s).writeUInt32LE(0xffffffff, rowsAt(s) + 4)],
        ["another type", (s) => first(s).writeInt32LE(1, rowsAt(s) + 8)],
        ["no type", (s) => first(s).writeInt32LE(-1, rowsAt(s) + 8)],
        ["rows of 2^64 - 1 bytes", (s) => first(s).writeBigUInt64LE((1n << 64n) - 1n, rowsAt(s) + 12)],
        ["a row of no bytes", (s) => first(s).writeBigUInt64LE(0n, rowsAt(s) + 12)],
        ["a number that is none", (s) => first(s).writeFloatLE(Number.NaN, rowsAt(s) + 20)],
        ["infinity", (s) => first(s).writeFloatLE(Infinity, first(s).length - 4)],
        ["a number that overflows in a product", (s) => first(s).writeFloatLE(3e38, rowsAt(s) + 24)],
        [
            "bytes at the end",
            (s) => {
                const one = s.contexts[0]!;
                Object.assign(one, { size: one.size + 4n, bytes: Buffer.concat([one.bytes, Buffer.alloc(4)]) });
            }
        ],
        ["the states of two models exchanged", (s) => void s.contexts.reverse()],
        ["an older version", (s) => void (s.version = 1)],
        ["one model less", (s) => void s.prints.pop()],
        ["another base", (s) => void (s.prints[0]![31]! ^= 1)],
        ["another antiexpert", (s) => void (s.prints[2]![0]! ^= 1)]
    ];

    it.each(forgeries)("with %s are refused", async (_, change) => {
        expect(await forge(change)).toBe("ERR_STATE_FILE");
    });

    // Where llama.cpp might refuse it as well, or take it: by us, and before.
    const named: [string, (state: StateFile) => void, string][] = [
        ["more held than tokens", (s) => void (s.contexts[0]!.held = s.tokenCount + 1), "a length does not fit"],
        ["another type", (s) => first(s).writeInt32LE(1, rowsAt(s) + 8), "another type"],
        [
            "a token more than there are cells",
            (s) => {
                s.tokenCount = s.tokens.push(3);
                for (const one of s.contexts) one.held += 1;
            },
            "missing positions"
        ]
    ];

    it.each(named)("with %s say so", async (_, change, message) => {
        const state = readStateFile(good);
        change(state);
        expect(await written(writeStateFile(state))).toContain(message);
    });

    it("of halves that are infinite are refused", async () => {
        const halves = await load({ kvType: "f16" });
        const path = join(folder, "halves.state");
        await halves.saveState(path, { prompt });
        for (const bits of [0x7c00, 0xfc00, 0x7e00]) {
            const state = readStateFile(path);
            const { bytes } = state.contexts[0]!;
            bytes.writeUInt16LE(bits, bytes.length - 2);
            writeFileSync(join(folder, "infinite.state"), writeStateFile(state));
            const error = await errorOf(halves.loadState(join(folder, "infinite.state")));
            expect(error.message).toContain("numbers that are not finite");
        }
        await halves.dispose();
    });

    it("with a changed bit are refused by their checksum, wherever it is", async () => {
        const bytes = readFileSync(good);
        // the last of the last value, the checksum's own first and last
        for (const at of [bytes.length - 12, bytes.length - 8, bytes.length - 1]) {
            const changed = Buffer.from(bytes);
            changed[at]! ^= 1;
            expect(await written(changed)).toContain("its checksum does not fit");
        }
    });

    it("that go on after their end are refused", async () => {
        expect(await written(Buffer.concat([readFileSync(good), Buffer.alloc(1)]))).toContain("goes on after its end");
    });

    it("with any number changed are refused or do no harm", async () => {
        let seed = 1;
        const next = (below: number): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % below;
        const values = [0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0x40000000, 0x7f800001];
        for (let i = 0; i < size(150, 3000); ++i) {
            const code = await forge((state) => {
                const { bytes } = state.contexts[next(state.contexts.length)]!;
                // structure, with preference to data
                const at = next(2) === 0 ? next(Math.min(bytes.length - 4, 700)) : next(bytes.length - 4);
                bytes.writeUInt32LE(values[next(values.length)]!, at & ~3);
            });
            expect(["none", "ERR_STATE_FILE"]).toContain(code);
        }
        expect(await text()).toEqual(expected);
    });
});

describe("states of another model", () => {
    it("are refused, wherever the file differs", async () => {
        const rast = await load();
        await rast.saveState(good, { prompt });
        await rast.dispose();
        const bytes = readFileSync(demo.base);
        for (const at of [0.3, 0.5, 0.77, 0.999]) {
            const base = join(folder, "other.gguf");
            const changed = Buffer.from(bytes);
            changed[Math.floor(bytes.length * at)]! ^= 1;
            writeFileSync(base, changed);
            const other = await load({ base });
            expect([at, await codeOf(other.loadState(good))]).toEqual([at, "ERR_STATE_FILE"]);
            await other.dispose();
        }
    });

    it("are taken from a copy under another name", async () => {
        const base = join(folder, "copy.gguf");
        cpSync(demo.base, base);
        const rast = await load({ base });
        expect(await codeOf(rast.loadState(good))).toBe("none");
        await rast.dispose();
    });
});

describe("paths of states", () => {
    it.skipIf(process.platform === "win32")("that are no regular files are refused at once", async () => {
        const rast = await load();
        const fifo = join(folder, "a-fifo");
        execFileSync("mkfifo", [fifo]);
        const socket = join(folder, "a-socket");
        const server = createServer().listen(socket);
        await once(server, "listening");
        const link = join(folder, "a-link");
        symlinkSync("/dev/zero", link);
        const loop = join(folder, "a-loop");
        symlinkSync(loop, loop);
        for (const path of [fifo, socket, link, loop, "/dev/zero", "/dev/tty", folder]) {
            expect([path, await codeOf(rast.loadState(path))]).toEqual([path, "ERR_STATE_FILE"]);
        }
        for (const path of [join(folder, "none"), `${good}/x`]) {
            expect(await errorOf(rast.loadState(path))).toMatchObject({
                code: "ERR_FILE_NOT_FOUND",
                message: `There is no state file ${path}`,
                details: { path }
            });
        }
        const kinds = [fifo, socket, link, "/dev/null", "/dev/full"].map((path) => [path, "it is a device, a pipe"]);
        for (const [path, why] of [...kinds, [loop, "symbolic links"], [folder, "it is a folder"]] as const) {
            const { code, message } = await errorOf(rast.saveState(path, { prompt }));
            expect([code, message]).toEqual(["ERR_STATE_FILE", expect.stringContaining(`cannot be written: `)]);
            expect(message).toContain(why);
        }
        for (const path of [`${good}/x`, "/proc/nothing/x"]) {
            expect([path, await codeOf(rast.saveState(path, { prompt }))]).toEqual([path, "ERR_STATE_FILE"]);
        }
        for (const [path, why] of [
            ["a\ud800b", "a path of whole characters"],
            ["a\0b", "a path without NUL characters"]
        ] as const) {
            for (const call of [rast.loadState(path), rast.saveState(path, { prompt })]) {
                const { code, message } = await errorOf(call);
                expect([code, message]).toEqual(["ERR_INVALID_OPTION", expect.stringContaining(why)]);
            }
        }
        server.close();
        for (const role of ["base", "expert"] as const) {
            expect(await codeOf(load({ [role]: fifo }))).toBe("ERR_FILE_UNREADABLE");
        }
        expect(await codeOf(loadRast({ trio: fifo }))).toMatch(/^ERR_(FILE_UNREADABLE|TRIO_FILE)$/);
        await rast.dispose();
    });

    it("may be written by several at once", async () => {
        const rast = await load({ parallel: 4 });
        const path = join(folder, "shared.state");
        for (let i = 0; i < 10; ++i) {
            const saves = [1, 2, 3, 4].map((n) => rast.saveState(path, { prompt: prompt.repeat(n) }));
            await Promise.all(saves);
            expect(await codeOf(rast.loadState(path))).toBe("none");
        }
        expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
        await rast.dispose();
    });

    it.skipIf(process.platform !== "linux")("have no leftovers when a writer is killed", async () => {
        const place = join(folder, "killed");
        execFileSync("mkdir", [place]);
        const child = spawn(process.execPath, [
            "--input-type=module",
            "-e",
            `import { loadRast } from ${JSON.stringify(join(root, "dist", "index.js"))};
             const rast = await loadRast(${JSON.stringify({ ...trio, contextSize: 512, kvType: "f32" })});
             for (;;) { await rast.saveState(${JSON.stringify(join(place, "a"))}, { prompt: "1+".repeat(200) }); process.stdout.write("."); }`
        ]);
        await once(child.stdout, "data");
        for (let i = 0; i < 3; ++i) await once(child.stdout, "data");
        child.kill("SIGKILL");
        await once(child, "close");
        // what is left by a system without nameless files is removed by the next writer
        writeFileSync(join(place, `a.${child.pid}.77.part`), "");
        writeFileSync(join(place, `a.${process.pid}.77.part`), "of a running process");
        const rast = await load();
        await rast.saveState(join(place, "a"), { prompt });
        await rast.dispose();
        expect(readdirSync(place).sort()).toEqual(["a", `a.${process.pid}.77.part`]);
    });
});
