// Which trio of which catalog, and where its files go.
import { fileFlag, numberFlag, switchFlag, textFlag, under } from "../flag.js";

/** Where to look. */
export const catalogFlags = {
    catalog: fileFlag("--catalog <file>", "another catalog of trios (RAST_CATALOG)"),
    folder: fileFlag("--folder <folder>", "where models lie (RAST_MODELS, else your folder for data)")
};

/** How to fetch. */
export const fetchFlags = {
    quantization: textFlag("--quantization <type>", "of the base: Q4_K_M, Q8_0 ... (default: the catalog's)"),
    pairQuantization: textFlag("--pair-quantization <type>", "of expert and antiexpert (default: the catalog's)"),
    connections: numberFlag("--connections <integer>", "connections at once, 1 to 32 (default 8)"),
    keepCheckpoints: switchFlag("--keep-checkpoints", "keep what models were made of")
};

/** Of commands that take a trio. */
export const pullFlags = under("Models", {
    pull: switchFlag("--pull", "pull the trio of --trio first, where it is not on this disk")
});
