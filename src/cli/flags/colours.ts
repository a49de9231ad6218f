import { valueFlag, wrongFlag } from "../flag.js";

/** When texts are coloured. */
export type ColourChoice = "auto" | "always" | "never";

export const colourFlag = valueFlag<ColourChoice>(
    "--color <auto|always|never>",
    "colours: on a terminal unless NO_COLOR is set (default auto)",
    (text, name) => {
        if (text === "auto" || text === "always" || text === "never") return text;
        throw wrongFlag(name, "auto, always or never", text);
    }
);
