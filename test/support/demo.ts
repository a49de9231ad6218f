import { join } from "node:path";
import { root } from "./native.js";

const file = (name: string): string => join(root, "models", "demo", name);

/** The bundled models: three that belong together, and a second pair with the same tokenizer. */
export const demo = {
    base: file("demo-base.gguf"),
    expert: file("demo-weak-expert.gguf"),
    antiexpert: file("demo-weak-antiexpert.gguf"),
    strongExpert: file("demo-strong-expert.gguf"),
    strongAntiexpert: file("demo-strong-antiexpert.gguf")
};

/** A problem of the demo task, as the base saw it in training. */
export const prompt = "Q: 6+34+63+39?\n";
