import { EventEmitter } from "node:events";
import { basename } from "node:path";
import { expect, test, vi } from "vitest";
import { rast } from "../../support/command-io.js";

let outcome: [event: string, value: unknown];
const spawned: unknown[][] = [];
vi.mock("node:child_process", () => ({
    spawn: (...args: unknown[]) => {
        spawned.push(args);
        const child = new EventEmitter();
        setImmediate(() => child.emit(...outcome));
        return child;
    }
}));

test.each([
    [["close", 0], 0, "The addon is built.\n", ""],
    [["close", 1], 1, "", ""],
    [["close", null], 1, "", ""],
    [["error", new Error("spawn ENOENT")], 1, "", "rast: spawn ENOENT\n"]
] as const)("rast build, with a compiler that ends with %j", async ([event, value], code, stdout, stderr) => {
    outcome = [event, value];
    expect(await rast(["build"])).toMatchObject({ code, stdout, stderr });
    const [program, args] = spawned.at(-1) as [string, string[]];
    expect([program, basename(args[0]!)]).toEqual([process.execPath, "build-native.mjs"]);
});
