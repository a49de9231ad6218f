import type { NativeRole } from "../native/addon-types.js";

/** How far a pull is. */
export interface PullProgress {
    /** Which model it is for. */
    readonly role: NativeRole;
    /** Name of the file. */
    readonly file: string;
    /** What is done with it. "waiting": until the hub may be asked again; `reason` says why. */
    readonly state: "downloading" | "waiting" | "checking" | "grafting" | "quantizing";
    /** Bytes of the file that are done; while checking, those that are checked. */
    readonly bytes: number;
    /** Bytes of the whole file. */
    readonly totalBytes: number;
    /** Downloaded bytes of all files. */
    readonly overallBytes: number;
    /** How many they have. */
    readonly overallTotalBytes: number;
    /** While waiting: what the hub, or the network, says. */
    readonly reason?: string;
}

/** Adds up what files say of themselves. */
export class PullMeter {
    readonly #files = new Map<string, { bytes: number; readonly totalBytes: number }>();
    readonly #tell: (progress: PullProgress) => void;

    constructor(tell: (progress: PullProgress) => void) {
        this.#tell = tell;
    }

    /** @param path of a file to come @param bytes that are there */
    expect(path: string, bytes: number, totalBytes: number): void {
        this.#files.set(path, { bytes, totalBytes });
    }

    /** Tells of waits for the hub before anything of a file has come. */
    waits(role: NativeRole, file: string): (ms: number, why: string) => void {
        return (_ms, reason) => this.tell(file, { role, file, state: "waiting", bytes: 0, totalBytes: 0, reason });
    }

    /** @throws what the caller's function throws */
    tell(path: string, progress: Omit<PullProgress, "overallBytes" | "overallTotalBytes">): void {
        const file = this.#files.get(path);
        if (file !== undefined && progress.state === "downloading") file.bytes = progress.bytes;
        const all = [...this.#files.values()];
        const sum = (of: (file: { bytes: number; totalBytes: number }) => number): number =>
            all.reduce((total, one) => total + of(one), 0);
        this.#tell({
            ...progress,
            overallBytes: sum(({ bytes }) => bytes),
            overallTotalBytes: sum(({ totalBytes }) => totalBytes)
        });
    }
}
