// Names that clients write behind "model": NAME as the trio draws, NAME:base, NAME:expert, and what each is.
import { didYouMean, quote } from "../../checks.js";
import type { Mode } from "../../engine/generate-options.js";
import { RequestError } from "../http/request-error.js";
import type { Shelf, ShelfState } from "../shelf.js";
import type { ServedModel, ServedModelFacts } from "./protocol.js";

/** What a name stands for. */
export interface NamedModel {
    readonly trio: string;
    /** undefined: as the engine does by itself. */
    readonly mode: Mode | undefined;
    /** As it is listed. */
    readonly id: string;
}

const modes = ["base", "expert"] as const;

/** @throws RequestError 404 for one that is not served */
export function findModel(shelf: Pick<Shelf, "names">, name: string | undefined): NamedModel {
    const { names } = shelf;
    if (name === undefined || name === "") return { trio: names[0]!, mode: undefined, id: names[0]! };
    if (names.includes(name)) return { trio: name, mode: undefined, id: name };
    const [, trio = "", mode = ""] = /^(.*):(base|expert|rast|latest)$/s.exec(name) ?? [];
    if (names.includes(trio)) {
        if (mode === "base" || mode === "expert") return { trio, mode, id: `${trio}:${mode}` };
        // Ollama's clients put a tag behind every name
        return { trio, mode: undefined, id: trio };
    }
    throw new RequestError(
        404,
        `There is no model ${quote(name)} here; there are ${names.slice(0, 20).join(", ")}.${didYouMean(name.slice(0, 200), names)}`,
        { param: "model", code: "model_not_found" }
    );
}

/** All names, with what is known of each. */
export function servedModels(shelf: Pick<Shelf, "states">, created: number): readonly ServedModel[] {
    return shelf.states().flatMap((state) => {
        const shared = { trio: state.name, created, state: state.state, facts: factsOf(state) };
        // before it was loaded nobody knows whether there is an expert
        const hasExpert = state.rast === undefined || state.rast.info.pairs.length > 0;
        return [
            { ...shared, id: state.name, mode: hasExpert ? "rast" : "base" },
            ...modes
                .filter((mode) => mode === "base" || hasExpert)
                .map((mode) => ({ ...shared, id: `${state.name}:${mode}`, mode }))
        ] satisfies ServedModel[];
    });
}

function factsOf({ rast }: ShelfState): ServedModelFacts | undefined {
    if (rast === undefined) return undefined;
    const { base, pairs, contextSize, vocabularySize } = rast.info;
    const small = pairs.flatMap(({ expert, antiexpert }) => [expert, antiexpert]);
    return {
        description: base.description,
        architecture: base.architecture,
        quantization: base.quantization,
        parameterCount: base.parameterCount,
        modelBytes: [base, ...small].reduce((sum, { modelBytes }) => sum + modelBytes, 0),
        contextSize,
        trainedContextSize: base.contextLength,
        vocabularySize,
        chatTemplate: rast.chatTemplate,
        path: base.path
    };
}
