import { join } from "node:path";
import { expect, test } from "vitest";
import { configFolder } from "../../../src/machine/config-folder.js";

test.each([
    ["linux", {}, join("/home/x", ".config", "rast")],
    ["darwin", {}, join("/home/x", ".config", "rast")],
    ["linux", { XDG_CONFIG_HOME: "/etc/x" }, join("/etc/x", "rast")],
    ["linux", { XDG_CONFIG_HOME: "relative" }, join("/home/x", ".config", "rast")],
    ["linux", { XDG_CONFIG_HOME: "" }, join("/home/x", ".config", "rast")],
    ["win32", { APPDATA: "C:\\Users\\x\\Roaming", XDG_CONFIG_HOME: "/no" }, join("C:\\Users\\x\\Roaming", "rast")],
    ["win32", {}, join("/home/x", "AppData", "Roaming", "rast")]
] as const)("settings on %s with %j", (platform, env, expected) => {
    expect(configFolder(env, platform, "/home/x")).toBe(expected);
});
