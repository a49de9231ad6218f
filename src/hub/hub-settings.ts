// What the environment says of the hub: the same variables as huggingface_hub reads.
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { checkString, invalidOption } from "../checks.js";
import { RastError } from "../errors.js";

/** Which hub, and as whom. */
export interface HubOptions {
    /** Another hub than https://huggingface.co, or a mirror of it. @default the environment variable HF_ENDPOINT */
    endpoint?: string | undefined;
    /** Who asks. @default the environment variable HF_TOKEN, else the file that `hf auth login` writes */
    token?: string | undefined;
    /** Ask nobody: only what is on this disk is taken. @default the environment variable HF_HUB_OFFLINE */
    offline?: boolean | undefined;
}

/** The same, read. */
export interface HubSettings {
    /** Without a slash at its end. */
    readonly endpoint: string;
    readonly token: () => Promise<string | undefined>;
    readonly offline: boolean;
}

type Environment = Readonly<NodeJS.ProcessEnv>;

/** @throws ERR_INVALID_OPTION naming the option or the variable */
export function readHubSettings(options: HubOptions, env: Environment = process.env): HubSettings {
    const set = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
    const given = options.endpoint ?? set("HF_ENDPOINT");
    const name = options.endpoint === undefined ? "HF_ENDPOINT" : "endpoint";
    let token: Promise<string | undefined> | undefined;
    return {
        endpoint: given === undefined ? "https://huggingface.co" : checkEndpoint(name, given),
        token: () => (token ??= findToken(options.token, env)),
        offline: options.offline ?? isOn(set("HF_HUB_OFFLINE"))
    };
}

function checkEndpoint(name: string, value: string): string {
    const text = checkString(name, value).replace(/\/+$/, "");
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) {
        throw invalidOption(name, "an address that begins with https://", value);
    }
    if (url.username !== "" || url.password !== "") throw invalidOption(name, "an address without a password", "");
    if (/[?#]/.test(text)) throw invalidOption(name, "an address without ? and #", value);
    return text;
}

function isOn(value: string | undefined): boolean {
    return value !== undefined && ["1", "on", "yes", "true"].includes(value.toLowerCase());
}

async function findToken(given: string | undefined, env: Environment): Promise<string | undefined> {
    const set = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
    if (given !== undefined) return checkToken("the option token", given);
    for (const name of ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]) {
        const value = set(name);
        if (value !== undefined) return checkToken(`the environment variable ${name}`, value);
    }
    const file = set("HF_TOKEN_PATH") ?? join(hubHome(env), "token");
    const text = await readFile(file, "utf8").catch(() => "");
    return text.trim() === "" ? undefined : checkToken(file, text);
}

/** Folder of Hugging Face's own programs. */
export function hubHome(env: Environment = process.env, home: string = homedir()): string {
    const set = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
    return set("HF_HOME") ?? join(set("XDG_CACHE_HOME") ?? join(home, ".cache"), "huggingface");
}

// It goes into a header; nothing of it is shown.
function checkToken(where: string, value: string): string {
    const token = value.trim();
    if (!/^[\x21-\x7e]{1,1000}$/.test(token)) {
        throw new RastError(
            "ERR_INVALID_OPTION",
            `The token for the hub in ${where} has characters that no token has.`,
            {
                details: { option: where }
            }
        );
    }
    return token;
}
