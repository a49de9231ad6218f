import { switchFlag, under } from "../flag.js";

/** What runs in processes of their own. */
export const isolationFlags = under("Processes", {
    isolate: switchFlag("--isolate", "run llama.cpp in a process of its own"),
    learned: switchFlag(
        "--no-learned",
        "measure what drafts cost, whatever earlier loads have learned, and keep nothing"
    ),
    tryModels: switchFlag("--no-try-models", "do not try unknown models in a process of their own first")
});
