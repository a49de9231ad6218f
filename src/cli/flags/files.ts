import { switchFlag } from "../flag.js";

/** Of commands that make a file. */
export const madeFileFlags = {
    json: switchFlag("--json", "print one JSON object about the file; errors as JSON, too")
};

/** Of commands that have something to say beside their result. */
export const quietFlag = switchFlag("-q, --quiet", "nothing on stderr but errors");
