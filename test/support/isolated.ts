import { loadRast, RastError, type LoadOptions, type Rast } from "../../dist/index.js";
import { demo } from "./demo.js";

/** The demo's on one thread. */
export const trio = {
    base: demo.base,
    expert: demo.expert,
    antiexpert: demo.antiexpert,
    gpuLayers: 0,
    threads: 1
} as const;

export const loadIsolated = (options: LoadOptions = {}): Promise<Rast> =>
    loadRast({ ...trio, isolate: true, ...options });

/** What a promise rejects with: a RastError of what was built. */
export async function errorOf(work: Promise<unknown>): Promise<RastError> {
    const error: unknown = await work.then(
        () => undefined,
        (thrown: unknown) => thrown
    );
    if (error instanceof RastError) return error;
    throw new Error(`Expected a RastError, received ${String(error)}`);
}
