// The engine that a function is given, which callers without types may have mistaken for something else.
import { invalidOption, isArray } from "../checks.js";
import type { Rast } from "../engine/engine.js";

/** @param asked what is called of it @throws ERR_INVALID_OPTION */
export function checkEngine(rast: unknown, asked: keyof Rast): void {
    const engine = (typeof rast === "object" && rast !== null ? rast : {}) as Partial<Rast>;
    if (typeof engine[asked] === "function" && isArray(engine.info?.pairs)) return;
    throw invalidOption("rast", "an engine, as loadRast gives it,", rast);
}
