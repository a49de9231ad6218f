// What Ollama's clients ask of models: lists and details. Of one that was not loaded yet little is known.
import { createHash } from "node:crypto";
import type { ServedModel } from "../ask/protocol.js";
import { familyOf } from "../tools/families.js";

/** Of /api/tags. */
export function listedModel(model: ServedModel): Record<string, unknown> {
    return { name: model.id, model: model.id, modified_at: modified(model), ...facts(model) };
}

/** Of /api/ps. */
export function runningModel(model: ServedModel): Record<string, unknown> {
    const size = model.facts?.modelBytes ?? 0;
    return {
        name: model.id,
        model: model.id,
        ...facts(model),
        // nobody knows when it will be unloaded
        expires_at: "9999-12-31T23:59:59Z",
        size_vram: 0,
        size,
        context_length: model.facts?.contextSize ?? 0
    };
}

/** Of /api/show. */
export function shownModel(model: ServedModel): Record<string, unknown> {
    const known = model.facts;
    return {
        modelfile: `# ${model.id}: served by rast; there is no Modelfile`,
        parameters: "",
        template: known?.chatTemplate ?? "",
        details: details(model),
        model_info:
            known === undefined
                ? {}
                : {
                      "general.architecture": known.architecture,
                      "general.parameter_count": known.parameterCount,
                      [`${known.architecture}.context_length`]: known.contextSize,
                      [`${known.architecture}.vocab_size`]: known.vocabularySize
                  },
        capabilities: capabilities(model),
        modified_at: modified(model)
    };
}

// Of one that was not loaded it is not known whether it can call tools; that it cannot would keep clients from trying.
function capabilities({ facts: known }: ServedModel): readonly string[] {
    if (known === undefined) return ["completion", "tools"];
    const template = known.chatTemplate ?? "";
    return [
        "completion",
        ...(familyOf(known.chatTemplate) === undefined ? [] : ["tools"]),
        ...(/enable_thinking|<[^<>\s]{0,9}think|\[THINK\]|<\|channel\|>analysis/.test(template) ? ["thinking"] : [])
    ];
}

function facts(model: ServedModel): Record<string, unknown> {
    const { facts: known, id } = model;
    const digest = createHash("sha256")
        .update(`${id}\n${known?.path ?? ""}`)
        .digest("hex");
    return { size: known?.modelBytes ?? 0, digest, details: details(model) };
}

function details({ facts: known }: ServedModel): Record<string, unknown> {
    const family = known?.architecture ?? "unknown";
    return {
        parent_model: "",
        format: "gguf",
        family,
        families: [family],
        parameter_size: known === undefined ? "" : inWords(known.parameterCount),
        quantization_level: known?.quantization ?? ""
    };
}

function inWords(count: number): string {
    if (count >= 1e9) return `${(count / 1e9).toFixed(1)}B`;
    return count >= 1e6 ? `${(count / 1e6).toFixed(1)}M` : `${(count / 1e3).toFixed(1)}K`;
}

function modified({ created }: ServedModel): string {
    return new Date(1000 * created).toISOString();
}
