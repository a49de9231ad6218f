// A prompt, and what is put around it.
import { fileFlag, switchFlag, textFlag, under } from "../flag.js";
import { chatFlags } from "./chat.js";

/** Where a prompt comes from, and whether it is part of a conversation. */
export const promptFlags = under("Prompt", {
    file: fileFlag("-f, --file <file>", "take the prompt from a file, without the newline that ends it"),
    chat: switchFlag("--chat", "write the prompt out with the base model's chat template"),
    system: textFlag("--system <text>", "system message; implies --chat"),
    ...chatFlags
});

/** Of commands that take a trio's template. */
export const rawFlags = under("Prompt", { raw: switchFlag("--raw", "leave out the trio's prompt template") });
