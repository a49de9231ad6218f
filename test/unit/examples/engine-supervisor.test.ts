// Which process the Electron example's engine is in, with processes and ports that are words.
import { describe, expect, it, vi } from "vitest";
import {
    EngineSupervisor,
    type EngineEnd,
    type ToEngineProcess
} from "../../../examples/electron/src/engine-supervisor.js";
import type { PlainEngineError } from "../../../examples/chat/protocol.js";

class FakeProcess {
    readonly posted: string[] = [];
    isKilled = false;
    readonly #listeners: ((end: EngineEnd) => void)[] = [];

    post({ kind }: ToEngineProcess, ports: readonly string[]): void {
        this.posted.push([kind, ...ports].join(" "));
    }

    kill(): void {
        this.isKilled = true;
        this.end(9);
    }

    onEnd(listener: (end: EngineEnd) => void): void {
        this.#listeners.push(listener);
    }

    end(exitCode: number): void {
        for (const listener of this.#listeners) listener({ exitCode, stderr: ["loading", "GGML_ASSERT(x) failed"] });
    }
}

function start(options: { readonly calmMs?: number; readonly graceMs?: number } = {}) {
    const processes: FakeProcess[] = [];
    const told: (string | PlainEngineError)[] = [];
    let channels = 0;
    const supervisor = new EngineSupervisor<string>({
        ...options,
        start: () => {
            processes.push(new FakeProcess());
            return processes.at(-1)!;
        },
        channel: () => [`engine ${++channels}`, `page ${channels}`]
    });
    const page = { connect: (port: string) => told.push(port), lost: (why: PlainEngineError) => told.push(why) };
    return { supervisor, page, processes, told };
}

describe("EngineSupervisor", () => {
    it("starts a process with the first page, and keeps it for the next", () => {
        const { supervisor, page, processes, told } = start();
        supervisor.want();
        expect(processes).toHaveLength(0);
        supervisor.pageIs(page);
        supervisor.pageIs(page);
        supervisor.want();
        expect(processes.map(({ posted }) => posted)).toEqual([["port engine 1", "port engine 2"]]);
        expect(told).toEqual(["page 1", "page 2"]);
    });

    it("tells of a crash with llama.cpp's last words, and starts anew, three times in a row", () => {
        const { supervisor, page, processes, told } = start();
        supervisor.pageIs(page);
        for (let crash = 0; crash < 4; ++crash) processes.at(-1)!.end(134);
        expect(processes).toHaveLength(4);
        expect(told[1]).toMatchObject({
            code: "ERR_ENGINE_CRASHED",
            message: "The engine's process ended by itself, with code 134: GGML_ASSERT(x) failed.",
            advice: "It is started again, with the trio that was loaded."
        });
        expect(told.at(-1)).toMatchObject({ advice: "Load a trio to start it again." });
        // Whoever asks for something gets another try.
        supervisor.want();
        expect(processes).toHaveLength(5);
        expect(told.at(-1)).toBe("page 5");
    });

    it("forgets crashes that are long ago", () => {
        const now = vi.spyOn(performance, "now").mockReturnValue(0);
        const { supervisor, page, processes } = start({ calmMs: 1000 });
        supervisor.pageIs(page);
        for (let crash = 0; crash < 10; ++crash) {
            now.mockReturnValue(600 * crash);
            processes.at(-1)!.end(1);
        }
        expect(processes).toHaveLength(11);
        now.mockRestore();
    });

    it("stops in order, once, and tells nobody", async () => {
        const { supervisor, page, processes, told } = start();
        supervisor.pageIs(page);
        const [process] = processes as [FakeProcess];
        const stopped = [supervisor.stop(), supervisor.stop()];
        process.end(0);
        await Promise.all(stopped);
        expect(process.posted).toEqual(["port engine 1", "quit"]);
        expect(process.isKilled).toBe(false);
        expect(told).toEqual(["page 1"]);
        supervisor.pageIs(page);
        expect(processes).toHaveLength(1);
    });

    it("kills what does not end in time, and needs no process to stop", async () => {
        const { supervisor, page, processes } = start({ graceMs: 1 });
        supervisor.pageIs(page);
        await supervisor.stop();
        expect(processes[0]!.isKilled).toBe(true);
        await start().supervisor.stop();
    });
});
