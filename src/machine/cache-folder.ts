import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/**
 * The folder in which this package keeps what it may lose: that of the environment variable RAST_CACHE, else its own in
 * the user's cache folder. It need not exist.
 * @returns undefined where RAST_CACHE is "off" or empty: then nothing is kept
 */
export function cacheFolder(
    env: Readonly<NodeJS.ProcessEnv> = process.env,
    platform: NodeJS.Platform = process.platform,
    home: string = homedir()
): string | undefined {
    const set = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
    const own = env["RAST_CACHE"];
    if (own !== undefined) return own === "" || own === "off" ? undefined : own;
    if (platform === "win32") return join(set("LOCALAPPDATA") ?? join(home, "AppData", "Local"), "rast-llama", "cache");
    if (platform === "darwin") return join(home, "Library", "Caches", "rast-llama");
    const xdg = set("XDG_CACHE_HOME");
    // a relative one is to be ignored, says the specification
    return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(home, ".cache"), "rast-llama");
}
