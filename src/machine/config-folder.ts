import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** The folder of what a person sets for the command: `rast` in the user's folder of settings. It need not exist. */
export function configFolder(
    env: Readonly<NodeJS.ProcessEnv> = process.env,
    platform: NodeJS.Platform = process.platform,
    home: string = homedir()
): string {
    const set = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
    if (platform === "win32") return join(set("APPDATA") ?? join(home, "AppData", "Roaming"), "rast");
    const xdg = set("XDG_CONFIG_HOME");
    // a relative one is to be ignored, says the specification
    return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(home, ".config"), "rast");
}
