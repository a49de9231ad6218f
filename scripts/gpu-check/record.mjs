// The state of a work folder, and the record that is made of it.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { slugOf } from "./toolchain.mjs";

/** Raised when a field changes its meaning or goes. */
export const recordSchema = "rast-gpu-check/1";

function writeJson(file, value) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.part`, `${JSON.stringify(value, null, 4)}\n`);
    renameSync(`${file}.part`, file);
}

/**
 * What the steps came to so far; that of another pack or backend is left behind.
 * @param {string} work
 * @param {{ pack: string, backend: string }} of the pack's manifest and the backend
 */
export function readState(work, of) {
    const file = join(work, `state-${of.backend}.json`);
    const found = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
    const state = found.pack === of.pack ? found : { pack: of.pack, date: new Date().toISOString().slice(0, 19) + "Z" };
    return { state, save: () => writeJson(file, state) };
}

/** The record. @returns {object} plain JSON */
export function recordOf({ state, backend, machine, versions }) {
    const tests = Object.values(state.tests ?? {});
    const benches = Object.entries(state.bench ?? {});
    const missing = [
        ...(state.build?.ok === true ? [] : ["build"]),
        ...(state.testsWanted ?? ["test"]).filter((name) => state.tests?.[name] === undefined),
        ...(state.benchWanted ?? ["bench"]).filter((name) => state.bench?.[name] === undefined)
    ];
    return {
        schema: recordSchema,
        date: state.date,
        backend,
        machine,
        versions,
        build: state.build ?? null,
        tests,
        bench: benches.filter(([, one]) => one.ok).map(([, one]) => one.record),
        benchSeconds: Object.fromEntries(benches.map(([name, one]) => [name, one.seconds])),
        benchFailures: benches.filter(([, one]) => !one.ok).map(([name, { error }]) => ({ name, error })),
        failed: tests.filter((one) => !one.ok).length + benches.filter(([, one]) => !one.ok).length,
        // what was not run to its end; empty when all was
        missing
    };
}

/** Writes the record. @returns its path */
export function writeRecord(folder, record) {
    const card = record.backend === "cpu" ? "cpu" : slugOf(record.machine.gpu?.name ?? "unknown");
    const file = join(folder, `gpu-${card}-${record.date.slice(0, 10)}.json`);
    writeJson(file, record);
    return file;
}
