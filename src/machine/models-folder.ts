import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

/**
 * The folder for models that are pulled: that of the environment variable RAST_MODELS, else one of the user's folders for data,
 * as what is there is dear: it is no cache. It need not exist.
 */
export function modelsFolder(
    env: Readonly<NodeJS.ProcessEnv> = process.env,
    platform: NodeJS.Platform = process.platform,
    home: string = homedir()
): string {
    const set = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
    const own = set("RAST_MODELS");
    if (own !== undefined) return resolve(own);
    if (platform === "win32")
        return join(set("LOCALAPPDATA") ?? join(home, "AppData", "Local"), "rast-llama", "models");
    if (platform === "darwin") return join(home, "Library", "Application Support", "rast-llama", "models");
    const xdg = set("XDG_DATA_HOME");
    // a relative one is to be ignored, says the specification
    return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(home, ".local", "share"), "rast-llama", "models");
}
