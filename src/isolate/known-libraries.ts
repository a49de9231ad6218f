import { cwd } from "node:process";
import { findLibraries, type FoundLibraries, type KnownLibraries } from "../native/libraries.js";
import type { OpenedLibraries } from "./protocol.js";

interface Knowledge {
    /** Of what it holds. */
    readonly environment: string;
    readonly found: Promise<FoundLibraries | undefined>;
    opened: OpenedLibraries | undefined;
}

let latest: Knowledge | undefined;

// Variables say where libraries are and which devices drivers show.
function environmentNow(): string {
    let folder = "";
    try {
        folder = cwd();
    } catch {
        // deleted
    }
    return JSON.stringify([folder, process.env]);
}

function knowledge(): Knowledge {
    const environment = environmentNow();
    if (latest?.environment !== environment) {
        // whoever starts without them finds out what is wrong
        latest = { environment, found: findLibraries().catch(() => undefined), opened: undefined };
    }
    return latest;
}

/**
 * What a new child need not find out: where the libraries are, and, after the first one, which of them are of use.
 * @returns that, and what takes the answer of the child
 */
export function knownLibraries(): {
    readonly known: Promise<KnownLibraries | undefined>;
    readonly learn: (opened: OpenedLibraries) => void;
} {
    const mine = knowledge();
    const { opened } = mine;
    const known = mine.found.then((found): KnownLibraries | undefined => {
        if (found === undefined) return undefined;
        // what libraries say comes first among attempts, in their order
        const vain = (opened?.libraries.backends ?? [])
            .map((outcome, index) => ({ attempt: opened!.choice.attempts[index]!, outcome }))
            .filter(({ attempt }) => attempt.outcome === "not loaded" || attempt.outcome === "no device");
        return { found, cpu: opened?.libraries.cpu ?? "", vain };
    });
    return { known, learn: (answer) => (mine.opened ??= answer) };
}
