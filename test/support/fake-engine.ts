import { expect } from "vitest";
import type { Rast } from "../../src/engine/engine.js";
import { loadRastWith } from "../../src/loading/load.js";
import type { LoadOptions } from "../../src/loading/load-options.js";
import { FakeAddon, fakeNative, tick, type FakeSettings } from "./fake-addon.js";
import type { ModelFiles } from "./model-files.js";

/** An engine of these files over an addon that computes nothing. */
export async function loadFake(
    files: ModelFiles,
    settings: FakeSettings = {},
    more: LoadOptions = {}
): Promise<{ rast: Rast; addon: FakeAddon }> {
    const addon = new FakeAddon(settings);
    const { base, expert, antiexpert } = files;
    return { rast: await loadRastWith({ base, expert, antiexpert, ...more }, fakeNative(addon)), addon };
}

/** Waits for it, a hundred turns of the event loop at most. */
export async function until(condition: () => boolean): Promise<void> {
    for (let turn = 0; turn < 100 && !condition(); turn++) await tick();
    expect(condition()).toBe(true);
}
