// Names of models, and how far their load is.
import { listOf, numberOf, objectOf, textOf } from "./json.js";

/** A trio as the server lists it. */
export interface ListedTrio {
    readonly name: string;
    /** Whether its base can be asked alone. */
    readonly hasBase: boolean;
}

/** What /v1/models says: `NAME` is a trio, `NAME:base` its base alone. */
export function readModels(body: unknown): ListedTrio[] {
    const ids = listOf(objectOf(body)["data"])
        .map((one) => textOf(objectOf(one)["id"]))
        .filter((id) => id !== "");
    const isMode = (id: string): boolean => {
        const [, name] = /^(.+):(?:base|expert)$/.exec(id) ?? [];
        return name !== undefined && ids.includes(name);
    };
    const names = [...new Set(ids.filter((id) => !isMode(id)))];
    return names.map((name) => ({ name, hasBase: ids.includes(`${name}:base`) }));
}

/** How far a load is. */
export interface LoadState {
    readonly state: string;
    /** 0 to 1; null where it is not known. */
    readonly progress: number | null;
    /** Strength where a request gives none. */
    readonly lambda: number | null;
}

/** What /props says of a trio; null where it says nothing. */
export function readLoadState(body: unknown, name: string): LoadState | null {
    const models = listOf(objectOf(objectOf(body)["rast"])["models"]).map(objectOf);
    const found = models.find((one) => one["name"] === name);
    if (found === undefined) return null;
    return {
        state: textOf(found["state"]),
        progress: numberOf(found["progress"]),
        lambda: numberOf(objectOf(listOf(found["pairs"])[0])["lambda"])
    };
}
